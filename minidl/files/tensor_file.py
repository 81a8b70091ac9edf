"""Named arrays and what belongs to them in one file, in the safetensors format.

    8 bytes   length of the header, little-endian
    header    JSON: {"__metadata__": {…}, name: {"dtype", "shape", "data_offsets"}, …}
    data      the arrays' bytes, one after the other without gaps

minidl's metadata is JSON under one key of `__metadata__`, with the SHA-256 of the whole file (taken
with zeros for its own 64 digits): a file that minidl wrote is read back as it was, or refused.
Reading executes nothing, and allocates no more than the file's own size; of bfloat16, which NumPy
lacks and which becomes float32 of the same values, twice that.

The format: https://github.com/huggingface/safetensors#format. Files are written by that library.
They are read here, since one error for whatever may be wrong, duplicate names and the checksum need
a look at the header anyway.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np

from minidl.errors import ArgumentError, DataError, DTypeError, fail
from minidl.files.atomic import write_atomically

__all__ = ["read_tensors", "widened_bfloat16", "write_tensors"]

Array = np.ndarray[Any, Any]

_KEY = "minidl"
_NO_DIGEST = "0" * 64
_HEADER_LIMIT = 8 * 2**20
_DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
_BFLOAT16 = "BF16"
"""The upper half of a float32, which NumPy lacks: read as float32, never written."""


def write_tensors(
    path: str | os.PathLike[str],
    arrays: Mapping[str, Array],
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write arrays under their names, and metadata: whatever JSON can say, without NaN.

    The same content gives the same bytes. The file is replaced at once (`write_atomically`).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "one.safetensors"
    ...     write_tensors(path, {"weight": np.ones((2, 3))}, {"epoch": 4})
    ...     arrays, metadata = read_tensors(path)
    >>> arrays["weight"].shape, metadata
    ((2, 3), {'epoch': 4})

    Raises DataError if the file can't be written, ArgumentError or DTypeError for names, arrays or
    metadata that the format has no place for.
    """
    from safetensors.numpy import save

    checked = {name: _checked_array(name, array) for name, array in arrays.items()}
    data = bytearray(save(checked, metadata={_KEY: _encoded(dict(metadata or {}))}))
    if int.from_bytes(data[:8], "little") > _HEADER_LIMIT:
        fail("write_tensors", "metadata", "more than 8 MiB with the names", "less",
             "Large content belongs into arrays.", error=ArgumentError)  # fmt: skip
    digits = data.index(_NO_DIGEST.encode())
    data[digits : digits + 64] = hashlib.sha256(data).hexdigest().encode()
    write_atomically(path, data)


def read_tensors(
    path: str | os.PathLike[str], max_bytes: int = 2**34
) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays of a safetensors file by name, bfloat16 as float32, and minidl's metadata.

    A file written by minidl is checked against its checksum. One written by something else has
    none, and gives no metadata.

    Raises DataError for anything else than a whole, undamaged safetensors file of at most
    `max_bytes` bytes whose dtypes NumPy has.
    """
    path = Path(path)
    try:
        with _opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > max_bytes:
                _refuse(path, f"it has {size:,} bytes, more than the {max_bytes:,} allowed")
            return _read(path, file, size)
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}.") from error
    except MemoryError as error:
        raise DataError(f"{path} can't be read: it doesn't fit into the memory.") from error


def widened_bfloat16(bits: Array) -> Array:
    """The float32 whose upper halves these 16 bits are: uint16 of any shape, its values exactly.

    >>> widened_bfloat16(np.array([0x3F80, 0xC000], np.uint16))
    array([ 1., -2.], dtype=float32)
    """
    return np.asarray(np.left_shift(bits, 16, dtype=np.uint32)).view(np.float32)


# Writing


def _checked_array(name: str, given: Any) -> Array:
    try:
        usable = bool(name.encode()) and name != "__metadata__"
    except (AttributeError, UnicodeEncodeError):  # no str, or half a surrogate pair
        usable = False
    if not usable:
        fail("write_tensors", "a name", repr(name), "a name for an array", error=ArgumentError)
    array: Array = np.asarray(given, order="C")
    if array.dtype.newbyteorder("<") not in _DTYPES.values():
        known = ", ".join(dtype.name for dtype in _DTYPES.values())
        fail("write_tensors", f"the dtype of {name}", array.dtype, f"one of {known}",
             error=DTypeError)  # fmt: skip
    return array


def _encoded(metadata: dict[str, Any]) -> str:
    try:
        return json.dumps(
            {"sha256": _NO_DIGEST, "metadata": metadata}, allow_nan=False, separators=(",", ":")
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(
            f"write_tensors: metadata has no form in JSON: {error}. Use dicts, lists, strings, "
            "finite numbers, booleans and None."
        ) from error


# Reading


class _Entry(NamedTuple):
    """One array's line of the header."""

    name: str
    code: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


def _opened(path: Path) -> BinaryIO:
    try:
        mode = path.stat().st_mode
    except ValueError as error:  # a path with a null byte
        raise DataError(f"{str(path)!r} is not a path: {error}.") from error
    if not stat.S_ISREG(mode):
        _refuse(path, "it is a folder" if stat.S_ISDIR(mode) else "it is no regular file")
    return path.open("rb")


