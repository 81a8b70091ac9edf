"""Resizing: every output row is a weighted sum of input rows, and so for columns.

    y[n, c] = A_h · x[n, c] · A_wᵀ,  A_h (out_h, H),  A_w (out_w, W)

Output pixel i has its centre at c = (i + ½) · in / out on the input's axis, where pixel j's is at
j + ½. Its weights are k((j + ½ − c) / s), made to sum to 1, for a filter k:

    bilinear   k(t) = 1 − |t| for |t| < 1
    bicubic    k(t) = (a + 2)|t|³ − (a + 3)t² + 1 for |t| ≤ 1, a|t|³ − 5at² + 8a|t| − 4a for |t| < 2

With `antialias`, s = max(1, in / out): the filter is as wide as an output pixel, so that every
input pixel counts, and what lies outside is left out. Without, s = 1: a smaller image is made of
few of the pixels, and those outside are the border's. In the bicubic filter a = −½ with antialias
(as in Pillow), −¾ without (as in OpenCV and PyTorch).

Source: R. Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions
on Acoustics, Speech, and Signal Processing 29(6), 1981.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minidl.datasets.dataset import Array
from minidl.datasets.transforms.base import BatchTransform, one_of, size_pair
from minidl.errors import ArgumentError, fail

__all__ = ["Resize", "output_size", "resize"]

INTERPOLATIONS = ("bilinear", "bicubic", "nearest")


class Resize(BatchTransform):
    """Make the images smaller or larger.

    >>> Resize(14)(np.zeros((2, 3, 28, 56), np.float32)).shape
    (2, 3, 14, 28)

    "bicubic" overshoots: its result may leave [0, 1] by a little, as torchvision's does. Raises
    ArgumentError for other values than these.

    Args:
        size: (height, width); an int is the shorter side's, and the ratio of the sides is kept
            (the longer one is rounded down).
        interpolation: "bilinear", "bicubic", or "nearest": pixel ⌊i · in / out⌋.
        antialias: weigh all the pixels that an output pixel covers; see the top of this file.
            Changes nothing where images get larger (but for bicubic's a) or for "nearest".

    """

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: str = "bilinear",
        antialias: bool = True,
    ) -> None:
        pair = size_pair("Resize", size)
        self.size: int | tuple[int, int] = pair if isinstance(size, Sequence) else pair[0]
        self.interpolation = one_of("Resize", "interpolation", interpolation, INTERPOLATIONS)
        self.antialias = antialias

    def _apply(self, images: Array, rng: np.random.Generator) -> Array:
        size = output_size(images.shape[2], images.shape[3], self.size)
        return resize(images, size, self.interpolation, self.antialias)


def output_size(H: int, W: int, size: int | tuple[int, int]) -> tuple[int, int]:
    """(out_h, out_w): `size` itself, or for an int, that of the shorter side and the same ratio.

    >>> output_size(300, 200, 100)
    (150, 100)
    """
    if not isinstance(size, int):
        return size
    if min(H, W) < 1:
        fail("Resize", "images' size", (H, W), "at least one pixel", error=ArgumentError)
    return (size, int(size * W / H)) if H <= W else (int(size * H / W), size)


def resize(
    images: Array,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    antialias: bool = True,
) -> Array:
    """See `Resize`; `size` is (out_h, out_w)."""
    (out_h, out_w), (H, W) = size, images.shape[2:]
    if min(H, W) < 1:
        fail("Resize", "images' size", (H, W), "at least one pixel", error=ArgumentError)
    if interpolation == "nearest":
        rows, columns = np.arange(out_h) * H // out_h, np.arange(out_w) * W // out_w
        return images[:, :, rows[:, None], columns]
    A_h = _weights(H, out_h, interpolation, antialias).astype(images.dtype)
    A_w = _weights(W, out_w, interpolation, antialias).astype(images.dtype)
    result: Array = A_h @ images @ A_w.T
    return result


def _weights(size: int, out_size: int, interpolation: str, antialias: bool) -> Array:
    """A, (out_size, size)."""
    stretch = max(1.0, size / out_size) if antialias else 1.0
    radius = stretch if interpolation == "bilinear" else 2 * stretch
    centers = (np.arange(out_size) + 0.5)[:, None] * size / out_size  # (out, 1)
    taps = int(np.ceil(2 * radius)) + 1
    j = np.floor(centers - radius).astype(np.int64) + np.arange(taps)  # (out, taps)
    t = np.abs(j + 0.5 - centers) / stretch
    weights = (
        _triangle(t) if interpolation == "bilinear" else _cubic(t, -0.5 if antialias else -0.75)
    )
    if antialias:
        weights[(j < 0) | (j >= size)] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((out_size, size))
    # Taps outside of the image meet in its border pixels, so they must be added up.
    np.add.at(matrix, (np.arange(out_size)[:, None], np.clip(j, 0, size - 1)), weights)
    return matrix


def _triangle(t: Array) -> Array:
    weights: Array = np.maximum(1 - t, 0)
    return weights


def _cubic(t: Array, a: float) -> Array:
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = ((t - 5) * t + 8) * t * a - 4 * a
    return np.where(t <= 1, near, np.where(t < 2, far, 0.0))
