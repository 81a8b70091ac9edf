"""One run at a time in a folder: a lock that ends with its process, however that ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from minidl.errors import ArgumentError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["exclusive"]

_NOTE = ".running"
"""The file that says which process holds the lock, for the message; it isn't the lock."""


@contextmanager
def exclusive(folder: Path) -> Iterator[bool]:
    """Keep other processes out of `folder`, an existing one, within `with`.

    The lock is flock(2)'s, on the folder itself. The system opens it when the process ends, also
    one that is killed, so that none is ever left over. Where there is no such lock, as on Windows
    and on some network file systems, nobody is kept out.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, exclusive(Path(folder)):
    ...     os.listdir(folder)
    ['.running']

    Raises ArgumentError, naming the other process, where the folder is locked. Yields whether it
    was possible to lock it.
    """
    descriptor = _locked(folder)
    if descriptor is None:
        yield False
        return
    note = folder / _NOTE
    try:
        with suppress(OSError):
            note.write_text(str(os.getpid()))
        yield True
    finally:
        with suppress(OSError):
            note.unlink()
        os.close(descriptor)


def _locked(folder: Path) -> int | None:
    """A descriptor whose closing opens the lock; None where there are no locks."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # whoever writes there will say what is wrong
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ArgumentError(
            f"train: another run is under way in {folder}: that of {_holder(folder)}. Wait for its "
            "end, or name another folder."
        ) from None
    except OSError:  # a file system without locks
        os.close(descriptor)
        return None
    return descriptor


def _holder(folder: Path) -> str:
    try:
        return f"process {int((folder / _NOTE).read_text())}"
    except (OSError, ValueError):  # it has locked the folder this very moment
        return "another process"
