"""IDX, the file format of MNIST: a strict reader, and the one way to write it back.

    byte 0, 1   zero
    byte 2      type of the elements; 0x08 is unsigned byte, the only one read here
    byte 3      number of dimensions D
    4 · D bytes the dimensions, big-endian unsigned 32-bit, slowest first
    the rest    the elements in C order, and nothing after them

The file may be compressed with gzip: its first bytes tell, not its name.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section
"File formats".
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from minidl.errors import DataError
from minidl.files.reading import read_bytes

__all__ = ["MAX_BYTES", "encode_idx", "gzip_idx", "md5_of_idx", "read_idx"]

MAX_BYTES = 1 << 28
"""The largest array read unless told otherwise: 256 MiB, five times MNIST's training images."""

UNSIGNED_BYTE = 0x08
TYPE_NAMES = {
    0x09: "signed byte",
    0x0B: "16-bit integer",
    0x0C: "32-bit integer",
    0x0D: "32-bit float",
    0x0E: "64-bit float",
}
GZIP_MAGIC = b"\x1f\x8b"
GZIP_OVERHEAD = 1 << 16  # gzip makes incompressible data a little longer

Images = np.ndarray[Any, np.dtype[np.uint8]]


def read_idx(path: str | os.PathLike[str], ndim: int, max_bytes: int = MAX_BYTES) -> Images:
    """The array in an IDX file of unsigned bytes, gzip-compressed or not.

    Never allocates more than the file's header declares, and refuses a header that declares more
    than `max_bytes` before it decompresses the elements.

    Raises DataError if the file can't be read, is neither IDX nor gzip, is truncated or damaged
    (also where only its CRC-32 tells), has bytes too many, another type of element, another number
    of dimensions, or absurd ones.

    Args:
        path: the file.
        ndim: how many dimensions the array must have: 3 for images (N, H, W), 1 for labels (N,).
        max_bytes: the most elements, and the largest file, that are accepted.

    Returns:
        A read-only uint8 array of `ndim` dimensions.

    """
    path = Path(path)
    stored = read_bytes(path, max_bytes + GZIP_OVERHEAD)
    header_size = 4 + 4 * ndim
    header = _expand(path, stored, header_size)
    shape = _parse_header(path, header, ndim)
    size = math.prod(shape)
    if max(size, *shape) > max_bytes:
        _refuse(path, f"declares {_times(shape)} bytes, more than the {max_bytes:,} allowed")

    # One byte more than declared is enough to notice that there are too many.
    total = header_size + size
    content = _expand(path, stored, total + 1)
    if len(content) < total:
        _refuse(
            path,
            f"is truncated: it declares {_times(shape)} = {size:,} elements "
            f"and holds {len(content) - header_size:,}",
        )
    if len(content) > total:
        _refuse(path, f"has bytes after the {_times(shape)} = {size:,} elements it declares")
    return np.frombuffer(content, dtype=np.uint8, offset=header_size).reshape(shape)


def encode_idx(array: Images) -> bytes:
    r"""The bytes of the uncompressed IDX file that holds `array` (there is exactly one).

    >>> encode_idx(np.array([7, 2], dtype=np.uint8))
    b'\x00\x00\x08\x01\x00\x00\x00\x02\x07\x02'
    """
    return _header_of(array) + array.tobytes()


def gzip_idx(array: Images) -> bytes:
    """`encode_idx(array)` compressed reproducibly: with no time and no file name inside."""
    return gzip.compress(encode_idx(array), compresslevel=9, mtime=0)


def md5_of_idx(array: Images) -> str:
    """MD5 of `encode_idx(array)`. Mirrors recompress, so only this identifies a data set's file."""
    digest = hashlib.md5(_header_of(array), usedforsecurity=False)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _header_of(array: Images) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, UNSIGNED_BYTE, array.ndim, *array.shape)


def _expand(path: Path, stored: bytes, limit: int) -> bytes:
    """The first `limit` bytes of the content, fewer where it ends before."""
    if not stored.startswith(GZIP_MAGIC):
        return stored[:limit]
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # | 16: a gzip header
    try:
        content = decompressor.decompress(stored, limit)
    except zlib.error as error:
        if "incorrect data check" in str(error):
            _refuse(path, "is damaged: the CRC-32 of its gzip stream is wrong", error)
        _refuse(path, f"is damaged: its gzip stream does not decompress ({error})", error)
    if decompressor.unused_data:
        _refuse(path, "has bytes after the end of its gzip stream")
    if len(content) < limit and not decompressor.eof:
        _refuse(path, f"is truncated: its gzip stream breaks off after {len(content):,} bytes")
    return content


def _parse_header(path: Path, header: bytes, ndim: int) -> tuple[int, ...]:
    """The shape in the header, after checking all that stands before it."""
    magic = header[:4]
    if magic[:2] != b"\0\0"[: len(magic)]:
        _refuse(path, f"is neither IDX nor gzip-compressed IDX: its content starts with {magic!r}")
    if len(magic) < 4:
        _refuse(path, f"is truncated: its header ends after {len(magic)} bytes")
    element_type, found_ndim = magic[2], magic[3]
    if element_type != UNSIGNED_BYTE:
        name = TYPE_NAMES.get(element_type, "no type that IDX knows")
        _refuse(
            path,
            f"has elements of type 0x{element_type:02X} ({name}), expected 0x08 (unsigned byte)",
        )
    if found_ndim != ndim:
        _refuse(
            path,
            f"has {found_ndim} dimension(s) (magic number {int.from_bytes(magic)}), expected "
            f"{ndim} (magic number {(UNSIGNED_BYTE << 8) + ndim}); images have 3, labels have 1",
        )
    if len(header) < 4 + 4 * ndim:
        _refuse(path, f"is truncated: its header ends after {len(header)} bytes")
    return struct.unpack(f">{ndim}I", header[4:])


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in shape)


def _refuse(path: Path, what: str, cause: Exception | None = None) -> NoReturn:
    raise DataError(f"{path} {what}.") from cause
