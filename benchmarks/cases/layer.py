"""What a case is: one setting, told once for minidl and right below for PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

Runs = dict[str, Callable[[], Any]]


def random(*shape: int, seed: int = 0) -> Any:
    """Normally distributed float32, the same for both libraries."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


@dataclass(frozen=True)
class Layer:
    """One row of a table: a setting, whose parts are timed one by one."""

    group: ClassVar[str]
    parts: ClassVar[tuple[str, ...]]
    operations: ClassVar[int] = 1
    """How many operations one call makes; times are given per operation."""
    why_slow: ClassVar[str] = ""
    """Said where the numpy backend misses the group's target."""

    @property
    def name(self) -> str:
        """The setting in a few words, unique in its group."""
        raise NotImplementedError

    @property
    def has_target(self) -> bool:
        """Whether the group's target is meant for this setting."""
        return True

    def minidl(self, backend: Any) -> Runs:
        """What to time for each part; `backend` is minidl's."""
        raise NotImplementedError

    def torch(self, torch: Any) -> Runs:
        """The same with PyTorch."""
        raise NotImplementedError
