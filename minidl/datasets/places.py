"""Where data sets are looked for, in which order, and how one is fetched.

    1. the folder the caller names (`root=…`): there or nowhere
    2. the folder in the environment variable MINIDL_DATA
    3. the operating system's package of the data set, such as Debian's dataset-fashion-mnist
    4. the cache: $XDG_CACHE_HOME/minidl or ~/.cache/minidl
    5. the subset that comes with minidl

Nothing is fetched from the network unless it is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, DataError, DTypeError, MissingDependencyError, fail
from minidl.naming import PyTorchs, refuse_arguments

__all__ = [
    "BUNDLED",
    "MissingFilesError",
    "Place",
    "Wanted",
    "cache_folder",
    "check_arguments",
    "download",
    "locate",
]

BUNDLED = Path(__file__).resolve().parent / "data"
"""The folder of the subsets that come with minidl. As `root` it says: these and no others."""


class MissingFilesError(DataError):
    """A data set's files are nowhere that was looked: not a word against those that are there."""


@dataclass(frozen=True)
class Wanted:
    """Which files a data set needs, and where in a folder they may lie.

    Attributes:
        title: what messages call the data set.
        names: the files, all needed.
        subfolders: where in a place they may lie; the first is the data set's own name.
        suffixes: what a file's name may have behind it.
        archive: the name of one file that holds them all and may lie there in their place.
        system_folder: where the operating system's package puts them, if there is one.
        bundled: whether a subset comes with minidl.

    """

    title: str
    names: tuple[str, ...]
    subfolders: tuple[str, ...]
    suffixes: tuple[str, ...] = ("", ".gz")
    archive: str | None = None
    system_folder: str | None = None
    bundled: bool = True

    def find_in(self, folder: Path) -> tuple[Path, ...] | None:
        """All files in one of the subfolders or in the folder itself, or the archive, or None."""
        candidates = [*(folder / name for name in self.subfolders), folder]
        for candidate in candidates:
            files = [self._existing(candidate / name) for name in self.names]
            found = tuple(file for file in files if file is not None)
            if len(found) == len(self.names):
                return found
        for candidate in candidates:
            if self.archive is not None and (candidate / self.archive).is_file():
                return (candidate / self.archive,)
        return None

    def _existing(self, path: Path) -> Path | None:
        for suffix in self.suffixes:
            candidate = path.with_name(f"{path.name}{suffix}")
            if candidate.is_file():
                return candidate
        return None


@dataclass(frozen=True)
class Place:
    """Files that were found, and what the place they were found in is called."""

    files: tuple[Path, ...]
    description: str


def locate(
    wanted: Wanted,
    root: str | os.PathLike[str] | None,
    fetch: Callable[[Path], tuple[Path, ...]] | None,
) -> Place | None:
    """The first place that has the wanted files, or None if there is none.

    Raises MissingFilesError if `root` lacks them, DataError if it doesn't exist or MINIDL_DATA
    names a folder that doesn't, ArgumentError for `root` together with `fetch`.

    Args:
        wanted: what is looked for.
        root: the one folder to look in; None: places 2 to 5.
        fetch: puts the files into the folder that it is given, if places 2 to 4 lack them, in
            place of 5.

    """
    if root is not None:
        if fetch is not None:
            fail(wanted.title, "download", True, "False where root is given",
                 f"Without root, files are fetched to {cache_folder()}.",
                 error=ArgumentError)  # fmt: skip
        return _in_root(wanted, Path(root).expanduser())
    place = _in_known_places(wanted, bundled=wanted.bundled and fetch is None)
    if place is None and fetch is not None:
        folder = cache_folder() / wanted.subfolders[0]
        place = Place(fetch(folder), f"the cache ({folder})")
    return place


