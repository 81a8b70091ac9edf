"""ShuffleNet v2: Ma, Zhang, Zheng, Sun 2018, "ShuffleNet V2: Practical guidelines for efficient CNN
architecture design", table 5. In the lecture: "ShuffleNet".

    image        conv1 3×3    max pool    stage2     stage3     stage4    conv5 1×1    means, dense
    3×224×224 ─▶ 24×112²   ─▶ 24×56²   ─▶ 116×28² ─▶ 232×14² ─▶ 464×7² ─▶ 1024×7²   ─▶ 1000
    units                                 4          8          4

Those are the channels of the 1× network. Groups and additions cost memory traffic that counting
multiplications doesn't see: instead of groups, half of the channels pass by, and come together with
the others by a concatenation and a shuffle.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from minidl.functional import cat, chunk
from minidl.models.blocks import NormActSequential, strided_stage
from minidl.models.card import Card, Paper, Preprocessing, imagenet_card
from minidl.models.checks import check_stages
from minidl.models.registry import register
from minidl.nn import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    ChannelShuffle,
    Conv2d,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
)
from minidl.tensor import Tensor

__all__ = [
    "ShuffleNetV2",
    "SplitShuffleUnit",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0",
]

PAPER = Paper(
    title="ShuffleNet V2: Practical guidelines for efficient CNN architecture design",
    authors="N. Ma, X. Zhang, H.-T. Zheng, J. Sun",
    year=2018,
    venue="ECCV 2018, arXiv:1807.11164",
    lecture="ShuffleNet",
)


class SplitShuffleUnit(Module):
    """Two halves of the channels, of which one is convolved: figure 3c and, with stride, 3d.

        stride 1: x (N, C, H, W)                 stride 2: x (N, in_channels, H, W)
        split                                    ├──────────────────────┐
        ├───────────┐                            branch1                branch2
        │           branch2                      │                      1×1, bn, relu
        │           1×1, bn, relu                │                      │
        │           depthwise 3×3, bn            depthwise 3×3/2, bn    depthwise 3×3/2, bn
        │           1×1, bn, relu                1×1, bn, relu          1×1, bn, relu
        concat ◀────┘                            concat ◀───────────────┘
        shuffle (N, C, H, W)                     shuffle (N, out_channels, H/2, W/2)

    The shuffle deals the channels of the two halves alternately, so that the next split mixes them.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        half = out_channels // 2
        self.branch1 = (
            NormActSequential(
                _depthwise(in_channels, stride),
                BatchNorm2d(in_channels),
                Conv2d(in_channels, half, kernel_size=1, bias=False),
                BatchNorm2d(half),
                ReLU(),
            )
            if stride == 2
            else None
        )
        self.branch2 = NormActSequential(
            Conv2d(in_channels if stride == 2 else half, half, kernel_size=1, bias=False),
            BatchNorm2d(half),
            ReLU(),
            _depthwise(half, stride),
            BatchNorm2d(half),
            Conv2d(half, half, kernel_size=1, bias=False),
            BatchNorm2d(half),
            ReLU(),
        )
        self.shuffle = ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out_channels, H/stride, W/stride)."""
        if self.branch1 is None:
            passed, x = chunk(x, 2, dim=1)  # (N, C/2, H, W) each
        else:
            passed = self.branch1(x)
        return self.shuffle(cat([passed, self.branch2(x)], dim=1))  # type: ignore[no-any-return]


class ShuffleNetV2(Module):
    """A convolution and a pool, three stages of units, a 1×1 convolution, a dense layer on means.

    Args:
        channels: behind conv1, the three stages and conv5.
        num_classes, in_channels: of the logits and of the images.
        stem_stride: of the first convolution; 1 leaves more of small images, such as 28×28.

    """

    def __init__(
        self,
        channels: tuple[int, int, int, int, int],
        num_classes: int = 1000,
        in_channels: int = 3,
        stem_stride: int = 2,
    ) -> None:
        super().__init__()
        check_stages("ShuffleNetV2", "channels", channels, 5)
        stem, width2, width3, width4, last = channels
        self.conv1 = NormActSequential(
            Conv2d(in_channels, stem, 3, stem_stride, padding=1, bias=False),
            BatchNorm2d(stem),
            ReLU(),
        )
        self.maxpool = MaxPool2d(3, stride=2, padding=1)
        self.stage2 = strided_stage(SplitShuffleUnit, 4, stem, width2, stride=2)
        self.stage3 = strided_stage(SplitShuffleUnit, 8, width2, width3, stride=2)
        self.stage4 = strided_stage(SplitShuffleUnit, 4, width3, width4, stride=2)
        self.conv5 = NormActSequential(
            Conv2d(width4, last, kernel_size=1, bias=False), BatchNorm2d(last), ReLU()
        )
        self.avgpool = AdaptiveAvgPool2d(1)
        self.fc = Linear(last, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes); shapes for 224×224 and the 1× net."""
        x = self.maxpool(self.conv1(x))  # (N, 24, 56, 56)
        x = self.stage2(x)  # (N, 116, 28, 28)
        x = self.stage3(x)  # (N, 232, 14, 14)
        x = self.stage4(x)  # (N, 464, 7, 7)
        x = self.conv5(x)  # (N, 1024, 7, 7)
        x = self.avgpool(x).flatten(1)  # (N, 1024)
        return self.fc(x)  # type: ignore[no-any-return]


def _depthwise(channels: int, stride: int) -> Conv2d:
    return Conv2d(channels, channels, 3, stride, padding=1, groups=channels, bias=False)


def _card(parameters: int, macs: int, top1: float, resize: int = 256) -> Card:
    notes = (
        "Table 5 prints 41, 146, 299 and 591 million multiplications for 0.5×, 1×, 1.5× and 2×, "
        "one or two percent more than those of convolutions and dense layer."
    )
    card = imagenet_card(PAPER, parameters, macs, top1, notes)
    return replace(card, preprocessing=Preprocessing(resize=resize, crop=224))


@register(_card(1_366_792, 40_476_448, 60.552))
def shufflenet_v2_x0_5(
    num_classes: int = 1000, in_channels: int = 3, **options: Any
) -> ShuffleNetV2:
    """ShuffleNet v2 0.5×; options are ShuffleNetV2's."""
    return ShuffleNetV2((24, 48, 96, 192, 1024), num_classes, in_channels, **options)


@register(_card(2_278_604, 144_907_992, 69.362))
def shufflenet_v2_x1_0(
    num_classes: int = 1000, in_channels: int = 3, **options: Any
) -> ShuffleNetV2:
    """ShuffleNet v2 1×; options are ShuffleNetV2's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     sum(p.numel() for p in shufflenet_v2_x1_0().parameters())
    2278604
    """
    return ShuffleNetV2((24, 116, 232, 464, 1024), num_classes, in_channels, **options)


@register(_card(3_503_624, 295_759_392, 72.996, resize=232))
def shufflenet_v2_x1_5(
    num_classes: int = 1000, in_channels: int = 3, **options: Any
) -> ShuffleNetV2:
    """ShuffleNet v2 1.5×; options are ShuffleNetV2's."""
    return ShuffleNetV2((24, 176, 352, 704, 1024), num_classes, in_channels, **options)


@register(_card(7_393_996, 583_253_464, 76.230, resize=232))
def shufflenet_v2_x2_0(
    num_classes: int = 1000, in_channels: int = 3, **options: Any
) -> ShuffleNetV2:
    """ShuffleNet v2 2×; options are ShuffleNetV2's."""
    return ShuffleNetV2((24, 244, 488, 976, 2048), num_classes, in_channels, **options)
