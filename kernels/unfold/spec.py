"""What unfold and fold accept and return: pure Python, no arrays.

    columns[n, (c, p, q), (i, j)] = x[n, c, i·s + p·d − pad, j·s + q·d − pad]     (zeros outside)

unfold (im2col): x (N, C, H, W) → columns (N, C·kh·kw, out_h·out_w); fold (col2im) is its adjoint.
"""

from __future__ import annotations

from typing import Any

from minidl_kernels.common.array_spec import ArraySpec, HasShape, check_ndim, check_same_float
from minidl_kernels.common.errors import fail
from minidl_kernels.common.windows import Padding, Pair
from minidl_kernels.common.windows import output_size as places_of


def unfold(
    x: HasShape,
    *,
    kernel_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    out: Any = None,
) -> ArraySpec:
    """Shape of the columns; raises when the window doesn't fit the padded image.

    >>> unfold(ArraySpec((8, 3, 32, 32), "float32"), kernel_size=(5, 5))
    ArraySpec((8, 75, 784), float32)
    """
    check_ndim("unfold", "x", x, 4, "(N, C, H, W)")
    check_same_float("unfold", x=x)
    n, channels, *size = x.shape
    places = places_of("unfold", (size[0], size[1]), kernel_size, stride, padding, dilation)
    shape = (n, channels * kernel_size[0] * kernel_size[1], places[0] * places[1])
    return ArraySpec(shape, x.dtype)


def fold(
    columns: HasShape,
    *,
    output_size: Pair,
    kernel_size: Pair,
    stride: Pair = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    out: Any = None,
) -> ArraySpec:
    """Shape of the images; raises when columns isn't what unfold makes of such images.

    >>> fold(ArraySpec((8, 75, 784), "float32"), output_size=(32, 32), kernel_size=(5, 5))
    ArraySpec((8, 3, 32, 32), float32)
    """
    check_ndim("fold", "columns", columns, 3, "(N, C · kh · kw, out_h · out_w)")
    check_same_float("fold", columns=columns)
    n, rows, count = columns.shape
    kh, kw = kernel_size
    if rows % (kh * kw):
        fail(
            "fold",
            "columns.shape[1]",
            rows,
            f"a multiple of kh · kw = {kh} · {kw} = {kh * kw}",
            "Every channel has one row for each tap of the kernel.",
        )
    places = places_of("fold", output_size, kernel_size, stride, padding, dilation)
    if count != places[0] * places[1]:
        fail(
            "fold",
            "columns.shape[2]",
            count,
            f"{places[0]} · {places[1]} = {places[0] * places[1]}, the places of a "
            f"{kh}×{kw} window in an output of {output_size[0]}×{output_size[1]}",
            "Give fold the kernel_size, stride, padding and dilation that unfold had.",
        )
    return ArraySpec((n, rows // (kh * kw), *output_size), columns.dtype)
