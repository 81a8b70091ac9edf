"""Data sets by name, for runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from minidl import datasets
from minidl.datasets import Dataset
from minidl.errors import ArgumentError, fail, unknown_name

__all__ = ["DATASETS", "classes", "fingerprint", "image_shape", "load_data"]

DATASETS: dict[str, Callable[..., Dataset]] = {
    "mnist": datasets.MNIST,
    "fashion-mnist": datasets.FashionMNIST,
}
"""Each is called with `train`, True or False, and `root`, the folder or None."""


def load_data(name: str, train: bool, data_dir: str | None, limit: int | None) -> Dataset:
    """A part of the data set of that name, or its first `limit` samples.

    Args:
        name: one of DATASETS.
        train: the training part, or else the test part.
        data_dir: the folder of its files; "bundled": the images that come with minidl; None: where
            `minidl.datasets` finds them.
        limit: None: all.

    """
    if name not in DATASETS:
        unknown_name("train: there is no data set", name, DATASETS)
    root = datasets.BUNDLED if data_dir == "bundled" else data_dir
    dataset = DATASETS[name](train=train, root=root)
    if limit is None:
        return dataset
    if limit < 1:
        fail("train", "limit", limit, "at least 1", error=ArgumentError)
    size = min(limit, len(dataset))
    return dataset.subset(np.arange(size), f"The first {size:,} of them.")


def image_shape(dataset: Dataset) -> tuple[int, ...]:
    """(C, H, W) of one image as a loader gives it."""
    shape = dataset.images.shape[1:]
    return (1, *shape) if len(shape) == 2 else tuple(shape)


def classes(dataset: Dataset) -> int:
    """How many there are: as many as names, or as labels up to the largest."""
    return len(dataset.class_names) or int(dataset.labels.max()) + 1


def fingerprint(dataset: Dataset) -> str:
    """Of the labels in their order: two data sets that differ hardly share it."""
    return hashlib.sha256(np.ascontiguousarray(dataset.labels, "<i8").tobytes()).hexdigest()[:16]
