"""MNIST and Fashion-MNIST: 28 × 28 grey images of ten classes.

Sources:
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86(11), 1998.
    H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking
    machine learning algorithms", arXiv:1708.07747, 2017.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from minidl.datasets.dataset import Dataset
from minidl.datasets.idx import Images, md5_of_idx, read_idx
from minidl.datasets.places import (
    MissingFilesError,
    Place,
    Wanted,
    check_arguments,
    download,
    locate,
)
from minidl.errors import DataError

__all__ = ["MNIST", "FashionMNIST"]


@dataclass(frozen=True)
class IdxFile:
    """One file of the set: its name and the MD5s it is known by."""

    name: str
    md5: str
    """Of the full file, decompressed."""
    md5_of_gzip: str
    """Of the file as it is downloaded."""
    md5_of_subset: str
    """Of the bundled subset's file of that name, decompressed."""


class _IdxDataset(Dataset):
    """What MNIST and Fashion-MNIST have in common."""

    title: ClassVar[str]
    subfolders: ClassVar[tuple[str, ...]]
    system_folder: ClassVar[str | None] = None
    url: ClassVar[str]
    names: ClassVar[tuple[str, ...]]
    training_mean: ClassVar[tuple[float, ...]]
    training_std: ClassVar[tuple[float, ...]]
    files: ClassVar[dict[bool, tuple[IdxFile, IdxFile]]]
    """The images' file and the labels' file: of the training part (True), the test part (False)."""

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        download: bool = False,
        **pytorchs: Any,
    ) -> None:
        check_arguments(type(self), root, train, download, pytorchs)
        files = self.files[bool(train)]
        place = self._find(files, root, download)
        images, is_full = self._read(place.files[0], files[0], ndim=3)
        labels, labels_are_full = self._read(place.files[1], files[1], ndim=1)
        if is_full != labels_are_full:
            raise DataError(
                f"{place.files[0]} and {place.files[1]} don't belong together: one is of the full "
                "set, the other of minidl's subset."
            )
        part = "training" if train else "test"
        extent = f"all {len(labels):,}" if is_full else f"a subset of {len(labels):,}"
        super().__init__(
            images,
            labels,
            class_names=self.names,
            mean=self.training_mean,
            std=self.training_std,
            source=f"{self.title}, {extent} {part} images, from {place.description}.",
        )

    @classmethod
    def _find(
        cls,
        files: tuple[IdxFile, IdxFile],
        root: str | os.PathLike[str] | None,
        download_missing: bool,
    ) -> Place:
        def fetch(folder: Path) -> tuple[Path, ...]:
            return tuple(
                download(f"{cls.url}{file.name}.gz", f"md5:{file.md5_of_gzip}", folder)
                for file in files
            )

        wanted = Wanted(
            cls.__name__,
            tuple(file.name for file in files),
            cls.subfolders,
            system_folder=cls.system_folder,
        )
        place = locate(wanted, root, fetch if download_missing else None)
        if place is None:
            raise MissingFilesError(
                f"{cls.__name__}: this installation of minidl lacks its bundled data. Install it "
                "again, or pass download=True, or name a folder with root=…"
            )
        return place

    @classmethod
    def _read(cls, path: Path, file: IdxFile, ndim: int) -> tuple[Images, bool]:
        """The array, and whether it is the full one (or else the bundled subset's)."""
        array = read_idx(path, ndim)
        md5 = md5_of_idx(array)
        if md5 not in (file.md5, file.md5_of_subset):
            raise DataError(
                f"{path} is not {cls.title}'s {file.name}: the MD5 of its decompressed bytes is "
                f"{md5}, expected {file.md5}{_true_owner(md5)}."
            )
        return array, md5 == file.md5


