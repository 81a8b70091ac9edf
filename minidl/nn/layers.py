"""Layers with parameters: Conv2d, ConvTranspose2d, Linear, BatchNorm."""

from __future__ import annotations

from typing import Any

from minidl import functional as F
from minidl.creation import ones, zeros
from minidl.errors import ArgumentError, ShapeError, fail
from minidl.functional.conv import PaddingArgument, Size, checked_windows
from minidl.functional.operands import as_tensor, integer
from minidl.nn import init
from minidl.nn.module import Module
from minidl.nn.parameter import Parameter
from minidl.nn.pytorchs import refuse_layer_arguments
from minidl.tensor import Tensor
from minidl_kernels.common.windows import pair


class Conv2d(Module):
    """2-D convolution; see `functional.conv2d` for the formula and the kinds of padding.

    weight (out_channels, in_channels/groups, kh, kw) and bias (out_channels,) start as
    U(−b, b) with b = 1/√(in_channels/groups · kh · kw), as in PyTorch.

    >>> import minidl
    >>> Conv2d(3, 8, 3, stride=2, padding=1)(minidl.zeros(1, 3, 32, 32)).shape
    (1, 8, 16, 16)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: PaddingArgument = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        **pytorchs: Any,
    ) -> None:
        super().__init__()
        refuse_layer_arguments("Conv2d", pytorchs, Conv2d.__init__)
        _check_groups("Conv2d", in_channels, out_channels, groups)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = pair("Conv2d", "kernel_size", kernel_size, 1)
        checked_windows("Conv2d", stride, padding, dilation)
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.weight = Parameter(zeros(out_channels, in_channels // groups, *self.kernel_size))
        self.register_parameter("bias", Parameter(zeros(out_channels)) if bias else None)
        _reset(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out_channels, out_h, out_w)."""
        return F.conv2d(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )

    def extra_repr(self) -> str:
        """The arguments, as PyTorch shows them."""
        return _convolution(self)


class ConvTranspose2d(Module):
    """Transposed 2-D convolution; see `functional.conv_transpose2d`.

    weight is (in_channels, out_channels/groups, kh, kw).

    >>> import minidl
    >>> ConvTranspose2d(4, 2, 3, stride=2)(minidl.zeros(1, 4, 5, 5)).shape
    (1, 2, 11, 11)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        **pytorchs: Any,
    ) -> None:
        super().__init__()
        refuse_layer_arguments("ConvTranspose2d", pytorchs, ConvTranspose2d.__init__)
        _check_groups("ConvTranspose2d", in_channels, out_channels, groups)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = pair("ConvTranspose2d", "kernel_size", kernel_size, 1)
        for name, value in (("padding", padding), ("output_padding", output_padding)):
            pair("ConvTranspose2d", name, value, 0)
        checked_windows("ConvTranspose2d", stride, padding, dilation)
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.output_padding = output_padding
        self.weight = Parameter(zeros(in_channels, out_channels // groups, *self.kernel_size))
        self.register_parameter("bias", Parameter(zeros(out_channels)) if bias else None)
        _reset(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out_channels, out_h, out_w)."""
        return F.conv_transpose2d(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )

    def extra_repr(self) -> str:
        """The arguments, as PyTorch shows them."""
        return _convolution(self, output_padding=self.output_padding)


class Linear(Module):
    """Dense layer y = x Wᵀ + b; weight (out_features, in_features), started as in PyTorch.

    >>> import minidl
    >>> Linear(4, 2)(minidl.zeros(3, 4)).shape
    (3, 2)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, **pytorchs: Any
    ) -> None:
        super().__init__()
        refuse_layer_arguments("Linear", pytorchs, Linear.__init__)
        in_features = integer("Linear", "in_features", in_features, 1)
        out_features = integer("Linear", "out_features", out_features, 1)
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(zeros(out_features, in_features))
        self.register_parameter("bias", Parameter(zeros(out_features)) if bias else None)
        _reset(self)

    def forward(self, x: Tensor) -> Tensor:
        """(…, in_features) → (…, out_features)."""
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The features and whether there is a bias."""
        features = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{features}, bias={self.bias is not None}"


