"""Activations, each with the Function of its slope, which can be differentiated again."""

from __future__ import annotations

from typing import Any

from minidl.backends import Array
from minidl.composed import GradientOf
from minidl.function import Function
from minidl.functional.elementwise import clip
from minidl.functional.operands import float_tensor, number
from minidl.tensor import Tensor


class Relu(Function):
    """Saves the result y, which tells the slope and which the next layer keeps anyway."""

    def forward(self, x: Array) -> Array:
        y = self.backend.relu(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = ReluGrad.apply(grad_output, *self.saved_tensors)
        return result


class ReluGrad(Function):
    """g where y > 0, else 0: linear in g; the slope doesn't change with y, except at the kink."""

    def forward(self, g: Array, y: Array) -> Array:
        self.save_for_backward(y)
        return self.backend.relu_grad(g, y)

    def backward(self, grad_output: Tensor) -> tuple[Tensor, None]:
        return ReluGrad.apply(grad_output, *self.saved_tensors), None


def relu(x: Tensor) -> Tensor:
    """max(x, 0). The slope at 0 is 0. (Nair & Hinton 2010.)

    >>> import minidl
    >>> relu(minidl.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    result: Tensor = Relu.apply(float_tensor("relu", "x", x))
    return result


class Relu6(Function):
    """Relu that stops at 6; y tells the slope here, too."""

    def forward(self, x: Array) -> Array:
        y = self.backend.relu6(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = Relu6Grad.apply(grad_output, *self.saved_tensors)
        return result


class Relu6Grad(Function):
    """g where 0 < y < 6, else 0: linear in g; the slope is constant between the kinks."""

    def forward(self, g: Array, y: Array) -> Array:
        self.save_for_backward(y)
        return self.backend.relu6_grad(g, y)

    def backward(self, grad_output: Tensor) -> tuple[Tensor, None]:
        return Relu6Grad.apply(grad_output, *self.saved_tensors), None


def relu6(x: Tensor) -> Tensor:
    """min(max(x, 0), 6) (MobileNet's; Krizhevsky 2010)."""
    result: Tensor = Relu6.apply(float_tensor("relu6", "x", x))
    return result


class LeakyRelu(Function):
    """Slope 1 where x > 0, negative_slope elsewhere."""

    def forward(self, x: Array, *, negative_slope: float) -> Array:
        self.negative_slope = negative_slope
        self.save_for_backward(x)
        return self.backend.leaky_relu(x, negative_slope=negative_slope)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = LeakyReluGrad.apply(
            grad_output, *self.saved_tensors, negative_slope=self.negative_slope
        )
        return result


class LeakyReluGrad(Function):
    """g times the slope: linear in g; the slope doesn't change with x, except at the kink."""

    def forward(self, g: Array, x: Array, *, negative_slope: float) -> Array:
        self.negative_slope = negative_slope
        self.save_for_backward(x)
        return self.backend.leaky_relu_grad(g, x, negative_slope=negative_slope)

    def backward(self, grad_output: Tensor) -> tuple[Tensor, None]:
        slope = self.negative_slope
        return LeakyReluGrad.apply(grad_output, *self.saved_tensors, negative_slope=slope), None


def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, else negative_slope · x (Maas et al. 2013)."""
    x = float_tensor("leaky_relu", "x", x)
    slope = float(number("leaky_relu", "negative_slope", negative_slope))
    result: Tensor = LeakyRelu.apply(x, negative_slope=slope)
    return result


class Sigmoid(Function):
    """The slope is y (1 − y)."""

    def forward(self, x: Array) -> Array:
        y = self.backend.sigmoid(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = SigmoidGrad.apply(grad_output, *self.saved_tensors)
        return result


class SigmoidGrad(Function):
    """g · y (1 − y); its derivative in y is g (1 − 2y)."""

    def forward(self, g: Array, y: Array) -> Array:
        self.save_for_backward(g, y)
        return self.backend.sigmoid_grad(g, y)

    def backward(self, grad_output: Tensor) -> tuple[Tensor, Tensor]:
        g, y = self.saved_tensors
        return SigmoidGrad.apply(grad_output, y), grad_output * g * (1 - 2 * y)


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + e⁻ˣ)."""
    result: Tensor = Sigmoid.apply(float_tensor("sigmoid", "x", x))
    return result


class Tanh(Function):
    """The slope is 1 − y²."""

    def forward(self, x: Array) -> Array:
        y = self.backend.tanh(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = TanhGrad.apply(grad_output, *self.saved_tensors)
        return result


class TanhGrad(Function):
    """g · (1 − y²); its derivative in y is −2 g y."""

    def forward(self, g: Array, y: Array) -> Array:
        self.save_for_backward(g, y)
        return self.backend.tanh_grad(g, y)

    def backward(self, grad_output: Tensor) -> tuple[Tensor, Tensor]:
        g, y = self.saved_tensors
        return TanhGrad.apply(grad_output, y), grad_output * g * y * -2


def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent."""
    result: Tensor = Tanh.apply(float_tensor("tanh", "x", x))
    return result


class Silu(Function):
    """x · sigmoid(x)."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return self.backend.silu(x)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = SiluGrad.apply(grad_output, *self.saved_tensors)
        return result


class SiluGrad(GradientOf):
    """The slope of x · sigmoid(x)."""

    def forward(self, g: Array, x: Array) -> Array:
        self.save_for_backward(g, x)
        return self.backend.silu_grad(g, x)

    def formula(self, x: Tensor) -> Tensor:
        return x * sigmoid(x)


def silu(x: Tensor) -> Tensor:
    """x · sigmoid(x), also called swish (Elfwing et al. 2017; Ramachandran et al. 2017)."""
    result: Tensor = Silu.apply(float_tensor("silu", "x", x))
    return result


class Hardswish(Function):
    """An approximation of SiLU whose sigmoid is piecewise linear."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return self.backend.hardswish(x)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = HardswishGrad.apply(grad_output, *self.saved_tensors)
        return result


class HardswishGrad(GradientOf):
    """The slope of x · min(max(x + 3, 0), 6) / 6."""

    def forward(self, g: Array, x: Array) -> Array:
        self.save_for_backward(g, x)
        return self.backend.hardswish_grad(g, x)

    def formula(self, x: Tensor) -> Tensor:
        return x * clip(x + 3, 0, 6) / 6


def hardswish(x: Tensor) -> Tensor:
    """x · min(max(x + 3, 0), 6) / 6 (Howard et al. 2019, MobileNetV3, §5.2)."""
    result: Tensor = Hardswish.apply(float_tensor("hardswish", "x", x))
    return result


SLOPES: dict[str | None, Any] = {
    "relu": ReluGrad,
    "relu6": Relu6Grad,
    "silu": SiluGrad,
    "hardswish": HardswishGrad,
    "sigmoid": SigmoidGrad,
}
"""Of the activations that kernels fuse: the Function of (gradient, y or x) that is their slope."""

FUSED: dict[str | None, Any] = {
    None: lambda x: x,
    "relu": relu,
    "relu6": relu6,
    "silu": silu,
    "hardswish": hardswish,
    "sigmoid": sigmoid,
}
"""The same activations as functions."""
