"""Rotation, translation, scaling and shear of images: the inverse affine map, sampled.

The map takes the input's point (x, y), measured in pixels from the image's centre, x to the right
and y down, to the output's

    M · (x, y) + (t_x, t_y),  M = s · R(α) · S_y(φ_y) · S_x(φ_x)

    R(α) = [cos α, −sin α; sin α, cos α]           y points down: α > 0 turns clockwise
    S_x(φ) = [1, −tan φ; 0, 1],  S_y(φ) = [1, 0; −tan φ, 1]

So the output's pixel at (u, v) shows the input's point (x, y) = M⁻¹ · (u − t_x, v − t_y), which
lies between four pixels: with j = ⌊x⌋, i = ⌊y⌋, a = x − j, b = y − i in pixel coordinates,

    (1 − b) · ((1 − a) · p[i, j]     + a · p[i, j + 1])
    +     b · ((1 − a) · p[i + 1, j] + a · p[i + 1, j + 1])

where a pixel outside of the image is `fill`. The centre is ((W − 1) / 2, (H − 1) / 2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minidl.datasets.dataset import Array
from minidl.datasets.transforms.base import BatchTransform, interval, one_of
from minidl.datasets.transforms.geometry import pad
from minidl.errors import ArgumentError, fail

__all__ = ["RandomAffine", "RandomRotation", "affine"]

INTERPOLATIONS = ("bilinear", "nearest")

Angles = float | Sequence[float]
"""a for (−a, a), or (minimum, maximum), in degrees."""


class RandomAffine(BatchTransform):
    """Rotate, shift, scale and shear each image about its centre; the size stays.

    >>> images = np.random.default_rng(0).random((4, 1, 28, 28), np.float32)
    >>> RandomAffine(10, translate=(0.1, 0.1), scale=(0.9, 1.1))(
    ...     images, np.random.default_rng(1)
    ... ).shape
    (4, 1, 28, 28)

    Every parameter is drawn uniformly from its range. Parameters are torchvision's, but
    `interpolation` is "bilinear" unless told otherwise (there: nearest), and at the border a pixel
    that is half inside mixes with `fill` once (there, for tensors: twice).

    Raises ArgumentError for other values than these.

    Args:
        degrees: of the rotation, clockwise: a for (−a, a), or (minimum, maximum). 0: none.
        translate: (a, b): the shift to the right is in −a·W … a·W, the one down in −b·H … b·H,
            both rounded to whole pixels. Fractions in 0 … 1.
        scale: (minimum, maximum), above 0; 2 is twice as large.
        shear: degrees of the shear along x: a for (−a, a), or (minimum, maximum); four numbers
            are those of x and those of y.
        interpolation: "bilinear", or "nearest" for the nearest pixel.
        fill: what is outside of the image: one number, or one per channel.

    """

    is_random = True

    def __init__(
        self,
        degrees: Angles,
        translate: tuple[float, float] | None = None,
        scale: tuple[float, float] | None = None,
        shear: Angles | None = None,
        interpolation: str = "bilinear",
        fill: float | Sequence[float] = 0,
    ) -> None:
        self.degrees = _angles("RandomAffine", "degrees", degrees)
        self.translate = None if translate is None else _fractions(translate)
        self.scale = None if scale is None else _scales(scale)
        self.shear = None if shear is None else _shears(shear)
        self.interpolation = one_of("RandomAffine", "interpolation", interpolation, INTERPOLATIONS)
        self.fill = fill

    def _apply(self, images: Array, rng: np.random.Generator) -> Array:
        N, _, H, W = images.shape
        angle = rng.uniform(*self.degrees, N)
        a, b = self.translate or (0.0, 0.0)
        translate = np.rint(rng.uniform((-a * W, -b * H), (a * W, b * H), (N, 2)))
        scale = rng.uniform(*(self.scale or (1.0, 1.0)), N)
        x_min, x_max, y_min, y_max = self.shear or (0.0, 0.0, 0.0, 0.0)
        shear = rng.uniform((x_min, y_min), (x_max, y_max), (N, 2))
        return affine(images, angle, translate, scale, shear, self.interpolation, self.fill)


class RandomRotation(BatchTransform):
    """Rotate each image about its centre; the size stays, and corners are lost.

    >>> RandomRotation(10)
    RandomRotation(degrees=(-10.0, 10.0), interpolation='bilinear', fill=0)

    As torchvision's, but for the interpolation, which is "nearest" there. Raises ArgumentError for
    other values than these.

    Args:
        degrees: counter-clockwise: a for (−a, a), or (minimum, maximum).
        interpolation, fill: see `RandomAffine`.

    """

    is_random = True

    def __init__(
        self,
        degrees: Angles,
        interpolation: str = "bilinear",
        fill: float | Sequence[float] = 0,
    ) -> None:
        self.degrees = _angles("RandomRotation", "degrees", degrees)
        self.interpolation = one_of(
            "RandomRotation", "interpolation", interpolation, INTERPOLATIONS
        )
        self.fill = fill

    def _apply(self, images: Array, rng: np.random.Generator) -> Array:
        N = len(images)
        angle = -rng.uniform(*self.degrees, N)  # a rotation is counted the other way round
        nothing = np.zeros((N, 2))
        return affine(images, angle, nothing, np.ones(N), nothing, self.interpolation, self.fill)


def affine(
    images: Array,
    angle: Array,
    translate: Array,
    scale: Array,
    shear: Array,
    interpolation: str = "bilinear",
    fill: float | Sequence[float] = 0,
) -> Array:
    """Map image n with its own parameters; see the top of this file for the formula.

    Args:
        images: (N, C, H, W).
        angle: (N,), degrees clockwise.
        translate: (N, 2), pixels to the right and down.
        scale: (N,).
        shear: (N, 2), degrees along x and along y.
        interpolation, fill: see `RandomAffine`.

    """
    H, W = images.shape[2:]
    inverse = np.linalg.inv(_matrix(angle, scale, shear))  # (N, 2, 2)
    u = np.arange(W) - (W - 1) / 2
    v = np.arange(H) - (H - 1) / 2
    u = u[None, None, :] - translate[:, 0, None, None]  # (N, 1, W)
    v = v[None, :, None] - translate[:, 1, None, None]  # (N, H, 1)
    (xu, xv), (yu, yv) = inverse[:, :, :, None, None].transpose(1, 2, 0, 3, 4)  # each (N, 1, 1)
    x = xu * u + xv * v + (W - 1) / 2  # (N, H, W), in pixel coordinates
    y = yu * u + yv * v + (H - 1) / 2
    return _sample(images, x, y, interpolation, fill)


def _matrix(angle: Array, scale: Array, shear: Array) -> Array:
    """M of each image, (N, 2, 2)."""
    angle, (x, y) = np.radians(angle), np.radians(shear.T)
    one, zero = np.ones_like(angle), np.zeros_like(angle)

    def stacked(a: Array, b: Array, c: Array, d: Array) -> Array:
        return np.stack([a, b, c, d], axis=-1).reshape(-1, 2, 2)

    rotation = stacked(np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle))
    along_y = stacked(one, zero, -np.tan(y), one)
    along_x = stacked(one, -np.tan(x), zero, one)
    matrix: Array = scale[:, None, None] * (rotation @ along_y @ along_x)
    return matrix


def _sample(
    images: Array, x: Array, y: Array, interpolation: str, fill: float | Sequence[float]
) -> Array:
    """The images' values at the points (x, y), each (N, H, W), in pixel coordinates."""
    N, C, H, W = images.shape
    if interpolation == "nearest":
        x, y = np.rint(x), np.rint(y)
    # With a border of one pixel of fill, everything outside is at a pixel of the border or between
    # two of them, so no point needs a test of its own.
    bordered = pad(images, 1, fill, operation="affine")
    x = np.clip(x, -1, W) + 1  # in the bordered image's coordinates
    y = np.clip(y, -1, H) + 1
    j = np.minimum(x.astype(np.int64), W)  # so that j + 1 is a column too
    i = np.minimum(y.astype(np.int64), H)
    a = (x - j).astype(images.dtype)[:, None]  # (N, 1, H, W)
    b = (y - i).astype(images.dtype)[:, None]
    row, image = W + 2, (H + 2) * (W + 2)
    start = np.arange(N * C).reshape(N, C, 1, 1) * image
    corner = start + (i * row + j)[:, None]  # (N, C, H, W): where p[i, j] is among all pixels
    pixels = bordered.reshape(-1)
    if interpolation == "nearest":
        # The weights are 0 or 1: 1 where the pixel is in the last row or column.
        nearest: Array = pixels[corner + (a > 0) + (b > 0) * row]
        return nearest
    upper = (1 - a) * pixels[corner] + a * pixels[corner + 1]
    lower = (1 - a) * pixels[corner + row] + a * pixels[corner + row + 1]
    result: Array = (1 - b) * upper + b * lower
    return result


