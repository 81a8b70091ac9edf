"""Sums, means, variances, extremes: over all axes, or over `dim` (an int or a tuple).

NumPy's names for `dim` and `keepdim`, `axis` and `keepdims`, are understood as well.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from minidl.errors import fail
from minidl.function import Function
from minidl.functional.elementwise import exp, log, where
from minidl.functional.indexing import gather_along
from minidl.functional.operands import (
    Dim,
    as_tensor,
    float_tensor,
    integer,
    normalize_dim,
    normalize_dims,
)
from minidl.functional.shape import expand, reshape
from minidl.numpy_protocol import numpy_names
from minidl.tensor import Tensor


class Reduction(Function):
    """An operation over `dims`; `spread` brings a reduced tensor back to the input's shape."""

    dims: tuple[int, ...]

    def remember(self, x: Any, dims: tuple[int, ...]) -> None:
        """Keep what `spread` needs: the input's shape and the dims."""
        self.shape, self.dims = x.shape, dims
        self.kept = tuple(1 if axis in dims else n for axis, n in enumerate(x.shape))
        self.count = math.prod(x.shape[axis] for axis in dims)

    def spread(self, reduced: Tensor) -> Tensor:
        """A reduced tensor, with or without kept dims, expanded to the input's shape."""
        return expand(reshape(reduced, self.kept), self.shape)


class Sum(Reduction):
    """∂Σx = grad, spread over the summed axes."""

    def forward(self, x: Any, *, dims: tuple[int, ...], keepdim: bool) -> Any:
        self.remember(x, dims)
        dtype = x.dtype if x.dtype.kind == "f" else "int64"
        return self.backend.xp.sum(x, axis=dims, keepdims=keepdim, dtype=dtype)

    def backward(self, grad_output: Tensor) -> Tensor:
        return self.spread(grad_output)


