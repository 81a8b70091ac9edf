"""What random_bits, dropout and drop_path accept and return: pure Python, no arrays.

All three draw from Philox4x32-10 (common/philox.py) under the key (seed, stream).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl_kernels.common.array_spec import ArraySpec, HasShape, check_same_float, check_shape
from minidl_kernels.common.errors import ArgumentError, DTypeError, fail


def random_bits(
    shape: tuple[int, ...],
    *,
    seed: int,
    stream: int,
    offset: int,
    base: Any = None,
) -> ArraySpec:
    """The words' shape; their dtype is uint32.

    >>> random_bits((2, 3), seed=0, stream=0, offset=0)
    ArraySpec((2, 3), uint32)
    """
    for length in shape:
        _check_word("random_bits", "shape", length, None, whole=tuple(shape))
    _check_generator("random_bits", seed, stream, offset, base)
    return ArraySpec(shape, np.uint32)


def dropout(
    x: HasShape,
    *,
    p: float,
    seed: int,
    stream: int,
    offset: int,
    base: Any = None,
    out: Any = None,
) -> ArraySpec:
    """Shape of the result: that of x.

    >>> dropout(ArraySpec((8, 16), "float32"), p=0.5, seed=0, stream=0, offset=0)
    ArraySpec((8, 16), float32)
    """
    check_same_float("dropout", x=x)
    check_probability("dropout", p)
    _check_generator("dropout", seed, stream, offset, base)
    return ArraySpec(x.shape, x.dtype)


def drop_path(
    x: HasShape,
    *,
    p: float,
    seed: int,
    stream: int,
    offset: int,
    base: Any = None,
    out: Any = None,
) -> ArraySpec:
    """Shape of the result: that of x (N, …)."""
    if len(x.shape) < 1:
        fail(
            "drop_path",
            "x.shape",
            tuple(x.shape),
            "at least 1 dimension (N, …)",
            "It keeps or drops whole samples; axis 0 counts them.",
        )
    check_same_float("drop_path", x=x)
    check_probability("drop_path", p)
    _check_generator("drop_path", seed, stream, offset, base)
    return ArraySpec(x.shape, x.dtype)


def check_probability(operation: str, p: float) -> None:
    """Raise unless p is a number from 0 to 1."""
    if isinstance(p, bool) or not hasattr(p, "__float__"):
        fail(operation, "p", repr(p), "a number from 0 to 1", error=DTypeError)
    if not 0 <= p <= 1:
        fail(
            operation,
            "p",
            p,
            "a probability from 0 to 1",
            "p is the share that is dropped, not the share that is kept.",
            error=ArgumentError,
        )


def _check_generator(operation: str, seed: int, stream: int, offset: int, base: Any) -> None:
    _check_word(operation, "seed", seed, 32)
    _check_word(operation, "stream", stream, 32)
    _check_word(operation, "offset", offset, 64)
    if base is not None:
        check_shape(operation, "base", base, ())
        if base.dtype != np.uint64:
            fail(operation, "base.dtype", np.dtype(base.dtype).name, "uint64", error=DTypeError)


def _check_word(
    operation: str, argument: str, value: Any, bits: int | None, whole: object = None
) -> None:
    """Raise unless `value` is an int in [0, 2^bits); `whole` is shown in its place."""
    expected = "non-negative integers" if bits is None else f"an integer in [0, 2^{bits})"
    shown = value if whole is None else whole
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        fail(operation, argument, repr(shown), expected, error=DTypeError)
    if value < 0 or (bits is not None and value >= 1 << bits):
        fail(operation, argument, shown, expected, error=ArgumentError)