# ------------------------------------------------------------------- checks of arguments


def _angles(operation: str, argument: str, value: Angles) -> tuple[float, float]:
    if isinstance(value, int | float | np.number):
        if not value >= 0:
            fail(operation, argument, value, "at least 0, for a range (−a, a)",
                 f"A range of one's own is a pair: {argument}=(minimum, maximum).",
                 error=ArgumentError)  # fmt: skip
        value = (-value, value)
    return interval(operation, argument, value)


def _fractions(value: tuple[float, float]) -> tuple[float, float]:
    try:
        a, b = (float(number) for number in value)
    except (TypeError, ValueError):
        a = b = -1.0
    if not (0 <= a <= 1 and 0 <= b <= 1):
        fail("RandomAffine", "translate", value, "(a, b), fractions in 0 … 1",
             "0.1 is up to a tenth of the width, or the height.", error=ArgumentError)  # fmt: skip
    return a, b


def _scales(value: tuple[float, float]) -> tuple[float, float]:
    minimum, maximum = interval("RandomAffine", "scale", value, low=0)
    if minimum == 0:
        fail("RandomAffine", "scale", value, "above 0", error=ArgumentError)
    return minimum, maximum


def _shears(value: Angles) -> tuple[float, float, float, float]:
    if isinstance(value, int | float | np.number):
        value = _angles("RandomAffine", "shear", value)
    along_x, along_y = (value[:2], value[2:]) if len(value) == 4 else (value, (0.0, 0.0))
    return (
        *interval("RandomAffine", "shear", along_x, -90, 90),
        *interval("RandomAffine", "shear", along_y, -90, 90),
    )
