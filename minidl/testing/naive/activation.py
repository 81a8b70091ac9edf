"""Activations, element by element: from one number to one number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.testing.naive.windows import Array


def _each(function: Callable[..., float], *arrays: Array) -> Array:
    """The function of every element (of the elements that stand at the same place)."""
    result = np.zeros(arrays[0].shape)
    for place in np.ndindex(result.shape):
        result[place] = function(*(float(array[place]) for array in arrays))
    return result


# Numbers, for the kernels below and for the fused ones. A comparison with NaN is false, so each
# condition is written such that NaN takes the branch that keeps it.


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else math.exp(x)


def _relu(x: float) -> float:
    return 0.0 if x <= 0 else x


def _relu6(x: float) -> float:
    return 6.0 if x >= 6 else _relu(x)


def _silu(x: float) -> float:
    return x * _sigmoid(x)


def _hardswish(x: float) -> float:
    return x * _relu6(x + 3) / 6


def _silu_slope(x: float) -> float:
    """(x/(1 + e⁻ˣ))' by the quotient rule."""
    if x < -300:  # e^(2·300) would overflow; the slope is below 1e-127
        return 0.0
    e = math.exp(-x)
    return (1 + e + x * e) / (1 + e) ** 2


def _hardswish_slope(x: float) -> float:
    if x <= -3:
        return 0.0
    return 1.0 if x >= 3 else (2 * x + 3) / 6


FUSED: dict[str | None, Callable[[float], float]] = {
    None: lambda x: x,
    "relu": _relu,
    "relu6": _relu6,
    "silu": _silu,
    "hardswish": _hardswish,
    "sigmoid": _sigmoid,
}
"""The activations that batch norm and bias_activation take."""

SLOPES: dict[str | None, Callable[[float], float]] = {
    None: lambda x: 1.0,
    "relu": lambda x: float(x > 0),
    "relu6": lambda x: float(0 < x < 6),
    "silu": _silu_slope,
    "hardswish": _hardswish_slope,
    "sigmoid": lambda x: _sigmoid(x) * _sigmoid(-x),
}
"""Their slopes at the pre-activation x."""


def relu(x: Array) -> Array:
    """max(x, 0)."""
    return _each(_relu, x)


def relu_grad(grad_output: Array, y: Array) -> Array:
    """The gradient, where the result was positive."""
    return _each(lambda g, y: 0.0 if y <= 0 else g, grad_output, y)


def relu6(x: Array) -> Array:
    """min(max(x, 0), 6)."""
    return _each(_relu6, x)


def relu6_grad(grad_output: Array, y: Array) -> Array:
    """The gradient, where the result was between 0 and 6."""
    return _each(lambda g, y: 0.0 if y <= 0 or y >= 6 else g, grad_output, y)


def leaky_relu(x: Array, *, negative_slope: float) -> Array:
    """X, or negative_slope · x below 0."""
    return _each(lambda x: x if x > 0 else negative_slope * x, x)


def leaky_relu_grad(grad_output: Array, x: Array, *, negative_slope: float) -> Array:
    """The gradient, or negative_slope times it below 0."""
    return _each(lambda g, x: g if x > 0 else negative_slope * g, grad_output, x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ)."""
    return _each(_sigmoid, x)


def sigmoid_grad(grad_output: Array, y: Array) -> Array:
    """σ' = σ(1 − σ) = y − y²."""
    return _each(lambda g, y: g * (y - y * y), grad_output, y)


def tanh(x: Array) -> Array:
    """Hyperbolic tangent."""
    return _each(math.tanh, x)


def tanh_grad(grad_output: Array, y: Array) -> Array:
    """tanh' = 1 − tanh² = (1 − y)(1 + y)."""
    return _each(lambda g, y: g * (1 - y) * (1 + y), grad_output, y)


def silu(x: Array) -> Array:
    """The product x · σ(x)."""
    return _each(_silu, x)


def silu_grad(grad_output: Array, x: Array) -> Array:
    """The gradient times the slope of x / (1 + e⁻ˣ)."""
    return _each(lambda g, x: g * _silu_slope(x), grad_output, x)


def hardswish(x: Array) -> Array:
    """The product x · relu6(x + 3) / 6."""
    return _each(_hardswish, x)


def hardswish_grad(grad_output: Array, x: Array) -> Array:
    """The gradient times the slope: 0, (2x + 3)/6 or 1."""
    return _each(lambda g, x: g * _hardswish_slope(x), grad_output, x)


def bias_activation(x: Array, bias: Array, *, activation: str | None = None) -> Array:
    """activation(x + bias), the bias along axis 1."""
    y = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        y[place] = FUSED[activation](float(x[place]) + float(bias[place[1]]))
    return y


def bias_activation_grad(
    grad_output: Array,
    saved: Array | None,
    bias: Array,
    *,
    activation: str | None = None,
    needs: tuple[bool, bool] = (True, True),
) -> tuple[Any, Any]:
    """The gradient times the slope, and its sum for each element of bias."""
    grad_x, grad_bias = np.zeros(grad_output.shape), np.zeros(bias.shape)
    for place in np.ndindex(grad_x.shape):
        value = 0.0 if saved is None else float(saved[place])
        if activation in ("silu", "hardswish"):  # saved is x
            slope = SLOPES[activation](value + float(bias[place[1]]))
        elif activation == "sigmoid":  # saved is y
            slope = value - value * value
        else:  # relu and relu6 have the same slope at y as at the pre-activation
            slope = SLOPES[activation](value)
        grad_x[place] = float(grad_output[place]) * slope
        grad_bias[place[1]] += grad_x[place]
    return (grad_x if needs[0] else None), (grad_bias if needs[1] else None)


def channel_sum(x: Array) -> Array:
    """The sum over every axis but 1."""
    total = np.zeros(x.shape[1])
    for place in np.ndindex(x.shape):
        total[place[1]] += x[place]
    return total
