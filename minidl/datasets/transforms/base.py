"""What a transform is, several in a row, and the checks that they share."""

from __future__ import annotations

import inspect
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minidl.datasets.dataset import Array
from minidl.errors import ArgumentError, DTypeError, fail

__all__ = ["BatchTransform", "Compose", "Normalize"]


class BatchTransform(ABC):
    """(images (N, C, H, W) in float32 or float64, generator) → new images of the same dtype.

    The input is never changed, and the result never shares memory with it. `rng` may be left out
    where nothing is random.

    Raises ShapeError if images haven't four dimensions, DTypeError if they are neither float32 nor
    float64 or `rng` is no `numpy.random.Generator`.
    """

    is_random: bool = False
    """Whether it draws from the generator."""

    def __call__(self, images: Array, rng: np.random.Generator | None = None) -> Array:
        """Check the arguments, then transform."""
        name = type(self).__name__
        images = np.asarray(images)
        if images.dtype not in (np.float32, np.float64):
            fail(name, "images.dtype", images.dtype, "float32 or float64",
                 "Pixels 0 … 255 become images.astype(np.float32) / 255.",
                 error=DTypeError)  # fmt: skip
        if images.ndim != 4:
            fail(name, "images.shape", images.shape, "(N, C, H, W)",
                 "One image is a batch of one: images[None].")  # fmt: skip
        if self.is_random and not isinstance(rng, np.random.Generator):
            fail(name, "rng", type(rng).__name__, "a numpy.random.Generator",
                 "np.random.default_rng(seed) makes one.", error=DTypeError)  # fmt: skip
        # Where nothing is random, no generator is ever looked at.
        return self._apply(images, rng)  # type: ignore[arg-type]

    @abstractmethod
    def _apply(self, images: Array, rng: np.random.Generator) -> Array:
        """The new images."""

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({arguments})"


class Compose(BatchTransform):
    """One transform after the other: Compose([f, g])(x) = g(f(x)).

    >>> from minidl.datasets.transforms import Pad, RandomHorizontalFlip
    >>> Compose([Pad(2), RandomHorizontalFlip()])
    Compose(
        Pad(padding=2, fill=0, padding_mode='constant')
        RandomHorizontalFlip(p=0.5)
    )

    Any callable of the same form may be among them. Raises DTypeError if something can't be
    called.
    """

    def __init__(self, transforms: Sequence[Callable[[Array, np.random.Generator], Array]]) -> None:
        if not isinstance(transforms, Iterable):
            fail("Compose", "transforms", repr(transforms), "a list of transforms",
                 f"Put it into one: Compose([{transforms!r}]).", error=DTypeError)  # fmt: skip
        self.transforms = list(transforms)
        for transform in self.transforms:
            check_callable("Compose", "one of the transforms", transform)
        # Of a callable of somebody else's, nobody knows: it may draw.
        self.is_random = any(getattr(t, "is_random", True) for t in self.transforms)

    def _apply(self, images: Array, rng: np.random.Generator) -> Array:
        if not self.transforms:
            return images.copy()
        for transform in self.transforms:
            images = transform(images, rng)
        return images

    def __repr__(self) -> str:
        lines = [f"    {line}" for t in self.transforms for line in repr(t).split("\n")]
        return "\n".join(["Compose(", *lines, ")"])