def check_arguments(
    dataset: type[Any], root: object, train: object, download: object, others: dict[str, Any]
) -> None:
    """DTypeError for arguments of the wrong kind, or torchvision's that are not minidl's."""
    name = dataset.__name__
    refuse_arguments(name, others, dataset.__init__, _TORCHVISIONS)
    if root is not None and not isinstance(root, str | os.PathLike):
        fail(name, "root", repr(root), "a folder or None",
             f"As in torchvision it is the first argument: {name}(train={bool(root)}).",
             error=DTypeError)  # fmt: skip
    for argument, value in (("train", train), ("download", download)):
        if not isinstance(value, bool | np.bool_):
            fail(name, argument, repr(value), "True or False", error=DTypeError)


_LOADERS = (
    "Give it to the loader: DataLoader(dataset, transform=…). Pixels are turned into numbers and "
    "normalised there, too"
)
_TORCHVISIONS: PyTorchs = {
    "transform": (None, _LOADERS),
    "target_transform": (None, "Change the labels themselves, or make a Dataset(images, labels)"),
    "transforms": (None, _LOADERS),
}
"""torchvision's arguments that are not minidl's: the value that means nothing, and what to do."""


def _in_root(wanted: Wanted, root: Path) -> Place:
    if not root.is_dir():
        raise DataError(f"{wanted.title}: there is no folder {root} to look in.")
    files = wanted.find_in(root)
    if files is None:
        names = " and ".join(wanted.names)
        gz = " (with .gz or without)" if ".gz" in wanted.suffixes else ""
        archive = f", and no {wanted.archive}," if wanted.archive else ""
        folders = ", ".join(f"{name}/" for name in wanted.subfolders)
        raise MissingFilesError(
            f"{wanted.title}: no {names}{gz}{archive} in root = {root}, nor in its {folders}. "
            "Without root, the other places are tried."
        )
    name = "the subset bundled with minidl" if root == BUNDLED else "the folder given"
    return Place(files, f"{name} ({files[0].parent})")


def _in_known_places(wanted: Wanted, bundled: bool) -> Place | None:
    """The first of places 2 to 5 that has the files."""
    places: list[tuple[str, Path]] = []
    skipped = ""
    named = os.environ.get("MINIDL_DATA")
    if named:
        folder = Path(named).expanduser()
        if not folder.is_dir():
            raise DataError(
                f"The environment variable MINIDL_DATA names {folder}, which is not a folder. "
                "Correct it, or unset it to use the other places."
            )
        skipped = f"; $MINIDL_DATA ({folder}) lacks {' or '.join(wanted.names)}"
        places.append(("$MINIDL_DATA", folder))
    if wanted.system_folder:
        places.append(("the system's data set package", Path(wanted.system_folder)))
    places.append(("the cache", cache_folder()))
    if bundled:
        places.append(("the subset bundled with minidl", BUNDLED))

    for name, folder in places:
        files = wanted.find_in(folder)
        if files:
            note = "" if name == "$MINIDL_DATA" else skipped
            return Place(files, f"{name} ({files[0].parent}){note}")
    return None


def cache_folder() -> Path:
    """Where downloaded files are kept (place 4)."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # unset, empty, or invalid by the XDG specification
        base = Path.home() / ".cache"
    return base / "minidl"


def download(url: str, checksum: str, folder: Path) -> Path:
    """Fetch one file into `folder` and check it; one that is there and right isn't fetched again.

    Raises MissingDependencyError if pooch isn't installed, DataError if the file can't be fetched
    or isn't the one that the checksum belongs to.

    Args:
        url: where it is.
        checksum: of the file as it is stored there, such as "md5:6bbc…".
        folder: made if it doesn't exist; the file keeps the last part of the URL as its name.

    """
    try:
        import pooch  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise MissingDependencyError(
            "Downloading a data set needs the package pooch. Install it with\n"
            '    pip install "minidl[data]"\n'
            f"or put the file from {url} into {folder} yourself."
        ) from error
    try:
        path = pooch.retrieve(url, known_hash=checksum, fname=url.rsplit("/", 1)[1], path=folder)
    except (OSError, ValueError) as error:  # no network; another checksum
        raise DataError(f"{url} could not be fetched into {folder}: {error}") from error
    return Path(path)