@numpy_names
def sum(x: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Σ over `dim`; integers and booleans sum to int64.

    >>> import minidl
    >>> minidl.ones(2, 3).sum(dim=1)
    tensor([3., 3.])
    """
    x = as_tensor("sum", "x", x)
    result: Tensor = Sum.apply(x, dims=normalize_dims("sum", dim, x.ndim), keepdim=bool(keepdim))
    return result


class Mean(Reduction):
    """∂mean x = grad / count, spread."""

    def forward(self, x: Any, *, dims: tuple[int, ...], keepdim: bool) -> Any:
        self.remember(x, dims)
        return self.backend.xp.mean(x, axis=dims, keepdims=keepdim)

    def backward(self, grad_output: Tensor) -> Tensor:
        return self.spread(grad_output / self.count)


@numpy_names
def mean(x: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Arithmetic mean over `dim`."""
    x = float_tensor("mean", "x", x)
    dims = _nonempty("mean", x, dim)
    result: Tensor = Mean.apply(x, dims=dims, keepdim=bool(keepdim))
    return result


class Var(Reduction):
    """∂var x = grad · 2(x − mean) / (count − correction)."""

    def forward(self, x: Any, *, dims: tuple[int, ...], keepdim: bool, correction: int) -> Any:
        self.remember(x, dims)
        self.degrees = self.count - correction
        self.save_for_backward(x)
        return self.backend.xp.var(x, axis=dims, keepdims=keepdim, correction=correction)

    def backward(self, grad_output: Tensor) -> Any:
        (x,) = self.saved_tensors
        centered = x - mean(x, self.dims, keepdim=True)
        return self.spread(grad_output) * centered * (2.0 / self.degrees)


@numpy_names
def var(x: Tensor, dim: Dim = None, keepdim: bool = False, *, correction: int = 1) -> Tensor:
    """Σ(x − mean)² / (count − correction); correction 1 is the unbiased estimate (the default).

    Raises ShapeError unless there are more than `correction` elements.
    """
    result: Tensor = Var.apply(x, **_deviation("var", x, dim, keepdim, correction))
    return result


class Std(Reduction):
    """∂std x = grad · (x − mean) / (std · (count − correction)), and 0 where std is 0."""

    def forward(self, x: Any, *, dims: tuple[int, ...], keepdim: bool, correction: int) -> Any:
        self.remember(x, dims)
        self.degrees = self.count - correction
        xp = self.backend.xp
        y = xp.sqrt(xp.var(x, axis=dims, keepdims=keepdim, correction=correction))
        self.save_for_backward(x, y)
        return y

    def backward(self, grad_output: Tensor) -> Any:
        x, y = self.saved_tensors
        centered = x - mean(x, self.dims, keepdim=True)
        slope = grad_output / where(y == 0, math.inf, y)
        return self.spread(slope) * centered * (1.0 / self.degrees)


@numpy_names
def std(x: Tensor, dim: Dim = None, keepdim: bool = False, *, correction: int = 1) -> Tensor:
    """Standard deviation: √var, with the same arguments and errors."""
    result: Tensor = Std.apply(x, **_deviation("std", x, dim, keepdim, correction))
    return result


def _deviation(name: str, x: Tensor, dim: Dim, keepdim: bool, correction: int) -> dict[str, Any]:
    """The checked arguments of Var and Std."""
    dims = normalize_dims(name, dim, float_tensor(name, "x", x).ndim)
    count = math.prod(x.shape[axis] for axis in dims)
    correction = integer(name, "correction", correction, 0)
    if count <= correction:
        fail(name, "the number of elements", count, f"more than the correction ({correction})")
    return {"dims": dims, "keepdim": bool(keepdim), "correction": correction}


class Amax(Reduction):
    """The gradient is shared evenly by the elements that reach the extreme (PyTorch's rule)."""

    extreme = "max"

    def forward(self, x: Any, *, dims: tuple[int, ...], keepdim: bool) -> Any:
        self.remember(x, dims)
        y = getattr(self.backend.xp, self.extreme)(x, axis=dims, keepdims=keepdim)
        self.save_for_backward(x, y)
        return y

    def backward(self, grad_output: Tensor) -> Any:
        x, y = self.saved_tensors
        reached = (x == self.spread(y)).astype(x.dtype)
        return self.spread(grad_output) * reached / sum(reached, self.dims, keepdim=True)


class Amin(Amax):
    """The same for the smallest element."""

    extreme = "min"


@numpy_names
def amax(x: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Largest element over `dim`; NaN if there is one. Ties share the gradient evenly."""
    result: Tensor = Amax.apply(x, dims=_nonempty("amax", x, dim), keepdim=bool(keepdim))
    return result


@numpy_names
def amin(x: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Smallest element over `dim`; NaN if there is one. Ties share the gradient evenly."""
    result: Tensor = Amin.apply(x, dims=_nonempty("amin", x, dim), keepdim=bool(keepdim))
    return result


class Extreme(NamedTuple):
    """What `max(dim)` and `min(dim)` return."""

    values: Tensor
    indices: Tensor


@numpy_names
def max(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Largest element; with `dim`, a pair (values, indices), where ties go to the first.

    >>> import minidl
    >>> minidl.tensor([[1.0, 5.0], [7.0, 2.0]]).max(dim=1).indices
    tensor([1, 0])
    """
    return amax(x, None, keepdim) if dim is None else _extreme("max", argmax, x, dim, keepdim)


@numpy_names
def min(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Smallest element; with `dim`, a pair (values, indices), where ties go to the first."""
    return amin(x, None, keepdim) if dim is None else _extreme("min", argmin, x, dim, keepdim)


@numpy_names
def logsumexp(x: Tensor, dim: Dim, keepdim: bool = False) -> Tensor:
    """log Σ exp(x) over `dim`, without overflow."""
    x = float_tensor("logsumexp", "x", x)
    dims = _nonempty("logsumexp", x, dim)
    top = amax(x, dims, keepdim=True).detach()
    top = where(top - top == 0, top, 0.0)  # inf − inf and NaN − NaN are NaN
    y = log(sum(exp(x - top), dims, keepdim=True)) + top
    kept = tuple(n for axis, n in enumerate(x.shape) if axis not in dims)
    return y if keepdim else reshape(y, kept)


# ----------------------------------------------------------------- without a gradient


@numpy_names
def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Position (int64) of the largest element; the first of several."""
    return _position("argmax", x, dim, keepdim)


@numpy_names
def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Position (int64) of the smallest element; the first of several."""
    return _position("argmin", x, dim, keepdim)


@numpy_names
def any(x: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether any element is true (nonzero)."""
    x = as_tensor("any", "x", x)
    dims = normalize_dims("any", dim, x.ndim)
    return Tensor._wrap(x.backend.xp.any(x._array, axis=dims, keepdims=bool(keepdim)), x.backend)


@numpy_names
def all(x: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether all elements are true (nonzero)."""
    x = as_tensor("all", "x", x)
    dims = normalize_dims("all", dim, x.ndim)
    return Tensor._wrap(x.backend.xp.all(x._array, axis=dims, keepdims=bool(keepdim)), x.backend)


def _position(name: str, x: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    x = as_tensor(name, "x", x)
    axis = None if dim is None else normalize_dim(name, dim, x.ndim)
    _nonempty(name, x, axis)
    found = getattr(x.backend.xp, name)(x._array, axis=axis, keepdims=bool(keepdim))
    return Tensor._wrap(found, x.backend)


def _extreme(name: str, position: Any, x: Tensor, dim: int, keepdim: bool) -> Extreme:
    dim = normalize_dim(name, dim, as_tensor(name, "x", x).ndim)
    indices = position(x, dim, keepdim=True)
    values = gather_along(x, indices, dim)
    if keepdim:
        return Extreme(values, indices)
    shape = x.shape[:dim] + x.shape[dim + 1 :]
    return Extreme(reshape(values, shape), reshape(indices, shape))


def _nonempty(name: str, x: Tensor, dim: Dim) -> tuple[int, ...]:
    """The dims, after checking that there is something to reduce."""
    dims = normalize_dims(name, dim, as_tensor(name, "x", x).ndim)
    if math.prod(x.shape[axis] for axis in dims) == 0:
        fail(name, "x.shape", x.shape, "at least one element along the reduced dimensions")
    return dims
