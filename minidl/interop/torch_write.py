"""Writing the zip format of `torch.save`, readable by `torch.load(path, weights_only=True)`.

The pickle is put together by hand from the few opcodes that an OrderedDict of tensors needs:

    OrderedDict([(name, _rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())), …])

with one storage per tensor. The same content gives the same bytes. See torch_zip for the format.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, DTypeError, fail
from minidl.files.atomic import write_atomically
from minidl.interop.torch_values import STORAGE_DTYPES

__all__ = ["write_torch"]

Array = np.ndarray[Any, Any]

_FOLDER = "archive"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's first day: no clock in the bytes
_KINDS = {dtype: kind for kind, dtype in STORAGE_DTYPES.items() if kind != "BFloat16Storage"}
_EMPTY_ORDERED_DICT = (
    pickle.GLOBAL + b"collections\nOrderedDict\n" + pickle.EMPTY_TUPLE + pickle.REDUCE
)


def write_torch(path: str | os.PathLike[str], arrays: Mapping[str, Array]) -> None:
    """Write arrays under their names. The file is replaced at once (`write_atomically`).

    Raises DataError if it can't be written, ArgumentError or DTypeError for names or arrays that
    the format has no place for.
    """
    checked = {name: _checked(name, array) for name, array in arrays.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "data.pkl", b"".join(_pickled(checked)))
        _add(archive, "byteorder", b"little")
        for key, array in enumerate(checked.values()):
            _add(archive, f"data/{key}", array.tobytes())
        _add(archive, "version", b"3\n")
    write_atomically(path, buffer.getvalue())


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(f"{_FOLDER}/{name}", _EPOCH), content)


def _checked(name: Any, given: Any) -> Array:
    array: Array = np.asarray(given, order="C")
    try:
        usable = bool(name.encode())
    except (AttributeError, UnicodeEncodeError):  # no str, or half a surrogate pair
        usable = False
    if not usable:
        fail("write_torch", "a name", repr(name), "a name for an array", error=ArgumentError)
    little = array.dtype.newbyteorder("<")
    if little not in _KINDS:
        known = ", ".join(dtype.name for dtype in _KINDS)
        fail("write_torch", f"the dtype of {name}", array.dtype, f"one of {known}",
             error=DTypeError)  # fmt: skip
    return array.astype(little, copy=False)


def _pickled(arrays: Mapping[str, Array]) -> Iterable[bytes]:
    yield pickle.PROTO + b"\x02"
    yield _EMPTY_ORDERED_DICT
    yield pickle.MARK
    for key, (name, array) in enumerate(arrays.items()):
        yield _text(name)
        yield from _tensor(str(key), array)
    yield pickle.SETITEMS
    yield pickle.STOP


def _tensor(key: str, array: Array) -> Iterable[bytes]:
    yield pickle.GLOBAL + b"torch._utils\n_rebuild_tensor_v2\n"
    yield pickle.MARK
    yield pickle.MARK
    yield _text("storage")
    yield pickle.GLOBAL + b"torch\n" + _KINDS[array.dtype].encode() + b"\n"
    yield _text(key) + _text("cpu") + _integer(array.size)
    yield pickle.TUPLE + pickle.BINPERSID
    yield _integer(0)  # the offset
    yield _integers(array.shape)
    yield _integers(_strides(array.shape))
    yield pickle.NEWFALSE  # requires_grad
    yield _EMPTY_ORDERED_DICT  # of hooks
    yield pickle.TUPLE + pickle.REDUCE


def _strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """In elements, of an array in C order; empty sizes count as 1, as PyTorch has it."""
    strides = [1]
    for size in shape[:0:-1]:
        strides.insert(0, strides[0] * max(size, 1))
    return tuple(strides[: len(shape)])


def _text(text: str) -> bytes:
    content = text.encode()
    return pickle.BINUNICODE + struct.pack("<I", len(content)) + content


def _integers(values: tuple[int, ...]) -> bytes:
    return pickle.MARK + b"".join(map(_integer, values)) + pickle.TUPLE


def _integer(value: int) -> bytes:
    if value < 1 << 31:
        return pickle.BININT + struct.pack("<i", value)
    return pickle.LONG1 + b"\x09" + value.to_bytes(9, "little")
