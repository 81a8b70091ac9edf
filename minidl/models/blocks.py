"""Building blocks that papers share."""

from __future__ import annotations

from typing import NamedTuple

from minidl.functional.conv import PaddingArgument, Size
from minidl.nn import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Module,
    ReLU,
    Sigmoid,
    norm_act,
)
from minidl.tensor import Tensor

__all__ = ["ConvBNAct", "SqueezeExcite", "WithAuxiliary"]


class WithAuxiliary(NamedTuple):
    """What a network with auxiliary heads returns in training."""

    logits: Tensor
    auxiliary: tuple[Tensor, ...]
    """The heads' logits, from the first head on; training adds a fraction of their losses."""


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

    def forward(self, x: Tensor) -> Tensor:
        """act(bn(conv(x)))."""
        return norm_act(self.conv(x), self.bn, self.act)


class SqueezeExcite(Module):
    """Scales each channel by a gate that sees all channels' means.

        x (N, C, H, W) ─▶ mean (N, C, 1, 1) ─▶ fc1 (N, squeezed, 1, 1) ─▶ activation ─▶ fc2 ─▶ gate
        └──────────────────────────────────── × ◀── (N, C, 1, 1) ◀───────────────────────────────┘

    Hu, Shen, Sun 2018, "Squeeze-and-excitation networks", §3, figure 1. fc1 and fc2 are dense
    layers, written as 1×1 convolutions, as published weights have them.
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
