"""Philox4x32-10: random words as a pure function of where they stand (Salmon et al. 2011).

A counter-based generator has no state to carry along. It scrambles a counter of four 32-bit words
under a key of two, so that any element of any array can be drawn by itself, in any order, on any
device, with the same bits. One round, with a·b a full 64-bit product:

    (c0, c1, c2, c3) → (hi(M1·c2) ^ c1 ^ k0,  lo(M1·c2),  hi(M0·c0) ^ c3 ^ k1,  lo(M0·c0))

Ten rounds are made; after each, k0 and k1 grow by W0 and W1 modulo 2³².

How minidl uses it: the key is (seed, stream), and element i of a call, in C order, is word i mod 4
of the counter (lo(i div 4), hi(i div 4), lo(offset), hi(offset)).

`philox4x32` says it in plain Python, one counter at a time; `random_words` makes many at once.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011, with the constants of their Random123 library.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Counter = tuple[int, int, int, int]
Key = tuple[int, int]

ROUNDS = 10
M0, M1 = 0xD2511F53, 0xCD9E8D57
W0, W1 = 0x9E3779B9, 0xBB67AE85  # the golden ratio and √3 − 1, as fractions of 2³²
MASK = 0xFFFFFFFF

BLOCK = 8192
"""Counters made at once: their intermediate products stay in the cache."""


def philox4x32(counter: Counter, key: Key) -> Counter:
    """Four random words for one counter.

    >>> [f"{word:08x}" for word in philox4x32((0, 0, 0, 0), (0, 0))]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        product0, product1 = M0 * c0, M1 * c2
        c0, c1, c2, c3 = (
            product1 >> 32 ^ c1 ^ k0,
            product1 & MASK,
            product0 >> 32 ^ c3 ^ k1,
            product0 & MASK,
        )
        k0, k1 = k0 + W0 & MASK, k1 + W1 & MASK
    return c0, c1, c2, c3


def philox4x32_many(positions: Array, offset: int, key: Key) -> Array:
    """The words of the counters (lo(positions), hi(positions), lo(offset), hi(offset)).

    positions is uint64 (B,); the result uint32 (B, 4). All 32-bit words are kept in uint64, where
    a product of two is exact.

    >>> philox4x32_many(np.array([0], np.uint64), 0, (0, 0))[0, 0] == 0x6627E8D5
    np.True_
    """
    low, shift = np.uint64(MASK), np.uint64(32)
    multipliers = np.array([[M0], [M1]], np.uint64)
    factors = np.empty((2, len(positions)), np.uint64)  # rows c0, c2
    others = np.empty_like(factors)  # rows c1, c3
    np.bitwise_and(positions, low, out=factors[0])
    np.right_shift(positions, shift, out=others[0])
    factors[1], others[1] = offset & MASK, offset >> 32
    products = np.empty_like(factors)
    for step in range(ROUNDS):
        np.multiply(factors, multipliers, out=products)
        swapped = products[::-1]  # row 0 from M1·c2, row 1 from M0·c0
        np.right_shift(swapped, shift, out=factors)
        factors ^= others
        factors ^= np.array([[key[0] + step * W0 & MASK], [key[1] + step * W1 & MASK]], np.uint64)
        np.bitwise_and(swapped, low, out=others)
    words = np.empty((len(positions), 4), np.uint32)
    words[:, 0], words[:, 2] = factors
    words[:, 1], words[:, 3] = others
    return words


def random_words(start: int, count: int, *, seed: int, stream: int, offset: int) -> Array:
    """Words start, …, start + count − 1 of a call: uint32 (count,).

    However a call is cut into pieces, the words are the same:

    >>> whole = random_words(0, 10, seed=1, stream=2, offset=3)
    >>> bool((random_words(3, 5, seed=1, stream=2, offset=3) == whole[3:8]).all())
    True
    """
    words = np.empty(count, np.uint32)
    done = 0
    while done < count:
        first, skipped = divmod(start + done, 4)  # a piece may begin inside a counter's words
        take = min(count - done, 4 * BLOCK - skipped)
        positions = np.arange(first, first + -(-(skipped + take) // 4), dtype=np.uint64)
        block = philox4x32_many(positions, offset, (seed, stream)).reshape(-1)
        words[done : done + take] = block[skipped : skipped + take]
        done += take
    return words


def keep_threshold(p: float) -> int:
    """A word keeps its element where it is at least this: floor(p · 2³² + ½), at most 2³².

    >>> keep_threshold(0.5), keep_threshold(1.0)
    (2147483648, 4294967296)
    """
    return int(p * 2.0**32 + 0.5)


def keep_scale(p: float) -> float:
    """1 / (1 − p), by which the kept elements are multiplied; 1 where nothing is kept (p = 1)."""
    return 1 / (1 - p) if p < 1 else 1.0
