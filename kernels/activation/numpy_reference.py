"""Activations and their gradients in NumPy: chains of in-place steps on one result array.

Each function writes only into `out`, so one pass over memory per step is all it costs. Infinite
and NaN elements are legal values: the warnings that they and underflow cause are silenced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from minidl_kernels.activation.masking import Array, holds, select, zero_where
from minidl_kernels.common import workspace

quiet = np.errstate(all="ignore")


def _result(x: Array, out: Array | None) -> Array:
    return workspace.empty(x.shape, x.dtype) if out is None else out


@quiet
def relu(x: Array, *, out: Array | None = None) -> Array:
    """max(x, 0); NaN stays NaN (Nair & Hinton 2010).

    >>> relu(np.array([-1.0, 0.5]))
    array([0. , 0.5])
    """
    # clip with two bounds is vectorised, np.maximum with a scalar isn't.
    return np.clip(x, 0, np.inf, out=_result(x, out))


@quiet
def relu_grad(grad_output: Array, y: Array, *, out: Array | None = None) -> Array:
    """0 where y ≤ 0, else grad_output."""
    return zero_where(holds(np.less_equal, y, 0), grad_output, _result(y, out))


@quiet
def relu6(x: Array, *, out: Array | None = None) -> Array:
    """min(max(x, 0), 6) (Krizhevsky 2010, "Convolutional deep belief networks on CIFAR-10")."""
    return np.clip(x, 0, 6, out=_result(x, out))


@quiet
def relu6_grad(grad_output: Array, y: Array, *, out: Array | None = None) -> Array:
    """0 where y ≤ 0 or y ≥ 6, else grad_output."""
    flat = holds(np.less_equal, y, 0)
    flat |= holds(np.greater_equal, y, 6)
    return zero_where(flat, grad_output, _result(y, out))


@quiet
def leaky_relu(x: Array, *, negative_slope: float, out: Array | None = None) -> Array:
    """x where x > 0, else negative_slope · x (Maas et al. 2013)."""
    out = np.multiply(x, negative_slope, out=_result(x, out))
    return select(holds(np.greater, x, 0), x, out, out)


@quiet
def leaky_relu_grad(
    grad_output: Array, x: Array, *, negative_slope: float, out: Array | None = None
) -> Array:
    """grad_output where x > 0, else negative_slope · grad_output."""
    out = np.multiply(grad_output, negative_slope, out=_result(x, out))
    return select(holds(np.greater, x, 0), grad_output, out, out)


@quiet
def sigmoid(x: Array, *, out: Array | None = None) -> Array:
    """1 / (1 + exp(−x)).

    Where exp(−x) is too large for the dtype it is infinite, and its reciprocal 0: the right
    limit, and right to the last bit but for subnormal numbers.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    out = _one_plus_exp_minus(x, _result(x, out))
    return np.divide(1, out, out=out)


@quiet
def sigmoid_grad(grad_output: Array, y: Array, *, out: Array | None = None) -> Array:
    """grad_output · y · (1 − y)."""
    out = np.subtract(1, y, out=_result(y, out))
    out *= y
    out *= grad_output
    return out


@quiet
def tanh(x: Array, *, out: Array | None = None) -> Array:
    """Hyperbolic tangent."""
    return np.tanh(x, out=_result(x, out))


@quiet
def tanh_grad(grad_output: Array, y: Array, *, out: Array | None = None) -> Array:
    """grad_output · (1 − y²)."""
    out = np.multiply(y, y, out=_result(y, out))
    np.subtract(1, out, out=out)
    out *= grad_output
    return out


@quiet
def silu(x: Array, *, out: Array | None = None) -> Array:
    """x · sigmoid(x), computed as x / (1 + exp(−x)) (Elfwing et al. 2017)."""
    out = _one_plus_exp_minus(x, _result(x, out))
    return np.divide(x, out, out=out)


@quiet
def silu_grad(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """grad_output · σ · (1 + x · (1 − σ)) with σ = sigmoid(x)."""
    sigma = sigmoid(x)
    out = np.subtract(1, sigma, out=_result(x, out))
    out *= x
    out += 1
    out *= sigma
    out *= grad_output
    return out


@quiet
def hardswish(x: Array, *, out: Array | None = None) -> Array:
    """x · min(max(x + 3, 0), 6) / 6 (Howard et al. 2019, §5.2)."""
    out = np.add(x, 3, out=_result(x, out))
    np.clip(out, 0, 6, out=out)
    out *= x
    out /= 6
    return out


@quiet
def hardswish_grad(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """0 for x ≤ −3, grad_output for x ≥ 3, between them grad_output · (2x + 3) / 6."""
    out = np.multiply(x, 2, out=_result(x, out))
    out += 3
    out *= grad_output
    out /= 6
    zero_where(holds(np.less_equal, x, -3), out, out)
    return select(holds(np.greater_equal, x, 3), grad_output, out, out)


def _one_plus_exp_minus(x: Array, out: Array) -> Array:
    np.negative(x, out=out)
    np.exp(out, out=out)
    out += 1
    return out


class Fused(NamedTuple):
    """An activation that other kernels apply in their own pass."""

    forward: Callable[..., Array]
    """x → y."""

    grad: Callable[..., Array]
    """(grad_output, saved) → the gradient in x."""

    saved: Literal["x", "y"]
    """What `grad` takes: the activation's result y where that determines the slope, else its
    argument x. With "y", `forward` may also work in place."""


FUSED = {
    "relu": Fused(relu, relu_grad, "y"),
    "relu6": Fused(relu6, relu6_grad, "y"),
    "silu": Fused(silu, silu_grad, "x"),
    "hardswish": Fused(hardswish, hardswish_grad, "x"),
    "sigmoid": Fused(sigmoid, sigmoid_grad, "y"),
}
