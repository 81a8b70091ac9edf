"""What batch_norm, its inference form and its gradient accept and return: pure Python."""

from __future__ import annotations

import math
from typing import Any

from minidl_kernels.activation.spec import check_fused
from minidl_kernels.bias_activation.spec import check_channels
from minidl_kernels.common.array_spec import ArraySpec, HasShape, check_same_float, check_shape
from minidl_kernels.common.errors import ArgumentError, fail


def batch_norm(
    x: HasShape,
    weight: HasShape | None = None,
    bias: HasShape | None = None,
    *,
    eps: float,
    residual: HasShape | None = None,
    activation: str | None = None,
    out: Any = None,
) -> tuple[ArraySpec, ArraySpec, ArraySpec]:
    """Shapes of y (that of x), mean and var (C,).

    >>> batch_norm(ArraySpec((8, 16, 5, 7), "float32"), eps=1e-5)[1]
    ArraySpec((16,), float32)
    """
    y = check_batch_norm(
        "batch_norm", x, eps, activation, residual=residual, weight=weight, bias=bias
    )
    _check_count("batch_norm", x)
    mean, var = (ArraySpec(x.shape[1:2], x.dtype) for _ in range(2))
    return y, mean, var


def batch_norm_inference(
    x: HasShape,
    mean: HasShape,
    var: HasShape,
    weight: HasShape | None = None,
    bias: HasShape | None = None,
    *,
    eps: float,
    residual: HasShape | None = None,
    activation: str | None = None,
    out: Any = None,
) -> ArraySpec:
    """Shape of y: that of x."""
    vectors = {"mean": mean, "var": var, "weight": weight, "bias": bias}
    return check_batch_norm(
        "batch_norm_inference", x, eps, activation, residual=residual, **vectors
    )


def batch_norm_grad(
    grad_output: HasShape,
    x: HasShape,
    mean: HasShape,
    var: HasShape,
    weight: HasShape | None = None,
    bias: HasShape | None = None,
    *,
    eps: float,
    residual: HasShape | None = None,
    activation: str | None = None,
    training: bool,
    needs: tuple[bool, bool, bool, bool] = (True, True, True, True),
    out: Any = None,
) -> tuple[ArraySpec | None, ArraySpec | None, ArraySpec | None, ArraySpec | None]:
    """Shapes of the gradients in (x, weight, bias, residual); None where not needed."""
    name = "batch_norm_grad"
    vectors = {"mean": mean, "var": var, "weight": weight, "bias": bias}
    y = check_batch_norm(name, x, eps, activation, residual=residual, **vectors)
    check_same_float(name, x=x, grad_output=grad_output)
    check_shape(name, "grad_output", grad_output, x.shape)
    if training:
        _check_count(name, x)
    channels = ArraySpec(x.shape[1:2], x.dtype)
    return (
        y if needs[0] else None,
        channels if needs[1] else None,
        channels if needs[2] else None,
        y if needs[3] and residual is not None else None,
    )


def check_batch_norm(
    operation: str,
    x: HasShape,
    eps: float,
    activation: str | None,
    *,
    residual: HasShape | None,
    **vectors: HasShape | None,
) -> ArraySpec:
    """Check what the three have in common; `vectors` are the arrays of shape (C,)."""
    check_channels(operation, "x", x)
    check_same_float(operation, x=x, residual=residual, **vectors)
    if residual is not None:
        check_shape(operation, "residual", residual, x.shape)
    for name, vector in vectors.items():
        if vector is not None:
            check_shape(operation, name, vector, (x.shape[1],))
    check_fused(operation, activation)
    if not eps >= 0:
        fail(
            operation,
            "eps",
            eps,
            "at least 0",
            "It keeps the root of the variance away from 0; 1e-5 is usual.",
            error=ArgumentError,
        )
    return ArraySpec(x.shape, x.dtype)


def _check_count(operation: str, x: HasShape) -> None:
    """Batch statistics of one value mean nothing: the value is its mean, its variance 0."""
    count = x.shape[0] * math.prod(x.shape[2:])
    if count < 2:
        fail(
            operation,
            "the number of values per channel",
            f"{count} (x is {tuple(x.shape)})",
            "more than 1 value per channel when training",
            "A single value is its own mean, so every output would be the bias alone. Use a larger "
            "batch (a DataLoader with drop_last=True leaves out a short last one), or call "
            "model.eval() to normalise with the running statistics.",
        )
