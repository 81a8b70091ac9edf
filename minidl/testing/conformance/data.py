"""Descriptions of test data: `normal(2, 3)` stands for an array, and prints as itself.

A test case is a kernel's arguments with these in place of arrays, so it can be printed, pasted,
drawn by hypothesis, and made again from a seed.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Data:
    """An array to be: how it is filled, its shape, and what the filling needs to know."""

    kind: str
    shape: tuple[int, ...] = ()
    option: Any = None
    dtype: str | None = None
    """None: that of the call, float32 or float64."""

    def make(self, name: str, seed: int, dtype: str) -> Array:
        """The values, C-contiguous; the same for the same name (of the argument) and seed."""
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        values = _FILLINGS[self.kind](rng, self.shape, self.option)
        return np.ascontiguousarray(values, self.dtype or dtype).reshape(self.shape)

    def __repr__(self) -> str:
        parts = [] if self.kind == "literal" else [repr(size) for size in self.shape]
        if self.option is not None:
            parts.append(_OPTION_NAMES[self.kind] + _pasteable(self.option))
        if self.dtype is not None:
            parts.append(f"dtype={self.dtype!r}")
        return f"{self.kind}({', '.join(parts)})"


def normal(*shape: int) -> Data:
    """Standard normal numbers."""
    return Data("normal", shape)


def whole(*shape: int) -> Data:
    """Whole numbers from −2 to 2: full of ties."""
    return Data("whole", shape)


def unit(*shape: int) -> Data:
    """Numbers between 0 and 1, both included somewhere."""
    return Data("unit", shape)


def positive(*shape: int) -> Data:
    """Numbers between 1 and 2."""
    return Data("positive", shape)


def wide(*shape: int) -> Data:
    """Numbers between −50 and 50, and the whole numbers −3, 0, 3 and 6."""
    return Data("wide", shape)


def offset(*shape: int) -> Data:
    """Normal numbers around 10,000: where E[x²] − E[x]² loses everything."""
    return Data("offset", shape)


def constant(*shape: int, value: float, dtype: str | None = None) -> Data:
    """One number everywhere, such as −inf."""
    return Data("constant", shape, value, dtype)


def sprinkled(*shape: int, value: float) -> Data:
    """Normal numbers, every third replaced by `value`, such as NaN or −inf."""
    return Data("sprinkled", shape, value)


def labels(*shape: int, classes: int, dtype: str = "int64") -> Data:
    """Class numbers; integers from 0 up to, without, `classes`."""
    return Data("labels", shape, classes, dtype)


def literal(*values: int, dtype: str = "int64") -> Data:
    """These very numbers, in one dimension."""
    return Data("literal", (len(values),), values, dtype)


def scalar(value: float, dtype: str = "float64") -> Data:
    """A zero-dimensional array, as the kernels take it for numbers that live on a device."""
    return Data("scalar", (), value, dtype)


def _pasteable(option: Any) -> str:
    if isinstance(option, tuple):
        return ", ".join(map(repr, option))
    finite = not isinstance(option, float) or math.isfinite(option)
    return repr(option) if finite else f'float("{option}")'


_OPTION_NAMES = {
    "constant": "value=",
    "sprinkled": "value=",
    "labels": "classes=",
    "literal": "",
    "scalar": "",
}

Filling: TypeAlias = Callable[[np.random.Generator, tuple[int, ...], Any], Any]


def _wide(rng: np.random.Generator, shape: tuple[int, ...], _: Any) -> Array:
    values = rng.uniform(-50, 50, shape)
    special = np.array([0.0, 3.0, -3.0, 6.0])
    values.reshape(-1)[: special.size] = special[: values.size]
    return values


def _unit(rng: np.random.Generator, shape: tuple[int, ...], _: Any) -> Array:
    values = rng.uniform(0, 1, shape)
    values.reshape(-1)[:2] = [0.0, 1.0][: values.size]
    return values


def _sprinkled(rng: np.random.Generator, shape: tuple[int, ...], value: float) -> Array:
    values = rng.standard_normal(shape)
    values.reshape(-1)[1::3] = value
    return values


_FILLINGS: dict[str, Filling] = {
    "normal": lambda rng, shape, _: rng.standard_normal(shape),
    "whole": lambda rng, shape, _: rng.integers(-2, 3, shape),
    "unit": _unit,
    "positive": lambda rng, shape, _: rng.uniform(1, 2, shape),
    "wide": _wide,
    "offset": lambda rng, shape, _: rng.standard_normal(shape) + 1e4,
    "constant": lambda rng, shape, value: np.full(shape, value),
    "sprinkled": _sprinkled,
    "labels": lambda rng, shape, classes: rng.integers(0, classes, shape),
    "literal": lambda rng, shape, values: values,
    "scalar": lambda rng, shape, value: value,
}
