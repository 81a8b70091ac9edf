"""Flips, padding and crops: pixels are moved, never mixed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl.datasets.dataset import Array
from minidl.datasets.transforms.base import (
    BatchTransform,
    integers,
    one_of,
    per_channel,
    probability,
    size_pair,
)
from minidl.errors import ArgumentError, fail

__all__ = [
    "CenterCrop",
    "Pad",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomVerticalFlip",
    "center_crop",
    "pad",
]

PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


class RandomHorizontalFlip(BatchTransform):
    """Mirror each image left to right with probability p: y[n, c, h, w] = x[n, c, h, W − 1 − w].

    >>> RandomHorizontalFlip(p=1.0)(np.array([[[[1.0, 2.0]]]]), np.random.default_rng(0)).tolist()
    [[[[2.0, 1.0]]]]

    Raises ArgumentError if p isn't in 0 … 1.
    """

    is_random = True

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability(type(self).__name__, p)

    def _apply(self, images: Array, rng: np.random.Generator) -> Array:
        return _flipped(images, rng.random(len(images)) < self.p, axis=3)


class RandomVerticalFlip(BatchTransform):
    """Mirror each image top to bottom with probability p: y[n, c, h, w] = x[n, c, H − 1 − h, w].

    Raises ArgumentError if p isn't in 0 … 1.
    """

    is_random = True

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability(type(self).__name__, p)

    def _apply(self, images: Array, rng: np.random.Generator) -> Array:
        return _flipped(images, rng.random(len(images)) < self.p, axis=2)


class Pad(BatchTransform):
    """Add pixels around the images.

    >>> Pad((1, 0))(np.array([[[[1.0, 2.0]]]])).tolist()
    [[[[0.0, 1.0, 2.0, 0.0]]]]

    Raises ArgumentError for other values than these.

    Args:
        padding: how many: on all sides; (left and right, top and bottom); or (left, top, right,
            bottom).
        fill: what is added in mode "constant": one number, or one per channel.
        padding_mode: "constant"; "edge" repeats the last pixel, a a|a b c|c c; "reflect" mirrors
            at it, c b|a b c|b a; "symmetric" mirrors beyond it, b a|a b c|c b.

    """

    def __init__(
        self,
        padding: int | Sequence[int],
        fill: float | Sequence[float] = 0,
        padding_mode: str = "constant",
    ) -> None:
        self.padding = padding
        self.fill = fill
        self.padding_mode = one_of("Pad", "padding_mode", padding_mode, PADDING_MODES)
        _sides("Pad", padding)

    def _apply(self, images: Array, rng: np.random.Generator) -> Array:
        return pad(images, self.padding, self.fill, self.padding_mode)


class RandomCrop(BatchTransform):
    """Cut a part of `size` from each image, at a place of its own, every place equally likely.

    y[n, c, h, w] = padded[n, c, top_n + h, left_n + w], top_n uniform in 0 … H − size[0] of the
    padded image, left_n likewise.

    >>> images = np.arange(6.0).reshape(1, 1, 2, 3)
    >>> RandomCrop(1)(images, np.random.default_rng(0)).shape
    (1, 1, 1, 1)

    Raises ArgumentError for other values than these, or if `size` is larger than the padded
    images.

    Args:
        size: (height, width), or an int for both.
        padding, fill, padding_mode: what is added before; see `Pad`. None: nothing.

    """

    is_random = True

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        fill: float | Sequence[float] = 0,
        padding_mode: str = "constant",
    ) -> None:
        self.size = size_pair("RandomCrop", size)
        self.padding = padding
        self.fill = fill
        self.padding_mode = one_of("RandomCrop", "padding_mode", padding_mode, PADDING_MODES)
        if padding is not None:
            _sides("RandomCrop", padding)

    def _apply(self, images: Array, rng: np.random.Generator) -> Array:
        if self.padding is not None:
            images = pad(images, self.padding, self.fill, self.padding_mode, "RandomCrop")
        h, w = self.size
        _check_crop("RandomCrop", self.size, images, "padded ", "A larger padding makes room.")
        N, C, H, W = images.shape
        tops = rng.integers(0, H - h + 1, N)
        lefts = rng.integers(0, W - w + 1, N)
        result = np.empty((N, C, h, w), images.dtype)
        for n, (top, left) in enumerate(zip(tops.tolist(), lefts.tolist(), strict=True)):
            result[n] = images[n, :, top : top + h, left : left + w]
        return result


class CenterCrop(BatchTransform):
    """The middle of each image: top = round((H − h) / 2), left = round((W − w) / 2).

    Half a pixel is rounded to the even number, as torchvision does. Raises ArgumentError if
    `size` is larger than the images (torchvision adds black borders: `Pad` does).

    >>> CenterCrop(1)(np.array([[[[1.0, 2.0, 3.0]]]])).tolist()
    [[[[2.0]]]]
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size_pair("CenterCrop", size)

    def _apply(self, images: Array, rng: np.random.Generator) -> Array:
        return center_crop(images, self.size)


