"""Shape, indexing and joining: nothing here computes, elements only move."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl.autograd import Function
from minidl.errors import (
    ArgumentError,
    BackendError,
    DTypeError,
    OutOfRangeError,
    ShapeError,
    fail,
)
from minidl.functional.operands import (
    Dim,
    as_tensor,
    broadcast_shape,
    integer,
    normalize_dim,
    normalize_dims,
    number,
    shape_arguments,
    sum_to,
)
from minidl.tensor import Tensor


class Reshape(Function):
    """The gradient takes the input's shape again."""

    def forward(self, x: Any, *, shape: tuple[int, ...]) -> Any:
        self.shape = x.shape
        return self.backend.xp.reshape(x, shape)

    def backward(self, grad_output: Tensor) -> Tensor:
        return reshape(grad_output, self.shape)


def reshape(x: Tensor, *shape: Any) -> Tensor:
    """The same elements in C order in another shape; one size may be −1.

    Shares memory when it can. Raises ShapeError when the sizes don't multiply to x.size.

    >>> import minidl
    >>> minidl.arange(6).reshape(2, -1).shape
    (2, 3)
    """
    x = as_tensor("reshape", "x", x)
    new = shape_arguments("reshape", shape)
    if -1 in new:
        known = -math.prod(new)
        if new.count(-1) > 1 or any(n < -1 for n in new) or known == 0 or x.size % known:
            fail("reshape", "shape", new, f"sizes that multiply to x.size = {x.size}")
        new = tuple(x.size // known if n == -1 else n for n in new)
    elif math.prod(new) != x.size or any(n < 0 for n in new):
        fail("reshape", "shape", new, f"sizes that multiply to x.size = {x.size}")
    result: Tensor = Reshape.apply(x, shape=new)
    return result


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


# --------------------------------------------------------------------------- indexing


class GetItem(Function):
    """The gradient is added at the places the elements came from."""

    def forward(self, x: Any, *, key: Any) -> Any:
        self.key, self.shape = key, x.shape
        return self.backend.index(x, key)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = IndexAdd.apply(grad_output, key=self.key, shape=self.shape)
        return result


class IndexAdd(Function):
    """Zeros with the values added at `key`: the adjoint of GetItem, and GetItem is its own."""

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


# ------------------------------------------------------------------ joining and parting


class Concatenate(Function):
    """Every input gets its slice of the gradient."""

    def forward(self, *arrays: Any, dim: int) -> Any:
        self.dim = dim
        self.sizes = tuple(a.shape[dim] for a in arrays)
        return self.backend.xp.concatenate(arrays, axis=dim)

    def backward(self, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        parts = split(grad_output, self.sizes, self.dim)
        return tuple(
            part if needed else None
            for part, needed in zip(parts, self.needs_input_grad, strict=True)
        )


def concatenate(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors one after another along `dim` (PyTorch's `cat`); the other sizes must agree."""
    tensors = _tensor_list("concatenate", tensors)
    first = tensors[0]
    dim = normalize_dim("concatenate", dim, first.ndim)
    for position, t in enumerate(tensors[1:], start=1):
        others = [s[:dim] + s[dim + 1 :] for s in (first.shape, t.shape)]
        if t.ndim != first.ndim or others[0] != others[1]:
            fail(
                "concatenate",
                f"tensors[{position}].shape",
                t.shape,
                f"{first.shape} but for dimension {dim}",
            )
    result: Tensor = Concatenate.apply(*tensors, dim=dim)
    return result


cat = concatenate


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape beside each other along a new dimension `dim`."""
    tensors = _tensor_list("stack", tensors)
    for position, t in enumerate(tensors):
        if t.shape != tensors[0].shape:
            fail("stack", f"tensors[{position}].shape", t.shape, str(tensors[0].shape))
    return concatenate([unsqueeze(t, dim) for t in tensors], dim)


def split(x: Tensor, size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of x along `dim`: all of one size (the last may be smaller), or of the given sizes."""
    x = as_tensor("split", "x", x)
    dim = normalize_dim("split", dim, x.ndim)
    total = x.shape[dim]
    if isinstance(size, (tuple, list)):
        sizes = [integer("split", "a size", n, 0) for n in size]
        if sum(sizes) != total:
            fail("split", "sizes", tuple(sizes), f"sizes that add up to x.shape[{dim}] = {total}")
    else:
        step = integer("split", "size", size, 1)
        sizes = [min(step, total - start) for start in range(0, total, step)] or [0]
    starts = np.cumsum([0, *sizes])
    before = (slice(None),) * dim
    return tuple(
        getitem(x, (*before, slice(int(start), int(start) + n)))
        for start, n in zip(starts, sizes, strict=False)
    )


def chunk(x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """x in at most `chunks` equal parts along `dim`; the last may be smaller."""
    x = as_tensor("chunk", "x", x)
    size = x.shape[normalize_dim("chunk", dim, x.ndim)]
    return split(x, max(-(-size // integer("chunk", "chunks", chunks, 1)), 1), dim)


def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices of x along `dim`, without that dimension."""
    x = as_tensor("unbind", "x", x)
    dim = normalize_dim("unbind", dim, x.ndim)
    return tuple(getitem(x, ((slice(None),) * dim) + (i,)) for i in range(x.shape[dim]))


class Pad(Function):
    """The gradient loses the padding again."""

    def forward(self, x: Any, *, widths: tuple[tuple[int, int], ...], value: float) -> Any:
        self.inside = tuple(
            slice(before, before + n) for (before, _), n in zip(widths, x.shape, strict=True)
        )
        return self.backend.xp.pad(x, widths, constant_values=value)

    def backward(self, grad_output: Tensor) -> Tensor:
        return getitem(grad_output, self.inside)


def pad(x: Tensor, pad: Sequence[int], value: float = 0.0) -> Tensor:
    """A border of `value`, given from the last dimension backwards: (left, right, top, bottom, …).

    As torch.nn.functional.pad in constant mode; a negative number crops.

    >>> import minidl
    >>> minidl.nn.functional.pad(minidl.ones(1, 2), (1, 0)).tolist()
    [[0.0, 1.0, 1.0]]
    """
    x = as_tensor("pad", "x", x)
    value = number("pad", "value", value)
    if not isinstance(pad, (tuple, list)) or len(pad) % 2 or len(pad) > 2 * x.ndim:
        fail("pad", "pad", repr(pad), f"a tuple of pairs for at most x's {x.ndim} dimensions")
    amounts = [integer("pad", "a width", n) for n in pad]
    pairs = list(zip(amounts[::2], amounts[1::2], strict=True))
    widths = ((0, 0),) * (x.ndim - len(pairs)) + tuple(reversed(pairs))
    if any(before + after + n < 0 for (before, after), n in zip(widths, x.shape, strict=True)):
        fail("pad", "pad", tuple(pad), f"no more cropping than x's shape {x.shape}")
    crop = tuple(
        slice(max(-before, 0), n - max(-after, 0))
        for (before, after), n in zip(widths, x.shape, strict=True)
    )
    if any(w < 0 for pair in pairs for w in pair):
        x = getitem(x, crop)
    positive = tuple((max(before, 0), max(after, 0)) for before, after in widths)
    result: Tensor = Pad.apply(x, widths=positive, value=value)
    return result


def _tensor_list(operation: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    if not isinstance(tensors, (tuple, list)):
        given = type(tensors).__name__
        fail(operation, "tensors", f"a {given}", "a list or tuple of tensors", error=DTypeError)
    found = [as_tensor(operation, f"tensors[{i}]", t) for i, t in enumerate(tensors)]
    if not found:
        fail(operation, "tensors", "empty", "at least one tensor", error=ArgumentError)
    for position, t in enumerate(found):
        if t.dtype != found[0].dtype:
            fail(
                operation,
                f"tensors[{position}].dtype",
                t.dtype.name,
                f"that of tensors[0] ({found[0].dtype.name})",
                "Convert with .float(), .double() or .long().",
                error=DTypeError,
            )
    return found


__all__ = [
    "cat",
    "chunk",
    "concatenate",
    "expand",
    "flatten",
    "flip",
    "gather_along",
    "getitem",
    "pad",
    "permute",
    "reshape",
    "split",
    "squeeze",
    "stack",
    "transpose",
    "unbind",
    "unsqueeze",
]
