"""The network of a run: made for the data, and tried before the run begins."""

from __future__ import annotations

import re
from typing import Any

from minidl import models
from minidl.backends import Backend
from minidl.creation import zeros
from minidl.datasets import Dataset
from minidl.errors import ArgumentError, ShapeError
from minidl.grad_mode import no_grad
from minidl.nn import Module
from minidl.train.data import classes, image_shape
from minidl.train.ingredients import resized_shape
from minidl.train.recipes import Recipe
from minidl.train.trial import check_kernels

__all__ = ["make_network"]


def make_network(
    model: str, data: str, training: Dataset, recipe: Recipe, where: Backend
) -> tuple[Module, dict[str, Any]]:
    """The model for these images and classes, tried on one; and the options it was made with.

    Raises ArgumentError for a model that can't take these images, BackendError where the backend
    lacks a kernel.
    """
    shape = resized_shape(recipe.image_size, image_shape(training))
    options = {**recipe.options, "num_classes": classes(training), "in_channels": shape[0]}
    try:
        network = models.create(model, **options)
    except TypeError as error:
        if not re.search(r"argument 'in_channels'", str(error)):
            raise
        del options["in_channels"]
        network = models.create(model, **options)
    network.to(where).eval()
    image = zeros((1, *shape), backend=where)
    try:
        check_kernels(model, network, image, recipe)
        with no_grad():
            network(image)
    except ShapeError as error:
        card = models.card(model)
        made_for = f"{model} was made for images of {card.input}. " if card else ""
        raise ArgumentError(
            f"train: {model} can't take the images of {data}, {shape}. {made_for}Choose other data "
            f"or another model.\nIn the network: {error}"
        ) from error
    return network, options
