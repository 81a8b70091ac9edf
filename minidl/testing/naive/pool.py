"""Pooling and its gradients, by loops over windows and their elements."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from minidl.testing.naive.windows import Array, Padding, Pair, Place, Windows


def max_pool2d(
    x: Array,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> tuple[Array, Array | None]:
    """The first largest real element of each window, or its first NaN, and h·W + w of it.

    >>> y, indices = max_pool2d(np.array([[[[5, 5, 9]]]]), kernel_size=(1, 2), stride=(1, 1))
    >>> y, indices
    (array([[[[5., 9.]]]]), array([[[[0, 2]]]], dtype=int32))
    """
    windows = Windows(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    y = np.zeros((*x.shape[:2], *windows.output_size))
    indices = np.zeros(y.shape, np.int32)
    for n, c, i, j in np.ndindex(y.shape):
        best, best_index = None, -1
        for _, (h, w) in windows.real_taps(i, j):
            value = float(x[n, c, h, w])
            if best is None or value > best or (math.isnan(value) and not math.isnan(best)):
                best, best_index = value, h * x.shape[3] + w
        y[n, c, i, j], indices[n, c, i, j] = best, best_index
    return y, indices if return_indices else None


def max_pool2d_grad(
    grad_output: Array,
    indices: Array,
    *,
    input_size: Pair,
    kernel_size: Pair,
    stride: Pair,
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    ceil_mode: bool = False,
) -> Array:
    """Each gradient goes to the element that won; an index outside the plane gets nothing."""
    height, width = input_size
    grad_x = np.zeros((*grad_output.shape[:2], height, width))
    for n, c, i, j in np.ndindex(grad_output.shape):
        h, w = divmod(int(indices[n, c, i, j]), width)
        if 0 <= h < height:
            grad_x[n, c, h, w] += grad_output[n, c, i, j]
    return grad_x


def _shares(
    windows: Windows, count_include_pad: bool, divisor_override: int | None
) -> Iterator[tuple[Pair, Pair, float]]:
    """(i, j), (h, w) and the share 1/divisor with which that input goes into that output."""
    for i, j in np.ndindex(windows.output_size):
        real = [source for _, source in windows.real_taps(i, j)]
        divisor = windows.padded_taps(i, j) if count_include_pad else len(real)
        for source in real:
            yield (i, j), source, 1 / (divisor_override or divisor)


def avg_pool2d(
    x: Array,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Padding = (0, 0, 0, 0),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """The sum of each window over its divisor."""
    windows = Windows(x.shape[2:], kernel_size, stride, padding, (1, 1), ceil_mode)
    y = np.zeros((*x.shape[:2], *windows.output_size))
    for (i, j), (h, w), share in _shares(windows, count_include_pad, divisor_override):
        for n, c in np.ndindex(x.shape[:2]):
            y[n, c, i, j] += share * float(x[n, c, h, w])
    return y


def avg_pool2d_grad(
    grad_output: Array,
    *,
    input_size: Pair,
    kernel_size: Pair,
    stride: Pair,
    padding: Padding = (0, 0, 0, 0),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """Each gradient goes back to the elements of its window, in the shares they had."""
    windows = Windows(input_size, kernel_size, stride, padding, (1, 1), ceil_mode)
    grad_x = np.zeros((*grad_output.shape[:2], *input_size))
    for (i, j), (h, w), share in _shares(windows, count_include_pad, divisor_override):
        for n, c in np.ndindex(grad_x.shape[:2]):
            grad_x[n, c, h, w] += share * float(grad_output[n, c, i, j])
    return grad_x


def _adaptive_shares(input_size: Pair, output_size: Pair) -> Iterator[tuple[Place, Place, float]]:
    """Like _shares: window i has the rows floor(i·H/out_h) up to, without, ceil((i+1)·H/out_h)."""
    for i, j in np.ndindex(output_size):
        rows, columns = (
            range(math.floor(place * size / places), math.ceil((place + 1) * size / places))
            for place, size, places in zip((i, j), input_size, output_size, strict=True)
        )
        for h in rows:
            for w in columns:
                yield (i, j), (h, w), 1 / (len(rows) * len(columns))


def adaptive_avg_pool2d(x: Array, *, output_size: Pair) -> Array:
    """The mean of each window, the windows chosen so that there are output_size of them."""
    y = np.zeros((*x.shape[:2], *output_size))
    for (i, j), (h, w), share in _adaptive_shares(x.shape[2:], output_size):
        for n, c in np.ndindex(x.shape[:2]):
            y[n, c, i, j] += share * float(x[n, c, h, w])
    return y


def adaptive_avg_pool2d_grad(grad_output: Array, *, input_size: Pair) -> Array:
    """Each gradient goes back to the elements of its window, in equal shares."""
    grad_x = np.zeros((*grad_output.shape[:2], *input_size))
    for (i, j), (h, w), share in _adaptive_shares(input_size, grad_output.shape[2:]):
        for n, c in np.ndindex(grad_x.shape[:2]):
            grad_x[n, c, h, w] += share * float(grad_output[n, c, i, j])
    return grad_x
