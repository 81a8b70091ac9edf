"""Every error minidl raises on purpose; all derive from `MinidlError`.

The ones about arrays are raised by `minidl_kernels` too, and are defined there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

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
    "ForgottenBackward",
    "ForgottenZeroGrad",
    "InPlaceError",
    "MinidlError",
    "MissingDependencyError",
    "MissingKernelError",
    "NotDefinedError",
    "OutOfRangeError",
    "ShapeError",
    "fail",
    "unknown_name",
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


class NotDefinedError(MinidlError, NotImplementedError):
    """A subclass lacks the method that it is there for."""


class OutOfRangeError(MinidlError, IndexError):
    """An index points outside the tensor."""


class DataError(MinidlError, ValueError):
    """A file isn't what it should be: truncated, malformed, or of another kind."""


class ForgottenBackward(UserWarning):
    """An optimizer's step found no gradients."""


class ForgottenZeroGrad(UserWarning):
    """Gradients were added to those that an optimizer's step had used already."""


def unknown_name(
    subject: str, name: object, known: Iterable[str], error: type[MinidlError] = ArgumentError
) -> NoReturn:
    """Raise `error` for a name that is none of `known`: perhaps one was meant; these there are.

    >>> unknown_name("There is no model", "lenet6", ["lenet5", "resnet18"])
    Traceback (most recent call last):
        ...
    minidl_kernels.common.errors.ArgumentError: There is no model 'lenet6'. Did you mean lenet5? \
There are: lenet5, resnet18.
    """
    import difflib

    known = list(known)
    near = difflib.get_close_matches(str(name).lower(), known, n=1, cutoff=0.7)
    meant = f" Did you mean {near[0]}?" if near else ""
    shown = ", ".join(known[:_SHOWN])
    rest = f", and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    there_are = f" There are: {shown}{rest}." if known else ""
    raise error(f"{subject} {name!r}.{meant}{there_are}")


_SHOWN = 20
"""How many names a message lists."""
