"""Files of torch.save, put together by hand, are read as PyTorch would read them."""

import pickle

import numpy as np
import pytest
from interop.torch_files import (
    BYTES,
    HOOKS,
    NUMBERS,
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
from minidl.errors import ArgumentError, DataError, DTypeError
from minidl.interop.torch_file import is_torch_file, read_torch
from minidl.interop.torch_write import write_torch

FORMATS = {"zip": archive, "legacy": legacy}
MATRIX = NUMBERS.reshape(2, 3)


@pytest.fixture(params=FORMATS)
def read(request, tmp_path):
    """A value given as pieces of a pickle → what is read of it, in either format."""

    def written_and_read(value, *more, **options):
        path = tmp_path / "made.pth"
        path.write_bytes(FORMATS[request.param](value, *more, **options))
        assert is_torch_file(path)
        return read_torch(path)

    return written_and_read


def same(array, expected):
    assert isinstance(array, np.ndarray)
    assert (array.shape, array.dtype) == (expected.shape, expected.dtype)
    assert array.tobytes() == expected.tobytes()


def test_a_tensor_is_a_view_of_its_storage(read):
    same(read(state(x=tensor()))["x"], MATRIX)
    same(read(state(x=tensor((3, 2), steps=(1, 3))))["x"], np.ascontiguousarray(MATRIX.T))
    same(read(state(x=tensor((2, 2), offset=1, steps=(3, 1))))["x"], MATRIX[:, 1:].copy())
    same(read(state(x=tensor((), offset=4)))["x"], np.array(4, np.float32))
    same(read(state(x=tensor((2, 4), steps=(0, 0))))["x"], np.zeros((2, 4), np.float32))
    same(read(state(x=tensor((2, 3, 2), steps=(2, 1, 1))))["x"],
         np.array([[[0, 1], [1, 2], [2, 3]], [[2, 3], [3, 4], [4, 5]]], np.float32))  # fmt: skip


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0), (5, 0, 7)])
def test_empty_tensors(read, shape):
    same(read(state(x=tensor(shape)))["x"], np.zeros(shape, np.float32))
    at_the_end = read(state(x=tensor(shape, offset=6)))["x"]
    same(at_the_end, np.zeros(shape, np.float32))


def test_tensors_share_a_storage(read):
    both = read(state(x=tensor(), y=tensor((3,), offset=3), z=tensor()))
    same(both["x"], MATRIX)
    same(both["y"], MATRIX[1].copy())
    assert not np.shares_memory(both["x"], both["y"])
    same(both["z"], MATRIX)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("FloatStorage", "f4"),
        ("DoubleStorage", "f8"),
        ("HalfStorage", "f2"),
        ("LongStorage", "i8"),
        ("IntStorage", "i4"),
        ("ShortStorage", "i2"),
        ("CharStorage", "i1"),
        ("ByteStorage", "u1"),
        ("BoolStorage", "?"),
    ],
)
@pytest.mark.parametrize("module", ["torch", "torch.cuda"])
def test_dtypes(tmp_path, module, kind, dtype):
    numbers = np.array([0, 1, 1, 0], dtype)
    stored = storage("7", 4, f"{module}.{kind}")
    made = archive(state(x=tensor((4,), stored=stored)), {"7": numbers.tobytes()})
    (tmp_path / "x").write_bytes(made)
    same(read_torch(tmp_path / "x")["x"], numbers)


def test_bfloat16_becomes_float32_of_the_same_value(tmp_path):
    values = np.array([1.0, -2.5, 0.0, np.inf], np.float32)
    upper = (values.view("<u4") >> 16).astype("<u2")
    value = tensor((4,), stored=storage("0", 4, "torch.BFloat16Storage"))
    (tmp_path / "x").write_bytes(archive(state(x=value), {"0": upper.tobytes()}))
    same(read_torch(tmp_path / "x")["x"], values)


def test_big_endian_archives(tmp_path):
    swapped = NUMBERS.astype(">f4").tobytes()
    (tmp_path / "x").write_bytes(archive(state(x=tensor()), {"0": swapped}, byteorder=b"big"))
    same(read_torch(tmp_path / "x")["x"], MATRIX)


def test_archives_before_pytorch_2_name_no_byte_order_and_any_folder_is_right(tmp_path):
    made = archive(state(x=tensor()), folder="resnet18-best 3")
    assert made.count(b"byteorder") == 2
    (tmp_path / "x").write_bytes(made)
    same(read_torch(tmp_path / "x")["x"], MATRIX)
    made = made.replace(b"byteorder", b"something")
    (tmp_path / "x").write_bytes(made)
    same(read_torch(tmp_path / "x")["x"], MATRIX)


