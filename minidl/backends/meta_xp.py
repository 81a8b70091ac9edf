"""The functions of `xp` for arrays without data: which shape and dtype each returns."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.backends.contract import Namespace
from minidl.errors import BackendError
from minidl_kernels.common.array_spec import ArraySpec

_ARITHMETIC = (
    *("add", "subtract", "multiply", "floor_divide", "remainder", "power", "maximum", "minimum"),
    *("negative", "absolute", "sign", "square", "floor", "ceil"),
)
_FLOATING = ("divide", "exp", "expm1", "log", "log1p", "sqrt", "reciprocal", "sin", "cos", "tanh")
_LOGICAL = (
    *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
    *("logical_and", "logical_or", "logical_not", "isnan", "isinf", "isfinite"),
)


def _elementwise(name: str) -> Callable[..., ArraySpec]:
    """Broadcast shapes; the dtype as NumPy's own function of that name gives it."""
    function = getattr(np, name)

    def rule(*operands: Any, out: Any = None) -> ArraySpec:
        shape = np.broadcast_shapes(*(getattr(o, "shape", ()) for o in operands))
        samples = [np.ones((0,), o.dtype) if hasattr(o, "dtype") else o for o in operands]
        return ArraySpec(shape, function(*samples).dtype)

    return rule


def _reduction(dtype_of: Callable[[Any], Any]) -> Callable[..., ArraySpec]:
    def rule(
        x: Any, axis: Any = None, keepdims: bool = False, correction: int = 0, dtype: Any = None
    ) -> ArraySpec:
        axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        reduced = {a % x.ndim for a in axes} if x.ndim else set()
        shape = tuple(
            1 if a in reduced else n for a, n in enumerate(x.shape) if keepdims or a not in reduced
        )
        return ArraySpec(shape, dtype_of(x.dtype) if dtype is None else dtype)

    return rule


def _sum_dtype(dtype: Any) -> Any:
    return np.sum(np.ones(0, dtype)).dtype


def _same(x: Any, *_: Any, **__: Any) -> ArraySpec:
    return ArraySpec(x.shape, x.dtype)


def _matmul(a: Any, b: Any) -> ArraySpec:
    if a.shape[-1] != b.shape[-2]:
        raise ValueError(f"matmul: {a.shape} and {b.shape} do not fit")
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return ArraySpec((*batch, a.shape[-2], b.shape[-1]), np.result_type(a.dtype, b.dtype))


def _einsum(equation: str, *operands: Any) -> ArraySpec:
    left, right = equation.split("->")
    sizes: dict[str, int] = {}
    for letters, x in zip(left.split(","), operands, strict=True):
        sizes.update(zip(letters, x.shape, strict=True))
    return ArraySpec(tuple(sizes[c] for c in right), operands[0].dtype)


def _reshape(x: Any, shape: Any) -> ArraySpec:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if -1 in shape:
        known = -math.prod(shape)
        shape = tuple(x.size // known if n == -1 else n for n in shape)
    return ArraySpec(shape, x.dtype)


def _transpose(x: Any, axes: Any = None) -> ArraySpec:
    axes = range(x.ndim)[::-1] if axes is None else axes
    return ArraySpec(tuple(x.shape[a] for a in axes), x.dtype)


def _expand_dims(x: Any, axis: int) -> ArraySpec:
    at = axis % (x.ndim + 1)
    return ArraySpec((*x.shape[:at], 1, *x.shape[at:]), x.dtype)


def _squeeze(x: Any, axis: Any = None) -> ArraySpec:
    axes = {axis % x.ndim} if isinstance(axis, int) else None
    return ArraySpec(
        tuple(n for a, n in enumerate(x.shape) if n != 1 or (axes is not None and a not in axes)),
        x.dtype,
    )


def _concatenate(arrays: Any, axis: int = 0) -> ArraySpec:
    shape = list(arrays[0].shape)
    shape[axis] = sum(a.shape[axis] for a in arrays)
    return ArraySpec(tuple(shape), arrays[0].dtype)


def _stack(arrays: Any, axis: int = 0) -> ArraySpec:
    return _concatenate([_expand_dims(a, axis) for a in arrays], axis)


def _pad(x: Any, widths: Any, constant_values: Any = 0) -> ArraySpec:
    return ArraySpec(tuple(n + b + a for n, (b, a) in zip(x.shape, widths, strict=True)), x.dtype)


def _where(condition: Any, a: Any, b: Any) -> ArraySpec:
    chosen = META_XP.maximum(a, b) if hasattr(a, "shape") or hasattr(b, "shape") else np.asarray(a)
    return ArraySpec(np.broadcast_shapes(condition.shape, chosen.shape), chosen.dtype)


def _arange(*bounds: Any, dtype: Any = None) -> ArraySpec:
    sample = np.arange(*bounds, dtype=dtype)
    return ArraySpec(sample.shape, sample.dtype)


def indexed_shape(shape: tuple[int, ...], key: Any) -> tuple[int, ...]:
    """The shape of x[key]; boolean arrays raise, since their count is data."""
    parts = key if isinstance(key, tuple) else (key,)
    plain = []
    for part in parts:
        if hasattr(part, "dtype") and part.dtype == bool:
            raise BackendError(
                'x[mask]: how many elements a mask picks depends on data, which "meta" has not.'
            )
        # An index's values don't matter for the shape: zeros that take no memory stand in.
        is_array = hasattr(part, "dtype")
        plain.append(np.broadcast_to(np.zeros((), np.int64), part.shape) if is_array else part)
    picked: tuple[int, ...] = np.broadcast_to(np.zeros((), bool), shape)[tuple(plain)].shape
    return picked


META_XP = Namespace(
    **{name: _elementwise(name) for name in (*_ARITHMETIC, *_FLOATING, *_LOGICAL)},
    **{name: _reduction(_sum_dtype) for name in ("sum", "prod")},
    **{name: _reduction(lambda dtype: dtype) for name in ("mean", "var", "max", "min")},
    **{name: _reduction(lambda dtype: np.int64) for name in ("argmax", "argmin")},
    **{name: _reduction(lambda dtype: np.bool_) for name in ("any", "all")},
    **dict.fromkeys(("flip", "tril", "triu", "ascontiguousarray", "clip", "round"), _same),
    **dict.fromkeys(("zeros_like", "ones_like", "empty_like", "full_like"), _same),
    astype=lambda x, dtype: ArraySpec(x.shape, dtype),
    cumsum=lambda x, axis=None: ArraySpec(x.shape, _sum_dtype(x.dtype)),
    take_along_axis=lambda x, indices, axis: ArraySpec(indices.shape, x.dtype),
    broadcast_to=lambda x, shape: ArraySpec(shape, x.dtype),
    matmul=_matmul,
    einsum=_einsum,
    reshape=_reshape,
    transpose=_transpose,
    expand_dims=_expand_dims,
    squeeze=_squeeze,
    concatenate=_concatenate,
    stack=_stack,
    pad=_pad,
    where=_where,
    arange=_arange,
)
