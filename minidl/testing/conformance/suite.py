"""What the suite knows about a kernel: its cases, how to draw more, how exact it must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import numpy as np

from minidl.testing import naive

T = TypeVar("T")
Config: TypeAlias = dict[str, Any]
"""A kernel's arguments by name, with `Data` in place of arrays."""

Scale: TypeAlias = Callable[[str, Config, list[Any]], list[float]]
"""From the kernel's name, its arguments and the true results: the size of the numbers that each
result is computed from. See `tolerance.py`."""


class Draw:
    """Hypothesis's choices, in the few forms the suites need; they shrink towards the first."""

    def __init__(self, draw: Callable[[Any], Any], strategies: Any) -> None:
        self._draw, self._strategies = draw, strategies

    def integer(self, low: int, high: int) -> int:
        """low ≤ number ≤ high."""
        return int(self._draw(self._strategies.integers(low, high)))

    def pair(self, low: int, high: int) -> tuple[int, int]:
        """Two of them."""
        return self.integer(low, high), self.integer(low, high)

    def choice(self, options: Sequence[T]) -> T:
        """One of these."""
        chosen: T = self._draw(self._strategies.sampled_from(options))
        return chosen

    def flag(self) -> bool:
        """False or True."""
        return self.choice([False, True])


def largest(kernel: str, arguments: Config, truths: list[Any]) -> list[float]:
    """The usual scale: the largest number of each true result."""
    return [biggest(truth) for truth in truths]


def of_absolutes(kernel: str, arguments: Config, truths: list[Any]) -> list[float]:
    """For sums of products: the largest sum of the terms' absolute values."""
    absolutes = {
        name: np.abs(value) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
        for name, value in arguments.items()
    }
    return [biggest(getattr(naive, kernel)(**absolutes))]


def biggest(array: Any) -> float:
    """Largest finite absolute value; 0 if there is none, or no array."""
    if array is None:
        return 0.0
    finite = np.abs(array[np.isfinite(array)])
    return float(finite.max()) if finite.size else 0.0


@dataclass(frozen=True)
class Suite:
    """One kernel's."""

    cases: Sequence[Config]
    """Picked by hand to be difficult."""
    draw: Callable[[Draw], Config]
    """Any valid configuration, small."""
    scale: Scale | None = largest
    """None: the result must be exact."""
    positive_zeros: bool = False
    """Whether the sign of a zero matters."""
    prepare: Callable[[Config], None] | None = None
    """Completes the arguments in place where some follow from others (indices from a pooling)."""
    updates: Sequence[str] = field(default_factory=tuple)
    """The lists that the kernel changes in place."""
    result_dtype: str | None = None
    """None: floating results have the call's dtype."""
