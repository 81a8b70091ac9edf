"""A trained model by the name of its folder or file, and what it was trained on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minidl import backends, models
from minidl.models import imagenet_classes
from minidl.nn import Module
from minidl.train.checkpoint import load_model
from minidl.train.data import DATASETS, FOLDER

__all__ = ["SHIPPED", "Trained", "trained"]

SHIPPED = Path(__file__).parents[1] / "models" / "weights" / "lenet5-mnist.safetensors"
"""LeNet-5, trained on MNIST by `tools/train_shipped_weights.py`."""


@dataclass(frozen=True)
class Trained:
    """A trained network, and what is known of its training."""

    network: Module
    model: str
    """Its name in `minidl.models`."""
    data: str | None
    """The data set's name; None where it isn't known."""
    config: dict[str, Any]
    """All settings that its file has."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the logits stand for; empty where that isn't known.

        Published weights, which name no data set, are taken for ImageNet's.
        """
        if self.is_of_imagenet:
            return imagenet_classes()
        of_data = getattr(DATASETS.get(self.data or ""), "names", ())
        return tuple(self.config.get("class_names") or of_data)

    @property
    def image_size(self) -> int | None:
        """What the shorter side of its images is resized to; None: they stay as they are."""
        size: int | None = self.config.get("recipe", {}).get("image_size")
        return size

    @property
    def is_of_imagenet(self) -> bool:
        """Whether its weights are taken for published ones: they name no data set of their own, and
        there are 1,000 classes as on the model's card.
        """
        if self.data is not None or "class_names" in self.config:
            return False
        card = models.card(self.model)
        classes = self.config.get("options", {}).get("num_classes", 1000)
        return card is not None and card.num_classes == classes == 1000

    def __str__(self) -> str:
        where = self.config.get("data_dir") if self.data == FOLDER else self.data
        return f"{self.model}, trained on {where}" if where else self.model


def trained(
    path: str | os.PathLike[str],
    model: str | None = None,
    data: str | None = None,
    backend: str = "numpy",
) -> Trained:
    """The network that a run left behind, in evaluation mode.

    >>> found = trained(SHIPPED)
    >>> str(found), found.class_names[:3]
    ('lenet5, trained on mnist', ('0', '1', '2'))

    Raises DataError for a file that can't be read and for a folder without a checkpoint,
    ArgumentError for the file of another model.

    Args:
        path: a run's folder, its checkpoint, or a file of weights, of minidl's or PyTorch's, with
            any names that `models.load_weights` knows.
        model: its name in `minidl.models`, for a file of weights, which doesn't say.
        data: likewise, the name of the data set it was trained on.
        backend: where it will compute.

    """
    names = getattr(DATASETS.get(data or ""), "names", ())
    options = {"num_classes": len(names)} if names else None
    network, config = load_model(path, model, options)
    network = network.to(backends.get(backend)).eval()
    return Trained(network, str(config["model"]), config.get("data", data), config)
