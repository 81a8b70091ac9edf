"""What depthwise_conv2d and its two gradients accept and return: pure Python, no arrays.

    y[n,o,i,j] = b[o] + Σ_{p,q} w[o,0,p,q] · x[n, o // m, i·s + p·d − top, j·s + q·d − left]

x (N, C, H, W), weight (C·m, 1, kh, kw), bias (C·m,) → y (N, C·m, out_h, out_w): conv2d with
groups = C. m is the channel multiplier, 1 in MobileNet and EfficientNet.
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
from minidl_kernels.common.errors import fail
from minidl_kernels.common.windows import Padding, Pair, output_size


def depthwise_conv2d(
    x: HasShape,
    weight: HasShape,
    bias: HasShape | None = None,
    *,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    out: Any = None,
) -> ArraySpec:
    """Shape of depthwise_conv2d's result; raises when x, weight and bias don't fit together.

    >>> depthwise_conv2d(ArraySpec((8, 3, 32, 32), "float32"), ArraySpec((6, 1, 5, 5), "float32"))
    ArraySpec((8, 6, 28, 28), float32)
    """
    name = "depthwise_conv2d"
    check_ndim(name, "x", x, 4, "(N, C, H, W)")
    check_ndim(name, "weight", weight, 4, "(C · multiplier, 1, kh, kw)")
    check_same_float(name, x=x, weight=weight, bias=bias)
    _check_filters(name, "x.shape[1] (channels)", x.shape[1], weight)
    if bias is not None:
        check_shape(name, "bias", bias, (weight.shape[0],))
    size = (x.shape[2], x.shape[3])
    kernel_size = (weight.shape[2], weight.shape[3])
    places = output_size(name, size, kernel_size, stride, padding, dilation)
    return ArraySpec((x.shape[0], weight.shape[0], *places), x.dtype)


def depthwise_conv2d_input_grad(
    grad_output: HasShape,
    weight: HasShape,
    *,
    input_channels: int,
    input_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    out: Any = None,
) -> ArraySpec:
    """Shape of the gradient in x."""
    name = "depthwise_conv2d_input_grad"
    check_ndim(name, "grad_output", grad_output, 4, "(N, C · multiplier, out_h, out_w)")
    check_ndim(name, "weight", weight, 4, "(C · multiplier, 1, kh, kw)")
    check_same_float(name, grad_output=grad_output, weight=weight)
    _check_filters(name, "input_channels", input_channels, weight)
    kernel_size = (weight.shape[2], weight.shape[3])
    places = output_size(name, input_size, kernel_size, stride, padding, dilation)
    expected = (grad_output.shape[0], weight.shape[0], *places)
    check_shape(name, "grad_output", grad_output, expected)
    return ArraySpec((grad_output.shape[0], input_channels, *input_size), weight.dtype)


def depthwise_conv2d_weight_grad(
    grad_output: HasShape,
    x: HasShape,
    *,
    kernel_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    out: Any = None,
) -> ArraySpec:
    """Shape of the gradient in weight."""
    name = "depthwise_conv2d_weight_grad"
    check_ndim(name, "grad_output", grad_output, 4, "(N, C · multiplier, out_h, out_w)")
    check_ndim(name, "x", x, 4, "(N, C, H, W)")
    check_same_float(name, grad_output=grad_output, x=x)
    weight = ArraySpec((grad_output.shape[1], 1, *kernel_size), x.dtype)
    _check_filters(name, "x.shape[1] (channels)", x.shape[1], weight, "grad_output.shape[1]")
    size = (x.shape[2], x.shape[3])
    places = output_size(name, size, kernel_size, stride, padding, dilation)
    check_shape(name, "grad_output", grad_output, (x.shape[0], weight.shape[0], *places))
    return weight


def depthwise_conv2d_macs(x: HasShape, weight: HasShape, y: HasShape) -> int:
    """Multiply-accumulates of the forward pass; each of the two gradients takes as many.

    Every output element sums kh · kw products: N · C·m · out_h · out_w · kh · kw.

    >>> depthwise_conv2d_macs(
    ...     ArraySpec((1, 32, 112, 112), "float32"),
    ...     ArraySpec((32, 1, 3, 3), "float32"),
    ...     ArraySpec((1, 32, 112, 112), "float32"),
    ... )
    3612672
    """
    return math.prod(y.shape) * math.prod(weight.shape[2:])


def _check_filters(
    operation: str, argument: str, channels: int, weight: HasShape, filters: str = "weight.shape[0]"
) -> None:
    """Raise unless weight holds the same number of single-channel filters for every channel."""
    if weight.shape[1] != 1:
        fail(
            operation,
            "weight.shape[1]",
            weight.shape[1],
            "1: every filter reads one channel",
            "For filters that read several channels use conv2d with groups.",
        )
    if channels < 1 or weight.shape[0] % channels or not weight.shape[0]:
        fail(
            operation,
            argument,
            channels,
            f"a divisor of {filters} ({weight.shape[0]}), the number of filters",
            "Every channel has the same number of filters: weight is (C · multiplier, 1, kh, kw).",
        )
