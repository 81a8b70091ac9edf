"""Every error minidl raises on purpose; all derive from `MinidlError`.

The ones about arrays are raised by `minidl_kernels` too, and are defined there.
"""

from __future__ import annotations

from minidl_kernels.common.errors import (
    ArgumentError,
    DTypeError,
    MinidlError,
    ShapeError,
    fail,
)

__all__ = [
    "ArgumentError",
    "AutogradError",
    "BackendError",
    "DTypeError",
    "DataError",
    "InPlaceError",
    "MinidlError",
    "MissingDependencyError",
    "MissingKernelError",
    "OutOfRangeError",
    "ShapeError",
    "fail",
]


class BackendError(MinidlError, RuntimeError):
    """Operands live on different backends, or a backend is unknown or unusable."""


class MissingKernelError(BackendError, NotImplementedError):
    """The backend doesn't implement this kernel of the contract."""


class MissingDependencyError(MinidlError, ImportError):
    """An optional package is needed; the message says which and how to install it."""


class AutogradError(MinidlError, RuntimeError):
    """backward() or grad() was asked for something impossible."""


class InPlaceError(AutogradError):
    """An array that the backward pass needs was changed, or must not be changed."""


class OutOfRangeError(MinidlError, IndexError):
    """An index points outside the tensor."""


class DataError(MinidlError, ValueError):
    """A file isn't what it should be: truncated, malformed, or of another kind."""
