"""Tensors in files: `minidl.save` and `minidl.load`.

Written are safetensors files, and for names that end in .pth or .pt PyTorch's zip format. Read are
these, and PyTorch's older format; the content says which it is, not the name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from minidl import naming
from minidl.creation import tensor
from minidl.errors import DataError, DTypeError, fail
from minidl.files.tensor_file import read_tensors, write_tensors
from minidl.interop.torch_file import is_torch_file, read_torch
from minidl.interop.torch_write import write_torch
from minidl.tensor import Tensor

__all__ = ["load", "read_file", "save"]

_PYTORCHS: naming.PyTorchs = {
    "map_location": (
        None,
        "Tensors are loaded onto the default backend, whatever they were saved on; .to(backend) "
        "moves them",
    ),
    "weights_only": (True, "minidl never executes what a file says: leave it out"),
    "mmap": (None, "minidl reads the whole file: leave it out"),
}
_TORCH_SUFFIXES = (".pth", ".pt")


def save(state: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a state dict, tensors or arrays by name, to a safetensors file.

    With a path that ends in .pth or .pt, it is a file for `torch.load` (also with its
    weights_only=True). Other programs read either. The file is replaced at once: after a failure it
    is the old one.

    >>> import tempfile
    >>> import minidl
    >>> from minidl import nn
    >>> layer = nn.Linear(3, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     minidl.save(layer.state_dict(), f"{folder}/layer.safetensors")
    ...     nn.Linear(3, 2).load_state_dict(minidl.load(f"{folder}/layer.safetensors"))
    LoadedKeys(missing_keys=[], unexpected_keys=[])

    Raises DTypeError for what isn't a dict of tensors, DataError if the file can't be written.
    """
    if not isinstance(state, Mapping):
        fix = "Give model.state_dict()." if hasattr(state, "state_dict") else ""
        if hasattr(path, "keys"):
            fix = "The dict comes first, then the path."
        fail("save", "state", f"a {type(state).__name__}", "a dict of tensors by name", fix,
             error=DTypeError)  # fmt: skip
    arrays = {name: _array(name, value) for name, value in state.items()}
    if os.fspath(path).endswith(_TORCH_SUFFIXES):
        write_torch(path, arrays)
    else:
        write_tensors(path, arrays)


def load(path: str | os.PathLike[str], **pytorchs: Any) -> Any:
    """The tensors in a file, on the default backend, with their dtypes.

    Of a safetensors file, a dict of tensors by name. Of a file of `torch.save`, what was saved:
    often such a dict too, or a dict with one inside, at "state_dict" or "model"; all plain values
    are kept, and a tensor or list that was saved in several places is one and the same again.
    bfloat16 becomes float32. Nothing that the file names is imported or executed.

    PyTorch's map_location="cpu" and weights_only=True may stay: they change nothing.

    Raises DataError for another kind of file, a damaged one, or one that holds something else than
    tensors and plain values, such as a whole pickled model.
    """
    if pytorchs.get("map_location") == "cpu":  # where they go anyway
        del pytorchs["map_location"]
    naming.refuse_arguments("load", pytorchs, load, _PYTORCHS)
    content, _ = read_file(path)
    try:
        return _with_tensors(content)
    except DTypeError as error:
        raise DataError(f"{path} has a dtype that tensors lack. {error}") from error
    except MemoryError as error:
        raise DataError(f"{path} can't be read: it doesn't fit into the memory.") from error


def read_file(path: str | os.PathLike[str]) -> tuple[Any, dict[str, Any]]:
    """What `load` reads, with arrays for the tensors; and minidl's metadata, if it wrote some."""
    if re.match(r"[a-z]+:/", str(path)):  # pathlib leaves one slash of two
        raise DataError(f"{path} is an address, not a file. Download it first, and name the file.")
    return (read_torch(path), {}) if is_torch_file(path) else read_tensors(path)


def _with_tensors(content: Any) -> Any:
    """`content` with tensors for its arrays, at all levels of dicts, lists and tuples.

    What stands in it twice is converted once: a small file may refer to a large array many times.
    """
    done: dict[int, Any] = {}  # by id(), which stays theirs while `content` is there

    def built(value: Any) -> Any:
        if not isinstance(value, np.ndarray | dict | list | tuple):
            return value
        if id(value) not in done:
            done[id(value)] = converted(value)
        return done[id(value)]

    def converted(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return tensor(value)
        if isinstance(value, dict):
            return type(value)((key, built(each)) for key, each in value.items())
        return type(value)(built(each) for each in value)

    return built(content)


def _array(name: Any, value: Any) -> np.ndarray[Any, Any]:
    if isinstance(value, Tensor):
        array: np.ndarray[Any, Any] = value.detach().numpy()
        return array
    if isinstance(value, np.ndarray):
        return value
    fix = (
        "A checkpoint of a model and its optimizer is written by minidl.train.save_checkpoint(path,"
        ' {"model": …, "optimizer": …, "epoch": 1}, config={}); here a nested '
        "dict must be flattened: one name per tensor."
    )
    fail("save", f"state[{name!r}]", f"a {type(value).__name__}", "a Tensor or a NumPy array",
         fix if isinstance(value, Mapping) else "Make one with minidl.tensor(...).",
         error=DTypeError)  # fmt: skip
