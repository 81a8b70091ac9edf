"""Reading a whole file, of a kind and size that one can read whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from minidl.errors import DataError

__all__ = ["read_bytes"]


def read_bytes(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """What a file holds.

    Raises DataError, naming the file, if it is missing, a folder, a device or a pipe (which would
    wait for somebody to write), empty, larger than `max_bytes` (then nothing is read), or can't be
    read.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise OSError("Not a regular file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(size) if size <= max_bytes else b""
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:  # a null byte in the path
        raise DataError(f"{str(path)!r} is not a path: {error}.") from error
    if size > max_bytes:
        raise DataError(f"{path} has {size:,} bytes, more than the {max_bytes:,} allowed.")
    if not content:
        raise DataError(f"{path} is empty.")
    return content
