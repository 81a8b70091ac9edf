"""Random erasing.

Source: Z. Zhong, L. Zheng, G. Kang, S. Li, Y. Yang, "Random erasing data augmentation",
arXiv:1708.04896, 2017, algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minidl.datasets.dataset import Array
from minidl.datasets.transforms.base import BatchTransform, interval, per_channel, probability
from minidl.errors import ArgumentError, fail

__all__ = ["RandomErasing"]

_ATTEMPTS = 10
"""How often another rectangle is drawn for one that doesn't fit, as in torchvision."""


class RandomErasing(BatchTransform):
    """Overwrite a rectangle of each image with probability p.

    Its area is a uniform share `scale` of the image's, its height / width is e^u with u uniform in
    log `ratio`, and its place is uniform. A rectangle as high or as wide as the image doesn't fit;
    after ten of those the image stays as it is.

    >>> images = np.ones((1, 1, 8, 8))
    >>> erased = RandomErasing(p=1.0, scale=(0.25, 0.25), ratio=(1, 1))
    >>> int((erased(images, np.random.default_rng(0)) == 0).sum())
    16

    A `DataLoader` normalises after its transform: the data set's mean as `value` is what becomes 0
    there, as it does in torchvision's recipes.

    Raises ArgumentError for other values than these.

    Args:
        p: the probability that an image is changed.
        scale: (minimum, maximum) of the rectangle's share of the image, in 0 … 1.
        ratio: (minimum, maximum) of its height / width, above 0.
        value: what it is overwritten with: one number, one per channel, or "random" for normal
            deviates, one per pixel and channel.

    """

    is_random = True

    def __init__(
        self,
        p: float = 0.5,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 3.3),
        value: float | Sequence[float] | str = 0,
    ) -> None:
        self.p = probability("RandomErasing", p)
        self.scale = interval("RandomErasing", "scale", scale, 0, 1)
        self.ratio = interval("RandomErasing", "ratio", ratio, low=0)
        if self.ratio[0] == 0:
            fail("RandomErasing", "ratio", ratio, "above 0", error=ArgumentError)
        if isinstance(value, str) and value != "random":
            fail("RandomErasing", "value", repr(value), 'a number, one per channel or "random"',
                 error=ArgumentError)  # fmt: skip
        self.value = value

    def _apply(self, images: Array, rng: np.random.Generator) -> Array:
        N, C, H, W = images.shape
        chosen = rng.random(N) < self.p
        area = H * W * rng.uniform(*self.scale, (N, _ATTEMPTS))
        low, high = (math.log(bound) for bound in self.ratio)
        ratio = np.exp(rng.uniform(low, high, (N, _ATTEMPTS)))
        heights = np.rint(np.sqrt(area * ratio)).astype(int)
        widths = np.rint(np.sqrt(area / ratio)).astype(int)
        fits = (heights < H) & (widths < W)  # (N, attempts)
        first = fits.argmax(axis=1)
        places = rng.random((N, 2))
        result = images.copy()
        for n in np.flatnonzero(chosen & fits.any(axis=1)).tolist():
            h, w = heights[n, first[n]], widths[n, first[n]]
            top, left = int(places[n, 0] * (H - h + 1)), int(places[n, 1] * (W - w + 1))
            if isinstance(self.value, str):
                value = rng.standard_normal((C, h, w), images.dtype)
            else:
                value = per_channel("RandomErasing", "value", self.value, images)
            result[n, :, top : top + h, left : left + w] = value
        return result
