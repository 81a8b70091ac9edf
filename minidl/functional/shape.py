"""Shape, indexing and joining: nothing here computes, elements only move."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.errors import (
    ArgumentError,
    fail,
)
from minidl.function import Function
from minidl.functional.operands import (
    Dim,
    as_tensor,
    broadcast_shape,
    normalize_dim,
    normalize_dims,
    shape_arguments,
    sum_to,
)
from minidl.tensor import Tensor


class Reshape(Function):
    """The gradient takes the input's shape again."""

    moves_only = True

    def forward(self, x: Any, *, shape: tuple[int, ...]) -> Any:
        self.shape = x.shape
        return self.backend.xp.reshape(x, shape)

    def backward(self, grad_output: Tensor) -> Tensor:
        return reshape(grad_output, self.shape)


def reshape(x: Tensor, *shape: Any) -> Tensor:
    """The same elements in C order in another shape; one size may be −1.

    Shares memory when it can. Raises ShapeError when the sizes don't multiply to x.numel().

    >>> import minidl
    >>> minidl.arange(6).reshape(2, -1).shape
    (2, 3)
    """
    x = as_tensor("reshape", "x", x)
    new = shape_arguments("reshape", shape)
    if -1 in new:
        known = -math.prod(new)
        if new.count(-1) > 1 or any(n < -1 for n in new) or known == 0 or x.numel() % known:
            fail("reshape", "shape", new, f"sizes that multiply to x.numel() = {x.numel()}")
        new = tuple(x.numel() // known if n == -1 else n for n in new)
    elif math.prod(new) != x.numel() or any(n < 0 for n in new):
        fail("reshape", "shape", new, f"sizes that multiply to x.numel() = {x.numel()}")
    result: Tensor = Reshape.apply(x, shape=new)
    return result


def view(x: Tensor, *shape: Any) -> Tensor:
    """As reshape, but always over the same memory; ShapeError where that would take a copy.

    >>> import minidl
    >>> minidl.arange(6).view(2, 3).transpose(0, 1).view(6)
    Traceback (most recent call last):
        ...
    minidl_kernels.common.errors.ShapeError: view: x is a tensor whose elements stand in another \
order in memory, expected one that has shape (6,) without copying. Use x.reshape(...), which copies.
    """
    y = reshape(x, *shape)
    if y._storage is not x._storage and x.backend.memory != "none":
        fail(
            "view",
            "x",
            "a tensor whose elements stand in another order in memory",
            f"one that has shape {y.shape} without copying",
            "Use x.reshape(...), which copies.",
        )
    return y


def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Join the dimensions start_dim … end_dim (inclusive) into one."""
    x = as_tensor("flatten", "x", x)
    if x.ndim == 0:
        return reshape(x, 1)
    first = normalize_dim("flatten", start_dim, x.ndim, "start_dim")
    last = normalize_dim("flatten", end_dim, x.ndim, "end_dim")
    if first > last:
        fail("flatten", "start_dim", start_dim, f"at most end_dim ({end_dim})", error=ArgumentError)
    joined = math.prod(x.shape[first : last + 1])
    return reshape(x, (*x.shape[:first], joined, *x.shape[last + 1 :]))


def squeeze(x: Tensor, dim: Dim = None) -> Tensor:
    """Drop dimensions of size 1: all of them, or those of `dim` that have it."""
    x = as_tensor("squeeze", "x", x)
    dims = normalize_dims("squeeze", dim, x.ndim)
    return reshape(x, tuple(n for axis, n in enumerate(x.shape) if n != 1 or axis not in dims))


def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """Insert a dimension of size 1 at `dim`."""
    x = as_tensor("unsqueeze", "x", x)
    at = normalize_dim("unsqueeze", dim, x.ndim + 1)
    return reshape(x, (*x.shape[:at], 1, *x.shape[at:]))


class Permute(Function):
    """The gradient is permuted back."""

    moves_only = True

    def forward(self, x: Any, *, dims: tuple[int, ...]) -> Any:
        self.dims = dims
        return self.backend.xp.transpose(x, dims)

    def backward(self, grad_output: Tensor) -> Tensor:
        inverse = tuple(int(axis) for axis in np.argsort(self.dims))
        return permute(grad_output, inverse)


def permute(x: Tensor, *dims: Any) -> Tensor:
    """The axes in another order; a view.

    >>> import minidl
    >>> minidl.zeros(2, 3, 4).permute(2, 0, 1).shape
    (4, 2, 3)
    """
    x = as_tensor("permute", "x", x)
    order = normalize_dims("permute", shape_arguments("permute", dims), x.ndim)
    if len(order) != x.ndim:
        fail("permute", "dims", order, f"each of x's {x.ndim} dimensions once", error=ArgumentError)
    result: Tensor = Permute.apply(x, dims=order)
    return result


def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes swapped; a view."""
    order = list(range(as_tensor("transpose", "x", x).ndim))
    a, b = (normalize_dim("transpose", d, x.ndim) for d in (dim0, dim1))
    order[a], order[b] = order[b], order[a]
    return permute(x, tuple(order))


class Expand(Function):
    """The gradient is summed over the stretched axes."""

    moves_only = True

    def forward(self, x: Any, *, shape: tuple[int, ...]) -> Any:
        return self.backend.xp.broadcast_to(x, shape)

    def backward(self, grad_output: Tensor) -> Tensor:
        return sum_to(grad_output, self.input_shape(0))


def expand(x: Tensor, *shape: Any) -> Tensor:
    """x broadcast to `shape`, as a read-only view; −1 keeps a size."""
    x = as_tensor("expand", "x", x)
    new = shape_arguments("expand", shape)
    added = len(new) - x.ndim
    if added >= 0:
        new = tuple(
            x.shape[axis - added] if n == -1 and axis >= added else n for axis, n in enumerate(new)
        )
    if added < 0 or broadcast_shape("expand", x.shape, new) != new:
        fail("expand", "shape", new, f"a shape that x's {x.shape} broadcasts to")
    result: Tensor = Expand.apply(x, shape=new)
    return result


class Flip(Function):
    """The gradient is flipped back."""

    moves_only = True

    def forward(self, x: Any, *, dims: tuple[int, ...]) -> Any:
        self.dims = dims
        return self.backend.xp.flip(x, dims)

    def backward(self, grad_output: Tensor) -> Tensor:
        return flip(grad_output, self.dims)


def flip(x: Tensor, dims: int | tuple[int, ...]) -> Tensor:
    """The elements in reverse order along `dims`."""
    x = as_tensor("flip", "x", x)
    result: Tensor = Flip.apply(x, dims=normalize_dims("flip", dims, x.ndim))
    return result
