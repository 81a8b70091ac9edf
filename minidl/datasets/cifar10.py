"""CIFAR-10: 32 × 32 colour photographs of ten classes.

The published files are Python 2 pickles, which are read here as data and never executed
(`minidl.files.pickle_reader`): straight from the archive as it is downloaded, or from the folder
that somebody has unpacked.

Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", technical report,
University of Toronto, 2009; the layout is described at https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import numpy as np

from minidl.datasets.dataset import Dataset
from minidl.datasets.places import (
    MissingFilesError,
    Place,
    Wanted,
    cache_folder,
    check_arguments,
    download,
    locate,
)
from minidl.errors import DataError
from minidl.files.archive import read_members
from minidl.files.pickle_reader import read_pickle
from minidl.files.reading import read_bytes

__all__ = ["CIFAR10", "parse_cifar_batch"]

Array = np.ndarray[Any, np.dtype[np.uint8]]

IMAGE_SHAPE = (3, 32, 32)
NUM_CLASSES = 10
MAX_BYTES = 1 << 25
"""The largest batch read: 32 MiB, a little above the 31 MB of the published ones."""

MAX_ARCHIVE_BYTES = 1 << 28


class CIFAR10(Dataset):
    """Photographs of animals and vehicles: 50,000 to train on, 10,000 to test.

        photographs = CIFAR10("~/data")       # the archive, or the folder unpacked from it
        photographs = CIFAR10(download=True)  # 170 MB, once

    The files are looked for in `root`, or else in $MINIDL_DATA and the cache; `source` says where
    they were found. None come with minidl. A folder holds the archive `cifar-10-python.tar.gz` or
    the files in it, directly, in `cifar-10/`, or in `cifar-10-batches-py/` as the archive and
    torchvision do.

    Raises DataError if the files are nowhere or aren't the published ones, MissingDependencyError
    for a download without pooch, ArgumentError for `root` together with `download`, DTypeError for
    torchvision's `transform`: a `DataLoader` has that.

    Attributes:
        images: uint8 (N, 3, 32, 32), read-only; red, green, blue.
        labels: uint8 (N,), read-only.
        class_names: "airplane" … "truck".
        mean, std: of all training pixels of each channel, in [0, 1].
        source: which images these are and where they come from, a sentence.

    Args:
        root: the one folder to look in; None: all those places.
        train: the training part, or else the test part.
        download: fetch the archive to the cache if it isn't found (needs pooch: pip install
            "minidl[data]").

    """

    title: ClassVar = "CIFAR-10"
    folder: ClassVar = "cifar-10-batches-py"
    archive: ClassVar = "cifar-10-python.tar.gz"
    url: ClassVar = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    md5_of_archive: ClassVar = "c58f30108f718f92721af3b95e74349a"
    names: ClassVar = (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    )
    training_mean: ClassVar = (0.4914, 0.4822, 0.4465)
    training_std: ClassVar = (0.2470, 0.2435, 0.2616)
    files: ClassVar[dict[bool, dict[str, str]]] = {
        True: {
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        },
        False: {"test_batch": "40351d587109b95175f43aff81a1287e"},
    }
    """Of the training part (True) and the test part (False): the batches and their MD5s."""

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        download: bool = False,
        **pytorchs: Any,
    ) -> None:
        check_arguments(type(self), root, train, download, pytorchs)
        files = self.files[bool(train)]
        place = self._find(tuple(files), root, download)
        batches = [
            self._checked_batch(name, content, where)
            for name, content, where in self._contents(place, tuple(files))
        ]
        images = np.concatenate([images for images, _ in batches])
        labels = np.concatenate([labels for _, labels in batches])
        images.flags.writeable = labels.flags.writeable = False
        part = "training" if train else "test"
        super().__init__(
            images,
            labels,
            class_names=self.names,
            mean=self.training_mean,
            std=self.training_std,
            source=f"{self.title}, all {len(labels):,} {part} images, from {place.description}.",
        )

    @classmethod
    def _find(
        cls,
        names: tuple[str, ...],
        root: str | os.PathLike[str] | None,
        download_missing: bool,
    ) -> Place:
        def fetch(folder: Path) -> tuple[Path, ...]:
            return (download(cls.url, f"md5:{cls.md5_of_archive}", folder),)

        wanted = Wanted(
            cls.__name__,
            names,
            ("cifar-10", cls.folder, f"cifar-10/{cls.folder}"),
            suffixes=("",),
            archive=cls.archive,
            bundled=False,
        )
        place = locate(wanted, root, fetch if download_missing else None)
        if place is None:
            raise MissingFilesError(
                f"{cls.__name__}: neither in $MINIDL_DATA nor in the cache ({cache_folder()}), and "
                "none of it comes with minidl. Fetch it with download=True, or in a shell with\n"
                "    minidl data cifar10 --fetch\n"
                "or get\n"
                f"    {cls.url}\n"
                "(170 MB) yourself, and name its folder: root=…, --data-dir or $MINIDL_DATA."
            )
        return place

    @classmethod
    def _contents(cls, place: Place, names: tuple[str, ...]) -> Iterator[tuple[str, bytes, str]]:
        """Each batch's name, its bytes, and what messages call the file."""
        if place.files[0].name != cls.archive:
            for name, path in zip(names, place.files, strict=True):
                yield name, read_bytes(path, MAX_BYTES), str(path)
            return
        path = place.files[0]
        members = read_members(
            path, [f"{cls.folder}/{name}" for name in names], MAX_BYTES, MAX_ARCHIVE_BYTES
        )
        for name in names:
            member = f"{cls.folder}/{name}"
            yield name, members.pop(member), f"{path}: {member}"

    @classmethod
    def _checked_batch(cls, name: str, content: bytes, where: str) -> tuple[Array, Array]:
        expected = cls.files["test" not in name][name]
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if md5 != expected:
            known = {md5: name for files in cls.files.values() for name, md5 in files.items()}
            owner = f" (it is {known[md5]})" if md5 in known else ""
            raise DataError(
                f"{where} is not {cls.title}'s {name}: its MD5 is {md5}, expected "
                f"{expected}{owner}."
            )
        return parse_cifar_batch(content, where)


