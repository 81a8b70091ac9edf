"""What a tensor is: dtype rules, indexing, representations, Python's protocols."""

import numpy as np
import pytest

import minidl
from minidl.errors import ArgumentError, DTypeError, OutOfRangeError, ShapeError

# ------------------------------------------------------------------------------ dtype rules

F32, F64, I64, I32, U8, B = (
    minidl.ones(2, dtype=d) for d in ("float32", "float64", "int64", "int32", "uint8", "bool")
)

PROMOTIONS = [
    (lambda: F32 + 1.5, "float32"),
    (lambda: F64 + 1, "float64"),
    (lambda: F32 * np.float64(1.5), "float32"),  # NumPy's scalars are weak too
    (lambda: np.float64(1.5) * F32, "float32"),
    (lambda: F32 * np.int64(3), "float32"),
    (lambda: F32 + np.bool_(True), "float32"),
    (lambda: I64 + 1, "int64"),
    (lambda: I32 + 1, "int32"),
    (lambda: I64 * 1.5, "float32"),
    (lambda: 1.5 - I32, "float32"),
    (lambda: I64 / I64, "float32"),
    (lambda: I64 / 2, "float32"),
    (lambda: 1 / I64, "float32"),
    (lambda: B / 2, "float32"),
    (lambda: F64 / I64, "float64"),
    (lambda: F64 + I64, "float64"),
    (lambda: U8 + F32, "float32"),
    (lambda: I32 + I64, "int64"),
    (lambda: U8 + I32, "int32"),
    (lambda: B + I32, "int32"),
    (lambda: B + B, "bool"),
    (lambda: B * F32, "float32"),
    (lambda: B + 1, "int64"),
    (lambda: B + 1.0, "float32"),
    (lambda: I64**2, "int64"),
    (lambda: I64**0.5, "float32"),
    (lambda: 2.0**I64, "float32"),
    (lambda: F32 > 1, "bool"),
    (lambda: I64.sum(), "int64"),
    (lambda: U8.sum(), "int64"),
    (lambda: B.sum(), "int64"),
    (lambda: I32.sum(0), "int64"),
    (lambda: F32.sum(), "float32"),
    (lambda: minidl.where(B, 1, 0), "int64"),
    (lambda: minidl.where(B, 1, 0.5), "float32"),
    (lambda: minidl.where(B, F64, 0), "float64"),
    (lambda: I64.clip(0, 1), "int64"),
    (lambda: I64.clip(0.5, 1), "float32"),
    (lambda: minidl.arange(3), "int64"),
    (lambda: minidl.arange(np.int64(3)), "int64"),
    (lambda: minidl.arange(0, 1, 0.5), "float32"),
    (lambda: minidl.zeros(2, dtype=None), "float32"),
    (lambda: F64.argmax(), "int64"),
    (lambda: F64.new_zeros(2), "float64"),
]


@pytest.mark.parametrize(("compute", "dtype"), PROMOTIONS)
@pytest.mark.parametrize("backend", ["numpy", "meta"])
def test_result_dtype(compute, dtype, backend, monkeypatch):
    for name in ("F32", "F64", "I64", "I32", "U8", "B"):
        monkeypatch.setitem(globals(), name, globals()[name].to(backend))
    assert compute().dtype == dtype


@pytest.mark.parametrize(
    "compute",
    [
        lambda: F32 + F64,
        lambda: F32 @ F64,
        lambda: F32 + np.ones(2),
        lambda: minidl.concatenate([F32, F64]),
        lambda: minidl.einsum("i,i->", F32, F64),
        lambda: F32 == F64,
    ],
)
def test_float32_and_float64_do_not_mix(compute):
    with pytest.raises(DTypeError, match="float"):
        compute()


@pytest.mark.parametrize(
    "compute",
    [lambda h: h + 1, lambda h: h * h, lambda h: h.exp(), lambda h: h @ h, lambda h: h > F32],
)
def test_float16_is_for_storage_only(compute):
    half = F32.to("float16")
    assert half.float().dtype == "float32"
    with pytest.raises(DTypeError, match="float16"):
        compute(half)


# --------------------------------------------------------------------------------- indexing


def numbered(*shape):
    return np.arange(float(np.prod(shape))).reshape(shape)


