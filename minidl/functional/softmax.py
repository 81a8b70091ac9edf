"""Softmax and log-softmax, each with the Function of its gradient."""

from __future__ import annotations

from minidl.backends import Array
from minidl.function import Function
from minidl.functional.operands import float_tensor, normalize_dim
from minidl.functional.reductions import sum
from minidl.tensor import Tensor


class Softmax(Function):
    """The Jacobian is diag(y) − y yᵀ."""

    def forward(self, x: Array, *, axis: int) -> Array:
        self.axis = axis
        y = self.backend.softmax(x, axis=axis)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = SoftmaxGrad.apply(grad_output, *self.saved_tensors, axis=self.axis)
        return result


class SoftmaxGrad(Function):
    """y · (g − Σ g y); in y its derivative is r (g − Σ g y) − g Σ r y for an upstream r."""

    def forward(self, g: Array, y: Array, *, axis: int) -> Array:
        self.axis = axis
        self.save_for_backward(g, y)
        return self.backend.softmax_grad(g, y, axis=axis)

    def backward(self, grad_output: Tensor) -> tuple[Tensor, Tensor]:
        g, y = self.saved_tensors
        inner = sum(g * y, self.axis, keepdim=True)
        outer = sum(grad_output * y, self.axis, keepdim=True)
        in_y = grad_output * (g - inner) - g * outer
        return SoftmaxGrad.apply(grad_output, y, axis=self.axis), in_y


def softmax(x: Tensor, dim: int) -> Tensor:
    """eˣ / Σ eˣ along `dim`: positive numbers that sum to one.

    >>> import minidl
    >>> softmax(minidl.zeros(2), dim=0)
    tensor([0.5, 0.5])
    """
    x = float_tensor("softmax", "x", x)
    result: Tensor = Softmax.apply(x, axis=normalize_dim("softmax", dim, x.ndim))
    return result


class LogSoftmax(Function):
    """The Jacobian is I − 1·pᵀ with p = softmax(x): every row of 1·pᵀ is p."""

    def forward(self, x: Array, *, axis: int) -> Array:
        self.axis = axis
        y = self.backend.log_softmax(x, axis=axis)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = LogSoftmaxGrad.apply(grad_output, *self.saved_tensors, axis=self.axis)
        return result


class LogSoftmaxGrad(Function):
    """g − eʸ Σ g; its derivatives for an upstream r: r − Σ r eʸ in g, −r eʸ Σ g in y."""

    def forward(self, g: Array, y: Array, *, axis: int) -> Array:
        self.axis = axis
        self.save_for_backward(g, y)
        return self.backend.log_softmax_grad(g, y, axis=axis)

    def backward(self, grad_output: Tensor) -> tuple[Tensor, Tensor]:
        g, y = self.saved_tensors
        weighted = grad_output * y.exp()
        in_g = grad_output - sum(weighted, self.axis, keepdim=True)
        return in_g, -weighted * sum(g, self.axis, keepdim=True)


def log_softmax(x: Tensor, dim: int) -> Tensor:
    """log softmax(x) along `dim`, without overflow."""
    x = float_tensor("log_softmax", "x", x)
    result: Tensor = LogSoftmax.apply(x, axis=normalize_dim("log_softmax", dim, x.ndim))
    return result
