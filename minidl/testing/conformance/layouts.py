"""The same values, laid out in memory in every way the contract allows."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.backends import Backend
from minidl.testing.conformance.data import Array

LAYOUTS = ("contiguous", "read-only", "transposed", "reversed", "broadcast")
"""broadcast: stride 0 along the first axis, along which all values are then the same."""


def repeat_first(values: Array) -> Array:
    """Values that can be broadcast: every values[n] is values[0]."""
    return np.array(np.broadcast_to(values[:1], values.shape), order="C")


def lay_out(backend: Backend, values: Array, layout: str, writable: bool = False) -> Any:
    """An array of the backend with these values; what is `writable` is never broadcast."""
    backwards = (slice(None, None, -1),) * values.ndim
    if layout == "broadcast" and not writable and _is_repeated(values):
        return backend.xp.broadcast_to(backend.asarray(values[:1].copy()), values.shape)
    if layout == "transposed" and values.ndim > 1:
        return backend.xp.transpose(backend.asarray(values.T.copy()))
    if layout == "reversed" and values.ndim > 0:
        return backend.index(backend.asarray(values[backwards].copy()), backwards)
    array = backend.asarray(values.copy())
    if layout == "read-only" and not writable and isinstance(array, np.ndarray):
        array.flags.writeable = False
    return array


def _is_repeated(values: Array) -> bool:
    return (
        values.ndim > 0
        and values.size > 0
        and np.array_equal(values, repeat_first(values), equal_nan=values.dtype.kind == "f")
    )
