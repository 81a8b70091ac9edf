"""Window arithmetic that convolution, pooling and unfold share: pure Python.

Along one axis a window of `kernel` taps, `dilation` apart, covers `dilation·(kernel−1) + 1`
elements. Sliding it by `stride` over `size` elements padded by `before` and `after` gives

    out = floor((size + before + after − dilation·(kernel−1) − 1) / stride) + 1

places (PyTorch's `Conv2d` and `MaxPool2d`); with ceil_mode the division rounds up, and a last
window that would start beyond the input and its leading padding is left out. Padding is always
(top, left, bottom, right).
"""

from __future__ import annotations

from numbers import Integral
from typing import TypeAlias

from minidl_kernels.common.errors import ArgumentError, DTypeError, ShapeError, fail

Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = tuple[int, int, int, int]


def pair(operation: str, argument: str, value: int | tuple[int, ...], minimum: int) -> Pair:
    """Turn 3 into (3, 3), keep (3, 5), and refuse everything else.

    >>> pair("conv2d", "stride", 2, minimum=1)
    (2, 2)
    """
    both = (value, value) if isinstance(value, Integral) else value
    if not isinstance(both, (tuple, list)) or len(both) != 2:
        fail(operation, argument, repr(value), "an int or a pair of ints", error=ArgumentError)
    for number in both:
        if isinstance(number, bool) or not hasattr(number, "__index__"):
            fail(operation, argument, repr(value), "an int or a pair of ints", error=DTypeError)
        if number < minimum:
            fail(operation, argument, repr(value), f"at least {minimum}", error=ArgumentError)
    return int(both[0]), int(both[1])


def extent(kernel: int, dilation: int) -> int:
    """How many elements a dilated window spans.

    >>> extent(3, 2)
    5
    """
    return dilation * (kernel - 1) + 1


def output_length(
    size: int,
    kernel: int,
    stride: int,
    padding: Pair,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """Number of windows along one axis; `padding` is (before, after).

    >>> output_length(224, kernel=7, stride=2, padding=(3, 3))
    112
    >>> output_length(112, kernel=3, stride=2, padding=(0, 0), ceil_mode=True)
    56
    """
    room = size + sum(padding) - extent(kernel, dilation)
    if not ceil_mode:
        return room // stride + 1
    places = -(-room // stride) + 1
    return places - 1 if (places - 1) * stride >= size + padding[0] else places


def same_padding(size: Pair, kernel_size: Pair, stride: Pair, dilation: Pair) -> Padding:
    """TensorFlow's 'SAME': output = ceil(size / stride), the odd element goes bottom and right.

    With stride 1 this is PyTorch's padding="same".

    >>> same_padding((224, 224), (3, 3), (2, 2), (1, 1))
    (0, 0, 1, 1)
    """
    before, after = [], []
    for n, k, s, d in zip(size, kernel_size, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + extent(k, d) - n, 0)
        before.append(total // 2)
        after.append(total - total // 2)
    return before[0], before[1], after[0], after[1]


def output_size(
    operation: str,
    size: Pair,
    kernel_size: Pair,
    stride: Pair,
    padding: Padding,
    dilation: Pair = (1, 1),
    ceil_mode: bool = False,
) -> Pair:
    """(out_h, out_w) of a window operation; raises when the window doesn't fit the padded input."""
    top, left, bottom, right = padding
    height = output_length(
        size[0], kernel_size[0], stride[0], (top, bottom), dilation[0], ceil_mode
    )
    width = output_length(size[1], kernel_size[1], stride[1], (left, right), dilation[1], ceil_mode)
    if min(height, width) < 1:
        padded = (size[0] + top + bottom, size[1] + left + right)
        spans = (extent(kernel_size[0], dilation[0]), extent(kernel_size[1], dilation[1]))
        got, needed = "{}×{}".format(*padded), "the window's {}×{}".format(*spans)
        if any(padding):
            got += f" (input {size[0]}×{size[1]}, padding {padding})"
        if spans != tuple(kernel_size):
            needed += f" (kernel {kernel_size}, dilation {dilation})"
        fail(
            operation,
            "the padded input" if any(padding) else "the input",
            got,
            f"at least {needed}",
            "Use a larger image, a smaller kernel or more padding.",
            error=ShapeError,
        )
    return height, width
