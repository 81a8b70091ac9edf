"""Broken and malicious files of torch.save: each is refused, saying what is wrong with it."""

import io
import pickle
import struct
import tracemalloc
import zipfile

import pytest
from interop.torch_files import (
    BYTES,
    HOOKS,
    archive,
    call,
    group,
    header,
    integer,
    integers,
    legacy,
    name,
    program,
    state,
    storage,
    tensor,
    text,
)

import minidl
from minidl.errors import DataError
from minidl.interop.torch_file import is_torch_file

HUGE = 1 << 62
WRITES_A_FILE = call("builtins.exec", text("open('executed', 'w')"))
VIEW = group(text("v"), integer(4), integer(3))

# ------------------------------------------------------------ wrong in the pickle, in any format

VALUES = {
    # what a pickle may name, and what not
    "executes code": (WRITES_A_FILE, "wants to call builtins.exec"),
    "runs a command": (call("os.system", text("touch executed")), "wants to call os.system"),
    "runs a command by another name": (
        call("torch.nn.modules.os.system", text("touch executed")),
        "wants to call torch.nn.modules.os.system",
    ),
    "a whole model": (call("torch.nn.modules.linear.Linear"), r"torch.save\(model.state_dict"),
    "a model of one's own": (call("__main__.Net"), r"torch.save\(model.state_dict"),
    "loads another file": (call("torch.load", text("other")), "wants to call torch.load"),
    "arguments of a script": (call("argparse.Namespace"), "wants to call argparse.Namespace"),
    "complex numbers": (tensor(stored=storage(kind="torch.ComplexFloatStorage")), "save the real"),
    "quantised": (call("torch._utils._rebuild_qtensor"), r"dequantize\(\)"),
    "quantised storage": (storage(kind="torch.QInt8Storage"), r"dequantize\(\)"),
    "sparse": (call("torch._utils._rebuild_sparse_tensor"), r"to_dense\(\)"),
    "a dtype of 8 bits": (state(x=name("torch.float8_e5m2")), r"tensor.float\(\)"),
    "untyped": (storage(kind="torch.storage.UntypedStorage"), "save plain tensors"),
    "a storage is called": (call("torch.FloatStorage", integer(HUGE)), "isn't to be called"),
    "a class as a value": (state(x=name("torch.FloatStorage")), "stands in it as a value"),
    "a bare storage": (state(x=storage()), "bare storage"),
    # views of storages
    "beyond the storage": (tensor((2, 4)), "needs 8 elements of storage '0', which has 6"),
    "offset beyond": (tensor((1,), offset=6), "needs 7 elements"),
    "offset beyond, without elements": (tensor((0,), offset=7), "needs 7 elements"),
    "stride beyond": (tensor((2, 2), steps=(5, 1)), "needs 7 elements"),
    "huge stride": (tensor((2, 2), steps=(HUGE, 1)), "which has 6"),
    "huge offset": (tensor((2, 2), offset=HUGE), "which has 6"),
    "negative stride": (tensor((2, 2), steps=(-1, 1)), "stride or offset of -1"),
    "negative offset": (tensor((2, 2), offset=-1), "offset of -1"),
    "negative size": (tensor((-2, 3)), "size, stride or offset of -"),
    "size of many bits": (tensor((1 << 100,), steps=(1,)), "a size, stride or offset of 1267"),
    "one number repeated without end": (tensor((HUGE,), steps=(0,)), "too large|many times"),
    "a million numbers out of one": (tensor((1 << 20,), steps=(0,)), "many times the file's"),
    "overflowing and empty": (tensor((0, HUGE, HUGE), steps=(1, 1, 1)), "too large"),
    "more strides than sizes": (tensor((2, 3), steps=(3, 1, 1)), "2 sizes and 3 strides"),
    "too many dimensions": (tensor((1,) * 65, steps=(1,) * 65), "65 sizes"),
    "shape that is no tuple": (
        call("torch._utils._rebuild_tensor", storage(), integer(0), integer(6), integers((1,))),
        "no tuple",
    ),
    "a view of a number": (tensor(stored=integer(5)), "a view of a int"),
    "conjugate": (tensor(more=(state(conj=pickle.NEWTRUE),)), "negated or conjugate"),
    "a parameter of text": (call("torch._utils._rebuild_parameter", text("x")), "no tensor"),
    "too few arguments": (call("torch._utils._rebuild_tensor_v2", storage()), "_rebuild_tensor_v2"),
    "the same storage many times": (
        group(*(tensor((1, 200_000), steps=(0, 0), offset=i) for i in range(6))),
        "many times the file's",
    ),
    # references to storages
    "more elements than bytes": (tensor(stored=storage(size=7)), "28|7"),
    "more bytes than the file": (tensor(stored=storage(size=1 << 40)), "more bytes than the file"),
    "storage of negative size": (tensor(stored=storage(size=-6)), "offset of -6"),
    "two descriptions": (
        state(x=tensor(), y=tensor(stored=storage(kind="torch.IntStorage"))),
        "described in two ways",
    ),
    "unknown key": (tensor(stored=storage(key="../../etc/passwd")), "lacks|other ones"),
    "no storage": (group(text("module"), text("x")) + pickle.BINPERSID, "no tuple of 5 or 6"),
    "reference by text": (pickle.PERSID + b"0\n", "no tuple of 5 or 6"),
    "another tag": (
        group(*map(text, ("module", "a", "b", "c", "d"))) + pickle.BINPERSID,
        "isn't to a storage",
    ),
    "of another thing": (tensor(stored=storage(kind="torch.Size")), "torch.Size is no storage"),
    "key that is a number": (
        group(text("storage"), name("torch.FloatStorage"), integer(0), text("cpu"), integer(6))
        + pickle.BINPERSID,
        "no text",
    ),
    "a view beyond the storage": (
        tensor(stored=storage("0", 6, "torch.FloatStorage", VIEW)),
        "beyond the end of storage",
    ),
    # containers
    "contains itself": (pickle.EMPTY_LIST + b"q\x00h\x00a", "contains itself"),
    "deep": (pickle.EMPTY_LIST * 200 + pickle.APPEND * 199, "nested deeper"),
    "a tensor as a key": (pickle.EMPTY_DICT + tensor() + integer(1) + pickle.SETITEM, "as a key"),
    "a set of tensors": (
        call("builtins.set", pickle.EMPTY_LIST + tensor() + pickle.APPEND),
        "as a key",
    ),
    "breaks off": (pickle.BINUNICODE + struct.pack("<I", 1 << 31), "breaks off"),
    "bad attributes": (HOOKS + integer(3) + pickle.BUILD, "attributes"),
}

