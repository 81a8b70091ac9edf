"""Whether operations are recorded, and whether NaNs are looked for."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import ClassVar, ParamSpec, TypeVar

from minidl.errors import DTypeError

P = ParamSpec("P")
R = TypeVar("R")

_grad: ContextVar[bool] = ContextVar("minidl_grad_enabled", default=True)
_anomaly: ContextVar[bool] = ContextVar("minidl_anomaly_enabled", default=False)

is_grad_enabled = _grad.get
anomaly_enabled = _anomaly.get


class _Switch:
    """A context manager and decorator that sets a flag and puts it back."""

    _flag: ClassVar[ContextVar[bool]]

    def __init__(self, value: bool) -> None:
        self._value = value
        self._tokens: list[Token[bool]] = []

    def __enter__(self) -> None:
        self._tokens.append(self._flag.set(self._value))

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._flag.reset(self._tokens.pop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate a function."""
        if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
            raise DTypeError(
                f"{type(self).__name__}: {function.__name__} is a generator or coroutine, whose "
                "body runs after the call, expected a plain function. Use `with` in its body."
            )
        flag, value = self._flag, self._value

        @functools.wraps(function)
        def switched(*args: P.args, **kwargs: P.kwargs) -> R:
            token = flag.set(value)
            try:
                return function(*args, **kwargs)
            finally:
                flag.reset(token)

        return switched


class _GradSwitch(_Switch):
    _flag = _grad


class set_grad_enabled(_GradSwitch):  # noqa: N801 - PyTorch's name
    """Record operations for backward, or don't: from now on, or within a `with` block.

    The flag belongs to the thread: a new thread starts with gradients enabled.

    >>> with set_grad_enabled(False):
    ...     is_grad_enabled()
    False
    >>> is_grad_enabled()
    True
    """

    def __init__(self, value: bool) -> None:
        super().__init__(bool(value))
        self._tokens.append(_grad.set(self._value))
        self._entered = False

    def __enter__(self) -> None:
        if self._entered:
            super().__enter__()
        self._entered = True

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate a function."""
        _grad.reset(self._tokens.pop())  # as a decorator it changes nothing but the function
        return super().__call__(function)


class no_grad(_GradSwitch):  # noqa: N801 - PyTorch's name
    """Record nothing: results don't require a gradient, and saved arrays are not kept.

    >>> import minidl
    >>> x = minidl.ones(2, requires_grad=True)
    >>> with no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(_GradSwitch):  # noqa: N801 - PyTorch's name
    """Record again, within a `no_grad` block."""

    def __init__(self) -> None:
        super().__init__(True)


class check_anomaly(_Switch):  # noqa: N801 - a context manager
    """Look for NaNs in results, or don't, within a `with` block."""

    _flag = _anomaly


class detect_anomaly(check_anomaly):  # noqa: N801 - PyTorch's name
    """Stop at the operation that first makes a NaN, forward or backward, and name it.

    Slow: every result is looked through.

    >>> import minidl
    >>> with detect_anomaly():
    ...     minidl.tensor([-1.0]).log()
    Traceback (most recent call last):
        ...
    minidl.errors.AutogradError: The forward pass of Log produced NaN (result 0, shape (1,)). \
Look at its inputs: a logarithm or square root of a negative number, 0/0, or an overflow.
    """

    def __init__(self) -> None:
        super().__init__(True)
