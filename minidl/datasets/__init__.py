"""Data sets and loading: real images with no network, and batches of them."""

from __future__ import annotations

from typing import NoReturn

from minidl.datasets import transforms
from minidl.datasets.cifar10 import CIFAR10
from minidl.datasets.dataloader import DataLoader
from minidl.datasets.dataset import Dataset, validation_split
from minidl.datasets.foreign import DATASETS
from minidl.datasets.idx import read_idx
from minidl.datasets.image_folder import ImageFolder
from minidl.datasets.mnist import MNIST, FashionMNIST
from minidl.datasets.places import BUNDLED, cache_folder
from minidl.naming import missing_name

__all__ = [
    "BUNDLED",
    "CIFAR10",
    "MNIST",
    "DataLoader",
    "Dataset",
    "FashionMNIST",
    "ImageFolder",
    "cache_folder",
    "read_idx",
    "transforms",
    "validation_split",
]


def __getattr__(name: str) -> NoReturn:
    missing_name("minidl.datasets", name, __all__, DATASETS)
