"""Layers that look through windows, without parameters: pools, unfold and fold.

Windows of k taps, `dilation` apart, at every `stride`-th place of the padded input, give
out = ⌊(size + 2·padding − dilation·(k − 1) − 1) / stride⌋ + 1 along an axis; with ceil_mode ⌈…⌉.
"""

from __future__ import annotations

from typing import Any

from minidl import functional as F
from minidl.functional.conv import Size, padding_sides
from minidl.nn.module import Module
from minidl.tensor import Tensor
from minidl_kernels.common.windows import pair


class MaxPool2d(Module):
    """y[n,c,i,j] = max over the window of x[n,c]: (N, C, H, W) → (N, C, out_h, out_w).

    stride defaults to kernel_size. Padding never wins. With return_indices the result is the pair
    of y and the winners' places h·W + w (int64) in the image. See `functional.max_pool2d`.

    >>> import minidl
    >>> MaxPool2d(3, stride=2)(minidl.zeros(1, 1, 7, 7)).shape
    (1, 1, 3, 3)
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        _check_window("MaxPool2d", kernel_size, stride, padding, dilation)
        self.kernel_size, self.padding, self.dilation = kernel_size, padding, dilation
        self.stride = kernel_size if stride is None else stride
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, x: Tensor) -> Any:
        """See `functional.max_pool2d`."""
        return F.max_pool2d(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.return_indices,
        )

    def extra_repr(self) -> str:
        """The window."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class AvgPool2d(Module):
    """y[n,c,i,j] = Σ over the window of x[n,c] / divisor: (N, C, H, W) → (N, C, out_h, out_w).

    stride defaults to kernel_size. The divisor is the number of elements of the window within the
    padded input, or without count_include_pad within the input itself, or divisor_override. See
    `functional.avg_pool2d`.

    >>> import minidl
    >>> AvgPool2d(2)(minidl.tensor([[[[1.0, 2.0, 9.0], [3.0, 6.0, 9.0]]]])).tolist()
    [[[[3.0]]]]
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        _check_window("AvgPool2d", kernel_size, stride, padding)
        self.kernel_size, self.padding, self.ceil_mode = kernel_size, padding, ceil_mode
        self.stride = kernel_size if stride is None else stride
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.avg_pool2d`."""
        return F.avg_pool2d(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        """The window."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveAvgPool2d(Module):
    """Average pooling to a given size: (N, C, H, W) → (N, C, *output_size); None keeps a size.

    Row i of the output averages the rows ⌊i·H/out⌋ up to ⌈(i + 1)·H/out⌉ of the input, columns
    likewise; output_size 1 is global average pooling. See `functional.adaptive_avg_pool2d`.

    >>> import minidl
    >>> AdaptiveAvgPool2d((1, None))(minidl.zeros(2, 3, 5, 7)).shape
    (2, 3, 1, 7)
    """

    def __init__(self, output_size: int | tuple[int | None, int | None]) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.adaptive_avg_pool2d`."""
        return F.adaptive_avg_pool2d(x, self.output_size)

    def extra_repr(self) -> str:
        """The output size."""
        return f"output_size={self.output_size}"


class Unfold(Module):
    """Every window of the image as a column: (N, C, H, W) → (N, C·kh·kw, out_h·out_w).

    Also named im2col: convolution is then the product weight.reshape(O, −1) @ columns. See
    `functional.unfold`.
    """

    def __init__(
        self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
    ) -> None:
        super().__init__()
        self.kernel_size, self.dilation = kernel_size, dilation
        self.padding, self.stride = padding, stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C·kh·kw, out_h·out_w)."""
        return F.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """The window."""
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )


class Fold(Unfold):
    """Puts columns (N, C·kh·kw, L) back into (N, C, *output_size), adding where windows overlap.

    The adjoint of `Unfold`, not its inverse. See `functional.fold`.
    """

    def __init__(
        self,
        output_size: Size,
        kernel_size: Size,
        dilation: Size = 1,
        padding: Size = 0,
        stride: Size = 1,
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        """(N, C·kh·kw, L) → (N, C, *output_size)."""
        return F.fold(
            x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        """The size and the window."""
        return f"output_size={self.output_size}, {super().extra_repr()}"


def _check_window(
    layer: str, kernel_size: Size, stride: Size | None, padding: Size, dilation: Size = 1
) -> None:
    pair(layer, "kernel_size", kernel_size, 1)
    pair(layer, "stride", kernel_size if stride is None else stride, 1)
    padding_sides(layer, padding)
    pair(layer, "dilation", dilation, 1)
