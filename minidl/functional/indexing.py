"""Indexing: x[key] and gathering along a dimension, and the scattering that is their adjoint."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minidl.errors import (
    ArgumentError,
    BackendError,
    DTypeError,
    OutOfRangeError,
    ShapeError,
    fail,
)
from minidl.function import Function
from minidl.functional.operands import (
    as_tensor,
    normalize_dim,
)
from minidl.tensor import Tensor


class GetItem(Function):
    """The gradient is added at the places the elements came from."""

    moves_only = True

    def forward(self, x: Any, *, key: Any) -> Any:
        self.key, self.shape = key, x.shape
        return self.backend.index(x, key)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = IndexAdd.apply(grad_output, key=self.key, shape=self.shape)
        return result


class IndexAdd(Function):
    """Zeros with the values added at `key`: the adjoint of GetItem, and the other way round."""

    def forward(self, values: Any, *, key: Any, shape: tuple[int, ...]) -> Any:
        self.key = key
        return self.backend.index_add(shape, key, values)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = GetItem.apply(grad_output, key=self.key)
        return result


def getitem(x: Tensor, key: Any) -> Tensor:
    """x[key]: ints, slices, None, Ellipsis (views), boolean and integer arrays or tensors (copies).

    Elements picked twice add up their gradients. Raises OutOfRangeError (an IndexError).
    """
    x = as_tensor("getitem", "x", x)
    plain = tuple(_index(x, k) for k in key) if isinstance(key, tuple) else _index(x, key)
    try:
        result: Tensor = GetItem.apply(x, key=plain)
    except IndexError as error:
        raise OutOfRangeError(f"x[...]: {error} (x has shape {x.shape}).") from None
    return result


def _index(x: Tensor, key: Any) -> Any:
    """A part of an index as NumPy takes it; lists and tensors become arrays of the backend.

    Arrays are copied: backward uses them again, and they might be changed until then.
    """
    if key is None or key is Ellipsis or isinstance(key, (int, np.integer)):
        return key
    if isinstance(key, slice):
        return _slice(key)
    if isinstance(key, Tensor):
        if key.backend.memory != x.backend.memory:
            raise BackendError(
                f"x[...]: x lives on {x.backend.name!r}, the index on {key.backend.name!r}. "
                f'Move it with .to("{x.backend.name}").'
            )
        array = key._array
    elif isinstance(key, (list, np.ndarray)):
        try:
            found = np.asarray(key) if len(np.shape(key)) else np.array(key)
        except ValueError:
            fail("x[...]", "the index", repr(key), "lists of one length", error=ShapeError)
        array = x.backend.asarray(found.astype(np.int64) if found.size == 0 else found)
    else:
        fail("x[...]", "the index", repr(key), "ints, slices or arrays", error=DTypeError)
    if array.dtype.kind not in "iub":
        fail(
            "x[...]",
            "the index's dtype",
            array.dtype.name,
            "int64 or bool",
            "Convert it with .long().",
            error=DTypeError,
        )
    return x.backend.copy(array)


def _slice(key: slice) -> slice:
    for part in (key.start, key.stop, key.step):
        if part is not None and not hasattr(part, "__index__"):
            fail("x[...]", "a slice's bound", repr(part), "an int or None", error=DTypeError)
    if key.step is not None and operator.index(key.step) == 0:
        fail("x[...]", "the slice's step", 0, "a step that is not 0", error=ArgumentError)
    return key


class GatherAlong(Function):
    """The gradient is added at the gathered places."""

    def forward(self, x: Any, indices: Any, *, dim: int) -> Any:
        self.dim, self.shape = dim, x.shape
        self.save_for_backward(indices)
        return self.backend.xp.take_along_axis(x, indices, axis=dim)

    def backward(self, grad_output: Tensor) -> tuple[Tensor, None]:
        (indices,) = self.saved_tensors
        key = [
            np.arange(n).reshape([-1 if axis == i else 1 for i in range(len(self.shape))])
            for axis, n in enumerate(indices.shape)
        ]
        places = [self.backend.asarray(k) for k in key]
        places[self.dim] = indices._array
        result: Tensor = IndexAdd.apply(grad_output, key=tuple(places), shape=self.shape)
        return result, None


def gather_along(x: Tensor, indices: Tensor, dim: int) -> Tensor:
    """The elements of x at `indices` along `dim` (NumPy's take_along_axis; PyTorch's gather).

    indices is int64 of x's shape, but for dimension `dim`.
    """
    name = "gather_along"
    x, indices = as_tensor(name, "x", x), as_tensor(name, "indices", indices, x)
    dim = normalize_dim(name, dim, x.ndim)
    if indices.dtype.kind not in "iu":
        fail(name, "indices.dtype", indices.dtype.name, "int64", "Use .long().", error=DTypeError)
    others = [t.shape[:dim] + t.shape[dim + 1 :] for t in (x, indices)]
    if indices.ndim != x.ndim or others[0] != others[1]:
        fail(name, "indices.shape", indices.shape, f"x's {x.shape} but for dimension {dim}")
    try:
        result: Tensor = GatherAlong.apply(x, indices, dim=dim)
    except IndexError as error:
        raise OutOfRangeError(f"{name}: {error} (x has shape {x.shape}).") from None
    return result
