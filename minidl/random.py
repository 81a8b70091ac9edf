"""Random numbers: one counter-based generator (Philox4x32-10), the same bits on every backend.

A generator is three numbers: seed, stream and offset. Every random call takes the next offset, so
what it draws depends on nothing else. Salmon et al. 2011, "Parallel random numbers: as easy as
1, 2, 3".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl_kernels.common.philox import random_words
from minidl_kernels.dropout.numpy_reference import random_bits

_PIECE = 1 << 14
"""Elements drawn at once."""


class Generator:
    """A seeded source of random numbers.

    >>> g = Generator(seed=1)
    >>> bool((g.uniform((3,)) == Generator(seed=1).uniform((3,))).all())
    True
    """

    def __init__(self, seed: int = 0, stream: int = 0) -> None:
        self.manual_seed(seed, stream)

    def manual_seed(self, seed: int, stream: int = 0) -> Generator:
        """Start again from a seed in [0, 2³²)."""
        for name, value in (("seed", seed), ("stream", stream)):
            is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not is_integer or not 0 <= value < 2**32:
                raise ArgumentError(
                    f"manual_seed: {name} is {value!r}, expected an int in [0, 2**32)."
                )
        self.seed, self.stream, self.offset = int(seed), int(stream), 0
        return self

    def next(self) -> dict[str, int]:
        """The arguments of one random kernel call; the next call gets other ones."""
        place = {"seed": self.seed, "stream": self.stream, "offset": self.offset}
        self.offset += 1
        return place

    def get_state(self) -> dict[str, int]:
        """Seed, stream and offset, for a checkpoint."""
        return {"seed": self.seed, "stream": self.stream, "offset": self.offset}

    def set_state(self, state: dict[str, int]) -> None:
        """Continue from what `get_state` returned."""
        self.manual_seed(state["seed"], state["stream"])
        self.offset = int(state["offset"])

    def bits(self, shape: tuple[int, ...]) -> Any:
        """Random uint32 words, drawn on the host as a NumPy array."""
        return random_bits(shape, **self.next(), base=None)

    def uniform(
        self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0, dtype: Any = np.float64
    ) -> Any:
        """Uniform numbers in [low, high), with 53 random bits each before they are rounded."""
        return self._filled(shape, dtype, 2, lambda u: low + u * (high - low))

    def normal(
        self, shape: tuple[int, ...], mean: float = 0.0, std: float = 1.0, dtype: Any = np.float64
    ) -> Any:
        """Normal numbers (Box & Muller 1958), made in float64."""

        def transform(u: Any) -> Any:
            u = u.reshape(-1, 2)
            radius = np.sqrt(-2.0 * np.log1p(-u[:, 0]))  # 1 − u is in (0, 1]: no log 0
            return mean + std * radius * np.cos(2.0 * np.pi * u[:, 1])

        return self._filled(shape, dtype, 4, transform)

    def _filled(
        self, shape: tuple[int, ...], dtype: Any, words: int, transform: Callable[[Any], Any]
    ) -> Any:
        """An array made piece by piece, so that what a piece needs stays in the cache.

        `words` 32-bit words go into an element, two into each uniform number in [0, 1) that
        `transform` is given. The pieces' size changes nothing in the result.
        """
        filled, place = np.empty(math.prod(shape), dtype), self.next()
        for start in range(0, len(filled), _PIECE):
            piece = filled[start : start + _PIECE]
            bits = random_words(words * start, words * len(piece), **place).astype(np.uint64)
            fraction = ((bits[0::2] >> 5) * 2**26 + (bits[1::2] >> 6)) * 2.0**-53
            piece[...] = transform(fraction)
        return filled.reshape(shape)

    def integers(self, shape: tuple[int, ...], low: int, high: int) -> Any:
        """Integers in [low, high) as int64."""
        return (low + np.floor(self.uniform(shape) * (high - low))).astype(np.int64)

    def permutation(self, n: int) -> Any:
        """The numbers 0 … n − 1 in random order."""
        return np.argsort(self.uniform((n,)), kind="stable")


default_generator = Generator()
"""Where initialisation, dropout and `minidl.rand` draw from unless told otherwise."""


def manual_seed(seed: int) -> Generator:
    """Seed the default generator: one seed fixes a run.

    >>> import minidl
    >>> a = minidl.manual_seed(3) and minidl.rand(2)
    >>> b = minidl.manual_seed(3) and minidl.rand(2)
    >>> bool((a == b).all())
    True
    """
    return default_generator.manual_seed(seed)
