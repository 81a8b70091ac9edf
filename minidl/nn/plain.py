"""Layers without parameters: activations, pools, dropout, flatten, the losses."""

from __future__ import annotations

from typing import Any

from minidl import functional as F
from minidl.errors import DTypeError, fail
from minidl.functional.conv import Size
from minidl.nn.module import Module
from minidl.tensor import Tensor


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


# ------------------------------------------------------------------------- activations


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.relu`."""
        return F.relu(x)


class ReLU6(Module):
    """min(max(x, 0), 6)."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.relu6`."""
        return F.relu6(x)


class LeakyReLU(Module):
    """x where x > 0, else negative_slope · x."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.leaky_relu`."""
        return F.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """The slope."""
        return f"negative_slope={self.negative_slope}"


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ)."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.sigmoid`."""
        return F.sigmoid(x)


class Tanh(Module):
    """Hyperbolic tangent."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.tanh`."""
        return F.tanh(x)


class SiLU(Module):
    """x · sigmoid(x)."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.silu`."""
        return F.silu(x)


class Hardswish(Module):
    """x · min(max(x + 3, 0), 6) / 6."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.hardswish`."""
        return F.hardswish(x)


class Softmax(Module):
    """eˣ / Σ eˣ along `dim`."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.softmax`."""
        return F.softmax(x, self.dim)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """log softmax(x) along `dim`."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.log_softmax`."""
        return F.log_softmax(x, self.dim)


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
    """In training, zeroes each element with probability p and scales the others by 1/(1 − p)."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

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


# ------------------------------------------------------------------------------ losses


class CrossEntropyLoss(Module):
    """−log softmax(logits)[target]; see `functional.cross_entropy`."""

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        if isinstance(ignore_index, Tensor):
            fail(
                "CrossEntropyLoss",
                "ignore_index",
                "a Tensor",
                "an int",
                "Make the loss first and then call it: CrossEntropyLoss()(logits, target).",
                error=DTypeError,
            )
        self.register_buffer("weight", weight)
        self.ignore_index, self.reduction = ignore_index, reduction
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `functional.cross_entropy`."""
        return F.cross_entropy(
            logits, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class MSELoss(Module):
    """Mean squared error."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """See `functional.mse_loss`."""
        return F.mse_loss(x, target, self.reduction)