KEYS = [
    0,
    -1,
    np.int64(1),
    (0, 1),
    slice(None, None, -1),
    (slice(1, None), slice(None, 2)),
    None,
    ...,
    (..., 0),
    (None, 1, None, slice(0, 3, 2)),
    [0, 2, 0],
    ([0, 1], [1, 2]),
    ([0, 1], slice(None), None),
    np.array([[0, 1], [2, 2]]),
    np.array([True, False, True]),
    (slice(None), np.array([True, False, True, False])),
    [],
    True,
    [True, False, True],
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_indexing_is_numpys(key):
    array = numbered(3, 4)
    x = minidl.tensor(array, requires_grad=True)
    y = x[key]
    numpy_key = np.array([], int) if isinstance(key, list) and not key else key
    np.testing.assert_array_equal(y.detach().numpy(), array[numpy_key])
    y.sum().backward()
    counts = np.zeros_like(array)
    np.add.at(counts, numpy_key, 1.0)
    np.testing.assert_array_equal(x.grad.numpy(), counts)


def test_tensors_as_indices():
    x = minidl.arange(5)
    assert x[minidl.tensor([4, 0])].tolist() == [4, 0]
    assert x[x > 2].tolist() == [3, 4]
    assert x[minidl.tensor(2)].item() == 2
    assert x[minidl.tensor(1) : minidl.tensor(3)].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (
            5,
            OutOfRangeError,
            "index 5 is out of bounds for axis 0 with size 3 (x has shape (3, 4))",
        ),
        ((0, 0, 0), OutOfRangeError, "too many indices"),
        ([0, 7], OutOfRangeError, "out of bounds"),
        (([0, 1], [0, 1, 2]), OutOfRangeError, "could not be broadcast"),
        (np.array([True, False]), OutOfRangeError, "boolean index did not match"),
        ((..., ...), OutOfRangeError, "single ellipsis"),
        (1.5, DTypeError, "the index is 1.5, expected ints, slices or arrays"),
        ("a", DTypeError, "the index is 'a'"),
        ([0.5], DTypeError, "the index's dtype is float64, expected int64 or bool"),
        ([[0], [1, 2]], ShapeError, "the index is [[0], [1, 2]], expected lists of one length"),
        (slice(None, None, 0), ArgumentError, "the slice's step is 0"),
        (slice("a", None), DTypeError, "a slice's bound is 'a'"),
        (slice(0.5), DTypeError, "a slice's bound is 0.5"),
    ],
)
def test_indexing_errors(key, error, message):
    with pytest.raises(error) as caught:
        minidl.ones(3, 4)[key]
    assert message in str(caught.value)


def test_iteration_stops_and_unpacks():
    a, b = minidl.tensor([[1.0], [2.0]])
    assert (a.item(), b.item()) == (1.0, 2.0)
    assert [row.tolist() for row in minidl.ones(2, 1)] == [[1.0], [1.0]]


def test_membership_looks_at_the_values():
    x = minidl.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert 3.0 in x
    assert 5.0 not in x


# ---------------------------------------------------------------------- Python's protocols


def test_numbers():
    x = minidl.tensor([[2.5]])
    assert (float(x), int(x), bool(x), x.item()) == (2.5, 2, True, 2.5)
    assert type(minidl.tensor(3).item()) is int
    assert type(minidl.tensor(True).item()) is bool
    assert list(range(minidl.tensor(3))) == [0, 1, 2]
    assert f"{x:.3f}" == "2.500"
    assert len(minidl.ones(4, 2)) == 4
    assert minidl.ones(2, 3).numel() == 6


def test_size_is_the_shape_or_one_length_of_it() -> None:
    x = minidl.ones(2, 3)
    assert x.size() == (2, 3)
    assert x.size(0) == 2
    assert x.size(-1) == 3
    with pytest.raises(ArgumentError, match="size: dim is 2, expected between -2 and 1"):
        x.size(2)
    assert minidl.ones(2, 3).dim() == 2


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda x: bool(x), ShapeError, "bool: a tensor of shape (2,) is neither true nor false"),
        (lambda x: float(x), ShapeError, "item: the tensor has 2 elements (shape (2,))"),
        (lambda x: f"{x:.2f}", ShapeError, "item: the tensor has 2 elements"),
        (lambda x: range(x[0]), DTypeError, "index: a tensor of dtype float32 can't be an index"),
        (lambda x: len(x[0]), ShapeError, "len: a zero-dimensional tensor has no length"),
        (lambda x: list(x[0]), ShapeError, "zero-dimensional"),
        (lambda x: x == [1.0], DTypeError, "operand is a list"),
        (lambda x: x + "a", DTypeError, "add: operand is a str, expected a Tensor"),
        (lambda x: [1.0, 2.0] * x, DTypeError, "mul: operand is a list, expected a Tensor"),
        (lambda x: x * 1j, DTypeError, "mul: operand is a complex"),
        (lambda x: x * np.complex64(1j), DTypeError, "mul: operand is a complex"),
        (lambda x: x + np.array(["a", "b"]), DTypeError, "dtype is dtype('<U1')"),
        (lambda x: minidl.Tensor(), TypeError, "Make tensors with minidl.tensor(data)"),
    ],
)
def test_protocol_errors(act, error, message):
    with pytest.raises(error) as caught:
        act(minidl.ones(2))
    assert message in str(caught.value)


