"""Convolution as compiled CPU loops: matrix products whose second factor is never stored.

A convolution is a matrix product with the *columns* of x: column (n, i, j) holds the
K = C/groups · kh · kw elements under the window at (i, j). Per group, with P = out_h · out_w,

    y            (O, N·P) = weight (O, K) · columns (K, N·P)
    grad_columns (K, N·P) = weightᵀ · grad_output, added up where the elements came from
    grad_weight  (O, K)   = grad_output (O, N·P) · columnsᵀ

The columns would be kh·kw times as large as x, so only a few of their rows exist at a time, and
only for a *tile*: some images, or some output rows of one. Those stay in the first-level cache,
the results that they are added to in the second. Nothing here calls BLAS, so a whole convolution
is one parallel loop. Each iteration owns its results: they don't depend on how many threads run.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from minidl_kernels.common.numba_loops import compiled, compiled_sum, parallel_loops, readable
from minidl_kernels.common.windows import Padding, Pair, output_length

TILE = 448
"""Columns of a tile, at least, where there are so many."""
DEPTH = 8
"""Rows multiplied at a time: as many as LLVM will prove distinct from the row they are added to."""
BLOCK = 32
"""Rows of columns, at most, that one iteration of the weight gradient makes and owns."""
CHANNEL_ROWS = 32
"""Rows of columns, at least, of the channels that one iteration of the input gradient owns."""


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    out: Any = None,
) -> Any:
    """Cross-correlation of x (N, C, H, W) with weight (O, C/groups, kh, kw), plus bias (O,)."""
    O, kernel_size = len(weight), weight.shape[2:]
    size = _output_size(x.shape[2:], kernel_size, stride, padding, dilation)
    y = np.empty((len(x), O, *size), x.dtype) if out is None else out
    weights = _padded(weight.reshape(groups, O // groups, -1))  # (G, O/G, K…)
    bias = readable(np.zeros(O, x.dtype) if bias is None else bias)
    windows = (*kernel_size, *stride, *padding[:2], *dilation)
    _forward(readable(x), weights, bias, windows, _tile(len(x), size), y)
    return y


def conv2d_input_grad(
    grad_output: Any,
    weight: Any,
    *,
    input_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    out: Any = None,
) -> Any:
    """Adjoint of conv2d in x: grad_output (N, O, out_h, out_w) → (N, C, *input_size)."""
    (N, O, *size), (_, D, *kernel_size) = grad_output.shape, weight.shape
    grad_x = np.empty((N, groups * D, *input_size), weight.dtype) if out is None else out
    grad_x.fill(0)
    # (G, O/G, K) → (G, K, O/G…)
    taps = math.prod(kernel_size)
    weights = _padded(weight.reshape(groups, O // groups, D * taps).swapaxes(1, 2))
    windows = (*kernel_size, *stride, *padding[:2], *dilation)
    _input_grad(readable(grad_output), weights, windows, _tile(N, size), grad_x)
    return grad_x


def conv2d_weight_grad(
    grad_output: Any,
    x: Any,
    *,
    kernel_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    out: Any = None,
) -> Any:
    """Adjoint of conv2d in weight: → (O, C/groups, kh, kw)."""
    (N, O, *size), D = grad_output.shape, x.shape[1] // groups
    grad_weight = np.empty((O, D, *kernel_size), x.dtype) if out is None else out
    windows = (*kernel_size, *stride, *padding[:2], *dilation)
    rows = grad_weight.reshape(groups, O // groups, D * math.prod(kernel_size))  # a view
    _weight_grad(readable(grad_output), readable(x), windows, _tile(N, size), rows)
    return grad_weight


def _output_size(
    size: Pair, kernel_size: Pair, stride: Pair, padding: Padding, dilation: Pair
) -> Pair:
    top, left, bottom, right = padding
    return (
        output_length(size[0], kernel_size[0], stride[0], (top, bottom), dilation[0]),
        output_length(size[1], kernel_size[1], stride[1], (left, right), dilation[1]),
    )


def _tile(N: int, size: Any) -> Pair:
    """(images, output rows) of a tile: about TILE columns, in tiles of nearly equal size."""
    out_h, out_w = size
    if out_h * out_w >= TILE:
        return 1, -(-out_h // max(1, out_h * out_w // TILE))
    tiles = -(-N * out_h * out_w // TILE)
    return max(1, -(-N // max(1, tiles))), out_h


def _padded(weights: Any) -> Any:
    """The last axis filled up with zeros to a multiple of DEPTH."""
    missing = -weights.shape[-1] % DEPTH
    return readable(np.pad(weights, [(0, 0)] * (weights.ndim - 1) + [(0, missing)]))


# ----------------------------------------------------------------------------- compiled: tiles
# `windows` is (kh, kw, stride, stride, top, left, dilation, dilation).


@parallel_loops
def _forward(x: Any, weights: Any, bias: Any, windows: Any, tile: Pair, y: Any) -> None:
    """Every iteration makes one tile of one group's outputs."""
    G, O, K = weights.shape  # O channels in the group; K is padded
    D = x.shape[1] // G
    N, _, out_h, out_w = y.shape
    down = -(-out_h // tile[1])
    for task in numba.prange(-(-N // tile[0]) * down * G):
        g, i, n = task % G, task // G % down * tile[1], task // G // down * tile[0]
        images, rows = min(tile[0], N - n), min(tile[1], out_h - i)
        few = np.empty((DEPTH, images * rows * out_w), y.dtype)
        sums = np.empty((O, images * rows * out_w), y.dtype)
        for o in range(O):
            _fill(sums[o], bias[g * O + o])
        for k in range(0, K, DEPTH):
            for r in range(DEPTH):
                _column_row(x, g * D, D, k + r, windows, n, images, i, rows, out_w, few[r])
            _add_products(weights[g, :, k : k + DEPTH], few, sums)
        for o in range(O):
            _write_pixels(sums[o], y, n, images, g * O + o, i, rows)


@parallel_loops
def _input_grad(grad_output: Any, weights: Any, windows: Any, tile: Pair, grad_x: Any) -> None:
    """Every iteration owns some channels of some images, and adds up their tiles in order."""
    G, K, O = weights.shape  # O is padded
    taps = windows[0] * windows[1]
    D = K // taps
    N, all_channels, out_h, out_w = grad_output.shape
    channels = all_channels // G  # not padded
    few_channels = -(-CHANNEL_ROWS // taps)
    blocks = -(-D // few_channels)
    for task in numba.prange(-(-N // tile[0]) * G * blocks):
        c, g, n = task % blocks * few_channels, task // blocks % G, task // blocks // G * tile[0]
        first, last = c * taps, min(c + few_channels, D) * taps
        images, end = min(tile[0], N - n), (g + 1) * channels
        for i in range(0, out_h, tile[1]):
            rows = min(tile[1], out_h - i)
            few = np.empty((DEPTH, images * rows * out_w), grad_x.dtype)
            sums = np.zeros((last - first, images * rows * out_w), grad_x.dtype)
            for o in range(0, O, DEPTH):
                for r in range(DEPTH):
                    channel = g * channels + o + r
                    _read_pixels(grad_output, n, images, channel, end, i, rows, few[r])
                _add_products(weights[g, first:last, o : o + DEPTH], few, sums)
            for k in range(first, last):
                _add_back(sums[k - first], k, windows, n, images, i, rows, out_w, g * D, grad_x)


@parallel_loops
def _weight_grad(grad_output: Any, x: Any, windows: Any, tile: Pair, grad_weight: Any) -> None:
    """Every iteration owns a block of each filter of a group, and adds up all tiles in order."""
    G, O, K = grad_weight.shape
    D = x.shape[1] // G
    N, _, out_h, out_w = grad_output.shape
    block = min(BLOCK, -(-K // 8) * 4)  # a multiple of 4; two blocks where there is one group
    blocks = -(-K // block)
    for task in numba.prange(G * blocks):
        g, k = task // blocks, task % blocks * block
        sums = np.zeros((O + 3, block), x.dtype)
        for n in range(0, N, tile[0]):
            for i in range(0, out_h, tile[1]):
                images, rows = min(tile[0], N - n), min(tile[1], out_h - i)
                columns = np.empty((block, images * rows * out_w), x.dtype)
                four = np.empty((4, images * rows * out_w), x.dtype)
                for r in range(block):
                    _column_row(x, g * D, D, k + r, windows, n, images, i, rows, out_w, columns[r])
                for o in range(0, O, 4):
                    for r in range(4):
                        channel, end = g * O + o + r, (g + 1) * O
                        _read_pixels(grad_output, n, images, channel, end, i, rows, four[r])
                    for r in range(0, block, 4):
                        _add_dots(four, columns[r : r + 4], sums[o : o + 4, r : r + 4])
        for o in range(O):
            for r in range(min(block, K - k)):
                grad_weight[g, o, k + r] = sums[o, r]


# -------------------------------------------------------------------------- compiled: products


@compiled_sum
def _add_products(weights: Any, rows: Any, sums: Any) -> None:
    """sums (M, P) += weights (M, 8) · rows (8, P): eight products for each load and store."""
    b0, b1, b2, b3 = rows[0], rows[1], rows[2], rows[3]
    b4, b5, b6, b7 = rows[4], rows[5], rows[6], rows[7]
    for m in range(len(sums)):
        a, c = weights[m], sums[m]
        a0, a1, a2, a3, a4, a5, a6, a7 = a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
        for j in range(c.size):
            low = a0 * b0[j] + a1 * b1[j] + a2 * b2[j] + a3 * b3[j]
            c[j] += low + a4 * b4[j] + a5 * b5[j] + a6 * b6[j] + a7 * b7[j]


@compiled_sum
def _add_dots(a: Any, b: Any, sums: Any) -> None:
    """sums (4, 4) += a (4, P) · bᵀ (P, 4): sixteen sums in registers, four products per load."""
    a0, a1, a2, a3 = a[0], a[1], a[2], a[3]
    b0, b1, b2, b3 = b[0], b[1], b[2], b[3]
    zero = a.dtype.type(0)
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = zero
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = zero
    for j in range(a0.size):
        s00, s01 = s00 + a0[j] * b0[j], s01 + a0[j] * b1[j]
        s02, s03 = s02 + a0[j] * b2[j], s03 + a0[j] * b3[j]
        s10, s11 = s10 + a1[j] * b0[j], s11 + a1[j] * b1[j]
        s12, s13 = s12 + a1[j] * b2[j], s13 + a1[j] * b3[j]
        s20, s21 = s20 + a2[j] * b0[j], s21 + a2[j] * b1[j]
        s22, s23 = s22 + a2[j] * b2[j], s23 + a2[j] * b3[j]
        s30, s31 = s30 + a3[j] * b0[j], s31 + a3[j] * b1[j]
        s32, s33 = s32 + a3[j] * b2[j], s33 + a3[j] * b3[j]
    _add_four(sums[0], s00, s01, s02, s03)
    _add_four(sums[1], s10, s11, s12, s13)
    _add_four(sums[2], s20, s21, s22, s23)
    _add_four(sums[3], s30, s31, s32, s33)


@compiled
def _add_four(row: Any, s0: Any, s1: Any, s2: Any, s3: Any) -> None:
    row[0] += s0
    row[1] += s1
    row[2] += s2
    row[3] += s3


# -------------------------------------------------------------------- compiled: rows of a tile


@compiled
def _column_row(
    x: Any,
    first_channel: int,
    channels: int,
    k: int,
    windows: Any,
    n: int,
    images: int,
    first: int,
    rows: int,
    out_w: int,
    row: Any,
) -> None:
    """Row k = (c, p, q) of a tile's columns: the elements at tap (p, q) of every window."""
    kh, kw, stride_h, stride_w, top, left, dilation_h, dilation_w = windows
    c, p, q = k // (kh * kw), k // kw % kh, k % kw
    if c >= channels:  # a row of the padding of K
        _fill(row, row.dtype.type(0))
        return
    H, W = x.shape[2:]
    shift = q * dilation_w - left
    begin, end = _inside(shift, stride_w, W, out_w)
    at = 0
    for m in range(n, n + images):
        for i in range(first, first + rows):
            h = i * stride_h + p * dilation_h - top
            if h < 0 or h >= H or begin == end:
                _fill(row[at : at + out_w], row.dtype.type(0))
            else:
                _fill(row[at : at + begin], row.dtype.type(0))
                source = x[m, first_channel + c, h, begin * stride_w + shift :]
                _gather(source, stride_w, row[at + begin : at + end])
                _fill(row[at + end : at + out_w], row.dtype.type(0))
            at += out_w


@compiled
def _add_back(
    row: Any,
    k: int,
    windows: Any,
    n: int,
    images: int,
    first: int,
    rows: int,
    out_w: int,
    first_channel: int,
    x: Any,
) -> None:
    """Adjoint of _column_row: add each element to x where it came from."""
    kh, kw, stride_h, stride_w, top, left, dilation_h, dilation_w = windows
    c, p, q = k // (kh * kw), k // kw % kh, k % kw
    H, W = x.shape[2:]
    shift = q * dilation_w - left
    begin, end = _inside(shift, stride_w, W, out_w)
    at = 0
    for m in range(n, n + images):
        for i in range(first, first + rows):
            h = i * stride_h + p * dilation_h - top
            if 0 <= h < H and begin < end:
                target = x[m, first_channel + c, h, begin * stride_w + shift :]
                _scatter(row[at + begin : at + end], stride_w, target)
            at += out_w


@compiled
def _inside(shift: int, stride: int, size: int, count: int) -> Any:
    """Range of the j in [0, count) for which 0 ≤ j·stride + shift < size."""
    begin = min(max(0, -(shift // stride)), count)  # ceil(−shift / stride)
    end = min(max(begin, -((shift - size) // stride)), count)
    return begin, end


@compiled
def _read_pixels(
    y: Any, n: int, images: int, channel: int, end: int, first: int, rows: int, row: Any
) -> None:
    """A channel's part of a tile of y (N, O, out_h, out_w); zeros from channel `end` on."""
    size = rows * y.shape[3]
    for m in range(images):
        target = row[m * size : (m + 1) * size]
        if channel < end:
            _gather(y[n + m, channel, first : first + rows].reshape(size), 1, target)
        else:
            _fill(target, row.dtype.type(0))


@compiled
def _write_pixels(
    row: Any, y: Any, n: int, images: int, channel: int, first: int, rows: int
) -> None:
    """Inverse of _read_pixels."""
    size = rows * y.shape[3]
    for m in range(images):
        target = y[n + m, channel, first : first + rows].reshape(size)
        _gather(row[m * size : (m + 1) * size], 1, target)


@compiled
def _fill(row: Any, value: Any) -> None:
    for j in range(row.size):
        row[j] = value


@compiled
def _gather(x: Any, stride: int, row: Any) -> None:
    if stride == 1:  # with the stride known, LLVM moves whole vectors
        for j in range(row.size):
            row[j] = x[j]
    else:
        for j in range(row.size):
            row[j] = x[j * stride]


@compiled
def _scatter(row: Any, stride: int, x: Any) -> None:
    if stride == 1:
        for j in range(row.size):
            x[j] += row[j]
    else:
        for j in range(row.size):
            x[j * stride] += row[j]