class _BatchNorm(Module):
    """Batch normalisation over every axis but 1; see `functional.batch_norm`.

    In training the batch's own statistics are used and the running ones move towards them; in
    evaluation the running ones are used. `momentum` None averages over all batches seen.
    """

    dims: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        **pytorchs: Any,
    ) -> None:
        super().__init__()
        refuse_layer_arguments(type(self).__name__, pytorchs, _BatchNorm.__init__)
        num_features = integer(type(self).__name__, "num_features", num_features, 1)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.track_running_stats = track_running_stats
        self.register_parameter("weight", Parameter(ones(num_features)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_features)) if affine else None)
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features) if tracked else None)
        self.register_buffer("running_var", ones(num_features) if tracked else None)
        count = zeros((), dtype="int64") if tracked else None
        self.register_buffer("num_batches_tracked", count)

    def forward(
        self, x: Tensor, residual: Tensor | None = None, activation: str | None = None
    ) -> Tensor:
        """Normalise x; `residual` and `activation` are fused into the same pass."""
        x = as_tensor(type(self).__name__, "x", x)
        if x.ndim not in self.dims:
            raise ShapeError(
                f"{type(self).__name__}: x.shape is {x.shape}, expected "
                f"{' or '.join(map(str, self.dims))} dimensions, (N, C, …)."
            )
        if x.shape[1] != self.num_features:
            fail(
                type(self).__name__,
                "x.shape[1] (channels)",
                x.shape[1],
                f"num_features = {self.num_features}",
                f"x is {x.shape}.",
            )
        tracked = self.training and self.num_batches_tracked is not None
        momentum = self.momentum
        if momentum is None:  # 1 / n; on "meta" there is no n
            counted = tracked and x.backend.memory != "none"
            momentum = 1.0 / (self.num_batches_tracked.item() + 1) if counted else 0.0
        y = F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            momentum,
            self.eps,
            residual=residual,
            activation=activation,
        )
        if tracked:  # only now, since a batch that was refused doesn't count
            self.num_batches_tracked.add_(1)
        return y

    def extra_repr(self) -> str:
        """The arguments, as PyTorch shows them."""
        affine, tracked = self.weight is not None, self.track_running_stats
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={affine}, "
            f"track_running_stats={tracked}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L); see `functional.batch_norm`."""

    dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of images (N, C, H, W); see `functional.batch_norm`.

    >>> import minidl
    >>> BatchNorm2d(3)(minidl.randn(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    """

    dims = (4,)


def _reset(layer: Any) -> None:
    init.default_weight_(layer.weight)
    if layer.bias is not None:
        init.default_bias_(layer.bias, layer.weight)


def _check_groups(name: str, in_channels: int, out_channels: int, groups: int) -> None:
    for argument, value in (
        ("in_channels", in_channels),
        ("out_channels", out_channels),
        ("groups", groups),
    ):
        integer(name, argument, value, 1)
    if in_channels % groups or out_channels % groups:
        fail(
            name,
            "groups",
            groups,
            f"a divisor of in_channels ({in_channels}) and of out_channels ({out_channels})",
            error=ArgumentError,
        )


def _convolution(layer: Any, output_padding: Size = 0) -> str:
    """Channels, kernel size and stride; the others where they do something. As in PyTorch."""
    parts = [f"{layer.in_channels}, {layer.out_channels}, kernel_size={layer.kernel_size}"]
    shown = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
    idle = {"stride": None, "padding": (0, 0), "dilation": (1, 1), "output_padding": (0, 0)}
    for name, value in {**shown, "output_padding": output_padding}.items():
        both = (value, value) if isinstance(value, int) else value
        parts += [f"{name}={both!r}"] if both != idle[name] else []
    parts += [f"groups={layer.groups}"] if layer.groups != 1 else []
    parts += ["bias=False"] if layer.bias is None else []
    return ", ".join(parts)
