"""ShuffleNet v1: Zhang, Zhou, Lin, Sun 2017, "ShuffleNet: An extremely efficient convolutional
neural network for mobile devices", table 1. In the lecture: "ShuffleNet".

    image        conv 3×3    max pool    stage2     stage3     stage4    means, dense
    3×224×224 ─▶ 24×112²  ─▶ 24×56²   ─▶ 240×28² ─▶ 480×14² ─▶ 960×7² ─▶ 1000
    units                                4          8          4

Those are the channels for 3 groups. More groups make 1×1 convolutions cheaper, and what is saved
pays for more channels:

    groups              1    2    3    4    8
    stage2's channels  144  200  240  272  384       doubled in stage3 and again in stage4
"""

from __future__ import annotations

from typing import Any

from minidl.errors import ArgumentError, fail
from minidl.functional import cat
from minidl.models.blocks import ConvBNAct
from minidl.models.card import IMAGENET, Card, Paper
from minidl.models.checks import check_multiplier
from minidl.models.registry import register
from minidl.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    ChannelShuffle,
    Identity,
    Linear,
    MaxPool2d,
    Module,
    Sequential,
)
from minidl.tensor import Tensor

__all__ = [
    "ShuffleNetV1",
    "ShuffleUnit",
    "shufflenet_v1_g1",
    "shufflenet_v1_g2",
    "shufflenet_v1_g3",
    "shufflenet_v1_g4",
    "shufflenet_v1_g8",
]

PAPER = Paper(
    title=("ShuffleNet: An extremely efficient convolutional neural network for mobile devices"),
    authors="X. Zhang, X. Zhou, M. Lin, J. Sun",
    year=2017,
    venue="CVPR 2018, arXiv:1707.01083",
    lecture="ShuffleNet",
)

STAGE2_CHANNELS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
"""Groups → channels of stage2's output: table 1."""


class ShuffleUnit(Module):
    """A bottleneck whose 1×1 convolutions are grouped, with a shuffle between the groups: figure 2.

        stride 1: x (N, C, H, W)           stride 2: x (N, in_channels, H, W)
        ├───────────────────────────┐      ├───────────────────────────┐
        reduce 1×1 ─ bn ─ relu      │      reduce 1×1 ─ bn ─ relu      │      (N, inner, H, W)
        shuffle                     │      shuffle                     average pool 3×3/2
        depthwise 3×3 ─ bn          │      depthwise 3×3/2 ─ bn        │      (N, inner, H/2, W/2)
        expand 1×1 ─ bn             │      expand 1×1 ─ bn             │
        + ◀─────────────────────────┘      concat ◀────────────────────┘      pooled channels first
        relu (N, C, H, W)                  relu (N, out_channels, H/2, W/2)

    inner = out_channels / 4; reduce and expand are in groups.

    A grouped convolution sees the channels of its own group only; without the shuffle a group's
    output would come from the same group's input for ever.

    Args:
        in_channels: of x; a unit of stride 1 has as many in its output.
        out_channels: of the output; with stride 2, in_channels of them are pooled x.
        groups: of the 1×1 convolutions, and of the shuffle.
        stride: 1 or 2.
        reduce_groups: of the first 1×1 convolution, if it has others: the first unit of all has 1
            there, since its input has few channels (§3.2).

    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        groups: int,
        stride: int = 1,
        reduce_groups: int | None = None,
    ) -> None:
        super().__init__()
        inner = _multiple(out_channels / 4, groups)
        expanded = out_channels - in_channels if stride == 2 else out_channels
        self.reduce = ConvBNAct(in_channels, inner, 1, groups=reduce_groups or groups)
        self.shuffle = ChannelShuffle(groups)
        self.depthwise = ConvBNAct(
            inner, inner, 3, stride, padding=1, groups=inner, activation=Identity()
        )
        self.expand = ConvBNAct(inner, expanded, 1, groups=groups)
        self.avgpool = AvgPool2d(3, stride=2, padding=1) if stride == 2 else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out_channels, H/stride, W/stride)."""
        y = self.reduce(x)  # (N, inner, H, W)
        y = self.depthwise(self.shuffle(y))  # (N, inner, H/stride, W/stride)
        if self.avgpool is None:
            return self.expand(y, residual=x)  # type: ignore[no-any-return]
        # expand ends with ReLU, and x comes from one: the figure's ReLU has nothing left to do.
        return cat([self.avgpool(x), self.expand(y)], dim=1)


