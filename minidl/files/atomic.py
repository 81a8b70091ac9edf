"""Writing a file whole or not at all.

    write  .name.PID.partial ─▶ fsync ─▶ rename to name ─▶ fsync of the folder

A process that is killed on the way, or a disk that fills up, leaves the old file as it was: on
POSIX systems a rename within a folder happens at once or not at all.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from glob import escape
from pathlib import Path

from minidl.errors import DataError

__all__ = ["remove_leftovers", "write_atomically"]

_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space and try again."),
    errno.EDQUOT: ("the quota is used up", "Free some space and try again."),
    errno.EFBIG: ("files of this size aren't allowed here", "See `ulimit -f`."),
    errno.EROFS: ("the file system is read-only", "Name a place that can be written."),
    errno.EACCES: ("the folder may not be written", "Name a place that can be written."),
    errno.EPERM: ("the folder may not be written", "Name a place that can be written."),
    errno.ENOENT: ("its folder doesn't exist", "Make the folder first."),
    errno.ENOTDIR: ("its folder is a file", "Name another place."),
    errno.EISDIR: ("it is a folder", "Name a file."),
    errno.ENAMETOOLONG: ("the name is too long", "Name another."),
    errno.EIO: ("the disk reports an error", "Name a place on another disk."),
}


def write_atomically(path: str | os.PathLike[str], data: bytes | bytearray | str) -> None:
    """Put `data` into the file `path`, text as UTF-8; whoever reads it sees all of it or the old.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "note", "whole")
    ...     (Path(folder) / "note").read_text()
    'whole'

    Raises DataError if it can't be written: a full disk, a missing or read-only folder. Then the
    file is what it was before, and nothing is left beside it.
    """
    path = Path(os.path.realpath(path))  # where `path` is a link, what it points to is replaced
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        _write(temporary, data.encode() if isinstance(data, str) else data)
        os.replace(temporary, path)
    except OSError as error:
        _remove(temporary)
        raise DataError(_explain(path, error)) from error
    except BaseException:  # such as Ctrl-C
        _remove(temporary)
        raise
    _make_durable(path.parent)


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove what processes that were killed while writing the file `path` left beside it.

    Of processes that are alive too: call it only where no other one writes that file.
    """
    path = Path(os.path.realpath(path))
    for leftover in path.parent.glob(f".{escape(path.name)}.*.partial"):
        _remove(leftover)


def _write(path: Path, data: bytes | bytearray) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_durable(folder: Path) -> None:
    """Let the new name survive a power cut; the file is whole without, so failing is no error."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    with suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)


def _remove(path: Path) -> None:
    with suppress(OSError):
        os.unlink(path)


def _explain(path: Path, error: OSError) -> str:
    unknown = (error.strerror or str(error), "Name another place.")
    why, fix = _REASONS.get(error.errno or 0, unknown)
    return f"{path} can't be written: {why}. {fix}"
