"""The errors users see, and the one sentence pattern they are written in."""

from __future__ import annotations

from typing import NoReturn


class MinidlError(Exception):
    """Base class of every error that minidl raises on purpose."""


class ShapeError(MinidlError, ValueError):
    """An array has the wrong number of dimensions or the wrong size."""


class DTypeError(MinidlError, TypeError):
    """An array or argument has the wrong type of element."""


class ArgumentError(MinidlError, ValueError):
    """An argument other than an array is out of its range."""


def fail(
    operation: str,
    argument: str,
    got: object,
    expected: str,
    fix: str = "",
    error: type[MinidlError] = ShapeError,
    verb: str = "is",
) -> NoReturn:
    """Raise `error` saying operation, argument, what it got, what was expected and what to do.

    `verb` is "are" where `argument` is a plural. An exception that is being handled is left out of
    the traceback: the sentence says what matters of it.

    >>> fail("conv2d", "groups", 3, "a divisor of x.shape[1] (4)", "Use 1, 2 or 4.")
    Traceback (most recent call last):
        ...
    minidl_kernels.common.errors.ShapeError: conv2d: groups is 3, expected a divisor of \
x.shape[1] (4). Use 1, 2 or 4.
    """
    sentence = f"{operation}: {argument} {verb} {got}, expected {expected}."
    raise error(f"{sentence} {fix}" if fix else sentence) from None
