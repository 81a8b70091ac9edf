"""The format of `torch.save` before PyTorch 1.6: five pickles, then the storages' bytes.

    pickle    0x1950a86a20f9469cfc6c
    pickle    1001, the protocol's version
    pickle    {"protocol_version": 1001, "little_endian": True, "type_sizes": {…}}
    pickle    the content, which refers to storages by key
    pickle    the keys, in the order of
    storages  each: 8 bytes number of elements, then these; always little-endian

Source: PyTorch's torch/serialization.py (_legacy_save, _legacy_load).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from minidl.errors import DataError
from minidl.files.pickle_reader import read_pickle
from minidl.interop.torch_values import STORAGE_DTYPES, Storage, TorchValues, realised

__all__ = ["read_legacy"]

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
MAX_HEADER = 1 << 12
"""Bytes of each of the first three pickles."""


def read_legacy(path: Path, file: BinaryIO, size: int) -> Any:
    """What `torch.save` wrote, with arrays for its tensors. Raises DataError."""
    if _header(path, file) != MAGIC:
        _refuse(path, "it is a pickle, but torch.save didn't write it")
    if (version := _header(path, file)) != VERSION:
        _refuse(path, f"its version is {str(version)[:20]}, not {VERSION}")
    if not isinstance(_header(path, file), dict):
        _refuse(path, "its description of the system is no table")
    values = TorchValues(size)
    content = read_pickle(
        file, str(path), constructors=values.constructors, persistent_load=values.storage
    )
    keys = read_pickle(file, f"{path} (its list of storages)")
    if not isinstance(keys, list) or any(not isinstance(key, str) for key in keys):
        _refuse(path, "its list of storages is no list of keys")
    if len(set(keys)) != len(keys) or set(keys) != set(values.roots):
        _refuse(path, "its list of storages has other ones than its pickle refers to")
    arrays = {key: _elements(path, file, size, values.roots[key]) for key in keys}
    if file.read(1):
        _refuse(path, "bytes follow after its last storage")
    return realised(content, lambda storage: arrays[storage.key], str(path))


def _header(path: Path, file: BinaryIO) -> Any:
    return read_pickle(file, str(path), max_bytes=MAX_HEADER)


def _elements(path: Path, file: BinaryIO, size: int, storage: Storage) -> np.ndarray[Any, Any]:
    dtype = STORAGE_DTYPES[storage.kind]
    count = file.read(8)
    if len(count) == 8 and int.from_bytes(count, "little") != storage.size:
        _refuse(path, f"storage {storage.key[:40]!r} has {int.from_bytes(count, 'little'):,} "
                f"elements, its pickle says {storage.size:,}")  # fmt: skip
    if storage.size * dtype.itemsize > size - file.tell() or len(count) < 8:
        _refuse(path, f"it breaks off within storage {storage.key[:40]!r}")
    array = np.empty(storage.size, dtype)
    if file.readinto(array.view(np.uint8)) != array.nbytes:  # type: ignore[attr-defined]
        _refuse(path, f"it breaks off within storage {storage.key[:40]!r}")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _refuse(path: Path, why: str) -> NoReturn:
    raise DataError(f"{path} is no checkpoint of PyTorch's that can be read: {why}.")
