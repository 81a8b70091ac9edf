"""MobileNet v2: Sandler et al. 2018, "MobileNetV2: Inverted residuals and linear bottlenecks",
table 2. In the lecture: "Separable Convolutions - all channels separate".

    image        stem 3×3    stage1     stage2    stage3    stage4    stage5    stage6
    3×224×224 ─▶ 32×112²  ─▶ 16×112² ─▶ 24×56² ─▶ 32×28² ─▶ 64×14² ─▶ 96×14² ─▶ 160×7²
    blocks                   1          2         3         4         3         3

                 stage7    head 1×1    means, dense
              ─▶ 320×7² ─▶ 1280×7²  ─▶ 1000
                 1

The blocks are inverted residuals.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from minidl.models.blocks import (
    ConvBNAct,
    InvertedResidual,
    draw_normal_dense,
    round_channels,
    strided_stage,
)
from minidl.models.card import IMAGENET, Card, Paper
from minidl.models.checks import check_multiplier
from minidl.models.registry import register
from minidl.nn import AdaptiveAvgPool2d, Dropout, Linear, Module, ReLU6
from minidl.tensor import Tensor

__all__ = ["MobileNetV2", "mobilenet_v2"]

CARD = Card(
    paper=Paper(
        title="MobileNetV2: Inverted residuals and linear bottlenecks",
        authors="M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen",
        year=2018,
        venue="CVPR 2018, arXiv:1801.04381",
        lecture="Separable Convolutions",
    ),
    input=(3, 224, 224),
    parameters=3_504_872,
    macs=300_774_272,
    top1=71.878,
    top1_source="torchvision IMAGENET1K_V1, ImageNet validation",
    reference="torchvision",
    preprocessing=IMAGENET,
    notes=(
        "The paper prints 3.4 million parameters, 300 million multiply-adds and 72.0 %. The head "
        "keeps its 1280 channels where width_mult is below 1, and widths are rounded to multiples "
        "of 8."
    ),
)


class MobileNetV2(Module):
    """A stem, 17 inverted residual blocks, a wide 1×1 convolution and a dense layer on its means.

    Args:
        num_classes, in_channels: of the logits and of the images.
        width_mult: scales the channels of all layers; the paper has 0.35 … 1.4.
        stem_stride: of the first convolution; 1 leaves more of small images, such as 28×28.
        dropout: before the dense layer.

    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        width_mult: float = 1.0,
        stem_stride: int = 2,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        check_multiplier("MobileNetV2", "width_mult", width_mult)
        w16, w24, w32, w64, w96, w160, w320 = (
            round_channels(width_mult * channels) for channels in (16, 24, 32, 64, 96, 160, 320)
        )
        w1280 = round_channels(1280 * max(1.0, width_mult))
        self.stem = ConvBNAct(in_channels, w32, 3, stem_stride, padding=1, activation=ReLU6())
        stage = partial(strided_stage, InvertedResidual)
        # Table 2:         n: blocks, in, out, s: stride of the first, t: expansion
        self.stage1 = stage(1, w32, w16, 1, expansion=1)
        self.stage2 = stage(2, w16, w24, 2, expansion=6)
        self.stage3 = stage(3, w24, w32, 2, expansion=6)
        self.stage4 = stage(4, w32, w64, 2, expansion=6)
        self.stage5 = stage(3, w64, w96, 1, expansion=6)
        self.stage6 = stage(3, w96, w160, 2, expansion=6)
        self.stage7 = stage(1, w160, w320, 1, expansion=6)
        self.head = ConvBNAct(w320, w1280, 1, activation=ReLU6())
        self.avgpool = AdaptiveAvgPool2d(1)
        self.dropout = Dropout(dropout)
        self.fc = Linear(w1280, num_classes)
        draw_normal_dense(self)  # as in torchvision

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes); shapes for 224×224."""
        x = self.stem(x)  # (N, 32, 112, 112)
        x = self.stage1(x)  # (N, 16, 112, 112)
        x = self.stage2(x)  # (N, 24, 56, 56)
        x = self.stage3(x)  # (N, 32, 28, 28)
        x = self.stage4(x)  # (N, 64, 14, 14)
        x = self.stage5(x)  # (N, 96, 14, 14)
        x = self.stage6(x)  # (N, 160, 7, 7)
        x = self.stage7(x)  # (N, 320, 7, 7)
        x = self.head(x)  # (N, 1280, 7, 7)
        x = self.avgpool(x).flatten(1)  # (N, 1280)
        return self.fc(self.dropout(x))  # type: ignore[no-any-return]


@register(CARD)
def mobilenet_v2(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> MobileNetV2:
    """MobileNet v2; options are MobileNetV2's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     [sum(p.numel() for p in mobilenet_v2(width_mult=w).parameters()) for w in (1, 0.5)]
    [3504872, 1968680]
    """
    return MobileNetV2(num_classes, in_channels, **options)
