"""The functions of `xp` for arrays without data: which shape and dtype each returns.

NumPy decides wherever it can without computing: dtypes come from its functions on arrays of no or
one element, views from stand-ins that take no memory. So its errors are raised here too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minidl.backends.contract import Namespace
from minidl.errors import BackendError
from minidl_kernels.common.array_spec import ArraySpec

_ELEMENTWISE = (
    *("add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "clip"),
    *("negative", "absolute", "sign", "floor", "square", "sqrt", "reciprocal"),
    *("exp", "log", "sin", "cos"),
    *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
    *("logical_and", "logical_or", "logical_not", "isnan", "where"),
)
_REDUCTIONS = ("sum", "mean", "var", "max", "min", "argmax", "argmin", "any", "all")
_VIEWS = ("reshape", "transpose", "broadcast_to", "flip")


def _elementwise(name: str) -> Callable[..., ArraySpec]:
    """Broadcast shapes; the dtype as NumPy's own function of that name gives it."""
    function = getattr(np, name)

    def rule(*operands: Any, out: Any = None) -> ArraySpec:
        shape = np.broadcast_shapes(*(getattr(o, "shape", ()) for o in operands))
        samples = [np.ones((0,), o.dtype) if hasattr(o, "dtype") else o for o in operands]
        if out is None:
            return ArraySpec(shape, function(*samples).dtype)
        function(*samples, out=np.ones((0,), out.dtype))  # refuses what can't be cast
        if np.broadcast_shapes(shape, out.shape) != out.shape:
            raise ValueError(f"{name}: out of shape {out.shape} can't hold the result's {shape}")
        given: ArraySpec = out
        return given

    return rule


def _reduction(name: str) -> Callable[..., ArraySpec]:
    """Drop the axes, or keep them with size 1; the dtype as NumPy's own function gives it."""
    function = getattr(np, name)

    def rule(
        x: Any, axis: Any = None, keepdims: bool = False, correction: int = 0, dtype: Any = None
    ) -> ArraySpec:
        axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
        ones = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
        if name in ("max", "min", "argmax", "argmin") and x.size == 0 < math.prod(ones):
            raise ValueError(f"{name}: an empty array, of shape {x.shape}, has none")
        shape = ones if keepdims else tuple(n for a, n in enumerate(ones) if a not in axes)
        options = {} if dtype is None else {"dtype": dtype}
        return ArraySpec(shape, function(np.ones((1,), x.dtype), **options).dtype)

    return rule


def _view(name: str) -> Callable[..., ArraySpec]:
    """NumPy's own function on a stand-in."""
    function = getattr(np, name)

    def rule(x: Any, *arguments: Any, **named: Any) -> ArraySpec:
        return ArraySpec(function(_stand_in(x.shape), *arguments, **named).shape, x.dtype)

    return rule


def _stand_in(shape: tuple[int, ...], dtype: Any = bool) -> Any:
    """Zeros that take no memory, whatever their shape."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def _matmul(a: Any, b: Any) -> ArraySpec:
    if a.ndim == 0 or b.ndim == 0 or a.shape[-1] != b.shape[0 if b.ndim == 1 else -2]:
        raise ValueError(f"matmul: {a.shape} and {b.shape} do not fit")
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    rows, columns = a.shape[-2:-1], b.shape[-1:] if b.ndim > 1 else ()
    return ArraySpec((*batch, *rows, *columns), np.result_type(a.dtype, b.dtype))


def _einsum(equation: str, *operands: Any) -> ArraySpec:
    left, right = equation.split("->")
    sizes: dict[str, int] = {}
    for letters, x in zip(left.split(","), operands, strict=True):
        for letter, size in zip(letters, x.shape, strict=True):
            (sizes[letter],) = np.broadcast_shapes((sizes.get(letter, 1),), (size,))
    return ArraySpec(
        tuple(sizes[letter] for letter in right), np.result_type(*(x.dtype for x in operands))
    )


def _concatenate(arrays: Any, axis: int = 0) -> ArraySpec:
    first = arrays[0]
    axis = normalize_axis_index(axis, first.ndim)
    if len({(*a.shape[:axis], -1, *a.shape[axis + 1 :]) for a in arrays}) > 1:
        raise ValueError(
            f"concatenate: shapes {[a.shape for a in arrays]} differ in more than axis {axis}"
        )
    total = sum(a.shape[axis] for a in arrays)
    return ArraySpec(
        (*first.shape[:axis], total, *first.shape[axis + 1 :]),
        np.result_type(*(a.dtype for a in arrays)),
    )


def _pad(x: Any, widths: Any, constant_values: Any = 0) -> ArraySpec:
    pairs = np.broadcast_to(widths, (x.ndim, 2)).tolist()
    if any(width < 0 for pair in pairs for width in pair):
        raise ValueError(f"pad: negative widths: {widths}")
    return ArraySpec(
        tuple(n + before + after for n, (before, after) in zip(x.shape, pairs, strict=True)),
        x.dtype,
    )


def _take_along_axis(x: Any, indices: Any, axis: int) -> ArraySpec:
    axis = normalize_axis_index(axis, x.ndim)
    if indices.ndim != x.ndim or indices.dtype.kind not in "iu":
        raise ValueError(f"take_along_axis: indices must be integers of {x.ndim} dimensions")
    others = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    return ArraySpec(np.broadcast_shapes(others, indices.shape), x.dtype)


def indexed_shape(shape: tuple[int, ...], key: Any) -> tuple[int, ...]:
    """The shape of x[key]; boolean arrays raise, since their count is data."""
    parts = key if isinstance(key, tuple) else (key,)
    plain = []
    for part in parts:
        if hasattr(part, "dtype") and part.dtype == bool:
            raise BackendError(
                'x[mask]: how many elements a mask picks depends on data, which "meta" has not.'
            )
        # An index's values don't matter for the shape: zeros stand in.
        plain.append(_stand_in(part.shape, np.int64) if hasattr(part, "dtype") else part)
    picked: tuple[int, ...] = _stand_in(shape)[tuple(plain)].shape
    return picked


META_XP = Namespace(
    **{name: _elementwise(name) for name in _ELEMENTWISE},
    **{name: _reduction(name) for name in _REDUCTIONS},
    **{name: _view(name) for name in _VIEWS},
    matmul=_matmul,
    einsum=_einsum,
    concatenate=_concatenate,
    pad=_pad,
    take_along_axis=_take_along_axis,
    astype=lambda x, dtype: ArraySpec(x.shape, dtype),
)
