"""Launches the CUDA C convolution; see `minidl_kernels.common.cuda_launch` for the convention."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from minidl_kernels.common.cuda_launch import NULL, CudaPlatform, blocks_for, c_type, ints
from minidl_kernels.common.errors import ArgumentError, fail
from minidl_kernels.common.windows import Padding, Pair
from minidl_kernels.conv2d import spec

SOURCE = Path(__file__).resolve().parent / "conv2d.cu"
MOST_INDICES = 2**31 - 1024
"""The kernel counts output pixels, weights and the elements of an image with ints, and runs a tile
beyond the last of them."""


class Tile(NamedTuple):
    """What a block computes: o × m elements of the result, k at a time; a thread its share."""

    o: int
    m: int
    k: int
    thread_o: int
    thread_m: int

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return (self.o // self.thread_o) * (self.m // self.thread_m)


LARGE = Tile(128, 128, 8, 8, 8)
MEDIUM = Tile(64, 64, 8, 4, 4)
FEW_CHANNELS = Tile(16, 128, 8, 2, 4)
"""For LeNet's 6 channels, or many groups: no work wasted on rows that don't exist."""


def conv2d(
    cuda: CudaPlatform,
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
    """Cross-correlation, as an implicit matrix product: → (N, O, out_h, out_w)."""
    result = spec.conv2d(
        x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    batch, channels, *size = x.shape
    out_channels, _, *kernel_size = weight.shape
    pixels = batch * result.shape[2] * result.shape[3]
    _check_indices(x, weight, pixels)
    y = cuda.result(out, result.shape, result.dtype)
    if y.size == 0:
        return y

    tile = choose_tile(out_channels // groups, pixels, y.dtype.itemsize)
    kernel = cuda.function(SOURCE, f"conv2d<{c_type(y.dtype)}, {', '.join(map(str, tile))}>")
    contiguous = cuda.xp.ascontiguousarray
    kernel(
        (blocks_for(pixels, tile.m), blocks_for(out_channels // groups, tile.o), groups),
        (tile.threads,),
        (
            contiguous(x),
            contiguous(weight),
            NULL if bias is None else contiguous(bias),
            y,
            *ints(batch, channels, *size, out_channels, *y.shape[2:], *kernel_size),
            *ints(*stride, padding[0], padding[1], *dilation, groups),
        ),
    )
    return y


def choose_tile(out_channels: int, pixels: int, itemsize: int) -> Tile:
    """A tile that fits: large ones reuse more, but must not be mostly empty or too few.

    `out_channels` are those of one group. A thread's 8 × 8 doubles would fill its registers.

    >>> choose_tile(256, 100_000, 4) is LARGE
    True
    """
    if out_channels <= FEW_CHANNELS.o:
        return FEW_CHANNELS
    blocks = blocks_for(pixels, LARGE.m) * blocks_for(out_channels, LARGE.o)
    if itemsize == 4 and out_channels > MEDIUM.o and blocks >= 128:
        return LARGE
    return MEDIUM


def _check_indices(x: Any, weight: Any, pixels: int) -> None:
    image = x.shape[1] * x.shape[2] * x.shape[3]
    for name, count in (
        ("N · out_h · out_w", pixels),
        ("the size of one image", image),
        ("weight.size", weight.size),
    ):
        if count > MOST_INDICES:
            fail(
                "conv2d",
                name,
                count,
                f"at most {MOST_INDICES} on this backend",
                "Split the batch.",
                error=ArgumentError,
            )