def test_conditions_combine_and_numbers_do_not():
    a, b = minidl.tensor([True, True, False]), minidl.tensor([True, False, False])
    assert (a & b).tolist() == [True, False, False]
    assert (True & b | ~a).tolist() == [True, False, True]
    for act in (lambda: minidl.tensor([3]) & 1, lambda: ~minidl.tensor([3]), lambda: a | 1):
        with pytest.raises(DTypeError, match=r"expected bool\. Compare it with something first"):
            act()


def test_tensors_hash_by_identity():
    x, y = minidl.ones(1), minidl.ones(1)
    assert len({x, y, x}) == 2


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: minidl.tensor([1.0, 2.5]), "tensor([1. , 2.5])"),
        (lambda: minidl.tensor(3), "tensor(3)"),
        (lambda: minidl.tensor([True]), "tensor([ True])"),
        (lambda: minidl.tensor([1.0], dtype="float64"), "tensor([1.], dtype=float64)"),
        (lambda: minidl.tensor([1], dtype="uint8"), "tensor([1], dtype=uint8)"),
        (lambda: minidl.ones(1, requires_grad=True), "tensor([1.], requires_grad=True)"),
        (lambda: minidl.ones(1, requires_grad=True) + 1, "tensor([2.], grad_fn=<Add>)"),
        (lambda: minidl.zeros(0), "tensor([])"),
        (lambda: minidl.zeros(0, 3), "tensor([], shape=(0, 3))"),
        (lambda: minidl.ones(2, 2), "tensor([[1., 1.],\n        [1., 1.]])"),
        (
            lambda: minidl.zeros(2, 3, backend="meta"),
            "tensor(shape=(2, 3), dtype=float32, backend='meta')",
        ),
        (
            lambda: minidl.nn.Parameter(minidl.ones(1)),
            "Parameter containing:\ntensor([1.], requires_grad=True)",
        ),
    ],
)
def test_repr(make, text):
    assert repr(make()) == text
    assert f"{make()}" == str(make()) == text


def test_contiguous_copies_only_what_is_not():
    x = minidl.arange(6.0).reshape(2, 3)
    assert x.contiguous() is x
    y = x.T.contiguous()
    assert y._array.flags["C_CONTIGUOUS"]
    assert y.tolist() == x.T.tolist()
    scalar = minidl.tensor(1.0)
    assert scalar.contiguous() is scalar


REDUCTIONS = [
    "sum",
    "mean",
    "var",
    "std",
    "amax",
    "amin",
    "max",
    "min",
    "logsumexp",
    "argmax",
    "argmin",
    "any",
    "all",
]


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_understand_numpys_argument_names(name):
    x = minidl.tensor([[1.0, 5.0, 2.0], [4.0, 3.0, 0.0]])
    ours = getattr(x, name)(dim=1, keepdim=True)
    for theirs in (
        getattr(x, name)(axis=1, keepdims=True),
        getattr(minidl.functional, name)(x, axis=1, keepdims=True),
    ):
        assert [t.tolist() for t in ours] == [t.tolist() for t in theirs]


def test_one_dimension_under_two_names_is_refused():
    with pytest.raises(DTypeError, match="sum: both dim and axis are given"):
        minidl.ones(2).sum(dim=0, axis=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: minidl.zeros(2, device="cuda"),
        lambda: minidl.tensor([1.0], device="cuda"),
        lambda: minidl.rand(2, device="cuda"),
    ],
)
def test_pytorchs_device_is_called_backend_here(make):
    with pytest.raises(DTypeError, match=r"device='cuda' is PyTorch's argument\. .* backend="):
        make()
