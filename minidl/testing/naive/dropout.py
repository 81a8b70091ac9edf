"""The generator of random words, and dropout: Philox in plain Python integers.

Philox4x32-10 is from Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.testing.naive.windows import Array

_WORD = 2**32
Words = tuple[int, int, int, int]


def philox4x32(counter: Words, key: tuple[int, int]) -> Words:
    """Ten rounds of two 32 × 32 → 64 bit products each.

    >>> [hex(word) for word in philox4x32((0, 0, 0, 0), (0, 0))]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c0, _WORD)
        high1, low1 = divmod(0xCD9E8D57 * c2, _WORD)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) % _WORD, (k1 + 0xBB67AE85) % _WORD
    return c0, c1, c2, c3


def _word(i: int, seed: int, stream: int, offset: int, base: Array | None) -> int:
    """The random word of element i."""
    o = (offset + (0 if base is None else int(base))) % _WORD**2
    block = i // 4
    counter = (block % _WORD, block // _WORD, o % _WORD, o // _WORD)
    return philox4x32(counter, (seed, stream))[i % 4]


def random_bits(
    shape: tuple[int, ...], *, seed: int, stream: int, offset: int, base: Array | None = None
) -> Array:
    """The generator's words, in C order."""
    bits = np.zeros(shape, np.uint32)
    for i, place in enumerate(np.ndindex(*shape)):
        bits[place] = _word(i, seed, stream, offset, base)
    return bits


def _kept(word: int, p: float) -> bool:
    return word >= math.floor(p * _WORD + 0.5)


def _scale(p: float, dtype: Any) -> float:
    """1/(1 − p), rounded to x's precision: dropout is exact to the bit."""
    return 0.0 if p == 1 else float(dtype.type(1 / (1 - p)))


def dropout(
    x: Array,
    *,
    p: float,
    seed: int,
    stream: int,
    offset: int,
    base: Array | None = None,
) -> Array:
    """x/(1 − p), rounded to x's precision, where the element's word says so, else 0."""
    y = np.zeros(x.shape)
    scale = _scale(p, x.dtype)
    for i, place in enumerate(np.ndindex(x.shape)):
        if _kept(_word(i, seed, stream, offset, base), p):
            y[place] = x.dtype.type(float(x[place]) * scale)
    return y


def drop_path(
    x: Array,
    *,
    p: float,
    seed: int,
    stream: int,
    offset: int,
    base: Array | None = None,
) -> Array:
    """Whole samples, scaled or 0."""
    y = np.zeros(x.shape)
    scale = _scale(p, x.dtype)
    for place in np.ndindex(x.shape):
        if _kept(_word(place[0], seed, stream, offset, base), p):
            y[place] = x.dtype.type(float(x[place]) * scale)
    return y
