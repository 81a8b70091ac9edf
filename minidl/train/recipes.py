"""Recipes: the settings a model is trained with.

How LeNet's were chosen: see `RECIPES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from minidl.errors import ArgumentError, fail

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
    "step": lambda progress: 0.1 ** math.floor(3 * progress),
}
"""The learning rate's factor as a function of progress, which goes from 0 to 1 in a run. Cosine:
Loshchilov & Hutter 2017, "SGDR", eq. 5, without restarts. Step: a tenth, twice."""


@dataclass(frozen=True)
class Recipe:
    """How to train: SGD with momentum on the softmax cross-entropy.

    >>> recipe = Recipe(epochs=4, batch_size=64, lr=0.1, schedule="cosine")
    >>> [round(recipe.lr_at(progress), 3) for progress in (0, 0.5, 1)]
    [0.1, 0.05, 0.0]

    Raises ArgumentError for a value that makes no sense.
    """

    epochs: int
    batch_size: int
    lr: float
    """At the start of the run."""
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "cosine"
    """One of SCHEDULES."""

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1)):
            if getattr(self, name) < least:
                fail("Recipe", name, getattr(self, name), f"at least {least}", error=ArgumentError)
        if not (math.isfinite(self.lr) and self.lr > 0):
            fail("Recipe", "lr", self.lr, "a positive number", error=ArgumentError)
        if self.schedule not in SCHEDULES:
            known = ", ".join(SCHEDULES)
            fail("Recipe", "schedule", repr(self.schedule), f"one of {known}", error=ArgumentError)

    def lr_at(self, progress: float) -> float:
        """The learning rate when this fraction of the run is done."""
        return self.lr * SCHEDULES[self.schedule](progress)


RECIPES = {
    "lenet5": Recipe(epochs=6, batch_size=32, lr=0.03, weight_decay=0.001),
    "lenet5_1998": Recipe(epochs=6, batch_size=32, lr=0.1, weight_decay=0.001),
}
"""Chosen on a fifth of the bundled MNIST training images, never on test images, by
`benchmarks/tune_lenet.py`; all figures are in `benchmarks/tune_MODEL.json`. The number of epochs is
what a laptop does in about 15 seconds.

LeNet-5, batch size 32, mean validation accuracy of two seeds, 5 epochs: 97.8% at a rate of 0.02 and
98.0% at 0.03; at 0.03 with weight decay 98.1% (0.001), 98.1% (0.002), 98.0% (0.005). More epochs
help, 98.2% after 6 and 98.4% after 8. Batch size 64 needs 8 epochs for as much, and a rate hit
exactly (98.3% at 0.05, but 97.7% at 0.04 and 97.9% at 0.06).

LeNet-5 of 1998, likewise, 6 epochs: 95.3% at 0.01, 97.1% at 0.03, 97.4% at 0.06, 97.5% at 0.1,
96.7% at 0.2.
"""


def recipe_for(model: str) -> Recipe:
    """The recipe of a model by name; for a model without one, a plain one to start from.

    >>> recipe_for("lenet5").momentum
    0.9
    """
    return RECIPES.get(model, Recipe(epochs=10, batch_size=64, lr=0.01))
