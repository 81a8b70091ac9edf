"""im2col and col2im: images as matrices whose columns are windows, and back.

    columns[c, p, q, i, j, n] = x[n, c, i·s + p·d − pad, j·s + q·d − pad]      (zeros outside)

In here the image index n stands last. Neighbouring elements of a row are then neighbours in
memory for *all* images, so small images are copied in long runs instead of rows of 7 elements;
and columns, viewed as the matrix (C·kh·kw, out_h·out_w·n), let one product serve many images.
With one image the order is the usual (C, H, W), and nothing needs to be rearranged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minidl_kernels.common import workspace
from minidl_kernels.common.windows import Padding, Pair, extent, output_length

Array = np.ndarray[Any, Any]

CACHE_BYTES = 3 << 19
"""As many images are treated at once as have columns of this size: they stay in the L2 cache."""

MIN_PLACES = 512
"""But at least so many that their matrix has this many columns: a product reads the whole weight,
which in a network's last layers is larger than the image."""


class Window(NamedTuple):
    """The geometry of a sliding window."""

    kernel_size: Pair
    stride: Pair
    padding: Padding
    dilation: Pair

    @property
    def is_identity(self) -> bool:
        """Whether the columns are the image itself: a 1×1 kernel, stride 1, no padding."""
        return self.kernel_size == (1, 1) and self.stride == (1, 1) and not any(self.padding)

    def output_size(self, size: Pair) -> Pair:
        """(out_h, out_w), the number of places, for an image of (H, W)."""
        (kh, kw), (stride_h, stride_w), (dilation_h, dilation_w) = (
            self.kernel_size,
            self.stride,
            self.dilation,
        )
        top, left, bottom, right = self.padding
        return (
            output_length(size[0], kh, stride_h, (top, bottom), dilation_h),
            output_length(size[1], kw, stride_w, (left, right), dilation_w),
        )

    def taps(self, out_size: Pair) -> Iterator[tuple[int, int, slice, slice]]:
        """For each tap (p, q) of the kernel the rows and columns of the padded image it touches."""
        for p in range(self.kernel_size[0]):
            rows = _tap_slice(p * self.dilation[0], self.stride[0], out_size[0])
            for q in range(self.kernel_size[1]):
                yield p, q, rows, _tap_slice(q * self.dilation[1], self.stride[1], out_size[1])


def _tap_slice(start: int, stride: int, places: int) -> slice:
    return slice(start, start + stride * (places - 1) + 1, stride)


def images_last(x: Array) -> Array:
    """The view (C, H, W, N) of x (N, C, H, W)."""
    return x.transpose(1, 2, 3, 0)


def chunks(
    images: int, channels: int, window: Window, out_size: Pair, itemsize: int
) -> list[slice]:
    """Slices of the batch: how many images to treat at once (see CACHE_BYTES and MIN_PLACES)."""
    kh, kw = window.kernel_size
    places = out_size[0] * out_size[1]
    column_bytes = max(channels * kh * kw * places * itemsize, 1)
    step = max(1, CACHE_BYTES // column_bytes, MIN_PLACES // places)
    return [slice(start, min(start + step, images)) for start in range(0, images, step)]


def pad(x: Array, padding: Padding) -> Array:
    """x (n, C, H, W) → (C, H + top + bottom, W + left + right, n) with a border of zeros.

    It is a view of x when there is nothing to add or to rearrange.
    """
    n, channels, h, w = x.shape
    top, left, bottom, right = padding
    if n == 1 and not any(padding):
        return images_last(x)
    padded = workspace.empty((channels, h + top + bottom, w + left + right, n), x.dtype)
    padded[:, :top] = 0
    padded[:, top + h :] = 0
    padded[:, :, :left] = 0
    padded[:, :, left + w :] = 0
    padded[:, top : top + h, left : left + w] = images_last(x)
    return padded


def windows_view(padded: Array, window: Window) -> Array:
    """View (C, kh, kw, out_h, out_w, n) of the padded images: elements repeat, none is copied."""
    spans = (
        extent(window.kernel_size[0], window.dilation[0]),
        extent(window.kernel_size[1], window.dilation[1]),
    )
    # (C, every row, every column, n, span_h, span_w)
    view: Array = np.lib.stride_tricks.sliding_window_view(padded, spans, axis=(1, 2))
    view = view[
        :, :: window.stride[0], :: window.stride[1], :, :: window.dilation[0], :: window.dilation[1]
    ]
    return view.transpose(0, 4, 5, 1, 2, 3)


def im2col(x: Array, window: Window) -> Array:
    """Columns (C, kh, kw, out_h, out_w, n) of x (n, C, H, W), C-contiguous but for strided x."""
    padded = pad(x, window.padding)
    if window.is_identity:
        return padded[:, None, None]
    view = windows_view(padded, window)
    columns = workspace.empty(view.shape, x.dtype)
    columns[...] = view
    return columns


def col2im(columns: Array, window: Window, out: Array) -> None:
    """The adjoint: add columns (C, kh, kw, out_h, out_w, n) up where they came from, in `out`
    (n, C, H, W), which is overwritten.
    """
    n, channels, h, w = out.shape
    top, left, bottom, right = window.padding
    padded = workspace.empty((channels, h + top + bottom, w + left + right, n), out.dtype)
    padded[...] = 0
    for p, q, rows, cols in window.taps(columns.shape[3:5]):
        padded[:, rows, cols] += columns[:, p, q]
    images_last(out)[...] = padded[:, top : top + h, left : left + w]
