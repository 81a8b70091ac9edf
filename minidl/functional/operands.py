"""What the operations do to their operands first: one kind of tensor, one dtype, right dims."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from minidl.errors import ArgumentError, DTypeError, fail
from minidl.tensor import Tensor

Dim = int | tuple[int, ...] | None
DTYPES = (
    "float16",
    "float32",
    "float64",
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint32",
)


def as_tensor(operation: str, argument: str, value: Any, like: Tensor | None = None) -> Tensor:
    """`value` itself if it is a tensor; a NumPy array becomes one beside `like`.

    A class that is no tensor, but is taken for one, says in `instead_of_a_tensor` what to do.
    """
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray) and like is not None:
        native = value.astype(checked_dtype(operation, value.dtype), copy=False)
        return Tensor._wrap(like.backend.asarray(native), like.backend)
    fail(
        operation,
        argument,
        f"a {type(value).__name__}",
        "a Tensor",
        getattr(value, "instead_of_a_tensor", "Make one with minidl.tensor(...)."),
        error=DTypeError,
    )


def float_tensor(operation: str, argument: str, value: Any, like: Tensor | None = None) -> Tensor:
    """`value` if it is a tensor of float32 or float64."""
    x = as_tensor(operation, argument, value, like)
    if x.dtype != np.float32 and x.dtype != np.float64:
        fail(
            operation,
            f"{argument}.dtype",
            x.dtype.name,
            "float32 or float64",
            f"Convert it with {argument}.float().",
            error=DTypeError,
        )
    return x


def checked_dtype(operation: str, dtype: Any) -> np.dtype[Any]:
    """A NumPy dtype from anything that names one; DTypeError otherwise."""
    try:
        found = None if dtype is None else np.dtype(dtype)  # NumPy's dtype(None) is float64
    except (TypeError, ValueError, SyntaxError):
        found = None
    if found is None or found.name not in DTYPES:
        fail(operation, "dtype", repr(dtype), f"one of {', '.join(DTYPES)}", error=DTypeError)
    native: np.dtype[Any] = found.newbyteorder("=")
    return native


def optional_tensor(operation: str, argument: str, value: Any) -> Tensor | None:
    """`value` if it is a tensor or None."""
    return None if value is None else as_tensor(operation, argument, value)


def integer(operation: str, argument: str, value: Any, minimum: int | None = None) -> int:
    """`value` as an int; DTypeError for anything else, ArgumentError below `minimum`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        fail(operation, argument, described(value), "an int", error=DTypeError)
    if minimum is not None and value < minimum:
        fail(operation, argument, value, f"at least {minimum}", error=ArgumentError)
    return int(value)


def number(operation: str, argument: str, value: Any) -> Any:
    """`value` as a Python number; NumPy scalars and one-element tensors become one."""
    if isinstance(value, np.generic) or (isinstance(value, Tensor) and value.numel() == 1):
        value = value.item()
    if not isinstance(value, (bool, int, float)):
        fail(operation, argument, described(value), "a number", error=DTypeError)
    return value


def described(value: Any) -> str:
    """A wrong argument in a message: as it is, but of a tensor or an array the shape alone."""
    if isinstance(value, (Tensor, np.ndarray)):
        return f"a {type(value).__name__} of shape {value.shape}"
    return repr(value)


def held(operation: str, value: Any, dtype: np.dtype[Any]) -> Any:
    """The number `value` as `dtype` holds it: floats round, everything else must be exact.

    Raises ArgumentError for fractions and NaN in integers, and whatever is out of range.
    """
    try:
        with np.errstate(all="ignore"):
            stored = np.array(value).astype(dtype).item()
    except OverflowError:  # from an int that no dtype holds
        stored = None
    rounded = dtype.kind == "f" and stored is not None
    if stored != value and not (rounded and (math.isfinite(stored) or not math.isfinite(value))):
        expected = f"a number that {dtype.name} holds"
        fail(operation, "value", value, expected, error=ArgumentError)
    return stored


def binary_operands(operation: str, a: Any, b: Any, *, as_float: bool = False) -> tuple[Any, Any]:
    """Bring two operands together: at least one Tensor, the other a Tensor or a Python scalar.

    Scalars, Python's and NumPy's, are weak: they take the tensor's dtype, except that a float
    beside an integer tensor makes both float32. An integer tensor beside a floating one takes its
    dtype. float32 and float64 tensors don't mix. Raises DTypeError, ShapeError.
    """
    like = a if isinstance(a, Tensor) else as_tensor(operation, "operand", b)
    if not isinstance(a, Tensor):
        a = _weaken(operation, a, like)
    if not isinstance(b, Tensor):
        b = _weaken(operation, b, like)
    dtype = like._array.dtype
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if dtype is not b._array.dtype and dtype != b._array.dtype:
            a, b = same_dtype(operation, a, b)
        if a._array.shape != b._array.shape:
            broadcast_shape(operation, a.shape, b.shape)
    elif dtype.kind != "f" and (isinstance(a, float) or isinstance(b, float)):
        as_float = True
    if as_float:
        a, b = _floating(a), _floating(b)
    return a, b


