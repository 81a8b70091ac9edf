"""Recipes: the settings a model is trained with.

How LeNet's were chosen: see `RECIPES`. Those of other networks: `minidl.train.families`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from minidl.errors import ArgumentError, fail

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop")
SCHEDULES = ("constant", "cosine", "step")
AUGMENTATIONS = ("shift", "crop", "flip", "affine", "erase")


@dataclass(frozen=True)
class Recipe:
    """How to train on the softmax cross-entropy. `minidl.train.ingredients` makes what it names.

    >>> Recipe(epochs=4, batch_size=64, lr=0.1).schedule
    'cosine'

    Raises ArgumentError for a value that makes no sense.
    """

    epochs: int
    batch_size: int
    lr: float
    """The highest one."""
    momentum: float = 0.9
    """Of SGD and RMSprop."""
    weight_decay: float = 0.0
    schedule: str = "cosine"
    """One of SCHEDULES: how the rate falls. Cosine: to zero. Step: to a tenth after each third."""
    optimizer: str = "sgd"
    """One of OPTIMIZERS."""
    warmup_epochs: float = 0
    """The rate rises for so long first, but never for more than half of the run."""
    label_smoothing: float = 0.0
    auxiliary_weight: float = 0.3
    """Of each auxiliary head's loss, in networks that have such heads."""
    augmentation: tuple[str, ...] = ()
    """Some of AUGMENTATIONS, in this order."""
    ema_decay: float | None = None
    """Of a moving average of the weights, which is then what is measured and kept."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the model is made with besides num_classes and in_channels; `fit` is given a model."""
    image_size: int | None = None
    """The images' shorter side is resized to so many pixels; None: they stay as they are."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "augmentation", tuple(self.augmentation))  # a list, from JSON
        object.__setattr__(self, "options", dict(self.options))
        for name in ("epochs", "batch_size"):
            self._check(name, getattr(self, name) >= 1, "at least 1")
        self._check("lr", 0 < self.lr < math.inf, "a positive number")
        for name in ("momentum", "label_smoothing"):
            self._check(name, 0 <= getattr(self, name) < 1, "at least 0 and below 1")
        for name in ("weight_decay", "warmup_epochs", "auxiliary_weight"):
            self._check(name, 0 <= getattr(self, name) < math.inf, "a number of at least 0")
        size = self.image_size
        self._check("image_size", size is None or size >= 1, "at least 1, or None")
        decay = self.ema_decay
        self._check("ema_decay", decay is None or 0 <= decay < 1, "at least 0 and below 1, or None")
        named = {"schedule": SCHEDULES, "optimizer": OPTIMIZERS}
        for name, known in named.items():
            self._check(name, getattr(self, name) in known, f"one of {', '.join(known)}")
        unknown = set(self.augmentation) - set(AUGMENTATIONS)
        self._check("augmentation", not unknown, f"some of {', '.join(AUGMENTATIONS)}")

    def _check(self, name: str, good: bool, expected: str) -> None:
        if not good:
            fail("Recipe", name, repr(getattr(self, name)), expected, error=ArgumentError)


RECIPES = {
    "lenet5": Recipe(
        epochs=10,
        batch_size=32,
        lr=0.03,
        weight_decay=0.001,
        augmentation=("affine",),
        image_size=28,
    ),
    "lenet5_1998": Recipe(
        epochs=10,
        batch_size=32,
        lr=0.1,
        weight_decay=0.001,
        augmentation=("affine",),
        image_size=28,
    ),
}
"""Chosen on a part of MNIST's training images, never on test images, by `benchmarks/tune_lenet.py`;
all figures are in `benchmarks/tune_MODEL.json` (a fifth of the bundled images for validation) and
`benchmarks/tune_MODEL_full.json` (a sixth of the full set's).

LeNet-5, batch size 32, bundled images, mean of two seeds, 5 epochs: 97.8% at a rate of 0.02 and
98.0% at 0.03; at 0.03 with weight decay 98.1% (0.001), 98.1% (0.002), 98.0% (0.005). More epochs
help: 98.4% after 8. Batch size 64 needs 8 epochs for as much, and a rate hit exactly (98.3% at
0.05, but 97.7% at 0.04 and 97.9% at 0.06). With slightly turned, moved and scaled digits ("affine")
98.6% after 10. On the full set, 10 epochs: 99.1% without augmentation, 99.2% with it.

LeNet-5 of 1998, bundled images, 6 epochs: 95.3% at 0.01, 97.1% at 0.03, 97.4% at 0.06, 97.5% at
0.1, 96.7% at 0.2.
"""
