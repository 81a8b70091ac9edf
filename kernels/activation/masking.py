"""Choose between numbers by a mask, on the bits of the numbers: `where` without branches.

A comparison gives bytes 0 and 1. Less one they are −1 and 0, and widened to the width of a float
they are words of ones or of zeros, so that a bitwise AND keeps a number or makes it +0. A product
with the mask would make NaN of NaN and infinity; `np.where` and `np.copyto(..., where=...)` take
many times longer, because the processor can't predict the branch on irregular data.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl_kernels.common import workspace

Array = np.ndarray[Any, Any]


def bits(x: Array) -> Array:
    """The same memory seen as signed integers as wide as the floats of `x`.

    >>> bits(np.array([0.0, 1.0], np.float32)).tolist()
    [0, 1065353216]
    """
    return x.view(f"i{x.itemsize}")


def holds(comparison: np.ufunc, x: Array, bound: float) -> Array:
    """comparison(x, bound) as an array of booleans.

    >>> holds(np.greater, np.array([1.0, 3.0]), 2)
    array([False,  True])
    """
    mask: Array = comparison(x, bound, out=workspace.empty(x.shape, bool))
    return mask


def zero_where(condition: Array, x: Array, out: Array) -> Array:
    """+0 where the condition holds, else x; `out` may be x itself.

    >>> x = np.array([np.nan, 2.0, np.inf])
    >>> zero_where(np.array([True, False, True]), x, np.empty(3)).tolist()
    [0.0, 2.0, 0.0]
    """
    keep = workspace.empty(condition.shape, np.int8)
    np.subtract(condition.view(np.int8), np.int8(1), out=keep)
    np.bitwise_and(bits(x), keep, out=bits(out))  # widens −1 to a word of ones
    return out


def select(condition: Array, x: Array, other: Array, out: Array) -> Array:
    """x where the condition holds, else other; `out` may be other, but not x.

    >>> select(np.array([True, False]), np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.empty(2))
    array([1., 4.])
    """
    zero_where(condition, other, out)
    inverse = np.logical_not(condition, out=workspace.empty(condition.shape, bool))
    chosen = zero_where(inverse, x, workspace.empty(out.shape, out.dtype))
    np.bitwise_or(bits(out), bits(chosen), out=bits(out))
    return out