class Normalize(BatchTransform):
    """y = (x − mean[c]) / std[c] in channel c.

    >>> Normalize(mean=[0.5], std=[0.25])(np.full((1, 1, 1, 2), 0.75)).tolist()
    [[[[1.0, 1.0]]]]

    A `DataLoader` normalises by itself, after its transform, where the data set has `mean` and
    `std`: this is for those that have none.

    Raises ArgumentError if mean and std haven't one number each per channel (or a single one), or
    a std is 0 or negative, DTypeError if they are no numbers.
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
        self.mean = numbers("Normalize", "mean", mean)
        self.std = numbers("Normalize", "std", std)
        if not all(s > 0 for s in self.std):
            fail("Normalize", "std", self.std, "positive numbers", error=ArgumentError)

    def _apply(self, images: Array, rng: np.random.Generator) -> Array:
        mean = per_channel("Normalize", "mean", self.mean, images)
        std = per_channel("Normalize", "std", self.std, images)
        result: Array = (images - mean) / std
        return result


def contains_normalize(transform: Any) -> bool:
    """Whether it is `Normalize`, or a `Compose` with one in it, however deep."""
    if isinstance(transform, Compose):
        return any(contains_normalize(each) for each in transform.transforms)
    return isinstance(transform, Normalize)


# ------------------------------------------------------------------- checks of arguments


def check_callable(operation: str, argument: str, transform: Any) -> None:
    """DTypeError for what can't be called as (images, rng)."""
    expected = "a function (images, rng) → images, or one of minidl.datasets.transforms"
    if not callable(transform) or isinstance(transform, type):
        made = f"Make one: {transform.__name__}(…)." if isinstance(transform, type) else ""
        fail(operation, argument, repr(transform), expected, made, error=DTypeError)
    try:
        inspect.signature(transform).bind("images", "rng")
    except ValueError:  # of a function in C, nobody knows
        return
    except TypeError:
        fail(operation, argument, repr(transform), expected,
             "It gets a batch (N, C, H, W) and a numpy.random.Generator: lambda images, rng: ….",
             error=DTypeError)  # fmt: skip


def numbers(operation: str, argument: str, value: Any) -> tuple[float, ...]:
    """A number, or a sequence of them, as a tuple."""
    values = value if isinstance(value, Iterable) else (value,)
    if isinstance(value, str) or not all(isinstance(v, int | float | np.number) for v in values):
        fail(operation, argument, repr(value), "a number, or a list of one per channel",
             error=DTypeError)  # fmt: skip
    return tuple(float(v) for v in values)


def per_channel(operation: str, argument: str, value: Any, images: Array) -> Array:
    """A number, or one per channel → (C or 1, 1, 1), in the images' dtype."""
    values = np.asarray(value, dtype=images.dtype).reshape(-1, 1, 1)
    if len(values) not in (1, images.shape[1]):
        fail(operation, argument, value, f"one number per channel ({images.shape[1]})",
             error=ArgumentError)  # fmt: skip
    return values


def size_pair(operation: str, size: int | Sequence[int]) -> tuple[int, int]:
    """An int, or (h, w) → (h, w), both at least 1."""
    pair = integers(size)
    if len(pair) == 1:
        pair *= 2
    if len(pair) != 2 or min(pair) < 1:
        fail(operation, "size", repr(size), "an int or (height, width), at least 1",
             error=ArgumentError)  # fmt: skip
    return pair[0], pair[1]


def integers(value: Any) -> tuple[int, ...]:
    """An integer, or a sequence of them, as a tuple; empty if it is something else."""
    values = value if isinstance(value, Sequence) else (value,)
    try:
        return tuple(operator.index(number) for number in values)
    except TypeError:
        return ()


def probability(operation: str, p: float) -> float:
    """`p` itself, in 0 … 1."""
    if not isinstance(p, int | float | np.number) or not 0 <= p <= 1:
        fail(operation, "p", repr(p), "a probability, 0 … 1", error=ArgumentError)
    return p


def interval(
    operation: str,
    argument: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
) -> tuple[float, float]:
    """`value` as (minimum, maximum), both finite and within low … high."""
    wanted = "" if (low, high) == (-math.inf, math.inf) else f" in {low:g} … {high:g}"
    expected = f"(minimum, maximum){wanted}"
    try:
        minimum, maximum = (float(number) for number in value)
    except (TypeError, ValueError):
        fail(operation, argument, repr(value), expected, error=ArgumentError)
    ordered = math.isfinite(minimum) and math.isfinite(maximum) and minimum <= maximum
    if not ordered or minimum < low or maximum > high:
        fail(operation, argument, value, expected, error=ArgumentError)
    return minimum, maximum


def one_of(operation: str, argument: str, value: str, allowed: Sequence[str]) -> str:
    """`value` itself, which must be among `allowed`."""
    if value not in allowed:
        fail(operation, argument, repr(value), f"one of {', '.join(map(repr, allowed))}",
             error=ArgumentError)  # fmt: skip
    return value
