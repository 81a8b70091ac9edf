"""What NumPy names in its pickles, built by functions of our own: arrays, scalars, dtypes.

An array of version 1.x or 2.x is written as one of

    _reconstruct(ndarray, (0,), b"b")  then the state (1, shape, dtype, Fortran order?, bytes)
    _frombuffer(bytes, dtype, shape, order[, axes])               protocol 5
    scalar(dtype, bytes)                                          a NumPy scalar
    dtype("f4", False, True)           then the state (3, "<", None, None, None, -1, -1, 0)

Only plain numbers are read: booleans, integers, floating point and complex numbers of the sizes
that all platforms have. Bytes must be exactly as many as shape and dtype need.

Source: NumPy's numpy/_core/src/multiarray/methods.c (array_reduce) and descriptor.c
(arraydescr_reduce).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.files.pickle_values import Constructor, Named

__all__ = ["NUMPY"]

Array = np.ndarray[Any, Any]

MAX_NDIM = 64
PLAIN_DTYPES = frozenset(
    {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"}
)


def make_dtype(code: Any, align: Any = False, copy: Any = True) -> Any:
    """`numpy.dtype(code, align, copy)` of a plain number."""
    code = as_text(code)
    if code not in PLAIN_DTYPES:
        raise ValueError(f"the dtype {code[:20]!r}, which is none of plain numbers")
    # A copy, because its byte order is set later, in place.
    return np.dtype(code, copy=True)


def fill_dtype(dtype: Any, state: Any) -> None:
    """Set the byte order, the one thing that the state of a plain number's dtype says."""
    if not isinstance(state, tuple) or len(state) not in (8, 9):
        raise ValueError("the state is no tuple of 8 or 9 items")
    order = as_text(state[1])
    if order not in ("<", ">", "=", "|"):
        raise ValueError(f"a byte order of {order[:20]!r}")
    if any(item is not None for item in (*state[2:5], *state[8:])):
        raise ValueError("a dtype with fields, which is none of plain numbers")
    dtype.__setstate__((3, order, None, None, None, -1, -1, 0))


def make_empty(kind: Any, shape: Any, code: Any) -> Array:
    """`_reconstruct`: the array that a state is going to fill."""
    if not isinstance(kind, Named) or kind.name != "numpy.ndarray" or shape != (0,):
        raise ValueError("no plain array to be filled")
    as_text(code)
    return np.empty(0, np.int8)


def fill_array(array: Array, state: Any) -> None:
    """Give the array its shape, dtype and elements."""
    if not isinstance(state, tuple) or len(state) != 5 or state[0] != 1:
        raise ValueError("the state is no tuple of version, shape, dtype, order and bytes")
    _, shape, dtype, fortran, content = state
    content = as_bytes(content)
    check_size(shape, dtype, content)
    # NumPy would use the bytes themselves as the array's memory, while other objects may hold
    # them too; this copies them first.
    state = (1, shape, dtype, bool(fortran), bytes(memoryview(content)))
    array.__setstate__(state)


def make_from_buffer(content: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> Array:
    """`_frombuffer`: an array at once."""
    if not isinstance(content, bytes | bytearray):
        raise ValueError(f"elements in a {type(content).__name__}")
    check_size(shape, dtype, content)
    flat = np.frombuffer(content, dtype) if content else np.empty(0, dtype)
    flat = flat.copy()
    if order == "K":  # `shape` is that of the memory, whose axes are then put into order
        if not isinstance(axes, tuple) or sorted(axes) != list(range(len(shape))):
            raise ValueError("axes that are no permutation")
        return flat.reshape(shape).transpose(axes)
    if order not in ("C", "F"):
        raise ValueError("an unknown order of elements")
    return flat.reshape(shape, order=order)


def make_scalar(dtype: Any, content: Any) -> Any:
    """`scalar`: one number."""
    content = as_bytes(content)
    check_size((), dtype, content)
    return np.frombuffer(content, dtype)[0]


def check_size(shape: Any, dtype: Any, content: bytes | bytearray) -> None:
    """Raise ValueError unless `content` is as long as an array of that shape and dtype."""
    if not isinstance(dtype, np.dtype):
        raise ValueError(f"a {type(dtype).__name__} where its dtype should be")
    if not isinstance(shape, tuple) or len(shape) > MAX_NDIM:
        raise ValueError(f"a shape that is no tuple of at most {MAX_NDIM} sizes")
    if any(type(size) is not int or not 0 <= size < 1 << 63 for size in shape):
        raise ValueError("a shape with something else than sizes")
    if math.prod(max(size, 1) for size in shape) * dtype.itemsize >= 1 << 63:
        raise ValueError("a shape that is too large")  # also where another size is 0
    if math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(f"{len(content):,} bytes for elements of {dtype} and shape {shape}")


def as_bytes(value: Any) -> bytes:
    """Bytes; Python 2's arrive as text, if strings are read as latin1."""
    if isinstance(value, str):
        return value.encode("latin1")  # UnicodeEncodeError is a ValueError
    if not isinstance(value, bytes):
        raise ValueError(f"a {type(value).__name__} where bytes should be")
    return value


def as_text(value: Any) -> str:
    """A code; Python 2's arrive as bytes, if strings are read as bytes."""
    if isinstance(value, bytes):
        return value.decode("ascii")
    if not isinstance(value, str):
        raise ValueError(f"a {type(value).__name__} where text should be")
    return value


_ARRAY = Constructor(make_empty, fill_array)
_SCALAR = Constructor(make_scalar)
_BUFFER = Constructor(make_from_buffer)

NUMPY: dict[str, Constructor] = {
    "numpy.ndarray": Constructor(),
    "numpy.dtype": Constructor(make_dtype, fill_dtype),
    "numpy.core.multiarray._reconstruct": _ARRAY,  # NumPy 1
    "numpy._core.multiarray._reconstruct": _ARRAY,  # NumPy 2
    "numpy.core.multiarray.scalar": _SCALAR,
    "numpy._core.multiarray.scalar": _SCALAR,
    "numpy.core.numeric._frombuffer": _BUFFER,
    "numpy._core.numeric._frombuffer": _BUFFER,
}