class MNIST(_IdxDataset):
    """Handwritten digits: 60,000 to train on, 10,000 to test; bundled, 10,000 and 2,000 of them.

    >>> digits = MNIST(train=False)
    >>> digits.images.shape[1:], digits.images.dtype, digits.class_names[3]
    ((28, 28), dtype('uint8'), '3')

    The files are looked for in `root`, or else in $MINIDL_DATA, the system's data set package,
    the cache and the bundled subset; `source` says where they were found. `root=BUNDLED` asks for
    the subset even where the full set is at hand, for results that are the same everywhere. A
    folder holds them directly, in `mnist/` or as torchvision does in `MNIST/raw/`, compressed or
    not.

    Raises DataError if `root` lacks the files or a file isn't what it should be,
    MissingDependencyError for a download without pooch, ArgumentError for `root` together with
    `download`, DTypeError for torchvision's `transform`: a `DataLoader` has that, and normalises.

    Attributes:
        images: uint8 (N, 28, 28), read-only; 0 is the background.
        labels: uint8 (N,), read-only.
        class_names: "0" … "9".
        mean, std: of all training pixels, in [0, 1].
        source: which images these are and where they come from, a sentence.

    Args:
        root: the one folder to look in; None: all those places.
        train: the training part, or else the test part.
        download: fetch the full set to the cache if it isn't found (needs pooch: pip install
            "minidl[data]").

    """

    title = "MNIST"
    subfolders = ("mnist", "MNIST/raw")
    url = "https://ossci-datasets.s3.amazonaws.com/mnist/"
    names = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
    training_mean = (0.1307,)
    training_std = (0.3081,)
    files: ClassVar = {
        True: (
            IdxFile(
                "train-images-idx3-ubyte",
                md5="6bbc9ace898e44ae57da46a324031adb",
                md5_of_gzip="f68b3c2dcbeaaa9fbdd348bbdeb94873",
                md5_of_subset="7bc0afc27805695f553906123cb47017",
            ),
            IdxFile(
                "train-labels-idx1-ubyte",
                md5="a25bea736e30d166cdddb491f175f624",
                md5_of_gzip="d53e105ee54ea40749a09fcbcd1e9432",
                md5_of_subset="e8d7da0246a3449058742313c3f14a3d",
            ),
        ),
        False: (
            IdxFile(
                "t10k-images-idx3-ubyte",
                md5="2646ac647ad5339dbf082846283269ea",
                md5_of_gzip="9fb629c4189551a2d022fa330f9573f3",
                md5_of_subset="1de76046b80bd7c6938bcde995889a15",
            ),
            IdxFile(
                "t10k-labels-idx1-ubyte",
                md5="27ae3e4e09519cfbb04c329615203637",
                md5_of_gzip="ec29112dd5afa0611ce80d1b7f02629c",
                md5_of_subset="456383911d79cf0fb150351a450908ed",
            ),
        ),
    }


class FashionMNIST(_IdxDataset):
    """Zalando's articles of clothing, in MNIST's format and sizes; harder than digits.

    >>> clothes = FashionMNIST(train=False)
    >>> clothes.class_names[clothes.labels[0]] in clothes.class_names
    True

    Arguments, attributes, places and errors are those of `MNIST`; a folder may hold the files
    in `fashion-mnist/` or in torchvision's `FashionMNIST/raw/`.
    """

    title = "Fashion-MNIST"
    subfolders = ("fashion-mnist", "FashionMNIST/raw")
    system_folder = "/usr/share/datasets/fashion-mnist"
    url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
    names = (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
    training_mean = (0.2860,)
    training_std = (0.3530,)
    files: ClassVar = {
        True: (
            IdxFile(
                "train-images-idx3-ubyte",
                md5="f4a8712d7a061bf5bd6d2ca38dc4d50a",
                md5_of_gzip="8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                md5_of_subset="d2e946b56b5dad1899434eeff806fd6c",
            ),
            IdxFile(
                "train-labels-idx1-ubyte",
                md5="9018921c3c673c538a1fc5bad174d6f9",
                md5_of_gzip="25c81989df183df01b3e8a0aad5dffbe",
                md5_of_subset="ebe7b400ebf6fc9c4a43f53f7bff643c",
            ),
        ),
        False: (
            IdxFile(
                "t10k-images-idx3-ubyte",
                md5="8181f5470baa50b63fa0f6fddb340f0a",
                md5_of_gzip="bef4ecab320f06d8554ea6380940ec79",
                md5_of_subset="979cb3166c006f39fd7039cee479a5f3",
            ),
            IdxFile(
                "t10k-labels-idx1-ubyte",
                md5="15d484375f8d13e6eb1aabb0c3f46965",
                md5_of_gzip="bb300cfdad3c16e7a12a480ee83cd310",
                md5_of_subset="0b88e0a5fb177744e7712cacb87a386f",
            ),
        ),
    }


def _true_owner(md5: str) -> str:
    """Whose file an MD5 belongs to, for the message about a file in the wrong place."""
    for dataset in (MNIST, FashionMNIST):
        for file in (*dataset.files[True], *dataset.files[False]):
            if md5 in (file.md5, file.md5_of_subset):
                return f" (it is {dataset.title}'s {file.name})"
    return ""
