"""Building blocks that papers share, and the weights they begin with."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, NoReturn

from minidl.functional.conv import PaddingArgument, Size
from minidl.naming import missing_name
from minidl.nn import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    DropPath,
    Identity,
    Linear,
    Module,
    ReLU,
    ReLU6,
    Sequential,
    Sigmoid,
    init,
    norm_act,
)
from minidl.tensor import Tensor

__all__ = [
    "ConvBNAct",
    "InvertedResidual",
    "NormActSequential",
    "SqueezeExcite",
    "WithAuxiliary",
    "draw_normal_dense",
    "draw_uniform_dense",
    "round_channels",
    "strided_stage",
]


class WithAuxiliary(NamedTuple):
    """What a network with auxiliary heads returns in training."""

    logits: Tensor
    auxiliary: tuple[Tensor, ...]
    """The heads' logits, from the first head on; training adds a fraction of their losses."""

    @property
    def instead_of_a_tensor(self) -> str:
        """What to do where a tensor is expected."""
        return (
            "In training this network returns its auxiliary heads' logits, too. Use y.logits, and "
            "add 0.3 × the loss of each of y.auxiliary; or make it with aux_logits=False. After "
            "model.eval() it returns a Tensor."
        )

    def __getattr__(self, name: str) -> NoReturn:
        """Explain what was meant for a Tensor."""
        advice = {name: self.instead_of_a_tensor} if hasattr(Tensor, name) else {}
        missing_name("WithAuxiliary", name, self._fields, advice)


def round_channels(channels: float, divisor: int = 8) -> int:
    """The nearest multiple of `divisor`, but at least one, and not below 0.9 · channels.

    For networks whose widths are scaled: devices like multiples of 8. From Google's MobileNet v2.

    >>> [round_channels(0.75 * channels) for channels in (32, 24, 16, 1)]
    [24, 24, 16, 8]
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * channels else rounded + divisor


def strided_stage(
    block: Callable[..., Module],
    blocks: int,
    in_channels: int,
    width: int,
    stride: int,
    **options: Any,
) -> Sequential:
    """Blocks of one resolution: the first one strides and changes the number of channels.

    `block` is called with (channels of its input, width, stride=…, **options); its output has
    width · block.expansion channels, or `width` where it has no such attribute.

    >>> [block.has_shortcut for block in strided_stage(InvertedResidual, 3, 8, 16, 2, expansion=6)]
    [False, True, True]
    """
    out_channels = width * getattr(block, "expansion", 1)
    first = block(in_channels, width, stride=stride, **options)
    others = (block(out_channels, width, stride=1, **options) for _ in range(1, blocks))
    return Sequential(first, *others)


def draw_uniform_dense(network: Module, per_group: bool = False) -> None:
    """First weights as Google's: convolutions N(0, 2 / fan_out), dense layers U(±1 / √outputs).

    With per_group, fan_out is that of one group, as in timm: a depthwise weight (C, 1, k, k) has a
    fan_out of k², where its shape says C · k². torchvision goes by the shape. Biases are zero.
    """
    for layer in network.modules():
        if isinstance(layer, Conv2d):
            groups = layer.groups if per_group else 1
            init.normal_(layer.weight, std=math.sqrt(2.0 * groups / init.fan_out(layer.weight)))
        elif isinstance(layer, Linear):
            bound = 1.0 / math.sqrt(layer.out_features)
            init.uniform_(layer.weight, -bound, bound)
        else:
            continue
        if layer.bias is not None:
            init.zeros_(layer.bias)


def draw_normal_dense(network: Module) -> None:
    """First weights: convolutions N(0, 2 / fan_out), dense layers N(0, 0.01²). Biases are zero."""
    for layer in network.modules():
        if isinstance(layer, Conv2d):
            init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(layer, Linear):
            init.normal_(layer.weight, std=0.01)
        else:
            continue
        if layer.bias is not None:
            init.zeros_(layer.bias)


class NormActSequential(Sequential):
    """Layers one after another; a batch norm goes together with the activation behind it."""

    def forward(self, x: Tensor) -> Tensor:
        """Each layer on the result of the one before."""
        norm = None  # waits for its activation
        for layer in self:
            if norm is not None:
                x, norm = norm_act(x, norm, layer), None
            elif isinstance(layer, BatchNorm2d):
                norm = layer
            else:
                x = layer(x)
        return x if norm is None else norm(x)


class ConvBNAct(Module):
    """Convolution, usually without bias; batch norm; activation.

        x (N, in_channels, H, W) ─▶ conv ─▶ bn ─▶ act ─▶ (N, out_channels, out_h, out_w)

    Ioffe & Szegedy 2015, "Batch normalization", §3.2: the bias is dropped because batch norm
    subtracts it again.

    Args:
        padding: as in Conv2d.
        activation: the layer to put at the end; Identity() for none.
        eps, momentum: of the batch norm.
        bias: of the convolution, for published weights that have one.

    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: PaddingArgument = 0,
        groups: int = 1,
        activation: Module | None = None,
        eps: float = 1e-5,
        momentum: float = 0.1,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.conv = Conv2d(
            in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=bias
        )
        self.bn = BatchNorm2d(out_channels, eps=eps, momentum=momentum)
        self.act = ReLU() if activation is None else activation

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """act(bn(conv(x)) + residual)."""
        return norm_act(self.conv(x), self.bn, self.act, residual)


