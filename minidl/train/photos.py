"""Pictures of one's own, prepared as a trained network expects them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl import models
from minidl.creation import tensor
from minidl.datasets.digit import digit_image
from minidl.datasets.transforms import CenterCrop, Compose, Normalize, Resize
from minidl.functional import softmax
from minidl.grad_mode import no_grad
from minidl.nn import Module
from minidl.train.data import DATASETS

__all__ = ["Preparation", "preparation", "probabilities"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Preparation:
    """What is done to a picture before a network sees it."""

    description: str
    channels: int
    """1 for grey, 3 for colours: what the picture must be read as."""
    pixels: Callable[[Array], Array]
    """uint8 (H, W) or (H, W, 3) → float32 (C, h, w) in [0, 1]."""
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None

    def normalized(self, images: Array) -> Array:
        """(N, C, h, w) in [0, 1] → what the network is given."""
        if self.mean is None or self.std is None:
            return images
        return Normalize(self.mean, self.std)(images)


def preparation(model: str, data: str | None) -> Preparation:
    """How pictures become what this model, trained on this data set, expects.

    A digit for MNIST is found on its page (`minidl.datasets.digit`). For other data the model's
    card says what was done to images; where it doesn't, they are resized to its input.

    >>> preparation("lenet5", "mnist").description
    'the digit is found, fitted to 20×20 pixels and centred in 28×28, as in MNIST'

    Args:
        model: a name from `minidl.models.list()`.
        data: a name from `DATASETS`; None, or any other: not one of them.

    """
    of_data = DATASETS.get(data) if data else None
    mean = getattr(of_data, "training_mean", None)
    std = getattr(of_data, "training_std", None)
    if data == "mnist":
        return Preparation(
            "the digit is found, fitted to 20×20 pixels and centred in 28×28, as in MNIST",
            *(1, lambda pixels: _planes(digit_image(pixels)), mean, std),
        )
    card = models.card(model)
    channels, height, width = card.input if card else (3, 224, 224)
    asked = card.preprocessing if card else None
    if asked is not None and of_data is None:
        steps = Compose([Resize(asked.resize, asked.interpolation), CenterCrop(asked.crop)])
        return Preparation(
            f"the shorter side resized to {asked.resize} pixels, "
            f"the middle {asked.crop}×{asked.crop} cut out",
            *(channels, lambda pixels: _transformed(steps, pixels), asked.mean, asked.std),
        )
    resize = Resize((height, width))
    return Preparation(
        f"resized to {width}×{height} pixels",
        *(channels, lambda pixels: _transformed(resize, pixels), mean, std),
    )


def probabilities(model: Module, images: Array) -> Array:
    """The softmax of the logits: float32 (N, C, h, w), normalised → float64 (N, classes)."""
    backend = next(model.parameters()).backend
    was_training = model.training
    model.eval()
    with no_grad():
        logits = model(tensor(images, backend=backend))
        result: Array = softmax(logits, -1).numpy().astype(np.float64)
    model.train(was_training)
    return result


def _planes(pixels: Array) -> Array:
    """uint8 (H, W) or (H, W, C) → float32 (C, H, W) in [0, 1]."""
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return planes.astype(np.float32) / 255


def _transformed(transform: Callable[[Array], Array], pixels: Array) -> Array:
    # Bicubic resizing overshoots; a picture's pixels end at 0 and 255.
    result: Array = np.clip(transform(_planes(pixels)[None])[0], 0, 1)
    return result
