"""Training steps, as users write them."""

# ruff: noqa: D102 - Layer documents the methods

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cases.layer import Layer, Runs, random


@dataclass(frozen=True)
class LeNetStep(Layer):
    """A whole training step of LeNet-5: forward, loss, backward, SGD with momentum."""

    group = "lenet"
    parts = ("training step",)
    why_slow = "Python and NumPy calls on small arrays, and the windows copied for convolution"

    batch: int

    @property
    def name(self) -> str:
        return f"batch {self.batch}"

    @property
    def has_target(self) -> bool:
        return self.batch >= 64

    def minidl(self, backend: Any) -> Runs:
        import minidl
        from minidl.functional import cross_entropy

        model = minidl.models.create("lenet5")
        optimizer = minidl.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        images = minidl.tensor(random(self.batch, 1, 28, 28))
        labels = minidl.tensor(np.arange(self.batch) % 10)

        def step() -> None:
            optimizer.zero_grad()
            cross_entropy(model(images), labels).backward()
            optimizer.step()

        return {"training step": step}

    def torch(self, torch: Any) -> Runs:
        nn = torch.nn
        features: tuple[Any, ...] = (nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2))
        features += (nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        dense = (nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
        model = nn.Sequential(*features, *dense)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        images = torch.from_numpy(random(self.batch, 1, 28, 28))
        labels = torch.from_numpy(np.arange(self.batch) % 10)

        def step() -> None:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()

        return {"training step": step}