def parse_cifar_batch(content: bytes, where: str) -> tuple[Array, Array]:
    """The images and labels in one batch file, whichever it is; no MD5 is looked at.

    The file is the pickle of a dictionary: b"data" is a uint8 array (N, 3072), a row per image, of
    1,024 bytes red, then green, then blue; b"labels" is a list of N integers 0 … 9.

    Raises DataError if it is anything else.

    Args:
        content: the file's bytes.
        where: what messages call the file.

    Returns:
        images uint8 (N, 3, 32, 32), labels uint8 (N,).

    """

    def refuse(what: str) -> NoReturn:
        raise DataError(f"{where} is no batch of CIFAR-10: {what}.")

    batch = read_pickle(content, where, encoding="bytes", max_bytes=MAX_BYTES)
    if not isinstance(batch, dict) or not {b"data", b"labels"} <= batch.keys():
        refuse("it holds something else than a dictionary with data and labels")
    data, labels = batch[b"data"], batch[b"labels"]
    size = int(np.prod(IMAGE_SHAPE))
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8:
        refuse("its data are no array of unsigned bytes")
    if data.ndim != 2 or data.shape[1] != size:
        refuse(f"its data have the shape {data.shape}, expected (N, {size})")
    if not isinstance(labels, list) or len(labels) != len(data):
        refuse(f"its labels are no list of {len(data)}, one per image")
    if any(type(label) is not int or not 0 <= label < NUM_CLASSES for label in labels):
        refuse(f"a label is no integer in 0 … {NUM_CLASSES - 1}")
    images = data.reshape(len(data), *IMAGE_SHAPE)  # (N, 3072) → (N, 3, 32, 32)
    return images, np.array(labels, dtype=np.uint8)