# --------------------------------------------------------------------------------- the archive


def patched(content, at, layout, value):
    field = struct.pack(layout, value)
    return content[:at] + field + content[at + len(field) :]


GOOD = archive(state(x=tensor()))
DIRECTORY = GOOD.index(b"PK\x01\x02")
END = GOOD.index(b"PK\x05\x06")
NUMBERS_AT = GOOD.index(BYTES)


def directory_entry(member):
    """Where the directory describes a member."""
    return GOOD.rindex(b"PK\x01\x02", 0, GOOD.rindex(member))


def zipped(**options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as made:
        made.writestr("archive/data.pkl", program(state()))
    return buffer.getvalue()


PACKED_ZEROS = archive(state(), {}, bomb=bytes(1 << 22), compression=zipfile.ZIP_DEFLATED)
ENTRY = directory_entry(b"data/0")
ARCHIVES = {
    "truncated": (GOOD[:-30], "truncated or damaged"),
    "cut in the middle": (GOOD[: len(GOOD) // 2], "truncated or damaged"),
    "only its signature": (b"PK\x03\x04", "truncated or damaged"),
    "directory elsewhere": (patched(GOOD, END + 16, "<I", 5), "damaged|its archive begins at byte"),
    "directory of 4 GiB": (patched(GOOD, END + 12, "<I", 0xFFFFFFF0), "damaged|truncated"),
    "more entries than there are": (patched(GOOD, DIRECTORY, "<I", 0), "damaged|truncated"),
    "an archive behind another": (GOOD + GOOD, f"begins at byte {len(GOOD)}, not at the file's"),
    "an archive behind members": (GOOD[:DIRECTORY] + GOOD, f"archive begins at byte {DIRECTORY},"),
    "bytes behind": (GOOD + bytes(1000), "bytes follow after its archive's end"),
    "a comment": (patched(GOOD, len(GOOD) - 2, "<H", 1) + b"x", "bytes follow after its archive"),
    "compressed": (PACKED_ZEROS, "is compressed"),
    "bzip2": (zipped(compression=zipfile.ZIP_BZIP2), "is compressed"),
    "size of 4 GB": (
        patched(patched(GOOD, ENTRY + 20, "<I", 0xFFFFFFF0), ENTRY + 24, "<I", 0xFFFFFFF0),
        "beyond the file's end",
    ),
    "size that its header denies": (
        patched(patched(GOOD, ENTRY + 20, "<I", 40), ENTRY + 24, "<I", 40),
        "its pickle says 24|overlaps|beyond",
    ),
    "changed number": (patched(GOOD, NUMBERS_AT, "<f", 2.0), "CRC-32"),
    "changed checksum": (patched(GOOD, ENTRY + 16, "<I", 1), "CRC-32"),
    "encrypted": (patched(GOOD, ENTRY + 8, "<H", 1), "encrypted"),
    "overlapping": (patched(GOOD, ENTRY + 42, "<I", 0), "overlaps"),
    "header elsewhere": (patched(GOOD, ENTRY + 42, "<I", DIRECTORY), "beyond|overlaps|damaged"),
    "another name in its header": (
        GOOD.replace(b"archive/data/0", b"archive/data/1", 1),
        "damaged|differ",
    ),
    "twice the same name": (
        archive(state(x=tensor()), extra=[("archive/data.pkX", program(state()))]).replace(
            b"data.pkX", b"data.pkl"
        ),
        "stands twice",
    ),
    "two folders": (archive(state(), extra=[("other/data.pkl", b"")]), "2 folders"),
    "no folder": (archive(state(), extra=[("data.pkl", b"")]), "not one folder"),
    "upwards": (archive(state(), extra=[("archive/../../x", b"")]), "leads elsewhere"),
    "absolute": (archive(state(), folder="/etc"), "leads elsewhere|folders"),
    "backslashes": (archive(state(), extra=[("archive/..\\x", b"")]), "leads elsewhere"),
    "without storage": (archive(state(x=tensor()), {}), "lacks 'data/0'"),
    "short storage": (archive(state(x=tensor()), {"0": BYTES[:20]}), "20 bytes, its pickle says"),
    "long storage": (archive(state(x=tensor()), {"0": BYTES * 2}), "48 bytes, its pickle says 24"),
    "no pickle": (archive(None), "lacks data.pkl"),
    "arrays of NumPy": (archive(None, {}, **{"x.npy": b""}), "lacks data.pkl"),
    "TorchScript": (archive(state(), **{"constants.pkl": b""}), "TorchScript"),
    "byte order": (archive(state(), byteorder=b"middle"), "byte order"),
    "long byte order": (archive(state(), byteorder=b"little" * 9), "more than 10"),
    "bytes behind the pickle": (archive(None, **{"data.pkl": program(state()) + b"x"}), "follow"),
    "empty pickle": (archive(None, **{"data.pkl": b""}), "breaks off"),
    "boolean of 2": (
        archive(
            state(x=tensor((4,), stored=storage("0", 4, "torch.BoolStorage"))),
            {"0": b"\0\1\2\1"},
        ),
        "other bytes than 0 and 1",
    ),
}

# --------------------------------------------------------------------------- the older format

WHOLE = legacy(state(x=tensor()))
TAR = bytes(257) + b"ustar\x0000" + bytes(300)
LEGACY = {
    "truncated": (WHOLE[:-1], "breaks off within storage '0'"),
    "without storages": (WHOLE[:-32], "breaks off within storage '0'"),
    "cut in the count": (WHOLE[:-28], "breaks off within storage '0'"),
    "cut in the list": (WHOLE[:-34], "breaks off"),
    "cut in the pickle": (WHOLE[: len(header()) + 40], "breaks off"),
    "cut in the header": (WHOLE[:20], "breaks off"),
    "bytes behind": (WHOLE + b"x", "bytes follow"),
    "another magic number": (header(magic=1) + WHOLE[len(header()) :], "didn't write it"),
    "another version": (header(version=1002) + WHOLE[len(header()) :], "version is 1002"),
    "no table of the system": (header(system=[1]) + WHOLE[len(header()) :], "no table"),
    "count too large": (legacy(state(x=tensor()), counts={"0": 7}), "has 7 elements"),
    "count too small": (legacy(state(x=tensor()), counts={"0": 5}), "has 5 elements"),
    "count negative": (legacy(state(x=tensor()), counts={"0": -1}), "elements, its pickle says 6"),
    "key of another": (legacy(state(x=tensor()), keys=["1"]), "other ones"),
    "key too many": (legacy(state(x=tensor()), keys=["0", "1"]), "other ones"),
    "key twice": (legacy(state(x=tensor()), keys=["0", "0"]), "other ones"),
    "keys missing": (legacy(state(x=tensor()), {}, keys=[]), "other ones"),
    "keys that are no list": (legacy(state(x=tensor()), keys="0"), "no list of keys"),
    "keys that execute": (
        header() + program(state()) + program(WRITES_A_FILE),
        "wants to call builtins.exec",
    ),
    "a header that executes": (
        program(WRITES_A_FILE) + header(),
        "wants to call builtins.exec",
    ),
    "tar": (TAR, "tar format of PyTorch before 0.1.10"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
    "gzip": (b"\x1f\x8b" + bytes(100), "packed by gzip"),
    "npy": (b"\x93NUMPY" + bytes(100), "numpy.load"),
}

CASES = {
    **{f"zip: {key}": (archive(value), message) for key, (value, message) in VALUES.items()},
    **{f"legacy: {key}": (legacy(value), message) for key, (value, message) in VALUES.items()},
    **{f"archive: {key}": case for key, case in ARCHIVES.items()},
    **{f"older format: {key}": case for key, case in LEGACY.items()},
}


@pytest.mark.parametrize("case", CASES)
def test_is_refused_by_name_and_executes_nothing(tmp_path, monkeypatch, case):
    content, message = CASES[case]
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    assert is_torch_file(path)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=message) as caught:
            minidl.load(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 600
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.pth"]
    assert peak < 4 * len(content) + (1 << 23)
