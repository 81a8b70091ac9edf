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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from minidl.errors import DataError, MissingDependencyError

__all__ = ["BUNDLED", "Place", "cache_folder", "download", "find", "find_in"]

BUNDLED = Path(__file__).resolve().parent / "data"
"""The folder of the subsets that come with minidl. As `root` it says: these and no others."""


@dataclass(frozen=True)
class Place:
    """Files that were found, and what the place they were found in is called."""

    files: tuple[Path, ...]
    description: str


def find(
    file_names: Sequence[str],
    *,
    subfolders: Sequence[str],
    system_folder: str | None = None,
    bundled: bool = True,
) -> Place | None:
    """The first of places 2 to 5 that has all of `file_names`, each with `.gz` or without.

    Raises DataError if MINIDL_DATA names a folder that doesn't exist.

    Args:
        file_names: what is needed.
        subfolders: where in a place they may lie; the first is the data set's own name.
        system_folder: where the operating system's package puts them, if there is one.
        bundled: whether to look at place 5.

    """
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
        skipped = f"; $MINIDL_DATA ({folder}) lacks {' or '.join(file_names)}"
        places.append(("$MINIDL_DATA", folder))
    if system_folder:
        places.append(("the system's data set package", Path(system_folder)))
    places.append(("the cache", cache_folder()))
    if bundled:
        places.append(("the subset bundled with minidl", BUNDLED))

    for name, folder in places:
        files = find_in(folder, file_names, subfolders)
        if files:
            note = "" if name == "$MINIDL_DATA" else skipped
            return Place(files, f"{name} ({files[0].parent}){note}")
    return None


def find_in(
    folder: Path, file_names: Sequence[str], subfolders: Sequence[str]
) -> tuple[Path, ...] | None:
    """All of `file_names` in one of the subfolders or in the folder itself, or None."""
    for candidate in (*(folder / name for name in subfolders), folder):
        files = [_with_or_without_gz(candidate / name) for name in file_names]
        found = tuple(file for file in files if file is not None)
        if len(found) == len(file_names):
            return found
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
            "    pip install minidl[data]\n"
            f"or put the file from {url} into {folder} yourself."
        ) from error
    try:
        path = pooch.retrieve(url, known_hash=checksum, fname=url.rsplit("/", 1)[1], path=folder)
    except (OSError, ValueError) as error:  # no network; another checksum
        raise DataError(f"{url} could not be fetched into {folder}: {error}") from error
    return Path(path)


def _with_or_without_gz(path: Path) -> Path | None:
    for candidate in (path, path.with_name(f"{path.name}.gz")):
        if candidate.is_file():
            return candidate
    return None
