"""Convolution and its two gradients, depthwise convolution, unfold and fold, by loops.

A convolution is a set of products: element `tap` of the weight times element `source` of x goes
into element `place` of y. All three kernels visit that set; each adds up another corner of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minidl.testing.naive.windows import Array, Padding, Pair, Place, Windows


def _products(
    batch: int, weight_shape: tuple[int, ...], windows: Windows, groups: int
) -> Iterator[tuple[Place, Place, Place]]:
    """(n, o, i, j), (o, c, p, q), (n, channel, h, w) of every product that isn't with padding."""
    out_channels, group_channels = weight_shape[:2]
    for n, o, i, j in np.ndindex(batch, out_channels, *windows.output_size):
        group = o // (out_channels // groups)
        for (p, q), (h, w) in windows.real_taps(i, j):
            for c in range(group_channels):
                yield (n, o, i, j), (o, c, p, q), (n, group * group_channels + c, h, w)


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """Cross-correlation of x (N, C, H, W) with weight (O, C/groups, kh, kw), plus bias (O,).

    >>> conv2d(np.array([[[[1, 2, 3]]]]), np.array([[[[10, 1]]]]))
    array([[[[12., 23.]]]])
    """
    windows = Windows(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    y = np.zeros((x.shape[0], weight.shape[0], *windows.output_size))
    if bias is not None:
        for n, o, i, j in np.ndindex(y.shape):
            y[n, o, i, j] = bias[o]
    for place, tap, source in _products(x.shape[0], weight.shape, windows, groups):
        y[place] += float(weight[tap]) * float(x[source])
    return y


def conv2d_input_grad(
    grad_output: Array,
    weight: Array,
    *,
    input_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """To every input element: the gradients of the outputs it went into, times the weights."""
    windows = Windows(input_size, weight.shape[2:], stride, padding, dilation)
    batch = grad_output.shape[0]
    grad_x = np.zeros((batch, weight.shape[1] * groups, *input_size))
    for place, tap, source in _products(batch, weight.shape, windows, groups):
        grad_x[source] += float(grad_output[place]) * float(weight[tap])
    return grad_x


def conv2d_weight_grad(
    grad_output: Array,
    x: Array,
    *,
    kernel_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """To every weight: the gradients of the outputs it went into, times the inputs it met."""
    windows = Windows(x.shape[2:], kernel_size, stride, padding, dilation)
    grad_weight = np.zeros((grad_output.shape[1], x.shape[1] // groups, *kernel_size))
    for place, tap, source in _products(x.shape[0], grad_weight.shape, windows, groups):
        grad_weight[tap] += float(grad_output[place]) * float(x[source])
    return grad_weight


def depthwise_conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
) -> Array:
    """conv2d with as many groups as channels: weight (C·m, 1, kh, kw)."""
    return conv2d(
        x,
        weight,
        bias,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=x.shape[1],
    )


def depthwise_conv2d_input_grad(
    grad_output: Array,
    weight: Array,
    *,
    input_channels: int,
    input_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
) -> Array:
    """conv2d_input_grad with as many groups as channels."""
    return conv2d_input_grad(
        grad_output,
        weight,
        input_size=input_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=input_channels,
    )


def depthwise_conv2d_weight_grad(
    grad_output: Array,
    x: Array,
    *,
    kernel_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
) -> Array:
    """conv2d_weight_grad with as many groups as channels."""
    return conv2d_weight_grad(
        grad_output,
        x,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=x.shape[1],
    )


def unfold(
    x: Array,
    *,
    kernel_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
) -> Array:
    """im2col: every window becomes a column, its rows ordered (c, p, q)."""
    windows = Windows(x.shape[2:], kernel_size, stride, padding, dilation)
    (kh, kw), (out_h, out_w) = kernel_size, windows.output_size
    columns = np.zeros((x.shape[0], x.shape[1] * kh * kw, out_h * out_w))
    for n, c, i, j in np.ndindex(*x.shape[:2], out_h, out_w):
        for (p, q), (h, w) in windows.real_taps(i, j):
            columns[n, (c * kh + p) * kw + q, i * out_w + j] = x[n, c, h, w]
    return columns


def fold(
    columns: Array,
    *,
    output_size: Pair,
    kernel_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
) -> Array:
    """col2im: every column is added back to where its window lay."""
    windows = Windows(output_size, kernel_size, stride, padding, dilation)
    (kh, kw), (out_h, out_w) = kernel_size, windows.output_size
    x = np.zeros((columns.shape[0], columns.shape[1] // (kh * kw), *output_size))
    for n, c, i, j in np.ndindex(*x.shape[:2], out_h, out_w):
        for (p, q), (h, w) in windows.real_taps(i, j):
            x[n, c, h, w] += columns[n, (c * kh + p) * kw + q, i * out_w + j]
    return x
