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
from minidl.models.card import IMAGENET, Paper
from minidl.models.registry import register
from minidl.models.resnet import BasicBlock, Bottleneck, ResNet, imagenet_card

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
    "least number."
)


def squeeze_excite(channels: int) -> SqueezeExcite:
    """The paper's block with reduction 16; for the argument `attention` of any residual network.

    >>> from minidl import models
    >>> models.create("resnet20", attention=squeeze_excite).layer1[0].se.fc1
    Conv2d(16, 8, kernel_size=(1, 1), stride=(1, 1))
    """
    return SqueezeExcite(channels, max(8, channels // 16))


def _card(parameters: int, macs: int, resize: int = 256, **figures: Any) -> Any:
    card = imagenet_card(PAPER, parameters, macs, notes=NOTES)
    prepared = replace(IMAGENET, resize=resize, interpolation="bicubic")
    return replace(card, reference="timm", preprocessing=prepared, **figures)


@register(_card(11_779_624, 1_814_161_408))
def seresnet18(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ResNet:
    """ResNet-18 with squeeze and excitation; options are ResNet's."""
    blocks = (2, 2, 2, 2)
    return ResNet(BasicBlock, blocks, num_classes, in_channels, attention=squeeze_excite, **options)


@register(_card(21_960_416, 3_663_920_128))
def seresnet34(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ResNet:
    """ResNet-34 with squeeze and excitation; options are ResNet's."""
    blocks = (3, 4, 6, 3)
    return ResNet(BasicBlock, blocks, num_classes, in_channels, attention=squeeze_excite, **options)


@register(
    _card(
        28_088_024,
        4_091_699_200,
        resize=235,
        top1=76.71,
        top1_source="the paper, table 2, ImageNet validation",
    )
)
def seresnet50(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ResNet:
    """ResNet-50 with squeeze and excitation; options are ResNet's and Bottleneck's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     sum(p.numel() for p in seresnet50().parameters())
    28088024
    """
    blocks = (3, 4, 6, 3)
    return ResNet(Bottleneck, blocks, num_classes, in_channels, attention=squeeze_excite, **options)
