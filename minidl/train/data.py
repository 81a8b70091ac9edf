"""Data sets by name, for runs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minidl import datasets
from minidl.datasets import Dataset
from minidl.errors import ArgumentError, DataError, fail, unknown_name

__all__ = [
    "DATASETS",
    "FOLDER",
    "classes",
    "fingerprint",
    "image_shape",
    "load_data",
    "short_source",
]

DATASETS: dict[str, Callable[..., Dataset]] = {
    "mnist": datasets.MNIST,
    "fashion-mnist": datasets.FashionMNIST,
    "cifar10": datasets.CIFAR10,
}
"""Each is called with `train`, True or False, and `root`, the folder or None."""
FOLDER = "folder"
"""The name for one's own images: root/train/CLASS/… and root/test/CLASS/…"""


def load_data(
    name: str,
    data_dir: str | None = None,
    limit: int | None = None,
    shape: tuple[int, int, int] | None = None,
) -> tuple[Dataset, Dataset]:
    """The training part and the test part of a data set, or the first samples of each.

    Raises ArgumentError for an unknown name, DataError for bad files.

    Args:
        name: one of DATASETS, or FOLDER.
        data_dir: the folder of its files; "bundled": the images that come with minidl; None: where
            `minidl.datasets` finds them.
        limit: so many samples of each part; None: all.
        shape: (C, H, W) that images of a folder are made into; None: colours, of the size they are.

    """
    if limit is not None and limit < 1:
        fail("train", "limit", limit, "at least 1", error=ArgumentError)
    if name == FOLDER:
        training, test = _from_folder(data_dir, shape)
    elif name in DATASETS:
        root = datasets.BUNDLED if data_dir == "bundled" else data_dir
        training, test = (DATASETS[name](train=train, root=root) for train in (True, False))
    else:
        unknown_name("train: there is no data set", name, (*DATASETS, FOLDER))
    return _first(training, limit), _first(test, limit)


def _first(dataset: Dataset, limit: int | None) -> Dataset:
    if limit is None or limit >= len(dataset):
        return dataset
    return dataset.subset(np.arange(limit), f"The first {limit:,} of them.")


def _from_folder(
    data_dir: str | None, shape: tuple[int, int, int] | None
) -> tuple[Dataset, Dataset]:
    """Both parts, normalised with the mean and deviation of the training pixels."""
    if data_dir is None:
        raise ArgumentError(
            f"train: --data {FOLDER} needs --data-dir DIR, with your images in DIR/train/CLASS/… "
            "and DIR/test/CLASS/…"
        )
    _check_parts(Path(data_dir).expanduser())
    channels, size = (shape[0], min(shape[1:])) if shape else (3, None)
    training, test = (
        datasets.ImageFolder(Path(data_dir).expanduser() / part, size=size, channels=channels)
        for part in ("train", "test")
    )
    if training.class_names != test.class_names:
        missing = sorted(set(training.class_names) ^ set(test.class_names))
        raise DataError(
            f"{data_dir}: train and test don't have the same classes: only one of them has "
            f"{', '.join(missing)}."
        )
    mean, std = _pixel_statistics(training.images)
    for part in (training, test):
        part.mean, part.std = mean, std
    return training, test


def _check_parts(folder: Path) -> None:
    """DataError if it doesn't hold train/ and test/; perhaps the folder above does."""
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "doesn't exist"
        raise DataError(f"--data-dir {folder} {what}.")
    missing = [part for part in ("train", "test") if not (folder / part).is_dir()]
    if missing:
        above = folder.resolve().parent
        is_part = all((above / part).is_dir() for part in ("train", "test"))
        hint = f" Did you mean --data-dir {above}?" if is_part else ""
        raise DataError(
            f"--data-dir {folder} has no folder {' nor '.join(missing)}. Name the one that holds "
            f"train/ and test/, with your images in train/CLASS/… and test/CLASS/….{hint}"
        )


def _pixel_statistics(
    images: np.ndarray[Any, Any],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, in [0, 1], from a count of the 256 values."""
    counts = np.zeros((images.shape[1], 256))
    for image in images:
        for channel, pixels in enumerate(image):
            counts[channel] += np.bincount(pixels.ravel(), minlength=256)
    shares, values = counts / counts.sum(axis=1, keepdims=True), np.arange(256) / 255
    mean = shares @ values  # (C,)
    std = np.sqrt((shares * (values - mean[:, None]) ** 2).sum(axis=1))
    std[std == 0] = 1  # of a channel that is the same everywhere
    return tuple(mean.tolist()), tuple(std.tolist())


def image_shape(dataset: Dataset) -> tuple[int, ...]:
    """(C, H, W) of one image as a loader gives it."""
    shape = dataset.images.shape[1:]
    return (1, *shape) if len(shape) == 2 else tuple(shape)


def classes(dataset: Dataset) -> int:
    """How many there are: as many as names, or as labels up to the largest."""
    return len(dataset.class_names) or int(dataset.labels.max()) + 1


def short_source(dataset: Dataset) -> str:
    """Where its images come from, without the path of those that come with minidl.

    >>> short_source(datasets.MNIST(root=datasets.BUNDLED))
    'MNIST, a subset of 10,000 training images, bundled with minidl.'
    """
    bundled = rf"from the subset bundled with minidl \({re.escape(str(datasets.BUNDLED))}[^)]*\)"
    return re.sub(bundled, "bundled with minidl", dataset.source)


def fingerprint(dataset: Dataset) -> str:
    """Of the images and the labels in their order: two data sets that differ don't share it."""
    images = np.ascontiguousarray(dataset.images, dataset.images.dtype.newbyteorder("<"))
    digest = hashlib.blake2b(f"{images.dtype.name} {images.shape}".encode(), digest_size=16)
    digest.update(images.data if images.size else b"")
    digest.update(np.ascontiguousarray(dataset.labels, "<i8").tobytes())
    return digest.hexdigest()
