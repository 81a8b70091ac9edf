"""Random words, dropout and stochastic depth in NumPy.

The mask is a function of the generator's position, so it is recomputed where it is needed again
and never stored: applied to the gradient, each of these is its own derivative.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl_kernels.activation.masking import zero_where
from minidl_kernels.common import workspace
from minidl_kernels.common.philox import BLOCK, keep_scale, keep_threshold, random_words

Array = np.ndarray[Any, Any]


def random_bits(
    shape: tuple[int, ...],
    *,
    seed: int,
    stream: int,
    offset: int,
    base: Array | None = None,
) -> Array:
    """uint32 words of the generator, in C order.

    >>> random_bits((5,), seed=0, stream=0, offset=0)[0] == 0x6627E8D5
    np.True_
    """
    offset = _position(offset, base)
    words = random_words(0, math.prod(shape), seed=seed, stream=stream, offset=offset)
    return words.reshape(shape)


@np.errstate(all="ignore")
def dropout(
    x: Array,
    *,
    p: float,
    seed: int,
    stream: int,
    offset: int,
    base: Array | None = None,
    out: Array | None = None,
) -> Array:
    """x / (1 − p) where kept, else 0 (Srivastava et al. 2014).

    It goes through x in pieces whose random words stay in the cache.
    """
    out = workspace.empty(x.shape, x.dtype) if out is None else out
    offset, threshold = _position(offset, base), keep_threshold(p)
    flat, flat_out = np.ascontiguousarray(x).reshape(-1), out.reshape(-1)
    for start in range(0, flat.size, 4 * BLOCK):
        piece = slice(start, start + 4 * BLOCK)
        scaled = np.multiply(flat[piece], keep_scale(p), out=flat_out[piece])
        words = random_words(start, scaled.size, seed=seed, stream=stream, offset=offset)
        zero_where(words < threshold, scaled, scaled)
    return out


@np.errstate(all="ignore")
def drop_path(
    x: Array,
    *,
    p: float,
    seed: int,
    stream: int,
    offset: int,
    base: Array | None = None,
    out: Array | None = None,
) -> Array:
    """Stochastic depth (Huang et al. 2016): samples x[n] are kept and scaled, or dropped."""
    out = workspace.empty(x.shape, x.dtype) if out is None else out
    words = random_words(0, len(x), seed=seed, stream=stream, offset=_position(offset, base))
    np.multiply(x, keep_scale(p), out=out)
    out[words < keep_threshold(p)] = 0
    return out


def _position(offset: int, base: Array | None) -> int:
    """Where the call stands in the generator's sequence: offset + base modulo 2⁶⁴."""
    return (offset + (0 if base is None else int(base))) % 2**64
