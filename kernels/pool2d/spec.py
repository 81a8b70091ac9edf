"""What the pooling kernels accept and return: pure Python, no arrays.

    max_pool2d            y[n,c,i,j] = max over p, q of x[n, c, i·s + p·d − pad, j·s + q·d − pad]
    avg_pool2d            the same windows (without dilation), their sum over a divisor
    adaptive_avg_pool2d   out_h × out_w windows that divide the plane as evenly as they can

x (N, C, H, W) → y (N, C, out_h, out_w); the indices of max_pool2d are int32, h·W + w.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl_kernels.common.array_spec import (
    ArraySpec,
    HasShape,
    check_ndim,
    check_same_float,
    check_shape,
)
from minidl_kernels.common.errors import ArgumentError, DTypeError, fail
from minidl_kernels.common.windows import Padding, Pair, extent, output_size

INDEX_DTYPES = (np.dtype(np.int32), np.dtype(np.int64))


def max_pool2d(
    x: HasShape,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    ceil_mode: bool = False,
    return_indices: bool = True,
    out: Any = None,
) -> tuple[ArraySpec, ArraySpec | None]:
    """Shapes of max_pool2d's result and of its indices (None without return_indices).

    >>> x = ArraySpec((8, 64, 112, 112), "float32")
    >>> max_pool2d(x, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1, 1, 1))
    (ArraySpec((8, 64, 56, 56), float32), ArraySpec((8, 64, 56, 56), int32))
    """
    name = "max_pool2d"
    check_ndim(name, "x", x, 4, "(N, C, H, W)")
    check_same_float(name, x=x)
    size = _pooled_size(name, x, kernel_size, stride, padding, dilation, ceil_mode)
    if x.shape[2] * x.shape[3] > 2**31:
        fail(
            name,
            "H·W",
            x.shape[2] * x.shape[3],
            "at most 2147483648 (2³¹), so that an int32 index reaches every element",
            "Cut the image into tiles.",
        )
    y = ArraySpec((*x.shape[:2], *size), x.dtype)
    return y, ArraySpec(y.shape, np.int32) if return_indices else None


def max_pool2d_grad(
    grad_output: HasShape,
    indices: HasShape,
    *,
    input_size: Pair,
    kernel_size: Pair,
    stride: Pair,
    padding: Padding = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    ceil_mode: bool = False,
    out: Any = None,
) -> ArraySpec:
    """Shape of max_pool2d's gradient in x; indices are those that max_pool2d returned."""
    name = "max_pool2d_grad"
    x = _input_of(name, grad_output, input_size)
    size = _pooled_size(name, x, kernel_size, stride, padding, dilation, ceil_mode)
    check_shape(name, "grad_output", grad_output, (*x.shape[:2], *size))
    check_shape(name, "indices", indices, grad_output.shape)
    if indices.dtype not in INDEX_DTYPES:
        fail(
            name,
            "indices.dtype",
            np.dtype(indices.dtype).name,
            "int32 or int64",
            "Pass the indices that max_pool2d returned.",
            error=DTypeError,
        )
    return x


def avg_pool2d(
    x: HasShape,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Padding = (0, 0, 0, 0),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    out: Any = None,
) -> ArraySpec:
    """Shape of avg_pool2d's result.

    >>> avg_pool2d(ArraySpec((64, 6, 28, 28), "float32"), kernel_size=(2, 2), stride=(2, 2))
    ArraySpec((64, 6, 14, 14), float32)
    """
    check_ndim("avg_pool2d", "x", x, 4, "(N, C, H, W)")
    check_same_float("avg_pool2d", x=x)
    _check_divisor("avg_pool2d", divisor_override)
    size = _pooled_size("avg_pool2d", x, kernel_size, stride, padding, (1, 1), ceil_mode)
    return ArraySpec((*x.shape[:2], *size), x.dtype)


def avg_pool2d_grad(
    grad_output: HasShape,
    *,
    input_size: Pair,
    kernel_size: Pair,
    stride: Pair,
    padding: Padding = (0, 0, 0, 0),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    out: Any = None,
) -> ArraySpec:
    """Shape of avg_pool2d's gradient in x."""
    name = "avg_pool2d_grad"
    x = _input_of(name, grad_output, input_size)
    _check_divisor(name, divisor_override)
    size = _pooled_size(name, x, kernel_size, stride, padding, (1, 1), ceil_mode)
    check_shape(name, "grad_output", grad_output, (*x.shape[:2], *size))
    return x


