"""Bias and activation in one pass, and the channel sum that is a bias's gradient."""

from __future__ import annotations

from typing import Any

from minidl.backends import Array, FusedActivation
from minidl.composed import ComposedBackward
from minidl.function import Function
from minidl.functional.activation import SLOPES
from minidl.functional.operands import as_tensor
from minidl.functional.shape import expand, reshape
from minidl.tensor import Tensor
from minidl_kernels.bias_activation import spec


class ChannelSum(Function):
    """(N, C, …) → (C,); its adjoint spreads a number per channel."""

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return self.backend.channel_sum(x)

    def backward(self, grad_output: Tensor) -> Tensor:
        per_channel = (1, self.shape[1], *[1] * (len(self.shape) - 2))
        return expand(reshape(grad_output, per_channel), self.shape)


class BiasActivation(Function):
    """activation(x + bias). Saves the result, or x for activations whose slope needs it."""

    def forward(self, x: Array, bias: Array, *, activation: FusedActivation | None) -> Array:
        self.activation = activation
        y = self.backend.bias_activation(x, bias, activation=activation)
        self.save_for_backward({None: None, "silu": x, "hardswish": x}.get(activation, y), bias)
        return y

    def backward(self, grad_output: Tensor) -> Any:
        if self.activation is None:
            return grad_output, ChannelSum.apply(grad_output) if self.needs_input_grad[1] else None
        grads = BiasActivationGrad.apply(
            grad_output,
            *self.saved_tensors,
            activation=self.activation,
            needs=self.needs_input_grad,
        )
        remaining = iter(grads)
        return tuple(next(remaining) if needed else None for needed in self.needs_input_grad)


class BiasActivationGrad(ComposedBackward):
    """The gradients in x and bias, one kernel call."""

    def forward(
        self,
        g: Array,
        saved: Array,
        bias: Array,
        *,
        activation: FusedActivation,
        needs: tuple[bool, bool],
    ) -> tuple[Array, ...]:
        self.activation, self.needs = activation, needs
        self.save_for_backward(g, saved, bias)
        grads = self.backend.bias_activation_grad(
            g, saved, bias, activation=activation, needs=needs
        )
        return tuple(grad for grad in grads if grad is not None)

    def composed(self, g: Tensor, saved: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
        if self.activation in ("silu", "hardswish"):  # saved is x, the slope's place is x + bias
            saved = saved + reshape(bias, (1, *bias.shape, *[1] * (saved.ndim - 2)))
        grad_x = SLOPES[self.activation].apply(g, saved)
        both = (grad_x, ChannelSum.apply(grad_x))
        return tuple(grad for grad, needed in zip(both, self.needs, strict=True) if needed)


def bias_activation(x: Tensor, bias: Tensor, activation: str | None = None) -> Tensor:
    """activation(x + bias) in one pass: x (N, C, …), bias (C,), one number per channel.

    activation is None, "relu", "relu6", "silu", "hardswish" or "sigmoid".
    """
    x, bias = as_tensor("bias_activation", "x", x), as_tensor("bias_activation", "bias", bias)
    spec.bias_activation(x, bias, activation=activation)
    result: Tensor = BiasActivation.apply(x, bias, activation=activation)
    return result
