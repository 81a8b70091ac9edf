"""Copying, casting, moving between backends, and new tensors beside an old one."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl import backends
from minidl.backends import Array, Backend
from minidl.errors import BackendError, DTypeError, ShapeError, fail
from minidl.function import Function
from minidl.functional.operands import (
    DTYPES,
    as_tensor,
    checked_dtype,
    held,
    new_shape,
    number,
)
from minidl.tensor import Tensor


class Clone(Function):
    """A copy; the gradient passes."""

    moves_only = True

    def forward(self, x: Array) -> Array:
        return self.backend.copy(x)

    def backward(self, grad_output: Tensor) -> Tensor:
        return grad_output


def clone(x: Tensor) -> Tensor:
    """A copy with memory of its own, through which gradients flow."""
    result: Tensor = Clone.apply(as_tensor("clone", "x", x))
    return result


def contiguous(x: Tensor) -> Tensor:
    """x itself if its elements stand in C order in memory, else a copy in which they do."""
    x = as_tensor("contiguous", "x", x)
    flags = getattr(x._array, "flags", None)
    return x if flags is None or flags["C_CONTIGUOUS"] else clone(x)


class AsType(Function):
    """A cast between floating dtypes; the gradient is cast back."""

    changes_dtype = True

    moves_only = True

    def forward(self, x: Array, *, dtype: Any) -> Array:
        self.dtype = x.dtype
        return self.backend.xp.astype(x, dtype)

    def backward(self, grad_output: Tensor) -> Tensor:
        return astype(grad_output, self.dtype)


def astype(x: Tensor, dtype: Any) -> Tensor:
    """x as another dtype; x itself if it has it already."""
    x, wanted = as_tensor("astype", "x", x), checked_dtype("astype", dtype)
    if x.dtype == wanted:
        return x
    if x.requires_grad and wanted.kind == "f":
        result: Tensor = AsType.apply(x, dtype=wanted)
        return result
    return Tensor._wrap(x.backend.xp.astype(x._array, wanted), x.backend)


class ToBackend(Function):
    """A move; the gradient moves back."""

    moves_only = True

    def forward(self, x: Array, *, target: Backend) -> Array:
        self.source, self.target = self.backend, target
        self.backend = target  # the result, and the gradient that arrives, live there
        if target.memory == self.source.memory:
            return x
        if target.memory == "none":
            return target.empty(x.shape, x.dtype)
        return target.asarray(self.source.to_numpy(x))

    def backward(self, grad_output: Tensor) -> Tensor:
        return to(grad_output, self.source)


def to(x: Tensor, *targets: Any) -> Tensor:
    """x on another backend, as another dtype, or both: x.to("numba"), x.to(minidl.float64).

    Backends whose arrays live in the same memory share it: nothing is copied, and in-place changes
    are seen on both sides.
    """
    x = as_tensor("to", "x", x)
    for target in targets:
        if is_backend(target):
            backend = backends.get(target)
            if backend is x.backend:
                continue
            if x.backend.memory == "none":
                raise BackendError('to: a tensor on "meta" has no data to move.')
            x = ToBackend.apply(x, target=backend)
        else:
            x = astype(x, target)
    return x


def is_backend(target: Any) -> bool:
    """Whether an argument of `to` names a backend rather than a dtype."""
    return isinstance(target, Backend) or (isinstance(target, str) and target not in DTYPES)


def new_full(like: Tensor, shape: Any, value: Any, dtype: Any = None) -> Tensor:
    """A constant on `like`'s backend, with its dtype unless another is given."""
    like = as_tensor("new_full", "like", like)
    wanted = like.dtype if dtype is None else checked_dtype("new_full", dtype)
    shape = shape if isinstance(shape, (tuple, list)) else (shape,)
    sizes, value = new_shape("new_full", shape), number("new_full", "value", value)
    value = held("new_full", value, wanted)
    return Tensor._wrap(like.backend.full(sizes, value, wanted), like.backend)


def new_tensor(like: Tensor, data: Any, dtype: Any = None) -> Tensor:
    """`data` on `like`'s backend, with its dtype unless another is given."""
    like = as_tensor("new_tensor", "like", like)
    wanted = like.dtype if dtype is None else checked_dtype("new_tensor", dtype)
    array = host_array("new_tensor", data).astype(wanted)
    return Tensor._wrap(like.backend.asarray(array), like.backend)


def host_array(operation: str, data: Any) -> np.ndarray[Any, Any]:
    """A new NumPy array of numbers from numbers, nested lists, an array or a tensor."""
    if isinstance(data, Tensor):
        data = data.detach().numpy()
    try:
        array = np.array(data)
    except ValueError:
        raise ShapeError(
            f"{operation}: the nested lists have different lengths; a tensor is a full rectangle."
        ) from None
    if array.dtype.kind in "OSU":  # Python objects or text
        got = f"a {type(data).__name__}" + (" with more than numbers" if array.ndim else "")
        fail(operation, "data", got, "numbers, nested lists of them, or an array", error=DTypeError)
    return array.astype(checked_dtype(operation, array.dtype), copy=False)
