"""Functions of one number, element by element, and the choices `where` and `clip`.

Each operation is a Function, with the derivative in its `backward`, and below it the function
users call.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.errors import ArgumentError, DTypeError, fail
from minidl.function import Function
from minidl.functional.comparison import sign
from minidl.functional.operands import (
    as_tensor,
    binary_operands,
    broadcast_shape,
    float_tensor,
    number,
    refuse_bool,
    sum_to,
)
from minidl.tensor import Tensor


class Where(Function):
    """The gradient goes where the value came from."""

    def forward(self, condition: Any, a: Any, b: Any) -> Any:
        self.save_for_backward(condition)
        return self.backend.xp.where(condition, a, b)

    def backward(self, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        (condition,) = self.saved_tensors
        branches = ((grad_output, 0.0), (0.0, grad_output))
        return None, *(
            sum_to(where(condition, *branch), self.input_shape(position)) if needed else None
            for position, (branch, needed) in enumerate(
                zip(branches, self.needs_input_grad[1:], strict=True), start=1
            )
        )


def where(condition: Any, a: Any, b: Any) -> Tensor:
    """a where the condition is true, else b; all three broadcast.

    >>> import minidl
    >>> x = minidl.tensor([-1.0, 2.0])
    >>> where(x > 0, x, 0.0)
    tensor([0., 2.])
    """
    like = next((v for v in (condition, a, b) if isinstance(v, Tensor)), None)
    condition = as_tensor("where", "condition", condition, like)
    if condition.dtype != bool:
        fail(
            "where",
            "condition.dtype",
            condition.dtype.name,
            "bool",
            "Compare it with something, for example condition != 0.",
            error=DTypeError,
        )
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):  # one of them must be
        is_array = isinstance(a, np.ndarray)
        a = (
            as_tensor("where", "a", a, condition)
            if is_array
            else new_value(condition, number("where", "a", a))
        )
    a, b = binary_operands("where", a, b)
    shapes = [v.shape for v in (condition, a, b) if isinstance(v, Tensor)]
    broadcast_shape("where", *shapes)
    result: Tensor = Where.apply(condition, a, b)
    return result


def new_value(like: Tensor, value: Any) -> Tensor:
    """A zero-dimensional tensor beside `like`: float32 for a float, int64 for an int."""
    dtype = {bool: "bool", int: "int64"}.get(type(value), "float32")
    return Tensor._wrap(like.backend.full((), value, dtype), like.backend)


class Clip(Function):
    """The gradient passes where min ≤ x ≤ max."""

    def forward(self, x: Any, *, low: Any, high: Any) -> Any:
        self.save_for_backward(x)
        self.low, self.high = low, high
        return self.backend.xp.clip(x, low, high)

    def backward(self, grad_output: Tensor) -> Tensor:
        (x,) = self.saved_tensors
        xp, inside = self.backend.xp, None
        for bound, compare in ((self.low, xp.greater_equal), (self.high, xp.less_equal)):
            if bound is not None:
                side = compare(x._array, bound)
                inside = side if inside is None else xp.logical_and(inside, side)
        return where(Tensor._wrap(inside, self.backend), grad_output, 0.0)


def clip(x: Tensor, min: float | None = None, max: float | None = None) -> Tensor:
    """x limited to [min, max], either of which may be None (PyTorch's `clamp`)."""
    x = as_tensor("clip", "x", x)
    if min is None and max is None:
        expected = "at least one number"
        fail("clip", "min and max", "None", expected, error=ArgumentError, verb="are")
    low = None if min is None else number("clip", "min", min)
    high = None if max is None else number("clip", "max", max)
    if x.dtype.kind != "f" and (isinstance(low, float) or isinstance(high, float)):
        x = x.float()
    result: Tensor = Clip.apply(x, low=low, high=high)
    return result


# ------------------------------------------------------------------------- one operand


class Neg(Function):
    """∂(−x) = −grad."""

    def forward(self, x: Any) -> Any:
        return self.backend.xp.negative(x)

    def backward(self, grad_output: Tensor) -> Tensor:
        return -grad_output


def neg(x: Tensor) -> Tensor:
    """−x."""
    x = as_tensor("neg", "x", x)
    if x.dtype == bool:
        refuse_bool("neg")
    result: Tensor = Neg.apply(x)
    return result


class Exp(Function):
    """∂eˣ = grad · eˣ."""

    def forward(self, x: Any) -> Any:
        y = self.backend.xp.exp(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Tensor) -> Any:
        (y,) = self.saved_tensors
        return grad_output * y


def exp(x: Tensor) -> Tensor:
    """eˣ."""
    result: Tensor = Exp.apply(float_tensor("exp", "x", x))
    return result


class Log(Function):
    """∂log x = grad / x."""

    def forward(self, x: Any) -> Any:
        self.save_for_backward(x)
        return self.backend.xp.log(x)

    def backward(self, grad_output: Tensor) -> Any:
        (x,) = self.saved_tensors
        return grad_output / x


def log(x: Tensor) -> Tensor:
    """Natural logarithm; −inf at 0, NaN below."""
    result: Tensor = Log.apply(float_tensor("log", "x", x))
    return result


class Sqrt(Function):
    """∂√x = grad / (2√x)."""

    def forward(self, x: Any) -> Any:
        y = self.backend.xp.sqrt(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Tensor) -> Any:
        (y,) = self.saved_tensors
        return grad_output / (y * 2)


def sqrt(x: Tensor) -> Tensor:
    """Square root; NaN below 0."""
    result: Tensor = Sqrt.apply(float_tensor("sqrt", "x", x))
    return result


class Square(Function):
    """∂x² = grad · 2x."""

    def forward(self, x: Any) -> Any:
        self.save_for_backward(x)
        return self.backend.xp.square(x)

    def backward(self, grad_output: Tensor) -> Any:
        (x,) = self.saved_tensors
        return grad_output * x * 2


def square(x: Tensor) -> Tensor:
    """x²."""
    x = as_tensor("square", "x", x)
    if x.dtype == bool:
        refuse_bool("square")
    result: Tensor = Square.apply(x)
    return result


class Reciprocal(Function):
    """∂(1/x) = −grad / x²."""

    def forward(self, x: Any) -> Any:
        y = self.backend.xp.reciprocal(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Tensor) -> Any:
        (y,) = self.saved_tensors
        return -grad_output * y * y


def reciprocal(x: Tensor) -> Tensor:
    """1 / x."""
    result: Tensor = Reciprocal.apply(float_tensor("reciprocal", "x", x))
    return result


class Abs(Function):
    """∂|x| = grad · sign x, 0 at 0."""

    def forward(self, x: Any) -> Any:
        self.save_for_backward(x)
        return self.backend.xp.absolute(x)

    def backward(self, grad_output: Tensor) -> Tensor:
        (x,) = self.saved_tensors
        return grad_output * sign(x)


def abs(x: Tensor) -> Tensor:
    """|x|."""
    result: Tensor = Abs.apply(as_tensor("abs", "x", x))
    return result


class Sin(Function):
    """∂sin x = grad · cos x."""

    def forward(self, x: Any) -> Any:
        self.save_for_backward(x)
        return self.backend.xp.sin(x)

    def backward(self, grad_output: Tensor) -> Tensor:
        (x,) = self.saved_tensors
        return grad_output * cos(x)


def sin(x: Tensor) -> Tensor:
    """Sine, x in radians."""
    result: Tensor = Sin.apply(float_tensor("sin", "x", x))
    return result


class Cos(Function):
    """∂cos x = −grad · sin x."""

    def forward(self, x: Any) -> Any:
        self.save_for_backward(x)
        return self.backend.xp.cos(x)

    def backward(self, grad_output: Tensor) -> Tensor:
        (x,) = self.saved_tensors
        return -grad_output * sin(x)


def cos(x: Tensor) -> Tensor:
    """Cosine, x in radians."""
    result: Tensor = Cos.apply(float_tensor("cos", "x", x))
    return result
