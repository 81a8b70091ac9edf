"""ResNet v2: He, Zhang, Ren, Sun 2016, "Identity mappings in deep residual networks", ECCV 2016,
arXiv:1603.05027, figure 4. In the lecture: "The many flavors of ResNet blocks", "Try every
permutation".

One block in five orders, each read from x down; + adds the shortcut:

    original   BN after    ReLU before   ReLU-only        full
               addition    addition      pre-activation   pre-activation
    conv       conv        conv          ReLU             BN
    BN         BN          BN            conv             ReLU
    ReLU       ReLU        ReLU          BN               conv
    conv       conv        conv          ReLU             BN
    BN         +           BN            conv             ReLU
    +          BN          ReLU          BN               conv
    ReLU       ReLU        +             +                +

Full pre-activation is the network's: its shortcuts lead from the first block to the last with
nothing but additions in between. What stands before the first block and behind the last goes with
the order:

    before the first   BN, ReLU    BN, ReLU    BN, ReLU    BN                  –
    behind the last    –           –           –           ReLU                BN, ReLU

so that the first block gets what another block would hand on, and the dense layer what a block's
first convolution would see. "original" is resnet.py's network, weight for weight.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from minidl.errors import ArgumentError, fail
from minidl.models import resnet
from minidl.models.blocks import strided_stage
from minidl.models.card import Card, Paper, Preprocessing, imagenet_card
from minidl.models.checks import check_stages
from minidl.models.registry import register
from minidl.models.resnet import Attention, initialise, shortcut_or_none
from minidl.nn import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Identity,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    init,
    norm_act,
)
from minidl.tensor import Tensor

__all__ = [
    "ORDERS",
    "PreActBottleneck",
    "PreActResNet",
    "ResidualUnit",
    "preact_resnet18",
    "preact_resnet50",
    "preact_resnet101",
    "preact_resnet152",
]

PAPER = Paper(
    title="Identity mappings in deep residual networks",
    authors="K. He, X. Zhang, S. Ren, J. Sun",
    year=2016,
    venue="ECCV 2016, arXiv:1603.05027",
    lecture="The many flavors of ResNet blocks",
)

ORDERS = (
    "original",
    "bn after addition",
    "relu before addition",
    "relu-only pre-activation",
    "full pre-activation",
)
"""Of batch norm, ReLU and addition in a block: figure 4, (a) to (e)."""


# ------------------------------------------------------------------------------- blocks


def projection(in_channels: int, out_channels: int, stride: int) -> Module:
    """The shortcut where a block changes the shape: a convolution 1×1, and no norm behind it."""
    return Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)


class ResidualUnit(Module):
    """Two 3×3 convolutions and a shortcut, in one of the five ORDERS of figure 4.

        x (N, in_channels, H, W) ─▶ (N, width, H/stride, W/stride)

    Args:
        in_channels: of x.
        width: channels inside and of the output.
        stride: of conv1 and of the shortcut.
        attention: channels → a module at the end of the branch, before the addition.
        order: one of ORDERS. "original" is BasicBlock, with a batch norm behind its projection.

    >>> import minidl
    >>> unit = ResidualUnit(8, 16, stride=2, order="relu before addition")
    >>> unit(minidl.zeros(1, 8, 6, 6)).shape
    (1, 16, 3, 3)

    """

    expansion = 1

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: int = 1,
        attention: Attention | None = None,
        order: str = "full pre-activation",
    ) -> None:
        super().__init__()
        if order not in ORDERS:
            fail("ResidualUnit", "order", repr(order), f"one of {ORDERS}", error=ArgumentError)
        self.order = order
        self.bn1 = BatchNorm2d(in_channels if order == "full pre-activation" else width)
        self.conv1 = Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn2 = BatchNorm2d(width)
        self.conv2 = Conv2d(width, width, 3, padding=1, bias=False)
        self.relu = ReLU()
        self.se = attention(width) if attention else None
        shortcut = resnet.projection if order == "original" else projection
        self.downsample = shortcut_or_none(shortcut, in_channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """The figure's column, from top to bottom."""
        match self.order:
            case "original":
                y = norm_act(self.conv1(x), self.bn1, self.relu)
                y = self.bn2(self.conv2(y))
                y = self.relu(self.gated(y) + self.shortcut(x))
            case "bn after addition":
                y = norm_act(self.conv1(x), self.bn1, self.relu)
                y = self.conv2(y)
                y = norm_act(self.gated(y) + self.shortcut(x), self.bn2, self.relu)
            case "relu before addition":
                y = norm_act(self.conv1(x), self.bn1, self.relu)
                y = norm_act(self.conv2(y), self.bn2, self.relu)
                y = self.gated(y) + self.shortcut(x)
            case "relu-only pre-activation":
                y = norm_act(self.conv1(self.relu(x)), self.bn1, self.relu)
                y = self.bn2(self.conv2(y))
                y = self.gated(y) + self.shortcut(x)
            case _:  # full pre-activation; a projection sees what conv1 sees
                x_act = norm_act(x, self.bn1, self.relu)
                y = norm_act(self.conv1(x_act), self.bn2, self.relu)
                y = self.conv2(y)
                y = self.gated(y) + (x if self.downsample is None else self.downsample(x_act))
        return y

    def shortcut(self, x: Tensor) -> Tensor:
        """x, projected where the shape changes."""
        return x if self.downsample is None else self.downsample(x)

    def gated(self, y: Tensor) -> Tensor:
        """The branch's output after `attention`, if there is one."""
        return y if self.se is None else self.se(y)


