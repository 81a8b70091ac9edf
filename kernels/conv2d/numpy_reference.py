"""conv2d and its two gradients in NumPy: im2col and one matrix product.

With x's windows as the columns of a matrix (`common/columns.py`), for every group

    forward       y        = weight · columns       (O, K) · (K, P) → (O, P)
    weight grad   ∂weight  = ∂y · columnsᵀ          (O, P) · (P, K) → (O, K)
    input grad    ∂columns = weightᵀ · ∂y           (K, O) · (O, P) → (K, P)
                  ∂x       = col2im(∂columns)

where O is out_channels / groups, K = C/groups · kh · kw the taps of one output, and
P = out_h · out_w · n the places of n images. The batch goes through in chunks of n images, few
enough that their columns stay in the cache. (Chellapilla, Puri & Simard 2006, "High performance
convolutional neural networks for document processing", §4.)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl_kernels.common import workspace
from minidl_kernels.common.columns import Window, chunks, col2im, im2col, images_last
from minidl_kernels.common.windows import Padding, Pair

Array = np.ndarray[Any, Any]


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    out: Array | None = None,
) -> Array:
    """Cross-correlation of x (N, C, H, W) with weight (O, C/groups, kh, kw), plus bias (O,).

    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d(x, np.ones((1, 1, 2, 2))).tolist()
    [[[[8.0, 12.0], [20.0, 24.0]]]]
    """
    n, channels, *size = x.shape
    window = Window(weight.shape[2:], stride, padding, dilation)
    out_size = window.output_size((size[0], size[1]))
    y = workspace.empty((n, weight.shape[0], *out_size), x.dtype) if out is None else out
    weight_matrix = _matrix(weight, groups, 1)  # (G, O, K)
    for chunk in chunks(n, channels, window, out_size, x.itemsize):
        columns = im2col(x[chunk], window)  # (C, kh, kw, out_h, out_w, n)
        _product_into_images(weight_matrix, _matrix(columns, groups, 3), bias, y[chunk])
        del columns  # so that the next chunk gets the same buffer, still in the cache
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
    out: Array | None = None,
) -> Array:
    """Adjoint of conv2d in x: grad_output (N, O, out_h, out_w) → (N, C, *input_size)."""
    n, _, *out_size = grad_output.shape
    channels = weight.shape[1] * groups
    window = Window(weight.shape[2:], stride, padding, dilation)
    grad_x = workspace.empty((n, channels, *input_size), weight.dtype) if out is None else out
    transposed_weight = _matrix(weight, groups, 1).transpose(0, 2, 1)  # (G, K, O)
    for chunk in chunks(n, channels, window, (out_size[0], out_size[1]), weight.itemsize):
        grad = _matrix(images_last(grad_output[chunk]), groups, 1)  # (G, O, P)
        if window.is_identity:  # the columns are the images
            _product_into_images(transposed_weight, grad, None, grad_x[chunk])
            continue
        images = chunk.stop - chunk.start
        columns = workspace.empty((channels, *window.kernel_size, *out_size, images), weight.dtype)
        np.matmul(transposed_weight, grad, out=_matrix(columns, groups, 3))
        col2im(columns, window, grad_x[chunk])
        del columns
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
    out: Array | None = None,
) -> Array:
    """Adjoint of conv2d in weight: the chunks' products added up, always in the same order."""
    n, out_channels, *out_size = grad_output.shape
    channels = x.shape[1]
    window = Window(kernel_size, stride, padding, dilation)
    shape = (out_channels, channels // groups, *kernel_size)
    total = workspace.empty(shape, x.dtype) if out is None else out
    product = workspace.empty(shape, x.dtype)
    total[...] = 0
    for chunk in chunks(n, channels, window, (out_size[0], out_size[1]), x.itemsize):
        grad = _matrix(images_last(grad_output[chunk]), groups, 1)  # (G, O, P)
        columns = im2col(x[chunk], window)  # (C, kh, kw, out_h, out_w, n)
        transposed_columns = _matrix(columns, groups, 3).transpose(0, 2, 1)  # (G, P, K)
        np.matmul(grad, transposed_columns, out=_matrix(product, groups, 1))  # (G, O, K)
        total += product
        del columns, transposed_columns
    return total


def _matrix(array: Array, groups: int, row_axes: int) -> Array:
    """The array as one matrix per group (G, rows, columns); its first `row_axes` axes are the
    groups and the rows. A view, unless the array isn't contiguous.
    """
    rows = math.prod(array.shape[:row_axes]) // groups
    return array.reshape(groups, rows, math.prod(array.shape[row_axes:]))


def _product_into_images(left: Array, right: Array, bias: Array | None, out: Array) -> None:
    """left (G, O, K) · right (G, K, P), plus bias, into images `out` (n, G·O, out_h, out_w)."""
    groups, rows, _ = left.shape
    target = images_last(out)  # (G·O, out_h, out_w, n), a view of out
    if len(out) == 1:  # then its order is the product's own
        product = target.reshape(groups, rows, right.shape[2])
    else:
        product = workspace.empty((groups, rows, right.shape[2]), out.dtype)
    np.matmul(left, right, out=product)
    if bias is not None:
        product += bias.reshape(groups, rows, 1)
    if len(out) > 1:
        target[...] = product.reshape(target.shape)
