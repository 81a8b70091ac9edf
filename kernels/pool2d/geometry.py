"""Where the windows of a pooling lie: which elements their taps read, and how many they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from minidl_kernels.common.windows import Padding, Pair

Array: TypeAlias = np.ndarray[Any, Any]
Taps: TypeAlias = list[tuple[slice, slice]]


def taps_1d(
    size: int, places: int, kernel: int, stride: int, before: int, dilation: int = 1
) -> Taps:
    """Along one axis, for every tap: the windows for which it is real, and the elements it reads.

    >>> taps_1d(size=4, places=2, kernel=3, stride=2, before=1)
    [(slice(1, 2, None), slice(1, 2, 2)), (slice(0, 2, None), slice(0, 3, 2)), \
(slice(0, 2, None), slice(1, 4, 2))]
    """
    taps = []
    for tap in range(kernel):
        offset = tap * dilation - before  # window i reads element i·stride + offset
        first = max(0, -(offset // stride))  # the first i for which that isn't negative
        stop = min(places, (size - 1 - offset) // stride + 1)
        if first < stop:
            last = (stop - 1) * stride + offset
            taps.append((slice(first, stop), slice(first * stride + offset, last + 1, stride)))
    return taps


def taps_2d(
    input_size: Pair,
    size: Pair,
    kernel_size: Pair,
    stride: Pair,
    padding: Padding,
    dilation: Pair,
) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """The same for planes of input_size, with `size` windows, in row-major order."""
    columns = taps_1d(input_size[1], size[1], kernel_size[1], stride[1], padding[1], dilation[1])
    for rows in taps_1d(input_size[0], size[0], kernel_size[0], stride[0], padding[0], dilation[0]):
        for column in columns:
            yield (rows[0], column[0]), (rows[1], column[1])


def divisors(
    input_size: Pair,
    size: Pair,
    kernel_size: Pair,
    stride: Pair,
    padding: Padding,
    count_include_pad: bool,
    dtype: Any,
) -> Array:
    """Number of elements in every window, (out_h, out_w): in the padded input or in the input."""
    counts = []
    for axis in (0, 1):
        start = np.arange(size[axis]) * stride[axis] - padding[axis]
        stop = np.minimum(start + kernel_size[axis], input_size[axis] + padding[axis + 2])
        if not count_include_pad:
            start, stop = np.maximum(start, 0), np.minimum(stop, input_size[axis])
        counts.append(np.maximum(stop - start, 1))  # an empty window's sum, 0, stays 0
    product: Array = (counts[0][:, None] * counts[1]).astype(dtype)
    return product


def adaptive_windows(size: int, places: int) -> list[slice]:
    """Window i is floor(i·size/places) … ceil((i+1)·size/places); neighbours may overlap by one.

    >>> adaptive_windows(size=6, places=4)
    [slice(0, 2, None), slice(1, 3, None), slice(3, 5, None), slice(4, 6, None)]
    """
    return [slice(i * size // places, -(-(i + 1) * size // places)) for i in range(places)]


def even_windows(input_size: tuple[int, ...], output_size: tuple[int, ...]) -> Pair | None:
    """Size of the windows where they divide the plane evenly: then they are avg_pool2d's."""
    (height, width), (out_h, out_w) = input_size, output_size
    if height % out_h or width % out_w:
        return None
    return height // out_h, width // out_w
