"""Random numbers from counter-based generators: a pure function of where in a run they are drawn.

A generator is three numbers: seed, stream and offset. Every random call takes the next offset, so
what it draws depends on nothing else. Salmon et al. 2011, "Parallel random numbers: as easy as
1, 2, 3".

There are two kinds of calls. Kernels draw words of 32 bits, by Philox4x32-10, where the array is:
dropout's mask has the same bits on every backend. Real numbers, for initial values, `rand` and
`randn`, are drawn on the host by NumPy's Philox4x64-10, whose bits NumPy guarantees to keep; what
becomes of the bits is written here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.errors import ArgumentError
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
        return self._filled(shape, dtype, lambda u: low + u * (high - low))

    def normal(
        self, shape: tuple[int, ...], mean: float = 0.0, std: float = 1.0, dtype: Any = np.float64
    ) -> Any:
        """Normal numbers, made in float64.

        Two uniform ones u, v become two independent normal ones √(−2 ln(1 − u)) · cos 2πv and
        √(−2 ln(1 − u)) · sin 2πv. G. E. P. Box, M. E. Muller, "A note on the generation of random
        normal deviates", 1958.
        """

        def transform(uniform: Any) -> Any:
            u, v = uniform[0::2], uniform[1::2]
            radius = std * np.sqrt(-2.0 * np.log1p(-u))  # 1 − u is in (0, 1]: no log 0
            # With t = tan πv, cos 2πv = (1 − t²) / (1 + t²) and sin 2πv = 2t / (1 + t²): five
            # times as fast as NumPy's cos and sin, and as exact.
            t = np.tan(np.pi * v)
            square = t * t
            radius /= 1.0 + square
            return mean + np.stack([radius * (1.0 - square), radius * (2.0 * t)], axis=1).ravel()

        return self._filled(shape, dtype, transform)

    def _filled(self, shape: tuple[int, ...], dtype: Any, transform: Callable[[Any], Any]) -> Any:
        """An array made piece by piece, so that what a piece needs stays in the cache.

        `transform` makes as many numbers as it is given uniform ones in [0, 1), an even number.
        """
        place = self.next()
        words = np.random.Philox(
            key=[place["seed"], place["stream"]], counter=[0, 0, place["offset"], 0]
        )
        filled = np.empty(math.prod(shape), dtype)
        for start in range(0, len(filled), _PIECE):
            piece = filled[start : start + _PIECE]
            even = len(piece) + len(piece) % 2
            fraction = (words.random_raw(even) >> np.uint64(11)) * 2.0**-53
            piece[...] = transform(fraction)[: len(piece)]
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
