"""Files of torch.save put together by hand, whole or broken on purpose: no PyTorch needed.

legacy(state(tensor("0", (2, 3))), {"0": FloatBytes})
archive(state(tensor("0", (2, 3))), {"0": FloatBytes})
"""

import io
import pickle
import struct
import zipfile

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
NUMBERS = np.arange(6, dtype="<f4")
BYTES = NUMBERS.tobytes()

# ------------------------------------------------------------------------ pieces of a pickle


def text(value):
    content = value.encode()
    return pickle.BINUNICODE + struct.pack("<I", len(content)) + content


def integer(value):
    return pickle.LONG + str(value).encode() + b"L\n"


def group(*parts):
    return pickle.MARK + b"".join(parts) + pickle.TUPLE


def integers(values):
    return group(*map(integer, values))


def name(dotted):
    module, _, attribute = dotted.rpartition(".")
    return pickle.GLOBAL + f"{module}\n{attribute}\n".encode()


def call(dotted, *arguments):
    return name(dotted) + group(*arguments) + pickle.REDUCE


def storage(key="0", size=6, kind="torch.FloatStorage", *more):
    parts = (text("storage"), name(kind), text(key), text("cpu"), integer(size), *more)
    return group(*parts) + pickle.BINPERSID


def strides(shape):
    return tuple(int(np.prod(shape[i + 1 :])) for i in range(len(shape)))


HOOKS = call("collections.OrderedDict")


def tensor(shape=(2, 3), offset=0, steps=None, stored=None, more=()):
    return call(
        "torch._utils._rebuild_tensor_v2",
        storage() if stored is None else stored,
        integer(offset),
        integers(shape),
        integers(strides(shape) if steps is None else steps),
        pickle.NEWFALSE,
        HOOKS,
        *more,
    )


def program(value):
    """A whole pickle of a value given as pieces."""
    return pickle.PROTO + b"\x02" + value + pickle.STOP


def state(**values):
    """A dict, of pieces by name."""
    items = b"".join(text(key) + value for key, value in values.items())
    return pickle.EMPTY_DICT + pickle.MARK + items + pickle.SETITEMS


# --------------------------------------------------------------------------------- files


def header(magic=MAGIC, version=1001, system=None):
    system = {"protocol_version": 1001, "little_endian": True} if system is None else system
    return b"".join(pickle.dumps(part, 2) for part in (magic, version, system))


def legacy(value, storages=None, keys=None, counts=None):
    """The older format; `storages` are float32 numbers' bytes by key."""
    storages = {"0": BYTES} if storages is None else storages
    content = header() + program(value) + pickle.dumps(keys or list(storages), 2)
    for key, numbers in storages.items():
        count = (counts or {}).get(key, len(numbers) // 4)
        content += struct.pack("<q", count) + numbers
    return content


def archive(value=None, storages=None, folder="archive", extra=(), compression=0, **members):
    """The zip format; `members` replaces or adds what isn't storages, `extra` is (name, bytes)."""
    storages = {"0": BYTES} if storages is None else storages
    content = {"version": b"3\n", "byteorder": b"little", **members}
    if value is not None:
        content["data.pkl"] = program(value)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as made:
        for member, data in content.items():
            made.writestr(f"{folder}/{member}", data)
        for key, numbers in storages.items():
            made.writestr(f"{folder}/data/{key}", numbers)
        for member, data in extra:
            made.writestr(member, data)
    return buffer.getvalue()