class ShuffleNetV1(Module):
    """A convolution and a pool, three stages of shuffle units, a dense layer on the means.

    Args:
        groups: 1, 2, 3, 4 or 8.
        num_classes, in_channels: of the logits and of the images.
        width_mult: scales the channels of all layers: the s of "ShuffleNet s×".
        stem_stride: of the first convolution; 1 leaves more of small images, such as 28×28.

    """

    def __init__(
        self,
        groups: int,
        num_classes: int = 1000,
        in_channels: int = 3,
        width_mult: float = 1.0,
        stem_stride: int = 2,
    ) -> None:
        super().__init__()
        if groups not in STAGE2_CHANNELS:
            known = ", ".join(map(str, STAGE2_CHANNELS))
            fail("ShuffleNetV1", "groups", groups, f"one of {known}", error=ArgumentError)
        check_multiplier("ShuffleNetV1", "width_mult", width_mult)
        stem = _multiple(24 * width_mult, groups)
        width = _multiple(STAGE2_CHANNELS[groups] * width_mult, groups)
        self.conv1 = ConvBNAct(in_channels, stem, 3, stem_stride, padding=1)
        self.maxpool = MaxPool2d(3, stride=2, padding=1)
        self.stage2 = _stage(stem, width, groups, 4, reduce_groups=1)
        self.stage3 = _stage(width, 2 * width, groups, 8)
        self.stage4 = _stage(2 * width, 4 * width, groups, 4)
        self.avgpool = AdaptiveAvgPool2d(1)
        self.fc = Linear(4 * width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes); shapes for 224×224 and 3 groups."""
        x = self.maxpool(self.conv1(x))  # (N, 24, 56, 56)
        x = self.stage2(x)  # (N, 240, 28, 28)
        x = self.stage3(x)  # (N, 480, 14, 14)
        x = self.stage4(x)  # (N, 960, 7, 7)
        x = self.avgpool(x).flatten(1)  # (N, 960)
        return self.fc(x)  # type: ignore[no-any-return]


def _stage(
    in_channels: int,
    out_channels: int,
    groups: int,
    units: int,
    reduce_groups: int | None = None,
) -> Sequential:
    """Units of one resolution: the first one strides and changes the number of channels."""
    first = ShuffleUnit(in_channels, out_channels, groups, 2, reduce_groups)
    others = (ShuffleUnit(out_channels, out_channels, groups) for _ in range(1, units))
    return Sequential(first, *others)


def _multiple(channels: float, groups: int) -> int:
    """Channels that the groups can share, rounded up; nothing changes for width_mult = 1."""
    return -int(-channels // groups) * groups


def _card(parameters: int, macs: int, top1: float) -> Card:
    return Card(
        paper=PAPER,
        input=(3, 224, 224),
        parameters=parameters,
        macs=macs,
        top1=top1,
        top1_source="the paper, table 2, ImageNet validation",
        reference="the paper",
        preprocessing=IMAGENET,
        notes=(
            "The shuffle stands behind the first 1×1 convolution, as in figure 2; the authors' "
            "later code has it behind the depthwise one, which is the same but for the order of "
            "the depthwise channels. Averages count the padding, as theirs do. Table 1's 143, 140, "
            "137, 133 and 137 million multiplications leave out the dense layer. Of its pictures "
            "the paper says that 224×224 are cut from 256, but not how they are normalised."
        ),
    )


@register(_card(1_531_936, 143_078_976, 66.4))
def shufflenet_v1_g1(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ShuffleNetV1:
    """ShuffleNet with 1 group: nothing to shuffle; options are ShuffleNetV1's."""
    return ShuffleNetV1(1, num_classes, in_channels, **options)


@register(_card(1_733_848, 140_836_512, 67.3))
def shufflenet_v1_g2(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ShuffleNetV1:
    """ShuffleNet with 2 groups; options are ShuffleNetV1's."""
    return ShuffleNetV1(2, num_classes, in_channels, **options)


@register(_card(1_865_728, 137_460_672, 67.4))
def shufflenet_v1_g3(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ShuffleNetV1:
    """ShuffleNet with 3 groups; options are ShuffleNetV1's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     sum(p.numel() for p in shufflenet_v1_g3().parameters())
    1865728
    """
    return ShuffleNetV1(3, num_classes, in_channels, **options)


@register(_card(1_968_344, 134_339_776, 67.2))
def shufflenet_v1_g4(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ShuffleNetV1:
    """ShuffleNet with 4 groups; options are ShuffleNetV1's."""
    return ShuffleNetV1(4, num_classes, in_channels, **options)


@register(_card(2_434_768, 138_365_952, 67.6))
def shufflenet_v1_g8(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ShuffleNetV1:
    """ShuffleNet with 8 groups; options are ShuffleNetV1's."""
    return ShuffleNetV1(8, num_classes, in_channels, **options)