def center_crop(images: Array, size: tuple[int, int], operation: str = "CenterCrop") -> Array:
    """See `CenterCrop`; the images may have any dtype."""
    _check_crop(operation, size, images, "", "Resize or Pad them first.")
    (h, w), (H, W) = size, images.shape[2:]
    top, left = round((H - h) / 2), round((W - w) / 2)
    return images[:, :, top : top + h, left : left + w].copy()


def pad(
    images: Array,
    padding: int | Sequence[int],
    fill: float | Sequence[float] = 0,
    padding_mode: str = "constant",
    operation: str = "Pad",
) -> Array:
    """See `Pad`."""
    left, top, right, bottom = _sides(operation, padding)
    widths = ((0, 0), (0, 0), (top, bottom), (left, right))
    if padding_mode != "constant":
        if padding_mode != "edge":
            _check_mirror(operation, padding, images, padding_mode)
        mode: Any = padding_mode  # one of NumPy's names too, and it means the same there
        return np.pad(images, widths, mode=mode)
    N, C, H, W = images.shape
    result = np.empty((N, C, top + H + bottom, left + W + right), images.dtype)
    result[:] = per_channel(operation, "fill", fill, images)
    result[:, :, top : top + H, left : left + W] = images
    return result


def _flipped(images: Array, chosen: Array, axis: int) -> Array:
    """A copy in which the chosen images (N,) are mirrored along `axis`."""
    result = images.copy()
    result[chosen] = np.flip(images[chosen], axis)
    return result


def _sides(operation: str, padding: int | Sequence[int]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom)."""
    values = integers(padding)
    if len(values) not in (1, 2, 4) or min(values) < 0:
        fail(operation, "padding", repr(padding), "an int, (left and right, top and bottom) or "
             "(left, top, right, bottom), at least 0", error=ArgumentError)  # fmt: skip
    left, top, right, bottom = values * (4 // len(values))
    return left, top, right, bottom


def _check_mirror(
    operation: str, padding: int | Sequence[int], images: Array, padding_mode: str
) -> None:
    """There must be as many pixels to mirror as are added."""
    left, top, right, bottom = _sides(operation, padding)
    H, W = (side - (padding_mode == "reflect") for side in images.shape[2:])
    if max(top, bottom) > H or max(left, right) > W:
        fail(operation, "padding", padding, f"at most {H} above and below, {W} left and right, for "
             f"{padding_mode!r} of images of {images.shape[2:]}", error=ArgumentError)  # fmt: skip


def _check_crop(operation: str, size: tuple[int, int], images: Array, which: str, fix: str) -> None:
    H, W = images.shape[2:]
    if size[0] > H or size[1] > W:
        fail(operation, "size", size, f"at most {(H, W)}, the size of the {which}images", fix,
             error=ArgumentError)  # fmt: skip
