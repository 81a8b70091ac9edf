"""What dtypes hold, and float16, which is for storage only."""

import math

import numpy as np
import pytest

import minidl
from minidl import functional as F
from minidl.errors import ArgumentError, BackendError, DTypeError

NOT_HELD = [
    (-1.0, "uint8"),
    (-1, "uint8"),
    (300.0, "uint8"),
    (2.5, "int64"),
    (math.nan, "int64"),
    (math.inf, "int32"),
    (10**30, "int64"),
    (2.0**63, "int64"),
    (2**63, "int64"),
    (2, "bool"),
    (1e39, "float32"),
    (1e5, "float16"),
    (10**400, "float64"),
]
HELD = [
    (255.0, "uint8", 255),
    (True, "int64", 1),
    (-(2**63), "int64", -(2**63)),
    (0, "bool", False),
    (0.1, "float32", float(np.float32(0.1))),
    (-math.inf, "float32", -math.inf),
    (2**70, "float32", 2.0**70),
    (np.float64(3.0), "int8", 3),
]
WRITERS = {
    "full": lambda value, dtype: minidl.full((2,), value, dtype=dtype),
    "new_full": lambda value, dtype: minidl.zeros(1).new_full((2,), value, dtype),
    "fill_": lambda value, dtype: minidl.zeros(2, dtype=dtype).fill_(value),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(("value", "dtype"), NOT_HELD)
def test_a_number_that_the_dtype_cannot_hold_is_refused(name, value, dtype):
    with pytest.raises(ArgumentError, match=f"{name}: value is .*a number that {dtype} holds"):
        WRITERS[name](value, dtype)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(("value", "dtype", "stored"), HELD)
def test_a_number_that_the_dtype_holds_is_written(name, value, dtype, stored):
    assert WRITERS[name](value, dtype).tolist() == [stored] * 2


COMPUTATIONS = {
    "sum": lambda h: h.sum(),
    "neg": lambda h: -h,
    "square": lambda h: h.square(),
    "matmul": lambda h: h @ h,
    "abs": abs,
    "clip": lambda h: h.clip(0, 1),
    "amax": lambda h: h.amax(),
    "max": lambda h: h.max(0),
    "pad": lambda h: F.pad(h, (1, 1)),
    "where": lambda h: minidl.where(h.float() > 0, h, 0.0),
    "int operand": lambda h: h * minidl.tensor([1, 2]),
    "equal": lambda h: h == h,
    "sign": lambda h: F.sign(h),
    "add_": lambda h: h.add_(1),
    "mul_": lambda h: h.mul_(h),
    "/=": lambda h: h.__itruediv__(2),
}


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_float16_is_not_computed_with(name):
    half = minidl.tensor([1.0, 2.0]).astype("float16")
    with pytest.raises(DTypeError, match=r"float16.*convert it with \.float\(\)"):
        COMPUTATIONS[name](half)
    assert half.tolist() == [1.0, 2.0]


MOVES = {
    "astype": (lambda h: h.astype("float64"), [[1.0, 2.0]]),
    "to": (lambda h: h.to("numpy"), [[1.0, 2.0]]),
    "clone": (lambda h: h.clone(), [[1.0, 2.0]]),
    "reshape": (lambda h: h.reshape(2, 1), [[1.0], [2.0]]),
    "permute": (lambda h: h.permute(1, 0), [[1.0], [2.0]]),
    "expand": (lambda h: h.expand(2, 2), [[1.0, 2.0], [1.0, 2.0]]),
    "flip": (lambda h: h.flip(1), [[2.0, 1.0]]),
    "getitem": (lambda h: h[:, [1, 1]], [[2.0, 2.0]]),
    "concatenate": (lambda h: minidl.concatenate([h, h]), [[1.0, 2.0], [1.0, 2.0]]),
    "split": (lambda h: h.split(1, 1)[1], [[2.0]]),
    "copy_": (lambda h: h.copy_(h.clone()), [[1.0, 2.0]]),
    "fill_": (lambda h: h.fill_(3), [[3.0, 3.0]]),
}


@pytest.mark.parametrize("name", MOVES)
def test_float16_can_be_stored_moved_and_cast(name):
    move, expected = MOVES[name]
    assert move(minidl.tensor([[1.0, 2.0]], dtype="float16")).tolist() == expected


@pytest.mark.parametrize("dtype", ["complex64", "uint64", "uint16"])
def test_from_dlpack_takes_the_dtypes_that_minidl_has(dtype):
    with pytest.raises(DTypeError, match=f"from_dlpack: dtype is .*{dtype}"):
        minidl.from_dlpack(np.ones(2, dtype))


def test_from_dlpack_of_a_dtype_that_numpy_lacks_is_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(DTypeError, match="from_dlpack: "):
        minidl.from_dlpack(torch.ones(2, dtype=torch.bfloat16))


def test_a_tensor_without_data_is_not_exported():
    x = minidl.zeros(2, backend="meta")
    for export in (x.__dlpack__, x.__dlpack_device__):
        with pytest.raises(BackendError, match="'meta' has no values to share"):
            export()
