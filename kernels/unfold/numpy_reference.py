"""unfold and fold in NumPy: the im2col and col2im of `common/columns.py`, in public order."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl_kernels.common import workspace
from minidl_kernels.common.columns import Window, col2im, pad, windows_view
from minidl_kernels.common.windows import Padding, Pair

Array = np.ndarray[Any, Any]


def unfold(
    x: Array,
    *,
    kernel_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    out: Array | None = None,
) -> Array:
    """im2col: (N, C, H, W) → (N, C·kh·kw, out_h·out_w), the rows ordered (c, p, q).

    >>> x = np.arange(6.0).reshape(1, 1, 2, 3)
    >>> unfold(x, kernel_size=(2, 2))[0].tolist()
    [[0.0, 1.0], [1.0, 2.0], [3.0, 4.0], [4.0, 5.0]]
    """
    n, channels, *size = x.shape
    window = Window(kernel_size, stride, padding, dilation)
    (out_h, out_w), (kh, kw) = window.output_size((size[0], size[1])), kernel_size
    shape = (n, channels * kh * kw, out_h * out_w)
    columns = workspace.empty(shape, x.dtype) if out is None else out
    by_tap = columns.reshape(n, channels, kh, kw, out_h, out_w)
    for image in range(n):
        view = windows_view(pad(x[image : image + 1], padding), window)
        by_tap[image] = view[..., 0]  # (C, kh, kw, out_h, out_w)
    return columns


def fold(
    columns: Array,
    *,
    output_size: Pair,
    kernel_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    out: Array | None = None,
) -> Array:
    """col2im, the adjoint of unfold: overlapping elements add up. → (N, C, *output_size).

    >>> ones = np.ones((1, 4, 2))
    >>> fold(ones, output_size=(2, 3), kernel_size=(2, 2))[0, 0].tolist()
    [[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]
    """
    n, rows, _ = columns.shape
    window = Window(kernel_size, stride, padding, dilation)
    (out_h, out_w), (kh, kw) = window.output_size(output_size), kernel_size
    channels = rows // (kh * kw)
    x = workspace.empty((n, channels, *output_size), columns.dtype) if out is None else out
    for image in range(n):
        by_tap = columns[image].reshape(channels, kh, kw, out_h, out_w, 1)
        col2im(by_tap, window, x[image : image + 1])
    return x