def broadcast_shape(operation: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that these broadcast to; ShapeError if they don't."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        fail(
            operation,
            "the operands' shapes",
            " and ".join(map(str, shapes)),
            "sizes that agree from the last axis backwards, or are 1",
            "Use reshape or unsqueeze to line the axes up.",
            verb="are",
        )


def sum_to(grad: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Undo broadcasting: sum `grad` over the axes that broadcasting added or stretched.

    >>> import minidl
    >>> sum_to(minidl.ones(4, 2, 3), (2, 1)).tolist()
    [[12.0], [12.0]]
    """
    if grad.shape == shape:
        return grad
    added = grad.ndim - len(shape)
    stretched = tuple(
        axis + added for axis, n in enumerate(shape) if n == 1 and grad.shape[axis + added] != 1
    )
    return grad.sum(tuple(range(added)) + stretched, keepdim=True).reshape(shape)


def normalize_dim(operation: str, dim: int, ndim: int, argument: str = "dim") -> int:
    """A dimension counted from the front; raises ArgumentError when out of range."""
    dim = integer(operation, argument, dim)
    if not -ndim <= dim < ndim:
        fail(
            operation,
            argument,
            dim,
            f"between {-ndim} and {ndim - 1} for a tensor with {ndim} dimensions"
            if ndim
            else "none: the tensor has no dimensions",
            error=ArgumentError,
        )
    return dim % ndim


def normalize_dims(operation: str, dim: Dim, ndim: int) -> tuple[int, ...]:
    """Dimensions as a tuple counted from the front; None means all of them."""
    if dim is None:
        return tuple(range(ndim))
    dims = tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)
    normal = tuple(normalize_dim(operation, d, ndim) for d in dims)
    if len(set(normal)) != len(normal):
        fail(operation, "dim", dim, "different dimensions", error=ArgumentError)
    return normal


def shape_arguments(operation: str, shape: Sequence[Any]) -> tuple[int, ...]:
    """(2, 3) from f(2, 3), f((2, 3)) and f([2, 3])."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = shape[0]
    for n in shape:
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
            fail(operation, "shape", tuple(shape), "ints", error=DTypeError)
    return tuple(int(n) for n in shape)


def new_shape(operation: str, shape: Sequence[Any]) -> tuple[int, ...]:
    """The same for a new array: no negative sizes, and no more elements than can be counted."""
    sizes = shape_arguments(operation, shape)
    if any(n < 0 for n in sizes):
        fail(operation, "shape", sizes, "sizes of at least 0")
    if math.prod(n or 1 for n in sizes) >= 2**60 or len(sizes) > 64:
        fail(operation, "shape", sizes, "fewer than 2**60 elements in at most 64 dimensions")
    return sizes


def _weaken(operation: str, value: Any, like: Tensor) -> Any:
    """A scalar as Python's; a NumPy array as a tensor beside `like`."""
    if isinstance(value, np.generic):
        value = value.item()
    return (
        value if isinstance(value, (int, float)) else as_tensor(operation, "operand", value, like)
    )


def same_dtype(operation: str, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both with one dtype: integers follow floats; two floating dtypes are a DTypeError."""
    if a.dtype.kind == b.dtype.kind == "f":
        fail(
            operation,
            "the operands' dtypes",
            f"{a.dtype} and {b.dtype}",
            "one floating dtype",
            "minidl never mixes precisions silently: use .float() (float32) or .double().",
            error=DTypeError,
            verb="are",
        )
    if a.dtype.kind == "f":
        return a, b.astype(a.dtype)
    if b.dtype.kind == "f":
        return a.astype(b.dtype), b
    common = np.promote_types(a.dtype, b.dtype)
    return a.astype(common), b.astype(common)


def _floating(value: Any) -> Any:
    return (
        value.astype(np.float32) if isinstance(value, Tensor) and value.dtype.kind != "f" else value
    )


def refuse_bool(operation: str) -> NoReturn:
    """Raise DTypeError: this operation needs numbers."""
    fail(
        operation,
        "the operands' dtype",
        "bool",
        "numbers",
        "Convert with .long(); to combine conditions use &, | and ~.",
        error=DTypeError,
    )
