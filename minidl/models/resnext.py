"""ResNeXt: Xie, Girshick, Dollár, Tu, He 2016, "Aggregated residual transformations for deep
neural networks", CVPR 2017, arXiv:1611.05431, table 1. In the lecture: "ResNext",
"RexNext budget".

    ResNet-50's bottleneck        ResNeXt-50 (32×4d)'s, at the same cost
    256 ─▶ 1×1, 64                256 ─▶ 1×1, 128
           3×3, 64                       3×3, 128 in 32 groups of 4
           1×1, 256                      1×1, 256

Figure 3c: 32 parallel paths of width 4 are one grouped convolution. The network is ResNet's.
"""

from __future__ import annotations

from typing import Any

from minidl.models.card import Paper, imagenet_card
from minidl.models.registry import register
from minidl.models.resnet import Bottleneck, ResNet

__all__ = ["resnext50_32x4d", "resnext101_32x8d"]

PAPER = Paper(
    title="Aggregated residual transformations for deep neural networks",
    authors="S. Xie, R. Girshick, P. Dollár, Z. Tu, K. He",
    year=2016,
    venue="CVPR 2017, arXiv:1611.05431",
    lecture="ResNext",
)


@register(
    imagenet_card(PAPER, 25_028_904, 4_230_479_872, 77.618),
    block=Bottleneck,
    fixed=("groups", "width_per_group"),
)
def resnext50_32x4d(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ResNet:
    """ResNeXt-50 with 32 groups, in the first stage of 4 channels each; options are ResNet's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     resnext50_32x4d().layer1[0].conv2
    Conv2d(128, 128, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), groups=32, bias=False)
    """
    return ResNet(
        Bottleneck,
        (3, 4, 6, 3),
        num_classes,
        in_channels,
        groups=32,
        width_per_group=4,
        **options,
    )


NOTE_101 = (
    "The paper has 101 layers as 32×4d, as 64×4d and as others, but not as 32×8d: the figures are "
    "torchvision's."
)


@register(
    imagenet_card(PAPER, 88_791_336, 16_414_015_488, 79.312, NOTE_101),
    block=Bottleneck,
    fixed=("groups", "width_per_group"),
)
def resnext101_32x8d(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ResNet:
    """ResNeXt-101 with 32 groups, in the first stage of 8 channels each; options are ResNet's."""
    return ResNet(
        Bottleneck,
        (3, 4, 23, 3),
        num_classes,
        in_channels,
        groups=32,
        width_per_group=8,
        **options,
    )
