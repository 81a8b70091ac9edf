"""Augmentation and preprocessing of whole batches; names and parameters are torchvision's.

base        what a transform is; Compose, Normalize
geometry    flips, Pad, RandomCrop, CenterCrop: pixels moved, never mixed
affine_map  RandomAffine, RandomRotation: the inverse map with bilinear sampling
resizing    Resize: two matrix products
color       ColorJitter: brightness, contrast, saturation, hue
erasing     RandomErasing

A transform takes a batch (N, C, H, W) of pixels in [0, 1] and a `numpy.random.Generator`, and
returns a new batch of the same dtype. Each image gets its own random parameters, and they come
from that generator alone: the same generator state gives the same batch, bit for bit.

>>> import numpy as np
>>> augment = Compose([RandomCrop(28, padding=2), RandomHorizontalFlip(), RandomRotation(10)])
>>> images = np.random.default_rng(0).random((8, 1, 28, 28), np.float32)
>>> augment(images, np.random.default_rng(1)).shape
(8, 1, 28, 28)
"""

from __future__ import annotations

from typing import NoReturn

from minidl.datasets.foreign import TRANSFORMS
from minidl.datasets.transforms.affine_map import RandomAffine, RandomRotation
from minidl.datasets.transforms.base import BatchTransform, Compose, Normalize
from minidl.datasets.transforms.color import ColorJitter
from minidl.datasets.transforms.erasing import RandomErasing
from minidl.datasets.transforms.geometry import (
    CenterCrop,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomVerticalFlip,
)
from minidl.datasets.transforms.resizing import Resize
from minidl.naming import missing_name

__all__ = [
    "BatchTransform",
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "Normalize",
    "Pad",
    "RandomAffine",
    "RandomCrop",
    "RandomErasing",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomVerticalFlip",
    "Resize",
]


def __getattr__(name: str) -> NoReturn:
    missing_name("minidl.datasets.transforms", name, __all__, TRANSFORMS)