class PreActBottleneck(Module):
    """Narrow, convolve, widen again, with batch norm and ReLU before each convolution.

        x (N, in_channels, H, W)
        ├────────────── where the shape stays ─────────────┐
        bn1 ─ relu ──── where it changes ─── downsample ───┤
        conv1 1×1                                          │      (N, width, H, W)
        bn2 ─ relu ─ conv2 3×3, stride                     │      (N, width, H/stride, W/stride)
        bn3 ─ relu ─ conv3 1×1 (─ se)                      │
        + ◀────────────────────────────────────────────────┘
        └─▶ (N, 4 · width, H/stride, W/stride)

    Args:
        in_channels: of x.
        width: a quarter of the output's channels.
        stride: of the 3×3 convolution and of the shortcut.
        attention: channels → a module at the end of the branch, or None.

    """

    expansion = 4

    def __init__(
        self, in_channels: int, width: int, stride: int = 1, attention: Attention | None = None
    ) -> None:
        super().__init__()
        out_channels = width * self.expansion
        self.bn1 = BatchNorm2d(in_channels)
        self.conv1 = Conv2d(in_channels, width, 1, bias=False)
        self.bn2 = BatchNorm2d(width)
        self.conv2 = Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn3 = BatchNorm2d(width)
        self.conv3 = Conv2d(width, out_channels, 1, bias=False)
        self.relu = ReLU()
        self.se = attention(out_channels) if attention else None
        self.downsample = shortcut_or_none(projection, in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """branch(x) + shortcut(x)."""
        x_act = norm_act(x, self.bn1, self.relu)
        y = self.conv1(x_act)
        y = self.conv2(norm_act(y, self.bn2, self.relu))
        y = self.conv3(norm_act(y, self.bn3, self.relu))
        if self.se is not None:
            y = self.se(y)
        return y + (x if self.downsample is None else self.downsample(x_act))  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------ network


class PreActResNet(Module):
    """ResNet's stem and stages; the last block's sum gets the batch norm and ReLU of its own.

        conv1 7×7 ─▶ max pool ─▶ layer1 … layer4 ─▶ bn ─ relu ─▶ means ─▶ fc

    With another order of the blocks, batch norm and ReLU move from the end to behind conv1: see
    the table at the head of this file.

    Args:
        block: ResidualUnit, PreActBottleneck or another with an `expansion`.
        blocks: how many in each of the four stages.
        num_classes: logits.
        in_channels: of the images.
        width: channels of the stem; the stages' widths are 1, 2, 4 and 8 times as many.
        block_options: the block's, such as attention or order.

    """

    def __init__(
        self,
        block: Any,
        blocks: tuple[int, int, int, int],
        num_classes: int = 1000,
        in_channels: int = 3,
        width: int = 64,
        **block_options: Any,
    ) -> None:
        super().__init__()
        check_stages("PreActResNet", "blocks", blocks, 4)
        order = block_options.get("order", "full pre-activation")
        relu_first = order in ("relu-only pre-activation", "full pre-activation")
        self.conv1 = Conv2d(in_channels, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = None if order == "full pre-activation" else BatchNorm2d(width)
        self.relu1 = Identity() if relu_first else ReLU()
        self.maxpool = MaxPool2d(3, stride=2, padding=1)
        self.layer1 = strided_stage(block, blocks[0], width, width, 1, **block_options)
        out = width * block.expansion  # channels of layer1's output
        self.layer2 = strided_stage(block, blocks[1], out, 2 * width, 2, **block_options)
        self.layer3 = strided_stage(block, blocks[2], 2 * out, 4 * width, 2, **block_options)
        self.layer4 = strided_stage(block, blocks[3], 4 * out, 8 * width, 2, **block_options)
        self.bn = BatchNorm2d(8 * out) if order == "full pre-activation" else None
        self.relu = ReLU() if relu_first else Identity()
        self.avgpool = AdaptiveAvgPool2d(1)
        self.fc = Linear(8 * out, num_classes)
        initialise(self)
        init.normal_(self.fc.weight, std=0.01)
        init.constant_(self.fc.bias, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes); shapes for 224×224 and bottlenecks."""
        x = self._activated(self.conv1(x), self.bn1, self.relu1)  # (N, 64, 112, 112)
        x = self.maxpool(x)  # (N, 64, 56, 56)
        x = self.layer1(x)  # (N, 256, 56, 56)
        x = self.layer2(x)  # (N, 512, 28, 28)
        x = self.layer3(x)  # (N, 1024, 14, 14)
        x = self.layer4(x)  # (N, 2048, 7, 7)
        x = self._activated(x, self.bn, self.relu)
        x = self.avgpool(x).flatten(1)  # (N, 2048)
        return self.fc(x)  # type: ignore[no-any-return]

    @staticmethod
    def _activated(x: Tensor, bn: BatchNorm2d | None, relu: Module) -> Tensor:
        """As much of batch norm and ReLU as the order has in that place."""
        return relu(x) if bn is None else norm_act(x, bn, relu)


# --------------------------------------------------------------------------------- zoo


NOTES = (
    "The paper's appendix activates directly after conv1; here, as in timm, that batch norm and "
    "ReLU are the first block's own, behind the max pool."
)
STRIDE_NOTE = " The stride is in the 3×3 convolution of a bottleneck, as in timm."


def _card(
    parameters: int, macs: int, notes: str, resize: int = 235, top1: float | None = None
) -> Card:
    half = (0.5, 0.5, 0.5)
    card = imagenet_card(PAPER, parameters, macs, notes=notes)
    prepared = Preprocessing(resize, crop=224, interpolation="bicubic", mean=half, std=half)
    source = "timm a1h_in1k, ImageNet validation at 288×288" if top1 else ""
    return replace(card, reference="timm", preprocessing=prepared, top1=top1, top1_source=source)


@register(
    _card(
        11_687_720,
        1_814_073_344,
        NOTES + " The paper trains no 18-layer network on ImageNet.",
        resize=248,
    ),
    block=ResidualUnit,
)
def preact_resnet18(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> PreActResNet:
    """ResNet-18 v2, of `ResidualUnit`s; options are theirs: order, attention.

    With another order than "full pre-activation" the first and the last activation move with it;
    order="original" makes resnet18.

    >>> import minidl
    >>> from minidl.models import resnet18
    >>> with minidl.use_backend("meta"):
    ...     preact_resnet18(order="original").state_dict().keys() == resnet18().state_dict().keys()
    True
    """
    return PreActResNet(ResidualUnit, (2, 2, 2, 2), num_classes, in_channels, **options)


@register(
    _card(25_549_352, 4_089_184_256, NOTES + STRIDE_NOTE, top1=81.398), block=PreActBottleneck
)
def preact_resnet50(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> PreActResNet:
    """ResNet-50 v2; options are PreActBottleneck's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     sum(p.numel() for p in preact_resnet50().parameters())
    25549352
    """
    return PreActResNet(PreActBottleneck, (3, 4, 6, 3), num_classes, in_channels, **options)


@register(
    _card(44_541_480, 7_801_405_440, NOTES + STRIDE_NOTE, top1=83.002), block=PreActBottleneck
)
def preact_resnet101(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> PreActResNet:
    """ResNet-101 v2; options are PreActBottleneck's."""
    return PreActResNet(PreActBottleneck, (3, 4, 23, 3), num_classes, in_channels, **options)


ERROR_152 = (
    " The paper's table 5 prints a top-1 error of 21.1 % for 152 layers, on one crop of 320×320: "
    "larger than the 224×224 of this card."
)


@register(
    _card(60_185_128, 11_513_626_624, NOTES + STRIDE_NOTE + ERROR_152, resize=256),
    block=PreActBottleneck,
)
def preact_resnet152(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> PreActResNet:
    """ResNet-152 v2; options are PreActBottleneck's."""
    return PreActResNet(PreActBottleneck, (3, 8, 36, 3), num_classes, in_channels, **options)
