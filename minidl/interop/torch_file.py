"""Reading files of `torch.save` without PyTorch, and without executing what they name.

Tensors become arrays: of float16, float32, float64, integers and booleans as they are, of bfloat16,
which NumPy lacks, as float32 of the same values. Python's plain values and containers stay what
they are; whatever else the file names is refused by its name.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from minidl.errors import DataError
from minidl.files.pickle_reader import UnknownNameError
from minidl.interop.torch_legacy import read_legacy
from minidl.interop.torch_zip import SIGNATURE, read_zip

__all__ = ["is_torch_file", "read_torch"]

_START = 264
"""Bytes that are enough to know a format."""

_OTHERS = {
    b"\x89HDF\r\n": "an HDF5 file, such as Keras writes",
    b"\x93NUMPY": "a .npy file; numpy.load reads it",
    b"\x1f\x8b": "packed by gzip; unpack it first",
}

_ADVICE = (
    ("Complex", "Complex numbers aren't supported; save the real and imaginary parts."),
    ("qtensor", "Quantised tensors aren't supported; save tensor.dequantize()."),
    ("QInt", "Quantised tensors aren't supported; save tensor.dequantize()."),
    ("QUInt", "Quantised tensors aren't supported; save tensor.dequantize()."),
    ("sparse", "Sparse tensors aren't supported; save tensor.to_dense()."),
    ("torch._utils", "This kind of tensor isn't supported; save plain ones."),
    ("torch.storage", "This kind of storage isn't supported; save plain tensors."),
    ("torch.float8", "Numbers of 8 bits aren't supported; save tensor.float()."),
)
_MODEL = (
    "If it holds a whole model, save its state_dict() instead, where the model's classes are: "
    "torch.save(model.state_dict(), path)."
)


def is_torch_file(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as those of torch.save do, or as another format known to be refused.

    False also where it can't be read: then whoever reads it will say so.
    """
    path = Path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            start = file.read(_START)
    except (OSError, ValueError):
        return False
    # A pickle of protocol 2 or higher, or torch.save's first one in protocol 0 or 1.
    is_pickle = start[:1] == b"\x80" or start.startswith((b"L119547037146038801333356L", b"\x8a\n"))
    if start[8:9] == b"{":  # safetensors, whose header may have any length
        return False
    return is_pickle or start.startswith((SIGNATURE, *_OTHERS)) or _is_tar(start)


def read_torch(path: str | os.PathLike[str], max_bytes: int = 2**34) -> Any:
    """What `torch.save` wrote into a file, with NumPy arrays for its tensors.

    Raises DataError for anything else than a whole, undamaged file of at most `max_bytes` bytes
    whose content is plain, naming what it names that isn't known.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > max_bytes:
                raise DataError(f"{path} has {size:,} bytes, more than the {max_bytes:,} allowed.")
            start = file.read(_START)
            file.seek(0)
            for signature, what in _OTHERS.items():
                if start.startswith(signature):
                    raise DataError(f"{path} can't be read: it is {what}.")
            if _is_tar(start):
                raise DataError(
                    f"{path} can't be read: it is in the tar format of PyTorch before 0.1.10. Load "
                    "it with PyTorch and save it again."
                )
            read = read_zip if start.startswith(SIGNATURE) else read_legacy
            return read(path, file, size)
    except UnknownNameError as error:
        advice = next((text for part, text in _ADVICE if part in error.name), _MODEL)
        raise DataError(f"{error} {advice}") from error
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}.") from error
    except MemoryError as error:
        raise DataError(f"{path} can't be read: it doesn't fit into the memory.") from error


def _is_tar(start: bytes) -> bool:
    return start[257:262] == b"ustar"
