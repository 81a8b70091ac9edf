"""What bias_activation, its gradient and channel_sum accept and return: pure Python, no arrays."""

from __future__ import annotations

from typing import Any

from minidl_kernels.activation.spec import FUSED_NAMES, check_fused
from minidl_kernels.common.array_spec import ArraySpec, HasShape, check_same_float, check_shape
from minidl_kernels.common.errors import ArgumentError, fail

SAVED = {name: "x" if name in ("silu", "hardswish") else "y" for name in FUSED_NAMES}
"""What the gradient of each activation is computed from: bias_activation's x or its result y."""


def bias_activation(
    x: HasShape,
    bias: HasShape,
    *,
    activation: str | None = None,
    out: Any = None,
) -> ArraySpec:
    """Shape of activation(x + bias): that of x (N, C, …).

    >>> bias_activation(ArraySpec((8, 16, 5, 7), "float32"), ArraySpec((16,), "float32"))
    ArraySpec((8, 16, 5, 7), float32)
    """
    check_channels("bias_activation", "x", x)
    check_same_float("bias_activation", x=x, bias=bias)
    check_shape("bias_activation", "bias", bias, (x.shape[1],))
    check_fused("bias_activation", activation)
    return ArraySpec(x.shape, x.dtype)


def bias_activation_grad(
    grad_output: HasShape,
    saved: HasShape | None,
    bias: HasShape,
    *,
    activation: str | None = None,
    needs: tuple[bool, bool] = (True, True),
    out: Any = None,
) -> tuple[ArraySpec | None, ArraySpec | None]:
    """Shapes of (grad_x, grad_bias); None where `needs` is False."""
    name = "bias_activation_grad"
    check_channels(name, "grad_output", grad_output)
    check_fused(name, activation)
    check_same_float(name, grad_output=grad_output, saved=saved, bias=bias)
    check_shape(name, "bias", bias, (grad_output.shape[1],))
    if (saved is None) != (activation is None):
        fail(
            name,
            "saved",
            "None" if saved is None else "an array",
            "None without an activation"
            if activation is None
            else f"the {SAVED[activation]} of bias_activation(x, bias) = y, "
            f"from which the slope of {activation} follows",
            error=ArgumentError,
        )
    if saved is not None:
        check_shape(name, "saved", saved, grad_output.shape)
    return (
        ArraySpec(grad_output.shape, grad_output.dtype) if needs[0] else None,
        ArraySpec(bias.shape, bias.dtype) if needs[1] else None,
    )


def channel_sum(x: HasShape, *, out: Any = None) -> ArraySpec:
    """Shape of the sum over every axis but the channels'.

    >>> channel_sum(ArraySpec((8, 16, 5, 7), "float32"))
    ArraySpec((16,), float32)
    """
    check_channels("channel_sum", "x", x)
    check_same_float("channel_sum", x=x)
    return ArraySpec((x.shape[1],), x.dtype)


def check_channels(operation: str, argument: str, x: HasShape) -> None:
    """Raise unless x has at least the axes (N, C)."""
    if len(x.shape) < 2:
        fail(
            operation,
            f"{argument}.shape",
            tuple(x.shape),
            "at least 2 dimensions (N, C, …)",
            f"Axis 1 holds the channels; add a batch dimension with {argument}.unsqueeze(0).",
        )
