"""State dicts in safetensors files: `minidl.save` and `minidl.load`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from minidl.creation import tensor
from minidl.errors import DataError, DTypeError, fail
from minidl.files.tensor_file import read_tensors, write_tensors
from minidl.tensor import Tensor

__all__ = ["load", "save"]


def save(state: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a state dict, tensors or arrays by name, to a safetensors file.

    Other programs read it too. The file is replaced at once: after a failure it is the old one.

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
    write_tensors(path, {name: _array(name, value) for name, value in state.items()})


def load(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name, on the default backend, with their dtypes.

    Raises DataError for another kind of file, or a damaged one.
    """
    arrays, _ = read_tensors(path)
    try:
        return {name: tensor(array) for name, array in arrays.items()}
    except DTypeError as error:
        raise DataError(f"{path} has a dtype that tensors lack. {error}") from error


def _array(name: Any, value: Any) -> np.ndarray[Any, Any]:
    if isinstance(value, Tensor):
        array: np.ndarray[Any, Any] = value.detach().numpy()
        return array
    if isinstance(value, np.ndarray):
        return value
    fix = "A nested dict must be flattened: one name per tensor."
    fail("save", f"state[{name!r}]", f"a {type(value).__name__}", "a Tensor or a NumPy array",
         fix if isinstance(value, Mapping) else "Make one with minidl.tensor(...).",
         error=DTypeError)  # fmt: skip
