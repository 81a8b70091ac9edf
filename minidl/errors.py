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
    "closest_names",
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


def closest_names(name: str, known: Iterable[str]) -> tuple[str, list[str]]:
    """Which of `known` was probably meant, or ""; and all of them, from the closest on.

    Those that begin with `name` come first, then those spelt like it.

    >>> closest_names("resnext50", ["lenet5", "resnet50", "resnext50_32x4d"])
    ('resnext50_32x4d', ['resnext50_32x4d', 'resnet50', 'lenet5'])
    """
    import difflib

    typed = name.lower()
    alike = {k: difflib.SequenceMatcher(None, k.lower(), typed).ratio() for k in known}

    def distance(k: str) -> tuple[bool, float, bool, str]:
        return not k.lower().startswith(typed), -alike[k], k[:1] != name[:1], k

    closest = sorted(alike, key=distance)
    return next((k for k in closest if alike[k] >= 0.7), ""), closest


def unknown_name(
    subject: str,
    name: object,
    known: Iterable[str],
    error: type[MinidlError] = ArgumentError,
    *,
    like: str = "",
    listed_by: str = "",
) -> NoReturn:
    """Raise `error` for a name that is none of `known`: perhaps one was meant; these there are.

    Of many names only the closest are shown; `listed_by` says where all of them are. `like` is
    what to compare instead of `name`.

    >>> unknown_name("There is no model", "lenet6", ["lenet5", "resnet18"])
    Traceback (most recent call last):
        ...
    minidl_kernels.common.errors.ArgumentError: There is no model 'lenet6'. Did you mean lenet5? \
There are: lenet5, resnet18.
    """
    known = list(known)
    meant, closest = closest_names(like or str(name), known)
    sentence = f"{subject} {name!r}."
    if meant:
        sentence += f" Did you mean {meant}?"
    if len(known) > _ALL_SHOWN:
        rest = f"{listed_by} lists all {len(known)}" if listed_by else f"{len(known)} in all"
        sentence += f" The closest: {', '.join(closest[:_CLOSEST_SHOWN])}; {rest}."
    elif known:
        sentence += f" There are: {', '.join(known)}."
    raise error(sentence)


_ALL_SHOWN, _CLOSEST_SHOWN = 20, 8
"""How many names a message lists at most: all there are, or else the closest."""
