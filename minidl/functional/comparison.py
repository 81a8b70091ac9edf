"""Comparisons and tests, element by element: results without a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.backends import agree
from minidl.errors import ArgumentError
from minidl.function import refuse_half
from minidl.functional.operands import (
    as_tensor,
    binary_operands,
    refuse_bool,
)
from minidl.tensor import Tensor


def _unary(name: str, x: Tensor, *, numbers: bool = False) -> Tensor:
    x = as_tensor(name, "x", x)
    if numbers and x.dtype == bool:
        refuse_bool(name)
    if numbers and x.dtype == np.float16:
        refuse_half(name)
    with np.errstate(all="ignore"):
        return Tensor._wrap(getattr(x.backend.xp, name)(x._array), x.backend)


def sign(x: Tensor) -> Tensor:
    """−1, 0 or 1; no gradient flows through it."""
    return _unary("sign", x, numbers=True)


def floor(x: Tensor) -> Tensor:
    """The largest integer ≤ x, in x's dtype; no gradient flows through it."""
    return _unary("floor", x, numbers=True)


def isnan(x: Tensor) -> Tensor:
    """Where x is NaN."""
    return _unary("isnan", x)


def logical_not(x: Tensor) -> Tensor:
    """Where x is false."""
    return _unary("logical_not", x)


def _compare(name: str, a: Any, b: Any) -> Tensor:
    a, b = binary_operands(name, a, b)
    like: Tensor = a if isinstance(a, Tensor) else b
    if like.dtype == np.float16:
        refuse_half(name)
    if isinstance(b, Tensor):
        agree(name, like.backend, b.backend)
    arrays = [v._array if isinstance(v, Tensor) else v for v in (a, b)]
    try:
        return Tensor._wrap(getattr(like.backend.xp, name)(*arrays), like.backend)
    except OverflowError as error:
        raise ArgumentError(f"{name}: {error}.") from None


def eq(a: Any, b: Any) -> Tensor:
    """a == b, element by element."""
    return _compare("equal", a, b)


def ne(a: Any, b: Any) -> Tensor:
    """a != b, element by element."""
    return _compare("not_equal", a, b)


def lt(a: Any, b: Any) -> Tensor:
    """a < b, element by element."""
    return _compare("less", a, b)


def le(a: Any, b: Any) -> Tensor:
    """a <= b, element by element."""
    return _compare("less_equal", a, b)


def gt(a: Any, b: Any) -> Tensor:
    """a > b, element by element."""
    return _compare("greater", a, b)


def ge(a: Any, b: Any) -> Tensor:
    """a >= b, element by element."""
    return _compare("greater_equal", a, b)


def logical_and(a: Any, b: Any) -> Tensor:
    """Where both are true."""
    return _compare("logical_and", a, b)


def logical_or(a: Any, b: Any) -> Tensor:
    """Where either is true."""
    return _compare("logical_or", a, b)
