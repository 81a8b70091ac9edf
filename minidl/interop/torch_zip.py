"""The zip format of `torch.save`, since PyTorch 1.6: members of an archive that isn't unpacked.

    archive/data.pkl     the pickle, which refers to storages by number
    archive/data/0 …     the storages' bytes
    archive/byteorder    "little" or "big"; missing before PyTorch 2.1: little
    archive/version      "3"

The folder's name is free. Members are stored, not compressed, so none can be larger than the file.
Nothing is written to the disk, and names only serve to be compared.

The format: PyTorch's torch/serialization.py (_save) and caffe2/serialize/inline_container.h.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from minidl.errors import DataError
from minidl.files.pickle_reader import read_pickle
from minidl.interop.torch_values import STORAGE_DTYPES, Storage, TorchValues, realised

__all__ = ["SIGNATURE", "read_zip"]

SIGNATURE = b"PK\x03\x04"
MAX_PICKLE = 1 << 26
CHUNK = 1 << 24
MAX_REASON = 200  # characters: zipfile quotes the file
LOCAL_HEADER = 30  # bytes before a member's name
END_SIGNATURE = b"PK\x05\x06"
END_RECORD = 22  # bytes, the last two of them the length of a comment that comes after
ENCRYPTED = 0x1 | 0x40 | 0x2000  # flags of the zip format

Array = np.ndarray[Any, Any]


def read_zip(path: Path, file: BinaryIO, size: int) -> Any:
    """What `torch.save` wrote, with arrays for its tensors. Raises DataError."""
    archive = _Archive(path, file)
    if archive.has("constants.pkl"):
        _refuse(path, "it is a TorchScript program. Save the module's state_dict() instead")
    archive.check(size)
    if not archive.has("data.pkl"):
        _refuse(path, "it is a zip archive, but not one of torch.save: it lacks data.pkl")
    order = archive.read("byteorder", 10) if archive.has("byteorder") else b"little"
    if order not in (b"little", b"big"):
        _refuse(path, f"its byte order is {order!r}")
    values = TorchValues(size)
    content = read_pickle(
        archive.read("data.pkl", MAX_PICKLE),
        f"{path} ({archive.folder}/data.pkl)",
        constructors=values.constructors,
        persistent_load=values.storage,
    )
    arrays: dict[str, Array] = {}

    def elements(storage: Storage) -> Array:
        if storage.key not in arrays:
            dtype = STORAGE_DTYPES[storage.kind].newbyteorder(">" if order == b"big" else "<")
            raw = archive.read_into(f"data/{storage.key}", values.roots[storage.key], dtype)
            arrays[storage.key] = raw.astype(dtype.newbyteorder("="), copy=False)
        return arrays[storage.key]

    return realised(content, elements, str(path))


class _Archive:
    """The members of an archive, by name without the folder; `check` comes before reading any."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        try:
            self._zip = zipfile.ZipFile(file)
            entries = self._zip.infolist()
        except Exception as error:  # zipfile raises whatever a damaged directory leads it to
            raise DataError(
                f"{path} is truncated or damaged: its directory of contents can't be read "
                f"({_reason(error)})."
            ) from error
        folders = {entry.filename.partition("/")[0] for entry in entries}
        names = [entry.filename for entry in entries]
        if len(folders) != 1 or not all("/" in name for name in names):
            _refuse(path, f"it holds {len(folders)} folders and files, not one folder")
        self.folder = folders.pop()[:100]
        if len(set(names)) != len(names):
            _refuse(path, "a name stands twice in its directory")
        self._entries = {entry.filename.partition("/")[2]: entry for entry in entries}

    def has(self, name: str) -> bool:
        """Whether there is such a member."""
        return name in self._entries

    def read(self, name: str, most: int) -> bytes:
        """A member's content, of at most that many bytes."""
        entry = self._entries[name]
        if entry.file_size > most:
            _refuse(self.path, f"{name} has {entry.file_size:,} bytes, more than {most:,}")
        buffer = bytearray(entry.file_size)
        self._fill(entry, memoryview(buffer))
        return bytes(buffer)

    def read_into(self, name: str, storage: Storage, dtype: np.dtype[Any]) -> Array:
        """The elements of a whole storage."""
        entry = self._entries.get(name)
        if entry is None:
            _refuse(self.path, f"it lacks {name[:100]!r}, which its pickle refers to")
        if entry.file_size != storage.size * dtype.itemsize:
            _refuse(self.path, f"{name[:100]!r} has {entry.file_size:,} bytes, its pickle says "
                    f"{storage.size * dtype.itemsize:,}")  # fmt: skip
        array = np.empty(storage.size, dtype)
        self._fill(entry, array.view(np.uint8).data)
        return array

    def check(self, size: int) -> None:
        """Refuse what is packed, encrypted or overlaps, and names that lead elsewhere.

        And bytes around the archive: in two that stand one behind the other, zipfile finds the last
        one, where PyTorch finds the first.
        """
        first = min(entry.header_offset for entry in self._entries.values())
        if first != 0:
            _refuse(self.path, f"its archive begins at byte {first:,}, not at the file's start")
        if not self._ends_the_file(size):
            _refuse(self.path, "bytes follow after its archive's end")
        end = 0
        for entry in sorted(self._entries.values(), key=lambda entry: entry.header_offset):
            name = entry.filename[:100]
            if _is_trick(entry.filename):
                _refuse(self.path, f"the name {name!r} in it leads elsewhere")
            if entry.flag_bits & ENCRYPTED:
                _refuse(self.path, f"{name!r} is encrypted")
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                _refuse(self.path, f"{name!r} is compressed, which torch.save never does")
            if entry.header_offset < end:
                _refuse(self.path, f"{name!r} overlaps what stands before it")
            end = entry.header_offset + LOCAL_HEADER + len(entry.filename) + entry.file_size
            if end > size:
                _refuse(self.path, f"{name!r} reaches beyond the file's end")

    def _ends_the_file(self, size: int) -> bool:
        """Whether the archive's last record, without a comment, is the end of the file."""
        self._file.seek(size - END_RECORD)
        record = self._file.read()
        return record.startswith(END_SIGNATURE) and record.endswith(b"\0\0")

    def _fill(self, entry: zipfile.ZipInfo, target: memoryview) -> None:
        """Read a member exactly; zipfile compares its own header's name and its checksum."""
        try:
            with self._zip.open(entry) as member:
                position = 0
                while position < len(target):
                    part = member.read(min(len(target) - position, CHUNK))
                    if not part:
                        break
                    target[position : position + len(part)] = part
                    position += len(part)
                whole = position == len(target) and not member.read(1)
        except Exception as error:
            raise DataError(f"{self.path} is damaged: {_reason(error)}.") from error
        if not whole:
            _refuse(self.path, f"it breaks off within {entry.filename[:100]!r}")


def _reason(error: Exception) -> str:
    why = str(error) or type(error).__name__
    return why.rstrip(".") if len(why) <= MAX_REASON else f"{why[:MAX_REASON]} …"


def _is_trick(name: str) -> bool:
    return (
        name.startswith("/")
        or "\\" in name
        or "\0" in name
        or ".." in name.split("/")
        or name[1:2] == ":"
    )


def _refuse(path: Path, why: str) -> NoReturn:
    raise DataError(f"{path} is no checkpoint of PyTorch's that can be read: {why}.")