def adaptive_avg_pool2d(x: HasShape, *, output_size: Pair, out: Any = None) -> ArraySpec:
    """Shape of adaptive_avg_pool2d's result.

    >>> adaptive_avg_pool2d(ArraySpec((8, 512, 7, 7), "float32"), output_size=(1, 1))
    ArraySpec((8, 512, 1, 1), float32)
    """
    check_ndim("adaptive_avg_pool2d", "x", x, 4, "(N, C, H, W)")
    check_same_float("adaptive_avg_pool2d", x=x)
    _check_adaptive("adaptive_avg_pool2d", x.shape[2:], output_size)
    return ArraySpec((*x.shape[:2], *output_size), x.dtype)


def adaptive_avg_pool2d_grad(
    grad_output: HasShape, *, input_size: Pair, out: Any = None
) -> ArraySpec:
    """Shape of adaptive_avg_pool2d's gradient in x."""
    x = _input_of("adaptive_avg_pool2d_grad", grad_output, input_size)
    _check_adaptive("adaptive_avg_pool2d_grad", input_size, grad_output.shape[2:])
    return x


def _input_of(operation: str, grad_output: HasShape, input_size: Pair) -> ArraySpec:
    """The x whose pooling has this gradient."""
    check_ndim(operation, "grad_output", grad_output, 4, "(N, C, out_h, out_w)")
    check_same_float(operation, grad_output=grad_output)
    return ArraySpec((*grad_output.shape[:2], *input_size), grad_output.dtype)


def _pooled_size(
    operation: str,
    x: HasShape,
    kernel_size: Pair,
    stride: Pair,
    padding: Padding,
    dilation: Pair,
    ceil_mode: bool,
) -> Pair:
    """(out_h, out_w); raises where a window would hold no element of x."""
    size = (x.shape[2], x.shape[3])
    spans = (extent(kernel_size[0], dilation[0]), extent(kernel_size[1], dilation[1]))
    limits = (spans[0] // 2, spans[1] // 2)
    if any(pad > limit for pad, limit in zip(padding, limits * 2, strict=True)):
        fail(
            operation,
            "padding (top, left, bottom, right)",
            padding,
            f"at most half the window's {spans[0]}×{spans[1]} on every side: "
            f"{limits[0]} for top and bottom, {limits[1]} for left and right",
            "With more, a window could hold nothing but padding. Use less padding or a larger "
            "kernel.",
            error=ArgumentError,
        )
    pooled = output_size(operation, size, kernel_size, stride, padding, dilation, ceil_mode)
    for axis in (0, 1):
        # Only windows that start in the leading padding can miss: the others' first tap is real.
        # The first tap of such a window beyond that padding is at start mod dilation.
        for start in range(-padding[axis], 0, stride[axis])[: pooled[axis]]:
            if start % dilation[axis] >= size[axis]:
                fail(
                    operation,
                    f"x.shape[{axis + 2}]",
                    size[axis],
                    f"more than {start % dilation[axis]}: the window that starts at {start} "
                    f"(kernel {kernel_size[axis]}, dilation {dilation[axis]}) would hold "
                    "nothing but padding",
                    "Use less padding, less dilation or a larger image.",
                )
    return pooled


def _check_divisor(operation: str, divisor_override: int | None) -> None:
    if divisor_override == 0:
        fail(
            operation,
            "divisor_override",
            0,
            "a number other than 0, or None",
            "None divides by the number of elements in the window.",
            error=ArgumentError,
        )


def _check_adaptive(
    operation: str, input_size: tuple[int, ...], pooled_size: tuple[int, ...]
) -> None:
    if min(input_size) < 1:
        fail(
            operation,
            "the input's (H, W)",
            tuple(input_size),
            "at least (1, 1)",
            "There is no mean of an empty window.",
        )
    if min(pooled_size) < 1:
        fail(
            operation,
            "output_size",
            tuple(pooled_size),
            "at least (1, 1)",
            "(1, 1) is the mean of the whole plane.",
            error=ArgumentError,
        )
