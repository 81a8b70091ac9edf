"""Reading single files out of a tar archive: into memory, never onto the disk."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Collection
from pathlib import Path
from typing import IO

from minidl.errors import DataError

__all__ = ["read_members"]


def read_members(
    path: Path, names: Collection[str], max_member: int, max_total: int
) -> dict[str, bytes]:
    """The contents of the named files in a `.tar.gz`, by name.

    The archive is read once, front to back, until all of them are found; of two of the same name
    the first counts. Links, devices and sparse files count as damage.

    Raises DataError, naming the archive, if it can't be read, is damaged, lacks one of them, has
    one of more than `max_member` bytes, or unpacks to more than `max_total` bytes before the last
    is found.
    """
    found: dict[str, bytes] = {}
    try:
        with gzip.open(path) as unpacked:
            stream = _Bounded(unpacked, max_total)
            with tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as archive:
                for member in archive:
                    if member.name in names and member.name not in found:
                        found[member.name] = _content(archive, member, max_member)
                    if len(found) == len(names):
                        break
    except _RefusedError as error:
        raise DataError(f"{path} {error}.") from error
    except Exception as error:
        # tarfile, gzip and zlib raise whatever a damaged header happens to make them raise:
        # TarError, zlib.error, EOFError, UnicodeDecodeError, ValueError …
        why = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
        raise DataError(f"{path} cannot be read as a .tar.gz: {why}.") from error
    missing = [name for name in names if name not in found]
    if missing:
        raise DataError(f"{path} is truncated or another archive: it lacks {', '.join(missing)}.")
    return found


class _RefusedError(Exception):
    """What is wrong with the archive, to be said after its name."""


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than `limit` bytes, however well they were packed."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._left = limit

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(content)
        if self._left < 0:
            raise _RefusedError(f"unpacks to more than the {self._limit:,} bytes allowed")
        return content


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, max_member: int) -> bytes:
    file = archive.extractfile(member) if member.isreg() and not member.issparse() else None
    if file is None:
        raise _RefusedError(f"holds {member.name} as something else than a file")
    if member.size > max_member:
        raise _RefusedError(
            f"holds {member.name} of {member.size:,} bytes, more than the {max_member:,} allowed"
        )
    content = file.read()
    if len(content) != member.size:
        raise _RefusedError(f"breaks off within {member.name}")
    return content
