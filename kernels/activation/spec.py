"""What the activations and their gradients accept and return: pure Python, no arrays.

Every one is element-wise: the result has the shape and the dtype of its argument.
"""

from __future__ import annotations

from typing import Any

from minidl_kernels.common.array_spec import ArraySpec, HasShape, check_same_float, check_shape
from minidl_kernels.common.errors import ArgumentError, DTypeError, fail

FUSED_NAMES = ("relu", "relu6", "silu", "hardswish", "sigmoid")
"""The activations that batch_norm and bias_activation can apply in the same pass."""


def check_fused(operation: str, activation: str | None) -> None:
    """Raise unless `activation` is None or one of FUSED_NAMES."""
    if activation is not None and activation not in FUSED_NAMES:
        fail(
            operation,
            "activation",
            repr(activation),
            f"None or one of {', '.join(map(repr, FUSED_NAMES))}",
            "Apply any other activation as an operation of its own, after this one.",
            error=ArgumentError,
        )


def relu(x: HasShape, *, out: Any = None) -> ArraySpec:
    """Shape of relu's result.

    >>> relu(ArraySpec((8, 16), "float32"))
    ArraySpec((8, 16), float32)
    """
    return _unary("relu", x)


def relu_grad(grad_output: HasShape, y: HasShape, *, out: Any = None) -> ArraySpec:
    """Shape of the gradient of relu; y is its result."""
    return _gradient("relu_grad", grad_output, y=y)


def relu6(x: HasShape, *, out: Any = None) -> ArraySpec:
    """Shape of relu6's result."""
    return _unary("relu6", x)


def relu6_grad(grad_output: HasShape, y: HasShape, *, out: Any = None) -> ArraySpec:
    """Shape of the gradient of relu6; y is its result."""
    return _gradient("relu6_grad", grad_output, y=y)


def leaky_relu(x: HasShape, *, negative_slope: float, out: Any = None) -> ArraySpec:
    """Shape of leaky_relu's result."""
    _check_slope("leaky_relu", negative_slope)
    return _unary("leaky_relu", x)


def leaky_relu_grad(
    grad_output: HasShape, x: HasShape, *, negative_slope: float, out: Any = None
) -> ArraySpec:
    """Shape of the gradient of leaky_relu in x."""
    _check_slope("leaky_relu_grad", negative_slope)
    return _gradient("leaky_relu_grad", grad_output, x=x)


def sigmoid(x: HasShape, *, out: Any = None) -> ArraySpec:
    """Shape of sigmoid's result."""
    return _unary("sigmoid", x)


def sigmoid_grad(grad_output: HasShape, y: HasShape, *, out: Any = None) -> ArraySpec:
    """Shape of the gradient of sigmoid; y is its result."""
    return _gradient("sigmoid_grad", grad_output, y=y)


def tanh(x: HasShape, *, out: Any = None) -> ArraySpec:
    """Shape of tanh's result."""
    return _unary("tanh", x)


def tanh_grad(grad_output: HasShape, y: HasShape, *, out: Any = None) -> ArraySpec:
    """Shape of the gradient of tanh; y is its result."""
    return _gradient("tanh_grad", grad_output, y=y)


def silu(x: HasShape, *, out: Any = None) -> ArraySpec:
    """Shape of silu's result."""
    return _unary("silu", x)


def silu_grad(grad_output: HasShape, x: HasShape, *, out: Any = None) -> ArraySpec:
    """Shape of the gradient of silu in x."""
    return _gradient("silu_grad", grad_output, x=x)


def hardswish(x: HasShape, *, out: Any = None) -> ArraySpec:
    """Shape of hardswish's result."""
    return _unary("hardswish", x)


def hardswish_grad(grad_output: HasShape, x: HasShape, *, out: Any = None) -> ArraySpec:
    """Shape of the gradient of hardswish in x."""
    return _gradient("hardswish_grad", grad_output, x=x)


def _unary(operation: str, x: HasShape) -> ArraySpec:
    check_same_float(operation, x=x)
    return ArraySpec(x.shape, x.dtype)


def _gradient(operation: str, grad_output: HasShape, **saved: HasShape) -> ArraySpec:
    """`saved` is the one array the slope is computed from, under its name (x or y)."""
    check_same_float(operation, **saved, grad_output=grad_output)
    (array,) = saved.values()
    check_shape(operation, "grad_output", grad_output, array.shape)
    return ArraySpec(array.shape, array.dtype)


def _check_slope(operation: str, negative_slope: float) -> None:
    if isinstance(negative_slope, bool) or not hasattr(negative_slope, "__float__"):
        fail(operation, "negative_slope", repr(negative_slope), "a number", error=DTypeError)
    if not abs(negative_slope) < float("inf"):
        fail(
            operation,
            "negative_slope",
            negative_slope,
            "a finite number",
            "Usual slopes are small, such as 0.01.",
            error=ArgumentError,
        )
