"""Brightness, contrast, saturation and hue.

Three are blends with a picture z, by a factor f (1: the same image; 0: z), cut off at 0 and 1:

    y = clip(f · x + (1 − f) · z, 0, 1)

    brightness   z = 0, black
    contrast     z = the mean over the image's pixels of its luma
    saturation   z = the luma of each pixel: the grey image

Luma is that of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B. A hue is turned in HSV: with V = max,
C = max − min of (R, G, B) and the hue H in 0 … 6 (0 red, 2 green, 4 blue),

    H = (G − B) / C mod 6 if V = R, else (B − R) / C + 2 if V = G, else (R − G) / C + 4

    y_n = V − C · clip(min(k, 4 − k), 0, 1),  k = (n + H + 6 · shift) mod 6

with n = 5, 3, 1 for R, G, B.

Source: A. R. Smith, "Color gamut transform pairs", SIGGRAPH 1978.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.datasets.dataset import Array
from minidl.datasets.transforms.base import BatchTransform, interval
from minidl.errors import ArgumentError, ShapeError, fail

__all__ = [
    "ColorJitter",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
]

Range = tuple[float, float]


class ColorJitter(BatchTransform):
    """Change each image's brightness, contrast, saturation and hue at random, in random order.

    >>> ColorJitter(brightness=0.2, hue=0.1)
    ColorJitter(brightness=(0.8, 1.2), contrast=None, saturation=None, hue=(-0.1, 0.1))

    Grey images (C = 1) have neither saturation nor hue: those two leave them as they are.

    Raises ArgumentError for other values than these, ShapeError if C is neither 1 nor 3.

    Args:
        brightness, contrast, saturation: d for a factor in max(0, 1 − d) … 1 + d, or the range
            (minimum, maximum) of the factor.
        hue: d ≤ 0.5 for a shift in −d … d, or (minimum, maximum); 1 is the whole circle.

    """

    is_random = True

    def __init__(
        self,
        brightness: float | Range = 0,
        contrast: float | Range = 0,
        saturation: float | Range = 0,
        hue: float | Range = 0,
    ) -> None:
        self.brightness = _factors("brightness", brightness)
        self.contrast = _factors("contrast", contrast)
        self.saturation = _factors("saturation", saturation)
        self.hue = _shifts(hue)

    def _apply(self, images: Array, rng: np.random.Generator) -> Array:
        steps: list[tuple[Callable[[Array, Array], Array], Range]] = [
            (adjust, bounds)
            for adjust, bounds in (
                (adjust_brightness, self.brightness),
                (adjust_contrast, self.contrast),
                (adjust_saturation, self.saturation),
                (adjust_hue, self.hue),
            )
            if bounds is not None
        ]
        N = len(images)
        orders = rng.permuted(np.tile(np.arange(len(steps)), (N, 1)), axis=1)  # (N, steps)
        amounts = [rng.uniform(*bounds, N) for _, bounds in steps]
        _check_channels(images)
        result = images.copy()
        for turn in range(len(steps)):
            for number, (adjust, _) in enumerate(steps):
                chosen = np.flatnonzero(orders[:, turn] == number)
                if len(chosen):
                    result[chosen] = adjust(result[chosen], amounts[number][chosen])
        return result


def adjust_brightness(images: Array, factor: Array) -> Array:
    """Blend image n with black, by factor[n]."""
    return _blend(images, np.zeros((1, 1, 1, 1), images.dtype), factor)


def adjust_contrast(images: Array, factor: Array) -> Array:
    """Blend image n with the mean of its luma, by factor[n]."""
    return _blend(images, _luma(images).mean(axis=(1, 2, 3), keepdims=True), factor)


def adjust_saturation(images: Array, factor: Array) -> Array:
    """Blend image n with its grey version, by factor[n]; grey images stay as they are."""
    return images.copy() if images.shape[1] == 1 else _blend(images, _luma(images), factor)


def adjust_hue(images: Array, shift: Array) -> Array:
    """Turn image n's hues by shift[n] of the whole circle; grey images stay as they are."""
    _check_channels(images)
    if images.shape[1] == 1:
        return images.copy()
    R, G, B = images.transpose(1, 0, 2, 3)  # each (N, H, W)
    V = images.max(axis=1)
    C = V - images.min(axis=1)
    divisor = np.where(C > 0, C, 1)  # a grey pixel has no hue; with C = 0 any will do
    H = np.where(
        V == R,
        (G - B) / divisor,
        np.where(V == G, (B - R) / divisor + 2, (R - G) / divisor + 4),
    )
    H += (6 * shift).astype(images.dtype)[:, None, None]
    result = np.empty(images.shape, images.dtype)
    for channel, n in enumerate((5, 3, 1)):
        k = (n + H) % 6
        result[:, channel] = V - C * np.clip(np.minimum(k, 4 - k), 0, 1)
    return result


def _blend(images: Array, other: Array, factor: Array) -> Array:
    f = factor.astype(images.dtype)[:, None, None, None]
    result: Array = np.clip(f * images + (1 - f) * other, 0, 1)
    return result


def _luma(images: Array) -> Array:
    """(N, 1, H, W)."""
    _check_channels(images)
    if images.shape[1] == 1:
        return images
    R, G, B = images.transpose(1, 0, 2, 3)
    luma: Array = (0.299 * R + 0.587 * G + 0.114 * B)[:, None]
    return luma


# ------------------------------------------------------------------- checks of arguments


def _check_channels(images: Array) -> None:
    if images.shape[1] not in (1, 3):
        fail("ColorJitter", "images.shape[1]", images.shape[1], "3 channels (red, green, blue) or "
             "1 (grey)", error=ShapeError)  # fmt: skip


def _factors(argument: str, value: Any) -> Range | None:
    """The range of a factor; None where it is always 1."""
    if isinstance(value, int | float | np.number):
        _check_number(argument, value)
        value = (max(0.0, 1 - float(value)), 1 + float(value))
    bounds = interval("ColorJitter", argument, value, low=0)
    return None if bounds == (1, 1) else bounds


def _shifts(value: Any) -> Range | None:
    """The range of the hue's shift; None where it is always 0."""
    if isinstance(value, int | float | np.number):
        _check_number("hue", value)
        value = (-float(value), float(value))
    bounds = interval("ColorJitter", "hue", value, low=-0.5, high=0.5)
    return None if bounds == (0, 0) else bounds


def _check_number(argument: str, value: Any) -> None:
    if not value >= 0:
        fail("ColorJitter", argument, value, "at least 0", "A range is a pair (minimum, maximum).",
             error=ArgumentError)  # fmt: skip