def _read(path: Path, file: BinaryIO, size: int) -> tuple[dict[str, Array], dict[str, Any]]:
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > size - 8:
        _refuse(path, "it is truncated, or something else")
    if length > _HEADER_LIMIT:
        _refuse(path, f"its header would have {length:,} bytes")
    header = file.read(length)
    content = _parsed(path, header)
    digest, metadata = _metadata(path, content.pop("__metadata__", {}))
    entries = _entries(path, content, size - 8 - length)
    zeroed = header.replace(digest.encode(), _NO_DIGEST.encode(), 1) if digest else header
    checksum = hashlib.sha256(start + zeroed)
    arrays = {}
    for entry in entries:
        array = _empty(path, entry)
        if array.size:
            raw = array.reshape(-1).view(np.uint8)
            if file.readinto(raw) != raw.size:  # type: ignore[attr-defined]
                _refuse(path, f"it ends within {entry.name!r}")
            checksum.update(raw.data)
            if entry.dtype == bool and raw.max() > 1:
                _refuse(path, f"{entry.name!r} is boolean, with other bytes than 0 and 1")
        array = array.astype(entry.dtype.newbyteorder("="), copy=False)
        if entry.code == _BFLOAT16:
            array = widened_bfloat16(array)
        arrays[entry.name] = array
    if digest and checksum.hexdigest() != digest:
        raise DataError(
            f"{path} is damaged: its checksum is {checksum.hexdigest()[:12]}…, its header says "
            f"{digest[:12]}…. Use another copy."
        )
    return arrays, metadata


def _parsed(path: Path, text: bytes | str) -> dict[str, Any]:
    """A JSON object; refuses what has two meanings: names given twice, NaN."""

    def pairs_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name is given twice")
        return found

    def no_constant(name: str) -> NoReturn:
        raise ValueError(f"{name} is no JSON")

    try:
        text = text.decode() if isinstance(text, bytes) else text
        content = json.loads(text, object_pairs_hook=pairs_once, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not a safetensors file, or damaged: {error}.") from error
    if not isinstance(content, dict):
        _refuse(path, "its header is not a JSON object")
    return content


def _metadata(path: Path, found: Any) -> tuple[str | None, dict[str, Any]]:
    """The checksum and what minidl wrote; (None, {}) for a file of somebody else's."""
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        _refuse(path, "its __metadata__ is not a table of strings")
    # Where a damaged byte hides one of the two marks, the other still shows whose file it is.
    ours = [key for key, value in found.items() if key == _KEY or value.startswith('{"sha256":')]
    if not ours:
        return None, {}
    content = _parsed(path, found[ours[0]])
    digest, metadata = content.get("sha256"), content.get("metadata")
    if ours != [_KEY] or not isinstance(digest, str) or len(digest) != 64:
        _refuse(path, "its checksum is damaged")
    if not isinstance(metadata, dict) or len(content) != 2:
        _refuse(path, "its metadata is damaged")
    return digest, metadata


def _entries(path: Path, content: dict[str, Any], size: int) -> list[_Entry]:
    """The arrays in the order of their bytes, which must fill `size` bytes exactly."""
    entries = [_entry(path, name, fields) for name, fields in content.items()]
    entries.sort(key=lambda entry: (entry.begin, entry.end))
    position = 0
    for entry in entries:
        if entry.begin != position:
            _refuse(path, f"{entry.name!r} begins at byte {entry.begin}, not at {position}")
        position = entry.end
    if position != size:
        _refuse(path, f"it has {size:,} bytes of data, its header says {position:,}")
    return entries


def _entry(path: Path, name: str, fields: Any) -> _Entry:
    if not isinstance(fields, dict) or set(fields) != {"dtype", "shape", "data_offsets"}:
        _refuse(path, f"{name!r} lacks its dtype, shape or data_offsets")
    shape, offsets = fields["shape"], fields["data_offsets"]
    if not _sizes(shape) or not _sizes(offsets) or len(offsets) != 2:
        _refuse(path, f"the shape or the offsets of {name!r} are not whole numbers")
    code = fields["dtype"]
    if not isinstance(code, str) or code not in (*_DTYPES, _BFLOAT16):
        raise DataError(
            f"{path}: {name!r} has the dtype {str(code)[:20]}, which NumPy lacks. "
            "Convert it to float32 where the file was made."
        )
    dtype, (begin, end) = _DTYPES["U16" if code == _BFLOAT16 else code], offsets
    if math.prod(shape) * dtype.itemsize != end - begin:
        _refuse(path, f"{name!r} doesn't have as many bytes as its shape says")
    return _Entry(name, code, dtype, tuple(shape), begin, end)


def _sizes(given: Any) -> bool:
    """Whether it is a short list of numbers that NumPy can take for sizes."""
    return (
        isinstance(given, list)
        and len(given) <= 64
        and all(type(number) is int and 0 <= number < 2**63 for number in given)
    )


def _empty(path: Path, entry: _Entry) -> Array:
    try:
        return np.empty(entry.shape, entry.dtype)
    except ValueError:  # an empty array whose other sizes overflow
        _refuse(path, f"{entry.name!r} has a shape that is too large")


def _refuse(path: Path, why: str) -> NoReturn:
    raise DataError(f"{path} is not a safetensors file, or damaged: {why}.")
