"""Layers without parameters: pools, windows, borders, dropout, flatten."""

from __future__ import annotations

from typing import Any

from minidl import functional as F
from minidl.errors import ArgumentError, fail
from minidl.functional.conv import Size
from minidl.functional.operands import integer, number
from minidl.nn.module import Module
from minidl.tensor import Tensor
from minidl_kernels.dropout.spec import check_probability


class Identity(Module):
    """Returns its input."""

    def forward(self, x: Tensor) -> Tensor:
        """The input itself."""
        return x


class Flatten(Module):
    """(N, C, H, W) → (N, C·H·W): joins the dimensions start_dim … end_dim."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.flatten`."""
        return F.flatten(x, self.start_dim, self.end_dim)


# ------------------------------------------------------------------------------- pools


class MaxPool2d(Module):
    """Largest element of every window; stride defaults to kernel_size.

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
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """Mean of every window; stride defaults to kernel_size."""

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
    """Average pooling to a given output size; 1 is global average pooling."""

    def __init__(self, output_size: int | tuple[int | None, int | None]) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.adaptive_avg_pool2d`."""
        return F.adaptive_avg_pool2d(x, self.output_size)

    def extra_repr(self) -> str:
        """The output size."""
        return f"output_size={self.output_size}"


# ------------------------------------------------------------------ windows and borders


class Unfold(Module):
    """Every window of the image as a column; see `functional.unfold`."""

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
    """Puts the columns back and adds where windows overlap; see `functional.fold`."""

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


class ConstantPad2d(Module):
    """A border of `value` around images; padding is one width or (left, right, top, bottom).

    >>> import minidl
    >>> ConstantPad2d((1, 0, 0, 0), 7.0)(minidl.zeros(1, 1, 1, 2)).tolist()
    [[[[7.0, 0.0, 0.0]]]]
    """

    def __init__(self, padding: int | tuple[int, int, int, int], value: float) -> None:
        super().__init__()
        name = type(self).__name__
        widths = padding if isinstance(padding, (tuple, list)) else (padding,) * 4
        if len(widths) != 4:
            expected = "one width or (left, right, top, bottom)"
            fail(name, "padding", padding, expected, error=ArgumentError)
        self.padding = tuple(integer(name, "a width of padding", width) for width in widths)
        self.value = number(name, "value", value)

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.pad`."""
        return F.pad(x, self.padding, self.value)

    def extra_repr(self) -> str:
        """The widths and the value."""
        return f"padding={self.padding}, value={self.value}"


class ZeroPad2d(ConstantPad2d):
    """A border of zeros around images; padding is one width or (left, right, top, bottom)."""

    def __init__(self, padding: int | tuple[int, int, int, int]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The widths."""
        return f"padding={self.padding}"


# ------------------------------------------------------------ normalisation and dropout


class LocalResponseNorm(Module):
    """Division by a power of the neighbouring channels' energy; see the functional form."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.local_response_norm`."""
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The constants."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class Dropout(Module):
    """In training, zeroes each element with probability p and scales the others by 1/(1 − p).

    `inplace` is there for PyTorch's sake and changes nothing, as in the activations.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.p = number(type(self).__name__, "p", p)
        check_probability(type(self).__name__, self.p)

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.dropout`."""
        return F.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class DropPath(Dropout):
    """Stochastic depth: in training, zeroes whole samples with probability p."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.drop_path`."""
        return F.drop_path(x, self.p, self.training)


class ChannelShuffle(Module):
    """Interleaves the groups' channels."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.channel_shuffle`."""
        return F.channel_shuffle(x, self.groups)

    def extra_repr(self) -> str:
        """The groups."""
        return f"{self.groups}"
