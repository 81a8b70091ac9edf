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
from minidl.train.trained import Trained

__all__ = ["Preparation", "preparation", "probabilities"]

Array = np.ndarray[Any, Any]

_INPUTS = {"fashion-mnist": (1, 28), "cifar10": (3, 32)}
"""Channels and side of the images of a data set, which models of other sizes may be trained on."""


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
    image_size: int | None = None
    """What the images of the data set were resized to for the network; None: they weren't."""
    channel_order: str = "RGB"
    """Or "BGR": what the network is given has blue first; `pixels`, mean and std have red first."""

    def normalized(self, images: Array) -> Array:
        """(N, C, h, w) in [0, 1] → what the network is given."""
        if self.image_size is not None:
            images = Resize(self.image_size)(images)
        if self.mean is not None and self.std is not None:
            images = Normalize(self.mean, self.std)(images)
        return np.ascontiguousarray(images[:, ::-1]) if self.channel_order == "BGR" else images


def preparation(found: Trained) -> Preparation:
    """How pictures become what this network, trained on that data set, expects.

    A digit for MNIST is found on its page (`minidl.datasets.digit`). Other pictures are resized and
    the middle is cut out: to the size of the images it was trained on; or where no data set is
    named, as the model's card says.

    >>> from minidl.train.trained import SHIPPED, trained
    >>> preparation(trained(SHIPPED)).description
    'the digit is found, fitted to 20×20 pixels and centred in 28×28, as in MNIST'
    """
    card, data = models.card(found.model), found.data
    of_data = DATASETS.get(data or "")
    mean = found.config.get("mean") or getattr(of_data, "training_mean", None)
    std = found.config.get("std") or getattr(of_data, "training_std", None)
    order = "RGB"
    if data == "mnist":
        return Preparation(
            "the digit is found, fitted to 20×20 pixels and centred in 28×28, as in MNIST",
            *(1, lambda pixels: _planes(digit_image(pixels)), mean, std, found.image_size),
        )
    if data in _INPUTS:
        channels, crop = _INPUTS[data]
        resize, interpolation = crop, "bilinear"
    elif data is None and card is not None and card.preprocessing is not None:
        asked = card.preprocessing
        channels, mean, std = card.input[0], asked.mean, asked.std
        resize, crop, interpolation = asked.resize, asked.crop, asked.interpolation
        order = asked.channel_order
    else:
        channels, *sides = card.input if card else (3, 224, 224)
        resize = crop = min(sides)
        interpolation = "bilinear"
    steps = Compose([Resize(resize, interpolation), CenterCrop(crop)])
    return Preparation(
        f"the shorter side resized to {resize} pixels, the middle {crop}×{crop} cut out"
        + (", blue before green and red" if order == "BGR" else ""),
        *(channels, lambda pixels: _transformed(steps, pixels), mean, std, found.image_size, order),
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
