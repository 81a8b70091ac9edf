"""What a weight in a state dict must be to go into a network: floating numbers, in its shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, DTypeError
from minidl.interop.states import is_array
from minidl.tensor import Tensor

__all__ = ["COUNTER", "converted", "is_finite", "shaped"]

COUNTER = "num_batches_tracked"
"""Of batch norms, which weights published before PyTorch 0.4.1 lack: no weight, and always fits."""


def converted(value: Any, name: str, like: Tensor, subject: str) -> Any:
    """What to copy into `like`: a tensor or an array; another library's tensor as an array."""
    if not is_array(value):
        raise DTypeError(
            f"{subject}: {name!r} is a {type(value).__name__}, expected a tensor or an array."
        )
    if not isinstance(value, Tensor):
        try:
            value = np.asarray(value)
        except (TypeError, RuntimeError, ValueError) as error:
            raise DTypeError(
                f"{subject}: {name!r} is a {type(value).__name__} that NumPy can't read: {error} "
                "Give plain float32 tensors on the CPU; of a network of PyTorch's: {name: "
                "value.detach().float().cpu() for name, value in network.state_dict().items()}."
            ) from error
    if like.dtype.kind == "f" != value.dtype.kind:
        raise DTypeError(
            f"{subject}: {name!r} is of {value.dtype}, expected floating-point numbers. If the "
            "weights are quantised, scale them back first."
        )
    if _is_meta(like) and not _is_meta(value):
        raise ArgumentError(
            f'{subject}: the model is on the backend "meta", which has shapes but no values: '
            'nothing would be loaded. Make the model on another backend, such as "numpy".'
        )
    return value


def shaped(value: Any, name: str, shape: tuple[int, ...]) -> Any:
    """`value` in `shape`, if the numbers are the same ones: of a dense layer, or a counter.

    A dense layer on a flattened map is a convolution as large as the map: (out, C·h·w) and
    (out, C, h, w). A counter may be a number or a vector of one.
    """
    given = tuple(value.shape)
    if name.endswith(COUNTER) and math.prod(given) == math.prod(shape):
        return value.reshape(shape)
    dense_and_convolution = {len(given), len(shape)} == {2, 4} and given[0] == shape[0]
    if dense_and_convolution and math.prod(given) == math.prod(shape):
        return value.reshape(shape)
    return value


def is_finite(value: Any) -> bool:
    """Whether no number of a tensor or an array is nan or inf; one without values has none."""
    if _is_meta(value):
        return True
    array = value.detach().numpy() if isinstance(value, Tensor) else value
    return bool(np.isfinite(array).all())


def _is_meta(value: Any) -> bool:
    return isinstance(value, Tensor) and value.backend.name == "meta"
