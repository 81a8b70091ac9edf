"""SE-ResNet: Hu, Shen, Albanie, Sun, Wu 2017, "Squeeze-and-excitation networks", CVPR 2018,
arXiv:1709.01507, figure 3. In the lecture: "Squeeze-Excite Net".

    x ──▶ branch of a residual block ──▶ × ──▶ + ──▶ relu
    │                             │      ▲     ▲
    │                             └─ se ─┘     │     se: means of the channels ─▶ a gate for each
    └──────────────────────────────────────────┘
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from minidl.models.blocks import SqueezeExcite
from minidl.models.card import IMAGENET, Card, Paper, imagenet_card
from minidl.models.registry import register
from minidl.models.resnet import BasicBlock, Bottleneck, ResNet

__all__ = ["seresnet18", "seresnet34", "seresnet50", "squeeze_excite"]

PAPER = Paper(
    title="Squeeze-and-excitation networks",
    authors="J. Hu, L. Shen, S. Albanie, G. Sun, E. Wu",
    year=2017,
    venue="CVPR 2018, arXiv:1709.01507",
    lecture="Squeeze-Excite Net",
)

NOTES = (
    "Squeezed to a sixteenth of the channels, but to 8 at least, as timm has it; the paper has no "
    "least number. Every block starts as its shortcut, as in timm: its last batch norm's weights "
    "are 0, with zero_init_residual=False 1."
)
PAPER_FLOPS = (
    " The paper prints 76.71 % (an error of 23.29, table 2) and 3.87 billion FLOPs; with the "
    "stride in the first 1×1 convolution, stride_in_1x1=True, there are 3.86 billion "
    "multiply-accumulates."
)


def squeeze_excite(channels: int) -> SqueezeExcite:
    """The paper's block with reduction 16; for the argument `attention` of any residual network.

    >>> from minidl import models
    >>> models.create("resnet20", attention=squeeze_excite).layer1[0].se.fc1
    Conv2d(16, 8, kernel_size=(1, 1), stride=(1, 1))
    """
    return SqueezeExcite(channels, max(8, channels // 16))


def _card(
    parameters: int, macs: int, notes: str = NOTES, resize: int = 256, **figures: Any
) -> Card:
    card = imagenet_card(PAPER, parameters, macs, notes=notes)
    prepared = replace(IMAGENET, resize=resize, interpolation="bicubic")
    return replace(card, reference="timm", preprocessing=prepared, **figures)


def _seresnet(block: Any, blocks: Any, num_classes: int, in_channels: int, options: Any) -> ResNet:
    options = {"attention": squeeze_excite, "zero_init_residual": True, **options}
    return ResNet(block, blocks, num_classes, in_channels, **options)


@register(_card(11_779_624, 1_814_161_408), block=BasicBlock)
def seresnet18(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ResNet:
    """ResNet-18 with squeeze and excitation; options are ResNet's."""
    return _seresnet(BasicBlock, (2, 2, 2, 2), num_classes, in_channels, options)


@register(_card(21_960_416, 3_663_920_128), block=BasicBlock)
def seresnet34(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ResNet:
    """ResNet-34 with squeeze and excitation; options are ResNet's."""
    return _seresnet(BasicBlock, (3, 4, 6, 3), num_classes, in_channels, options)


@register(
    _card(
        28_088_024,
        4_091_699_200,
        NOTES + PAPER_FLOPS,
        resize=235,
        top1=80.02,
        top1_source="timm a1_in1k, ImageNet validation",
    ),
    block=Bottleneck,
)
def seresnet50(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ResNet:
    """ResNet-50 with squeeze and excitation; options are ResNet's and Bottleneck's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     sum(p.numel() for p in seresnet50().parameters())
    28088024
    """
    return _seresnet(Bottleneck, (3, 4, 6, 3), num_classes, in_channels, options)
