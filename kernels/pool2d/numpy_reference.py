"""Pooling in NumPy: a loop over the taps of the window, each one pass over all windows at once.

Tap (p, q) of every window is a strided slice of x. Where windows stick out into the padding, the
slice is cut to the windows whose tap is real, so padding takes no part and nothing is copied.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from minidl_kernels.common import workspace
from minidl_kernels.common.windows import Padding, Pair, output_size
from minidl_kernels.pool2d.geometry import (
    adaptive_windows,
    divisors,
    even_windows,
    taps_1d,
    taps_2d,
)

Array: TypeAlias = np.ndarray[Any, Any]

BLOCK_ELEMENTS = 2**19
"""About this many elements of x are pooled at a time, so that all taps find them in the cache."""


def max_pool2d(
    x: Array,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    ceil_mode: bool = False,
    return_indices: bool = True,
    out: Array | None = None,
) -> tuple[Array, Array | None]:
    """Largest element of each window and its position h·W + w; see the contract.

    >>> x = np.array([[[[1, 5, 5, 2], [0, 3, 4, 9]]]], dtype=np.float32)
    >>> y, indices = max_pool2d(x, kernel_size=(2, 2), stride=(2, 2))
    >>> y[0, 0], indices[0, 0]
    (array([[5., 9.]], dtype=float32), array([[1, 7]], dtype=int32))
    """
    height, width = x.shape[2:]
    size = output_size(
        "max_pool2d", (height, width), kernel_size, stride, padding, dilation, ceil_mode
    )
    plane = np.arange(height * width, dtype=np.int32).reshape(height, width)
    taps = [
        ((..., *windows), (..., *elements), np.ascontiguousarray(plane[elements]))
        for windows, elements in taps_2d(
            (height, width), size, kernel_size, stride, padding, dilation
        )
    ]
    first = np.zeros(size, np.int32)  # the first real element of every window
    for windows, _, positions in reversed(taps):
        first[windows] = positions

    y = workspace.empty((*x.shape[:2], *size), x.dtype) if out is None else out
    y.fill(-np.inf)
    indices = workspace.empty(y.shape, np.int32) if return_indices else None
    for images in _blocks(x):
        if indices is None:
            for windows, elements, _ in taps:
                best = y[images][windows]
                np.maximum(best, x[images][elements], out=best)
        else:
            indices[images] = first
            _max_with_indices(x[images], y[images], indices[images], taps)
    return y, indices


def _max_with_indices(x: Array, y: Array, indices: Array, taps: list[Any]) -> None:
    """Fill y (all −inf) and indices (all first elements) of one block of images."""
    is_better = workspace.empty(y.shape, np.bool_)
    moved_to = workspace.empty(y.shape, np.int32)
    for windows, elements, positions in taps:
        candidate, best, index = x[elements], y[windows], indices[windows]
        better = np.greater(candidate, best, out=is_better[windows])
        np.maximum(best, candidate, out=best)
        # Later taps have larger positions, so a maximum keeps the last that was better. It runs
        # on vector registers; a masked assignment doesn't.
        moved = np.multiply(better, positions, out=moved_to[windows])
        np.maximum(index, moved, out=index)
    if np.isnan(np.max(y, initial=-np.inf)):  # np.maximum passes NaN on; comparisons miss it
        for windows, elements, positions in reversed(taps):
            np.copyto(indices[windows], positions, where=np.isnan(x[elements]))


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
    out: Array | None = None,
) -> Array:
    """Add each grad_output at its index; indices outside the plane are left out.

    `np.add.at` on flat arrays goes through the windows in order, so the result is deterministic.
    It touches every grad_output once; gathering, tap by tap, would touch it kh·kw times.
    """
    shape = (*grad_output.shape[:2], *input_size)
    plane = math.prod(input_size)
    grad_x = workspace.empty(shape, grad_output.dtype) if out is None else out
    grad_x.fill(0)
    # (N, C, out_h, out_w) → flat positions in all of grad_x
    planes = np.arange(math.prod(shape[:2]), dtype=np.intp).reshape(*shape[:2], 1, 1)
    positions, values = planes * plane + indices, grad_output
    if indices.size and (indices.min() < 0 or indices.max() >= plane):
        inside = (indices >= 0) & (indices < plane)
        positions, values = positions[inside], values[inside]
    np.add.at(grad_x.reshape(-1), positions.reshape(-1), values.reshape(-1))
    return grad_x


def avg_pool2d(
    x: Array,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Padding = (0, 0, 0, 0),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    out: Array | None = None,
) -> Array:
    """Sum of each window over its divisor; see the contract.

    A window's sum is separable: kh additions of rows and kw of columns instead of kh·kw.

    >>> x = np.arange(8, dtype=np.float32).reshape(1, 1, 2, 4)
    >>> avg_pool2d(x, kernel_size=(2, 2), stride=(2, 2))[0, 0]
    array([[2.5, 4.5]], dtype=float32)
    """
    batch, channels, height, width = x.shape
    size = output_size(
        "avg_pool2d", (height, width), kernel_size, stride, padding, ceil_mode=ceil_mode
    )
    rows = taps_1d(height, size[0], kernel_size[0], stride[0], padding[0])
    columns = taps_1d(width, size[1], kernel_size[1], stride[1], padding[1])
    row_sums = workspace.empty((batch, channels, size[0], width), x.dtype)
    row_sums.fill(0)
    for windows, elements in rows:
        row_sums[:, :, windows] += x[:, :, elements]
    y = workspace.empty((batch, channels, *size), x.dtype) if out is None else out
    y.fill(0)
    for windows, elements in columns:
        y[..., windows] += row_sums[..., elements]
    y /= divisor_override or divisors(
        (height, width), size, kernel_size, stride, padding, count_include_pad, x.dtype
    )
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
    out: Array | None = None,
) -> Array:
    """Give every element of a window grad_output / divisor: avg_pool2d, run backwards."""
    (batch, channels), size = grad_output.shape[:2], grad_output.shape[2:]
    rows = taps_1d(input_size[0], size[0], kernel_size[0], stride[0], padding[0])
    columns = taps_1d(input_size[1], size[1], kernel_size[1], stride[1], padding[1])
    share = grad_output / (
        divisor_override
        or divisors(
            input_size, size, kernel_size, stride, padding, count_include_pad, grad_output.dtype
        )
    )
    row_grads = workspace.empty((batch, channels, size[0], input_size[1]), grad_output.dtype)
    row_grads.fill(0)
    for windows, elements in columns:
        row_grads[..., elements] += share[..., windows]
    grad_x = (
        workspace.empty((batch, channels, *input_size), grad_output.dtype) if out is None else out
    )
    grad_x.fill(0)
    for windows, elements in rows:
        grad_x[:, :, elements] += row_grads[:, :, windows]
    return grad_x


def adaptive_avg_pool2d(x: Array, *, output_size: Pair, out: Array | None = None) -> Array:
    """Mean of each of output_size windows that divide the plane as evenly as they can.

    >>> x = np.arange(6, dtype=np.float32).reshape(1, 1, 1, 6)
    >>> adaptive_avg_pool2d(x, output_size=(1, 4))[0, 0]
    array([[0.5, 1.5, 3.5, 4.5]], dtype=float32)
    """
    even = even_windows(x.shape[2:], output_size)
    if even is not None:
        return avg_pool2d(x, kernel_size=even, stride=even, out=out)
    y = workspace.empty((*x.shape[:2], *output_size), x.dtype) if out is None else out
    for i, rows in enumerate(adaptive_windows(x.shape[2], output_size[0])):
        for j, columns in enumerate(adaptive_windows(x.shape[3], output_size[1])):
            np.mean(x[:, :, rows, columns], axis=(2, 3), out=y[:, :, i, j])
    return y


def adaptive_avg_pool2d_grad(
    grad_output: Array, *, input_size: Pair, out: Array | None = None
) -> Array:
    """Give every element of a window grad_output / its number of elements."""
    output_size = grad_output.shape[2:]
    even = even_windows(input_size, output_size)
    if even is not None:
        return avg_pool2d_grad(
            grad_output, input_size=input_size, kernel_size=even, stride=even, out=out
        )
    shape = (*grad_output.shape[:2], *input_size)
    grad_x = workspace.empty(shape, grad_output.dtype) if out is None else out
    grad_x.fill(0)
    for i, rows in enumerate(adaptive_windows(input_size[0], output_size[0])):
        for j, columns in enumerate(adaptive_windows(input_size[1], output_size[1])):
            count = (rows.stop - rows.start) * (columns.stop - columns.start)
            grad_x[:, :, rows, columns] += grad_output[:, :, i, j, None, None] / count
    return grad_x


def _blocks(x: Array) -> Iterator[slice]:
    """Cut the batch into slices of about BLOCK_ELEMENTS elements."""
    step = max(1, BLOCK_ELEMENTS // max(1, math.prod(x.shape[1:])))
    for start in range(0, x.shape[0], step):
        yield slice(start, start + step)
