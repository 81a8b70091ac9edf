"""The arrays part of the contract for every backend whose arrays are NumPy's."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minidl.backends.contract import XP_FUNCTIONS, Backend, Namespace


class NumpyArrays(Backend):
    """Arrays in ordinary memory; no kernels. numpy, numba and cuda-on-cpu derive from it."""

    memory: ClassVar[str] = "cpu"
    xp: ClassVar[Namespace] = Namespace(**{name: getattr(np, name) for name in XP_FUNCTIONS})

    def is_array(self, value: object) -> bool:
        return isinstance(value, np.ndarray)

    def asarray(self, data: Any, dtype: Any = None) -> Any:
        return np.asarray(data, dtype)

    def to_numpy(self, array: Any) -> Any:
        return array

    def from_dlpack(self, exporter: Any) -> Any:
        return np.from_dlpack(exporter)

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return np.empty(shape, dtype)

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return np.zeros(shape, dtype)

    def full(self, shape: tuple[int, ...], value: Any, dtype: Any) -> Any:
        return np.full(shape, value, dtype)

    def copy(self, array: Any) -> Any:
        return np.array(array, order="C")

    def copy_into(self, target: Any, source: Any) -> None:
        np.copyto(target, source, casting="same_kind")

    def index(self, array: Any, key: Any) -> Any:
        picked = array[key]
        if isinstance(picked, np.ndarray):
            return picked
        # One element comes as a scalar, a copy; with an Ellipsis it is a view, like every slice.
        return array[(*key, ...) if isinstance(key, tuple) else (key, ...)]

    def index_add(self, shape: tuple[int, ...], key: Any, values: Any) -> Any:
        result = np.zeros(shape, values.dtype)
        parts = key if isinstance(key, tuple) else (key,)
        if any(isinstance(part, np.ndarray) and part.dtype != bool for part in parts):
            np.add.at(result, key, values)
        else:  # without integer arrays no place is named twice
            result[key] = values
        return result