class SqueezeExcite(Module):
    """Scales each channel by a gate that sees all channels' means.

        x (N, C, H, W) ─▶ mean (N, C, 1, 1) ─▶ fc1 (N, squeezed, 1, 1) ─▶ activation ─▶ fc2 ─▶ gate
        └──────────────────────────────────── × ◀── (N, C, 1, 1) ◀───────────────────────────────┘

    Hu et al. 2017, "Squeeze-and-excitation networks", arXiv:1709.01507, §3, figure 1. fc1 and fc2
    are dense layers, written as 1×1 convolutions, as published weights have them.
    """

    def __init__(
        self,
        channels: int,
        squeezed: int,
        activation: Module | None = None,
        gate: Module | None = None,
    ) -> None:
        super().__init__()
        self.avgpool = AdaptiveAvgPool2d(1)
        self.fc1 = Conv2d(channels, squeezed, kernel_size=1)
        self.fc2 = Conv2d(squeezed, channels, kernel_size=1)
        self.activation = ReLU() if activation is None else activation
        self.gate = Sigmoid() if gate is None else gate

    def forward(self, x: Tensor) -> Tensor:
        """x · gate, of x's shape."""
        scale = self.activation(self.fc1(self.avgpool(x)))  # (N, squeezed, 1, 1)
        return x * self.gate(self.fc2(scale))  # type: ignore[no-any-return]


class InvertedResidual(Module):
    """Widen, filter each channel by itself, narrow again: a bottleneck turned inside out.

        x (N, in_channels, H, W)
        ├─────────────────────────────────────┐
        expand 1×1 ─ bn ─ act.                │    (N, expanded, H, W)
        depthwise k×k, stride ─ bn ─ act.     │    (N, expanded, H/stride, W/stride)
        (se)                                  │    the same
        project 1×1 ─ bn                      │    (N, out_channels, H/stride, W/stride)
        + ◀───────────────────────────────────┘    where the shape stays

    expanded = expansion · in_channels; with expansion 1 there is no `expand`. The shortcut joins
    the narrow ends, and nothing follows the projection: an activation would lose what the few
    channels carry ("linear bottleneck").

    Sandler et al. 2018, "MobileNetV2", arXiv:1801.04381, figure 3b, §3.2, §3.3; with squeeze and
    excitation it is EfficientNet's MBConv.

    Args:
        in_channels, out_channels: of x and of the result.
        expansion: how many times wider it is inside.
        kernel_size, stride: of the depthwise convolution.
        padding: of the depthwise convolution; half the kernel if None.
        attention: channels → a module before the projection, such as SqueezeExcite, or None.
        activation: makes the activations.
        drop_path: probability, in training, that a sample passes by the shortcut alone
            (stochastic depth: Huang et al. 2016, arXiv:1603.09382).
        eps, momentum: of the batch norms.

    >>> import minidl
    >>> block = InvertedResidual(16, 16, expansion=6)
    >>> block(minidl.randn(2, 16, 8, 8)).shape, block.depthwise.conv.weight.shape
    ((2, 16, 8, 8), (96, 1, 3, 3))

    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        expansion: int,
        kernel_size: int = 3,
        stride: int = 1,
        padding: PaddingArgument | None = None,
        attention: Callable[[int], Module] | None = None,
        activation: Callable[[], Module] = ReLU6,
        drop_path: float = 0.0,
        eps: float = 1e-5,
        momentum: float = 0.1,
    ) -> None:
        super().__init__()
        expanded = expansion * in_channels
        padding = kernel_size // 2 if padding is None else padding
        conv = partial(ConvBNAct, eps=eps, momentum=momentum)
        self.expand = (
            conv(in_channels, expanded, 1, activation=activation()) if expansion != 1 else None
        )
        self.depthwise = conv(
            expanded,
            expanded,
            kernel_size,
            stride,
            padding,
            groups=expanded,
            activation=activation(),
        )
        self.se = attention(expanded) if attention else None
        self.project = conv(expanded, out_channels, 1, activation=Identity())
        self.has_shortcut = stride == 1 and in_channels == out_channels
        self.drop_path = DropPath(drop_path) if drop_path and self.has_shortcut else None

    def forward(self, x: Tensor) -> Tensor:
        """project(se(depthwise(expand(x)))), and x added where it has the same shape."""
        y = x if self.expand is None else self.expand(x)  # (N, expanded, H, W)
        y = self.depthwise(y)  # (N, expanded, H/stride, W/stride)
        if self.se is not None:
            y = self.se(y)
        if not self.has_shortcut:
            return self.project(y)  # type: ignore[no-any-return]
        if self.drop_path is None:
            return self.project(y, residual=x)  # type: ignore[no-any-return]
        return x + self.drop_path(self.project(y))  # type: ignore[no-any-return]
