"""What conv2d and its two gradients accept and return: pure Python, no arrays.

    y[n,o,i,j] = b[o] + Σ_{c,p,q} w[o,c,p,q] · x[n, g·C/groups + c, i·s + p·d − top,
                                                 j·s + q·d − left]

where output channel o belongs to group g = o // (O/groups), top and left are the padding there, and
x counts as 0 in the padding.

x (N, C, H, W), weight (O, C/groups, kh, kw), bias (O,) → y (N, O, out_h, out_w).
"""

from __future__ import annotations

import math
from typing import Any

from minidl_kernels.common.array_spec import (
    ArraySpec,
    HasShape,
    check_ndim,
    check_same_float,
    check_shape,
)
from minidl_kernels.common.errors import ArgumentError, fail
from minidl_kernels.common.windows import Padding, Pair, output_size


def conv2d(
    x: HasShape,
    weight: HasShape,
    bias: HasShape | None = None,
    *,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    out: Any = None,
) -> ArraySpec:
    """Shape of conv2d's result; raises when x, weight, bias and groups don't fit together.

    >>> conv2d(ArraySpec((8, 3, 32, 32), "float32"), ArraySpec((16, 3, 5, 5), "float32"))
    ArraySpec((8, 16, 28, 28), float32)
    """
    check_ndim("conv2d", "weight", weight, 4, "(out_channels, in_channels / groups, kh, kw)")
    check_ndim("conv2d", "x", x, 4, "(N, C, H, W)", _missing_axes(x, weight.shape[1] * groups))
    check_same_float("conv2d", x=x, weight=weight, bias=bias)
    channels, out_channels = x.shape[1], weight.shape[0]
    _check_groups("conv2d", groups, {"x.shape[1]": channels, "weight.shape[0]": out_channels})
    if weight.shape[1] * groups != channels:
        fail(
            "conv2d",
            "x.shape[1] (channels)",
            channels,
            f"weight.shape[1] · groups = {weight.shape[1]} · {groups} = {weight.shape[1] * groups}",
            f"x is {tuple(x.shape)} in the order (N, C, H, W), weight is {tuple(weight.shape)}."
            + (
                " Channels look last: x.permute(0, 3, 1, 2)."
                if x.shape[3] == weight.shape[1] * groups
                else f" Make the layer, or the network, with in_channels={channels}."
            ),
        )
    if bias is not None:
        check_shape("conv2d", "bias", bias, (out_channels,))
    size = (x.shape[2], x.shape[3])
    kernel_size = (weight.shape[2], weight.shape[3])
    places = output_size("conv2d", size, kernel_size, stride, padding, dilation)
    return ArraySpec((x.shape[0], out_channels, *places), x.dtype)


def conv2d_input_grad(
    grad_output: HasShape,
    weight: HasShape,
    *,
    input_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    out: Any = None,
) -> ArraySpec:
    """Shape of the gradient in x (and of the transposed convolution)."""
    name = "conv2d_input_grad"
    check_ndim(name, "grad_output", grad_output, 4, "(N, out_channels, out_h, out_w)")
    check_ndim(name, "weight", weight, 4, "(out_channels, in_channels / groups, kh, kw)")
    check_same_float(name, grad_output=grad_output, weight=weight)
    _check_groups(name, groups, {"weight.shape[0]": weight.shape[0]})
    kernel_size = (weight.shape[2], weight.shape[3])
    places = output_size(name, input_size, kernel_size, stride, padding, dilation)
    check_shape(name, "grad_output", grad_output, (grad_output.shape[0], weight.shape[0], *places))
    return ArraySpec((grad_output.shape[0], weight.shape[1] * groups, *input_size), weight.dtype)


def conv2d_weight_grad(
    grad_output: HasShape,
    x: HasShape,
    *,
    kernel_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    out: Any = None,
) -> ArraySpec:
    """Shape of the gradient in weight."""
    name = "conv2d_weight_grad"
    check_ndim(name, "grad_output", grad_output, 4, "(N, out_channels, out_h, out_w)")
    check_ndim(name, "x", x, 4, "(N, C, H, W)")
    check_same_float(name, grad_output=grad_output, x=x)
    channels, out_channels = x.shape[1], grad_output.shape[1]
    _check_groups(name, groups, {"x.shape[1]": channels, "grad_output.shape[1]": out_channels})
    size = (x.shape[2], x.shape[3])
    places = output_size(name, size, kernel_size, stride, padding, dilation)
    check_shape(name, "grad_output", grad_output, (x.shape[0], out_channels, *places))
    return ArraySpec((out_channels, channels // groups, *kernel_size), x.dtype)


def conv2d_macs(x: HasShape, weight: HasShape, y: HasShape) -> int:
    """Multiply-accumulates of the forward pass; each of the two gradients takes as many.

    Every output element sums C/groups · kh · kw products:
    N · O · out_h · out_w · C/groups · kh · kw.

    >>> conv2d_macs(
    ...     ArraySpec((1, 3, 224, 224), "float32"),
    ...     ArraySpec((64, 3, 7, 7), "float32"),
    ...     ArraySpec((1, 64, 112, 112), "float32"),
    ... )
    118013952
    """
    return math.prod(y.shape) * math.prod(weight.shape[1:])


def _check_groups(operation: str, groups: int, channels: dict[str, int]) -> None:
    """Raise unless groups is at least 1 and divides all the given numbers of channels."""
    if groups >= 1 and not any(count % groups for count in channels.values()):
        return
    names = " and ".join(f"{name} ({count})" for name, count in channels.items())
    fail(
        operation,
        "groups",
        groups,
        f"a common divisor of {names}" if len(channels) > 1 else f"a divisor of {names}",
        f"Take {math.gcd(*channels.values())} or one of its divisors.",
        error=ArgumentError,
    )


def _missing_axes(x: HasShape, channels: int) -> str:
    """What makes x (N, C, H, W), where it has fewer axes."""
    if len(x.shape) == 2:
        return "Add the axes of batch and channels with x.unsqueeze(0).unsqueeze(0)."
    if len(x.shape) == 3 and channels == 1 and x.shape[0] != 1:
        return "Add the channels' axis with x.unsqueeze(1)."
    if len(x.shape) == 3:
        return "Add a batch dimension with x.unsqueeze(0)."
    return ""
