"""Joining and parting: concatenate, stack, split, pad."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from minidl.errors import (
    ArgumentError,
    DTypeError,
    fail,
)
from minidl.function import Function
from minidl.functional.indexing import getitem
from minidl.functional.operands import (
    as_tensor,
    integer,
    normalize_dim,
    number,
)
from minidl.functional.shape import squeeze, unsqueeze
from minidl.tensor import Tensor


class Concatenate(Function):
    """Every input gets its slice of the gradient."""

    moves_only = True

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


class Split(Function):
    """Views of the parts; their gradients are joined again."""

    moves_only = True

    def forward(self, x: Any, *, sizes: Sequence[int], dim: int) -> tuple[Any, ...]:
        self.dim = dim
        before, ends = (slice(None),) * dim, itertools.accumulate(sizes)
        return tuple(
            self.backend.index(x, (*before, slice(end - n, end)))
            for end, n in zip(ends, sizes, strict=True)
        )

    def backward(self, *grad_outputs: Tensor) -> Tensor:
        return concatenate(grad_outputs, self.dim)


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
    result: tuple[Tensor, ...] = Split.apply(x, sizes=sizes, dim=dim)
    return result


def chunk(x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """x in at most `chunks` equal parts along `dim`; the last may be smaller."""
    x = as_tensor("chunk", "x", x)
    size = x.shape[normalize_dim("chunk", dim, x.ndim)]
    return split(x, max(-(-size // integer("chunk", "chunks", chunks, 1)), 1), dim)


def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices of x along `dim`, without that dimension."""
    x = as_tensor("unbind", "x", x)
    dim = normalize_dim("unbind", dim, x.ndim)
    return tuple(squeeze(part, dim) for part in Split.apply(x, sizes=[1] * x.shape[dim], dim=dim))


class Pad(Function):
    """The gradient is cut back to the part that is not padding."""

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