def test_containers_and_plain_values_around_tensors_are_kept(read):
    value = state(
        epoch=integer(90),
        nested=state(deep=group(tensor(), pickle.NONE, text("name"))),
        size=call("torch.Size", integers((2, 3))),
        device=call("torch.device", text("cuda"), integer(1)),
        dtype=name("torch.float32"),
    )
    found = read(value)
    assert (found["epoch"], found["size"], found["device"]) == (90, (2, 3), "cuda:1")
    assert found["dtype"] == np.float32
    array, *rest = found["nested"]["deep"]
    same(array, MATRIX)
    assert rest == [None, "name"]


def test_parameters_of_all_ages(read):
    old = call(
        "torch._utils._rebuild_tensor", storage(), integer(0), integers((6,)), integers((1,))
    )
    older = call("torch.nn.parameter.Parameter", old)
    older += group(pickle.NEWTRUE, pickle.NEWFALSE, HOOKS) + pickle.BUILD
    new = call("torch._utils._rebuild_parameter", tensor((6,)), pickle.NEWTRUE, HOOKS)
    found = read(state(old=old, older=older, new=new))
    for key in ("old", "older", "new"):
        same(found[key], NUMBERS)


def test_views_of_storages_as_before_pytorch_0_4(read):
    view = group(text("a view"), integer(2), integer(3))
    stored = storage("0", 6, "torch.FloatStorage", view)
    same(read(state(x=tensor((2,), offset=1, stored=stored)))["x"], NUMBERS[3:5])
    with pytest.raises(DataError, match="needs 4 elements of storage '0', which has 3"):
        read(state(x=tensor((3,), offset=1, stored=stored)))


def test_protocols_zero_and_one_are_recognised(tmp_path):
    for protocol in (0, 1, 2, 4):
        parts = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {"x": [1, 2.5]}, [])
        (tmp_path / "x").write_bytes(b"".join(pickle.dumps(part, protocol) for part in parts))
        assert is_torch_file(tmp_path / "x")
        assert read_torch(tmp_path / "x") == {"x": [1, 2.5]}


def test_load_makes_tensors_at_all_levels(tmp_path):
    (tmp_path / "x.pth").write_bytes(archive(state(model=state(w=tensor()), epoch=integer(3))))
    loaded = minidl.load(tmp_path / "x.pth")
    assert loaded["epoch"] == 3
    assert isinstance(loaded["model"]["w"], minidl.Tensor)
    same(loaded["model"]["w"].numpy(), MATRIX)


# ------------------------------------------------------------------------------- writing


def test_what_is_saved_as_pth_comes_back(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "a.weight": rng.normal(size=(2, 3, 4)).astype(np.float32),
        "transposed": rng.normal(size=(3, 4)).T,
        "empty": np.zeros((0, 3), np.float16),
        "scalar": np.array(7),
        "flags": np.array([True, False]),
        "swapped": np.arange(3, dtype=">i4"),
        "bytes ä": np.arange(5, dtype=np.uint8),
    }
    minidl.save(arrays, tmp_path / "x.pth")
    found = minidl.load(tmp_path / "x.pth")
    assert list(found) == list(arrays)
    for key, array in arrays.items():
        same(found[key].numpy(), array.astype(array.dtype.newbyteorder("="), order="C"))
    first = (tmp_path / "x.pth").read_bytes()
    minidl.save(arrays, tmp_path / "x.pth")
    assert (tmp_path / "x.pth").read_bytes() == first


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ({"x": np.zeros(2, complex)}, DTypeError, "complex128"),
        ({"x": np.array(["a"])}, DTypeError, "the dtype of x"),
        ({"": np.zeros(2)}, ArgumentError, "a name"),
        ({3: np.zeros(2)}, ArgumentError, "a name"),
        ({"\ud800": np.zeros(2)}, ArgumentError, "a name"),
    ],
)
def test_what_the_format_has_no_place_for_is_refused(tmp_path, arrays, error, message):
    with pytest.raises(error, match=message):
        write_torch(tmp_path / "x.pth", arrays)
    assert not (tmp_path / "x.pth").exists()


def test_a_pickle_of_somebody_elses_is_no_checkpoint(tmp_path):
    (tmp_path / "x").write_bytes(pickle.dumps([1, 2], 4))
    with pytest.raises(DataError, match=r"torch.save didn't write it"):
        minidl.load(tmp_path / "x")
    assert header() + program(state()) + pickle.dumps([], 2) == legacy(state(), {})
    assert len(BYTES) == 24
