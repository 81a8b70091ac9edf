"""depthwise_conv2d and its two gradients in NumPy: shifted slices, multiplied and added up.

A column matrix would be kh·kw times the image and the matrix product over it only one row high,
so there is no im2col here. For every tap (p, q) of the kernel the whole image takes part at once:

    forward       y         += weight[:, p, q] · x shifted by (p, q)
    input grad    ∂x shifted += weight[:, p, q] · ∂y
    weight grad   ∂weight[:, p, q] = Σ ∂y · x shifted by (p, q)

The slices are read and written kh·kw times, so the work goes through in blocks of a few images and
channels that stay in the cache, with the image index last (`common/columns.py` says why).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl_kernels.common import workspace
from minidl_kernels.common.columns import Window, images_last, pad
from minidl_kernels.common.windows import Padding, Pair

Array = np.ndarray[Any, Any]

BLOCK_BYTES = 1 << 18
"""Size of one block of y: it, the block of x and one product fit into the L2 cache together."""

ROW = 64
"""As many images stand side by side as make rows of this many elements: each row of a slice costs
NumPy about as much as 50 multiplications."""

NO_PADDING = (0, 0, 0, 0)


def depthwise_conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    out: Array | None = None,
) -> Array:
    """conv2d with groups = C: weight (C·m, 1, kh, kw), channel o reads channel o // m.

    >>> x = np.arange(8.0).reshape(1, 2, 2, 2)
    >>> depthwise_conv2d(x, np.array([1.0, 10.0]).reshape(2, 1, 1, 1)).tolist()
    [[[[0.0, 1.0], [2.0, 3.0]], [[40.0, 50.0], [60.0, 70.0]]]]
    """
    n, _, *size = x.shape
    window = Window(weight.shape[2:], stride, padding, dilation)
    out_size = window.output_size((size[0], size[1]))
    y = workspace.empty((n, weight.shape[0], *out_size), x.dtype) if out is None else out
    for images, channels in _blocks(x, out_size):
        padded = pad(x[images, channels], padding)  # (c, H', W', n)
        shape = (padded.shape[0], *out_size, padded.shape[3])
        total = workspace.empty(shape, x.dtype)
        product = workspace.empty(shape, x.dtype)
        for filters in _filters(weight, x.shape[1]):
            factors = weight[filters][channels, 0, :, :, None, None, None]  # (c, kh, kw, 1, 1, 1)
            total[...] = 0 if bias is None else bias[filters][channels, None, None, None]
            for p, q, rows, cols in window.taps(out_size):
                np.multiply(padded[:, rows, cols], factors[:, p, q], out=product)
                total += product
            images_last(y[images, filters][:, channels])[...] = total
        del padded, total, product  # so that the next block gets the same buffers
    return y


def depthwise_conv2d_input_grad(
    grad_output: Array,
    weight: Array,
    *,
    input_channels: int,
    input_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    out: Array | None = None,
) -> Array:
    """Adjoint of depthwise_conv2d in x: (N, C·m, out_h, out_w) → (N, C, *input_size)."""
    n, _, *out_size = grad_output.shape
    window = Window(weight.shape[2:], stride, padding, dilation)
    shape = (n, input_channels, *input_size)
    grad_x = workspace.empty(shape, weight.dtype) if out is None else out
    (h, w), (top, left, bottom, right) = input_size, padding
    for images, channels in _blocks(grad_x, (out_size[0], out_size[1])):
        target = images_last(grad_x[images, channels])  # (c, H, W, n)
        padded = workspace.empty(
            (len(target), h + top + bottom, w + left + right, target.shape[3]), weight.dtype
        )
        padded[...] = 0
        for filters in _filters(weight, input_channels):
            factors = weight[filters][channels, 0, :, :, None, None, None]  # (c, kh, kw, 1, 1, 1)
            grad = pad(
                grad_output[images, filters][:, channels], NO_PADDING
            )  # (c, out_h, out_w, n)
            product = workspace.empty(grad.shape, weight.dtype)
            for p, q, rows, cols in window.taps((out_size[0], out_size[1])):
                np.multiply(grad, factors[:, p, q], out=product)
                padded[:, rows, cols] += product
            del grad, product
        target[...] = padded[:, top : top + h, left : left + w]
        del padded
    return grad_x


def depthwise_conv2d_weight_grad(
    grad_output: Array,
    x: Array,
    *,
    kernel_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    out: Array | None = None,
) -> Array:
    """Adjoint of depthwise_conv2d in weight: → (C·m, 1, kh, kw), the blocks in a fixed order."""
    _, out_channels, *out_size = grad_output.shape
    window = Window(kernel_size, stride, padding, dilation)
    total = np.empty((out_channels, 1, *kernel_size), x.dtype) if out is None else out
    total[...] = 0
    for images, channels in _blocks(x, (out_size[0], out_size[1])):
        padded = pad(x[images, channels], padding)  # (c, H', W', n)
        for filters in _filters(total, x.shape[1]):
            grad = pad(
                grad_output[images, filters][:, channels], NO_PADDING
            )  # (c, out_h, out_w, n)
            sums = total[filters][channels, 0]  # (c, kh, kw), a view
            for p, q, rows, cols in window.taps((out_size[0], out_size[1])):
                # einsum multiplies and sums without an array of products.
                sums[:, p, q] += np.einsum("chwn,chwn->c", grad, padded[:, rows, cols])
            del grad
        del padded
    return total


def _filters(weight: Array, channels: int) -> list[slice]:
    """Slices of the C·m filters: the first of every channel, the second of every channel, …

    Output channel o = c·m + k belongs to channel c, so the k-th filters stand at k, k + m, k + 2m.
    """
    multiplier = weight.shape[0] // channels
    return [slice(k, None, multiplier) for k in range(multiplier)]


def _blocks(x: Array, out_size: Pair) -> Iterator[tuple[slice, slice]]:
    """Pairs (images, channels) of slices that cut the batch into blocks for the cache."""
    n, channels = x.shape[:2]
    images = max(1, min(n, ROW // out_size[1]))
    block = max(1, BLOCK_BYTES // (out_size[0] * out_size[1] * images * x.itemsize))
    for image in range(0, n, images):
        for channel in range(0, channels, block):
            yield slice(image, image + images), slice(channel, channel + block)
