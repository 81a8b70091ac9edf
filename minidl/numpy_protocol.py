"""What NumPy and its users find in a Tensor: operators beside arrays, errors, argument names.

`array + tensor` is a Tensor and is recorded. Any other NumPy function of a tensor would lose the
graph without a word, so it raises, and names what to write instead.
"""

# mypy: disable-error-code="arg-type, attr-defined"
# (Every `self` here is a Tensor: the mixin has no other use, which types can't say.)

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from minidl.errors import DTypeError

P = ParamSpec("P")
R = TypeVar("R")

OPERATORS = {
    "add": ("__add__", "__radd__"),
    "subtract": ("__sub__", "__rsub__"),
    "multiply": ("__mul__", "__rmul__"),
    "divide": ("__truediv__", "__rtruediv__"),
    "power": ("__pow__", "__rpow__"),
    "matmul": ("__matmul__", "__rmatmul__"),
    "bitwise_and": ("__and__", "__rand__"),
    "bitwise_or": ("__or__", "__ror__"),
    "equal": ("__eq__", "__eq__"),
    "not_equal": ("__ne__", "__ne__"),
    "less": ("__lt__", "__gt__"),
    "less_equal": ("__le__", "__ge__"),
    "greater": ("__gt__", "__lt__"),
    "greater_equal": ("__ge__", "__le__"),
}
"""Of NumPy's functions behind its operators: the tensor's method on the left, on the right."""


class NumPyProtocol:
    """How NumPy sees a tensor; mixed into Tensor."""

    __slots__ = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        methods = OPERATORS.get(ufunc.__name__)
        if methods is None or method != "__call__" or options:
            name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            if "out" in options:
                raise DTypeError(
                    f"{name}: NumPy can't write a tensor's result into an array. Use "
                    "x.detach().numpy(); to change a tensor's values, write x -= … (not x.data) "
                    "within minidl.no_grad()."
                )
            raise _no_numpy_function(self, name)
        left, right = inputs
        if isinstance(left, NumPyProtocol):
            return getattr(left, methods[0])(right)
        return getattr(right, methods[1])(left)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        place = function.__module__.removeprefix("numpy").removeprefix(".")
        raise _no_numpy_function(self, function.__name__, f"{place}." if place else "")


def numpy_names(reduction: Callable[P, R]) -> Callable[P, R]:
    """Let a reduction take NumPy's `axis` and `keepdims` for `dim` and `keepdim` (as PyTorch's do).

    >>> import minidl
    >>> minidl.ones(2, 3).sum(axis=1, keepdims=True).shape
    (2, 1)
    """

    @functools.wraps(reduction)
    def renamed(*args: P.args, **kwargs: P.kwargs) -> R:
        for theirs, ours in (("axis", "dim"), ("keepdims", "keepdim")) if kwargs else ():
            if theirs in kwargs:
                if ours in kwargs:
                    raise DTypeError(
                        f"{reduction.__name__}: both {ours} and {theirs} are given, which mean "
                        f"the same. Give {ours} alone."
                    )
                kwargs[ours] = kwargs.pop(theirs)
        return reduction(*args, **kwargs)

    return renamed


def _no_numpy_function(tensor: Any, name: str, place: str = "") -> DTypeError:
    ours = f"x.{name}(), or " if callable(getattr(type(tensor), name, None)) else ""
    return DTypeError(
        f"{name}: NumPy's functions don't take tensors; use {ours}"
        f"np.{place}{name}(x.detach().numpy())."
    )
