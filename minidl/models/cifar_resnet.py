"""ResNets for CIFAR-10, and the plain networks beside them: He, Zhang, Ren, Sun 2015, "Deep
residual learning for image recognition", CVPR 2016, arXiv:1512.03385, §4.2. In the lecture: "Does
adding layers improve accuracy?".

    image      conv1 3×3    layer1      layer2      layer3    means    dense
    3×32×32 ─▶ 16×32×32  ─▶ 16×32×32 ─▶ 32×16×16 ─▶ 64×8×8 ─▶ 64    ─▶ 10
    blocks                  n           n           n

The depth counts layers with weights: 6n + 2, for n = 3, 5, 7, 9 and 18.

A plain network is the same without the shortcuts: 56 plain layers train worse than 20, 56 residual
ones better (figure 6).
"""

from __future__ import annotations

from typing import Any

from minidl.functional import pad
from minidl.models.blocks import strided_stage
from minidl.models.card import Card
from minidl.models.registry import register
from minidl.models.resnet import PAPER, BasicBlock, initialise
from minidl.nn import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Linear,
    Module,
    ReLU,
    norm_act,
)
from minidl.tensor import Tensor

__all__ = [
    "CifarResNet",
    "PlainBlock",
    "ZeroPadShortcut",
    "plain20",
    "plain32",
    "plain44",
    "plain56",
    "plain110",
    "resnet20",
    "resnet32",
    "resnet44",
    "resnet56",
    "resnet110",
]


class ZeroPadShortcut(Module):
    """Option A: every stride-th pixel, and zeros for the channels that x doesn't have.

        x (N, in_channels, H, W) ─▶ (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉); no parameters

    >>> import minidl
    >>> ZeroPadShortcut(1, 2, stride=2)(minidl.arange(9.0).reshape(1, 1, 3, 3)).tolist()
    [[[[0.0, 2.0], [6.0, 8.0]], [[0.0, 0.0], [0.0, 0.0]]]]
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.missing, self.stride = out_channels - in_channels, stride

    def forward(self, x: Tensor) -> Tensor:
        """Subsample, then append the zero channels."""
        x = x[:, :, :: self.stride, :: self.stride]
        return pad(x, (0, 0, 0, 0, 0, self.missing))

    def extra_repr(self) -> str:
        """The channels appended, the stride."""
        return f"{self.missing} channels of zeros, stride={self.stride}"


class PlainBlock(Module):
    """Two 3×3 convolutions without a shortcut.

        x (N, in_channels, H, W)
        conv1 3×3, stride ─ bn1 ─ relu     (N, width, H/stride, W/stride)
        conv2 3×3 ─ bn2 ─ relu ─▶          the same

    A BasicBlock with nothing added: figure 3, middle.
    """

    expansion = 1

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = BatchNorm2d(width)
        self.conv2 = Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(width)
        self.relu = ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """What BasicBlock computes, but for the addition."""
        x = norm_act(self.conv1(x), self.bn1, self.relu)
        return norm_act(self.conv2(x), self.bn2, self.relu)


class CifarResNet(Module):
    """Three stages of n blocks at 16, 32 and 64 channels.

    Args:
        block: BasicBlock, PlainBlock, ResidualUnit or another with an `expansion` of 1.
        n: blocks in each stage.
        num_classes: logits.
        in_channels: of the images.
        zero_init_residual: start every residual block as its shortcut.
        block_options: the block's: shortcut, attention.

    """

    def __init__(
        self,
        block: Any,
        n: int,
        num_classes: int = 10,
        in_channels: int = 3,
        zero_init_residual: bool = False,
        **block_options: Any,
    ) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, 16, kernel_size=3, padding=1, bias=False)
        self.bn1 = BatchNorm2d(16)
        self.relu = ReLU()
        self.layer1 = strided_stage(block, n, 16, 16, 1, **block_options)
        self.layer2 = strided_stage(block, n, 16, 32, 2, **block_options)
        self.layer3 = strided_stage(block, n, 32, 64, 2, **block_options)
        self.avgpool = AdaptiveAvgPool2d(1)
        self.fc = Linear(64, num_classes)
        initialise(self, zero_init_residual)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes); shapes for 32×32."""
        x = norm_act(self.conv1(x), self.bn1, self.relu)  # (N, 16, 32, 32)
        x = self.layer1(x)  # (N, 16, 32, 32)
        x = self.layer2(x)  # (N, 32, 16, 16)
        x = self.layer3(x)  # (N, 64, 8, 8)
        x = self.avgpool(x).flatten(1)  # (N, 64)
        return self.fc(x)  # type: ignore[no-any-return]


