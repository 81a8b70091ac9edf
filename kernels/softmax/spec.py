"""What softmax, log_softmax and their gradients accept and return: pure Python, no arrays.

    softmax(x)     = exp(x − max) / Σ exp(x − max)
    log_softmax(x) = x − max − log Σ exp(x − max)        along one axis

x may have any shape with at least one axis; the result has the same.
"""

from __future__ import annotations

from typing import Any

from minidl_kernels.common.array_spec import ArraySpec, HasShape, check_same_float, check_shape
from minidl_kernels.common.errors import ArgumentError, fail


def softmax(x: HasShape, *, axis: int, out: Any = None) -> ArraySpec:
    """Shape of softmax's result: that of x.

    >>> softmax(ArraySpec((64, 10), "float32"), axis=1)
    ArraySpec((64, 10), float32)
    """
    return _same_as("softmax", "x", x, axis)


def softmax_grad(grad_output: HasShape, y: HasShape, *, axis: int, out: Any = None) -> ArraySpec:
    """Shape of softmax's gradient in x; y is softmax(x)."""
    return _gradient("softmax_grad", grad_output, y, axis)


def log_softmax(x: HasShape, *, axis: int, out: Any = None) -> ArraySpec:
    """Shape of log_softmax's result: that of x."""
    return _same_as("log_softmax", "x", x, axis)


def log_softmax_grad(
    grad_output: HasShape, y: HasShape, *, axis: int, out: Any = None
) -> ArraySpec:
    """Shape of log_softmax's gradient in x; y is log_softmax(x)."""
    return _gradient("log_softmax_grad", grad_output, y, axis)


def _same_as(operation: str, argument: str, x: HasShape, axis: int) -> ArraySpec:
    check_same_float(operation, **{argument: x})
    ndim = len(x.shape)
    if not ndim:
        fail(
            operation,
            f"{argument}.shape",
            (),
            "at least one axis",
            f"The softmax of one number is always 1; did you mean {argument}.reshape(1, -1)?",
        )
    if not -ndim <= axis < ndim:
        fail(
            operation,
            "axis",
            axis,
            f"{-ndim} to {ndim - 1} for {argument} of shape {tuple(x.shape)}",
            "For class scores (N, C) or (N, C, H, W) it is 1.",
            error=ArgumentError,
        )
    return ArraySpec(x.shape, x.dtype)


def _gradient(operation: str, grad_output: HasShape, y: HasShape, axis: int) -> ArraySpec:
    check_same_float(operation, y=y, grad_output=grad_output)
    check_shape(operation, "grad_output", grad_output, y.shape)
    return _same_as(operation, "y", y, axis)
