"""Arithmetic of two operands, with NumPy's broadcasting.

Each operation is a Function, with its derivatives in `partial`, and below it the function users
call.
"""

from __future__ import annotations

from typing import Any

from minidl.errors import ArgumentError, fail
from minidl.function import Function
from minidl.functional.comparison import logical_and
from minidl.functional.elementwise import log, where
from minidl.functional.operands import (
    binary_operands,
    refuse_bool,
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
        refuse_bool("sub")
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
    """∂(a / b) = grad / b, −grad · (a / b) / b: b² might overflow."""

    def forward(self, a: Any, b: Any) -> Any:
        self.save_for_backward(a, b)
        return self.backend.xp.divide(a, b)

    def partial(self, position: int, grad_output: Tensor) -> Any:
        a, b = self.saved_tensors
        return grad_output / b if position == 0 else -grad_output * ((a / b) / b)


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
            a = grad_output.new_full((), a)  # log needs a tensor, of full precision
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
            refuse_bool("pow")
        if exponent.backend.memory != "cpu" or exponent.numel() == 0:
            return
        exponent = exponent.backend.xp.min(exponent._array)
    if exponent < 0:
        fail("pow", "exponent", exponent, "≥ 0 for integers", "Use a.float().", ArgumentError)


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
