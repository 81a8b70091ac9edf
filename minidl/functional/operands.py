"""What the operations do to their operands first: one kind of tensor, one dtype, right dims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, DTypeError, ShapeError, fail
from minidl.tensor import Tensor

Scalar = bool | int | float
Dim = int | tuple[int, ...] | None


def as_tensor(operation: str, argument: str, value: Any, like: Tensor | None = None) -> Tensor:
    """`value` itself if it is a tensor; a NumPy array becomes one beside `like`."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray) and like is not None:
        return Tensor._wrap(like.backend.asarray(value), like.backend)
    fail(
        operation,
        argument,
        f"a {type(value).__name__}",
        "a Tensor",
        "Make one with minidl.tensor(...).",
        error=DTypeError,
    )


def float_tensor(operation: str, argument: str, value: Any) -> Tensor:
    """`value` if it is a tensor of float32 or float64."""
    x = as_tensor(operation, argument, value)
    if x.dtype.kind != "f":
        fail(
            operation,
            f"{argument}.dtype",
            x.dtype.name,
            "float32 or float64",
            f"Convert it with {argument}.float().",
            error=DTypeError,
        )
    return x


def binary_operands(operation: str, a: Any, b: Any, *, as_float: bool = False) -> tuple[Any, Any]:
    """Bring two operands together: at least one Tensor, the other a Tensor or a Python scalar.

    Scalars, Python's and NumPy's, are weak: they take the tensor's dtype, except that a float
    beside an integer tensor makes both float32. An integer tensor beside a floating one takes its
    dtype. float32 and float64 tensors don't mix. Raises DTypeError, ShapeError.
    """
    like = a if isinstance(a, Tensor) else b
    if not isinstance(like, Tensor):
        as_tensor(operation, "operand", a)
    a, b = _weaken(operation, a, like), _weaken(operation, b, like)
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if a.dtype is not b.dtype and a.dtype != b.dtype:
            a, b = same_dtype(operation, a, b)
        if a._array.shape != b._array.shape:
            broadcast_shape(operation, a.shape, b.shape)
    elif isinstance(a, float) or isinstance(b, float):
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
            "the shapes",
            " and ".join(map(str, shapes)),
            "sizes that agree from the last axis backwards, or are 1",
            "Use reshape or unsqueeze to line the axes up.",
            error=ShapeError,
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
    if isinstance(dim, bool) or not isinstance(dim, (int, np.integer)):
        fail(operation, argument, repr(dim), "an int", error=DTypeError)
    if not -ndim <= dim < ndim:
        fail(
            operation,
            argument,
            dim,
            f"between {-ndim} and {ndim - 1} for a tensor with {ndim} dimensions",
            error=ArgumentError,
        )
    return int(dim) % ndim


def normalize_dims(operation: str, dim: Dim, ndim: int) -> tuple[int, ...]:
    """Dimensions as a tuple counted from the front; None means all of them."""
    if dim is None:
        return tuple(range(ndim))
    dims = (dim,) if isinstance(dim, (int, np.integer)) else tuple(dim)
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


def _weaken(operation: str, value: Any, like: Tensor) -> Any:
    if isinstance(value, (Tensor, bool, int, float)) and not isinstance(value, np.generic):
        return value
    if isinstance(value, np.generic):
        return value.item()
    return as_tensor(operation, "operand", value, like)


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