def _residual(n: int, num_classes: int, in_channels: int, options: dict[str, Any]) -> CifarResNet:
    options = {"shortcut": ZeroPadShortcut, **options}
    return CifarResNet(BasicBlock, n, num_classes, in_channels, **options)


def _card(parameters: int, macs: int, error: float | None = None, notes: str = "") -> Card:
    return Card(
        paper=PAPER,
        input=(3, 32, 32),
        num_classes=10,
        parameters=parameters,
        macs=macs,
        top1=None if error is None else round(100 - error, 2),
        top1_source="" if error is None else "the paper, table 6, CIFAR-10 test",
        reference="the paper",
        notes=notes,
    )


ORIGINAL_BEST = "The paper's figure is the best of five runs; their mean is 93.39."
PLAIN = "The paper shows this network's error as a curve only (figure 6)."


# ---------------------------------------------------------------------------- residual


@register(_card(269_722, 40_551_040, error=8.75), block=BasicBlock)
def resnet20(num_classes: int = 10, in_channels: int = 3, **options: Any) -> CifarResNet:
    """ResNet-20; options are CifarResNet's and BasicBlock's.

    >>> sum(p.numel() for p in resnet20().parameters())
    269722
    >>> from minidl.models.resnet import projection
    >>> sum(p.numel() for p in resnet20(shortcut=projection).parameters())  # option B
    272474
    """
    return _residual(3, num_classes, in_channels, options)


@register(_card(464_154, 68_862_592, error=7.51), block=BasicBlock)
def resnet32(num_classes: int = 10, in_channels: int = 3, **options: Any) -> CifarResNet:
    """ResNet-32; options are CifarResNet's and BasicBlock's."""
    return _residual(5, num_classes, in_channels, options)


@register(_card(658_586, 97_174_144, error=7.17), block=BasicBlock)
def resnet44(num_classes: int = 10, in_channels: int = 3, **options: Any) -> CifarResNet:
    """ResNet-44; options are CifarResNet's and BasicBlock's."""
    return _residual(7, num_classes, in_channels, options)


@register(_card(853_018, 125_485_696, error=6.97), block=BasicBlock)
def resnet56(num_classes: int = 10, in_channels: int = 3, **options: Any) -> CifarResNet:
    """ResNet-56; options are CifarResNet's and BasicBlock's."""
    return _residual(9, num_classes, in_channels, options)


@register(_card(1_727_962, 252_887_680, error=6.43, notes=ORIGINAL_BEST), block=BasicBlock)
def resnet110(num_classes: int = 10, in_channels: int = 3, **options: Any) -> CifarResNet:
    """ResNet-110; options are CifarResNet's and BasicBlock's.

    The paper trains it with a learning rate of 0.01 until the training error is below 80 %, and
    with 0.1 from then on.
    """
    return _residual(18, num_classes, in_channels, options)


# ------------------------------------------------------------------------------- plain


@register(_card(269_722, 40_551_040, notes=PLAIN))
def plain20(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """20 plain layers: as many parameters as resnet20, since its shortcuts have none."""
    return CifarResNet(PlainBlock, 3, num_classes, in_channels)


@register(_card(464_154, 68_862_592, notes=PLAIN))
def plain32(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """32 plain layers."""
    return CifarResNet(PlainBlock, 5, num_classes, in_channels)


@register(_card(658_586, 97_174_144, notes=PLAIN))
def plain44(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """44 plain layers."""
    return CifarResNet(PlainBlock, 7, num_classes, in_channels)


@register(_card(853_018, 125_485_696, notes=PLAIN))
def plain56(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """56 plain layers."""
    return CifarResNet(PlainBlock, 9, num_classes, in_channels)


@register(_card(1_727_962, 252_887_680, notes="The paper says only that its error is above 60 %."))
def plain110(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """110 plain layers, which hardly train."""
    return CifarResNet(PlainBlock, 18, num_classes, in_channels)
