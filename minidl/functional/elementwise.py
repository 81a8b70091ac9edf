"""Element-wise arithmetic and functions, with NumPy's broadcasting.

Each operation is a Function, with the derivative in its `backward`, and below it the function
users call.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from minidl.autograd import Function
from minidl.backends import agree
from minidl.errors import ArgumentError, DTypeError, fail
from minidl.functional.operands import (
    as_tensor,
    binary_operands,
    broadcast_shape,
    float_tensor,
    number,
    sum_to,
)
from minidl.tensor import Tensor


class Binary(Function):
    """An operation of two broadcasting operands: `backward` gives `partials`, summed to shape."""

    def backward(self, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        needs_a, needs_b = self.needs_input_grad
        grad_a = sum_to(self.partial(0, grad_output), self.input_shape(0)) if needs_a else None
        grad_b = sum_to(self.partial(1, grad_output), self.input_shape(1)) if needs_b else None
        return grad_a, grad_b

    def partial(self, position: int, grad_output: Tensor) -> Tensor:
        """grad_output times the derivative in the operand at `position`, still broadcast."""
        raise NotImplementedError


class Add(Binary):
    """∂(a + b) = grad, grad."""

    def forward(self, a: Any, b: Any) -> Any:
        return self.backend.xp.add(a, b)

    def partial(self, position: int, grad_output: Tensor) -> Tensor:
        return grad_output


def add(a: Any, b: Any) -> Tensor:
    """a + b.

    >>> import minidl
    >>> add(minidl.tensor([1.0, 2.0]), 1)
    tensor([2., 3.])
    """
    result: Tensor = Add.apply(*binary_operands("add", a, b))
    return result


class Sub(Binary):
    """∂(a − b) = grad, −grad."""

    def forward(self, a: Any, b: Any) -> Any:
        return self.backend.xp.subtract(a, b)

    def partial(self, position: int, grad_output: Tensor) -> Tensor:
        return grad_output if position == 0 else -grad_output


def sub(a: Any, b: Any) -> Tensor:
    """a − b."""
    a, b = binary_operands("sub", a, b)
    if all(isinstance(v, bool) or (isinstance(v, Tensor) and v.dtype == bool) for v in (a, b)):
        _refuse_bool("sub")
    result: Tensor = Sub.apply(a, b)
    return result


class Mul(Binary):
    """∂(a · b) = grad · b, grad · a."""

    def forward(self, a: Any, b: Any) -> Any:
        self.save_for_backward(a, b)
        return self.backend.xp.multiply(a, b)

    def partial(self, position: int, grad_output: Tensor) -> Any:
        return grad_output * self.saved_tensors[1 - position]


def mul(a: Any, b: Any) -> Tensor:
    """a · b, element by element."""
    result: Tensor = Mul.apply(*binary_operands("mul", a, b))
    return result


class Div(Binary):
    """∂(a / b) = grad / b, −grad · a / b²."""

    def forward(self, a: Any, b: Any) -> Any:
        self.save_for_backward(a, b)
        return self.backend.xp.divide(a, b)

    def partial(self, position: int, grad_output: Tensor) -> Any:
        a, b = self.saved_tensors
        return grad_output / b if position == 0 else -grad_output * a / (b * b)


def div(a: Any, b: Any) -> Tensor:
    """a / b; integers divide to float32. A division by zero gives inf or NaN, as in PyTorch."""
    result: Tensor = Div.apply(*binary_operands("div", a, b, as_float=True))
    return result


class Pow(Binary):
    """∂(aᵇ) = grad · b · aᵇ⁻¹, grad · aᵇ · log a (0 where a = 0 and b ≥ 0)."""

    def forward(self, a: Any, b: Any) -> Any:
        self.save_for_backward(a, b)
        return self.backend.xp.power(a, b)

    def partial(self, position: int, grad_output: Tensor) -> Tensor:
        a, b = self.saved_tensors
        if position == 0:
            if isinstance(b, Tensor):  # b = 0 gives 0, even where a = 0 and aᵇ⁻¹ is infinite
                return grad_output * b * pow(a, where(b == 0, 1.0, b - 1))
            return grad_output * 0.0 if b == 0 else grad_output * b * pow(a, b - 1)
        if not isinstance(a, Tensor):
            a = new_value(grad_output, float(a)).astype(grad_output.dtype)
        safe = where(logical_and(a == 0, b >= 0), 1.0, a)  # log 1 = 0, and no log 0 is taken
        return grad_output * pow(a, b) * log(safe)


def pow(a: Any, b: Any) -> Tensor:
    """a to the power b.

    Integers to a negative power raise ArgumentError, as in NumPy: convert to float first.
    """
    a, b = binary_operands("pow", a, b)
    if all(isinstance(v, int) or (isinstance(v, Tensor) and v.dtype.kind != "f") for v in (a, b)):
        _check_integer_power(b)
    result: Tensor = Pow.apply(a, b)
    return result


def _check_integer_power(exponent: Any) -> None:
    """Integers have no negative powers; look at the data where looking costs nothing."""
    if isinstance(exponent, Tensor):
        if exponent.dtype == bool:
            _refuse_bool("pow")
        if exponent.backend.memory != "cpu" or exponent.size == 0:
            return
        exponent = exponent.backend.xp.min(exponent._array)
    if exponent < 0:
        fail("pow", "exponent", exponent, "≥ 0 for integers", "Use a.float().", ArgumentError)


def _refuse_bool(operation: str) -> NoReturn:
    fail(
        operation,
        "the operands' dtype",
        "bool",
        "numbers",
        "Convert with .long(); to combine conditions use &, | and ~.",
        error=DTypeError,
    )


class Maximum(Binary):
    """The gradient goes to the larger operand; a tie gives each half (PyTorch's rule)."""

    compare = "greater"

    def forward(self, a: Any, b: Any) -> Any:
        self.save_for_backward(a, b)
        return self.backend.xp.maximum(a, b)

    def partial(self, position: int, grad_output: Tensor) -> Tensor:
        mine, other = self.saved_tensors[position], self.saved_tensors[1 - position]
        wins = mine > other if self.compare == "greater" else mine < other
        return where(wins, grad_output, where(mine == other, grad_output * 0.5, 0.0))


def maximum(a: Any, b: Any) -> Tensor:
    """The larger of a and b, element by element; NaN if either is NaN."""
    result: Tensor = Maximum.apply(*binary_operands("maximum", a, b))
    return result


class Minimum(Maximum):
    """The gradient goes to the smaller operand; a tie gives each half."""

    compare = "less"

    def forward(self, a: Any, b: Any) -> Any:
        self.save_for_backward(a, b)
        return self.backend.xp.minimum(a, b)


def minimum(a: Any, b: Any) -> Tensor:
    """The smaller of a and b, element by element; NaN if either is NaN."""
    result: Tensor = Minimum.apply(*binary_operands("minimum", a, b))
    return result


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
        fail("clip", "min and max", "None", "at least one number", error=ArgumentError)
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
        _refuse_bool("neg")
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
        _refuse_bool("square")
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


# --------------------------------------------------------------- without a gradient


def _unary(name: str, x: Tensor, *, numbers: bool = False) -> Tensor:
    x = as_tensor(name, "x", x)
    if numbers and x.dtype == bool:
        _refuse_bool(name)
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
