"""VGG: Simonyan & Zisserman 2014, "Very deep convolutional networks for large-scale image
recognition", ICLR 2015, arXiv:1409.1556, table 1. In the lecture: "VGG Blocks", "VGG Architecture".

    image        block 1      block 2      block 3     block 4     block 5            dense
    3×224×224 ─▶ 64×112×112 ─ 128×56×56 ── 256×28×28 ─ 512×14×14 ─ 512×7×7 ─▶ 4096 ─▶ 4096 ─▶ 1000

    convolutions in block      1  2  3  4  5
    vgg11 (the paper's A)      1  1  2  2  2
    vgg13 (B)                  2  2  2  2  2
    vgg16 (D)                  2  2  3  3  3
    vgg19 (E)                  2  2  4  4  4

The names count the layers with weights: the convolutions and three dense layers.
"""

from __future__ import annotations

from typing import Any

from minidl.models.alexnet import dense_layers
from minidl.models.blocks import NormActSequential, draw_normal_dense
from minidl.models.card import Card, Paper, imagenet_card
from minidl.models.checks import check_stages
from minidl.models.registry import register
from minidl.nn import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    MaxPool2d,
    Module,
    ReLU,
)
from minidl.tensor import Tensor

__all__ = [
    "VGG",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
    "vgg_block",
    "vgg_lecture",
]

PAPER = Paper(
    title="Very deep convolutional networks for large-scale image recognition",
    authors="K. Simonyan, A. Zisserman",
    year=2014,
    venue="ICLR 2015, arXiv:1409.1556",
    lecture="VGG Architecture",
)


def vgg_block(
    convolutions: int, in_channels: int, out_channels: int, batch_norm: bool = False
) -> list[Module]:
    """The layers of a block: 3×3 convolutions, as many as asked for, and a pool that halves.

        x (N, in_channels, H, W)
        ┌ conv 3×3, padding 1 (─ bn) ─ relu     (N, out_channels, H, W), `convolutions` times
        └ max pool 2×2, stride 2 ─▶             (N, out_channels, H/2, W/2)

    Two 3×3 convolutions see as far as one of 5×5, with a ReLU more and 18 weights instead of 25
    per pair of channels (§2.3).

    >>> [type(layer).__name__ for layer in vgg_block(1, 3, 64)]
    ['Conv2d', 'ReLU', 'MaxPool2d']
    """
    layers: list[Module] = []
    for _ in range(convolutions):
        layers.append(Conv2d(in_channels, out_channels, kernel_size=3, padding=1))
        if batch_norm:
            layers.append(BatchNorm2d(out_channels))
        layers.append(ReLU())
        in_channels = out_channels
    return [*layers, MaxPool2d(2)]


class VGG(Module):
    """Five blocks of 3×3 convolutions, then three dense layers.

    103 of vgg16's 138 million parameters are in the first dense layer ("The Curse of the Last
    Layer(s)"). For a laptop there are thin variants, such as vgg11_bn(width=16, hidden=256,
    grid=1), with 0.7 million parameters for 10 classes: the same layers, of another size.

    Args:
        convolutions: how many in each of the five blocks.
        num_classes: logits.
        in_channels: of the images.
        batch_norm: whether there is one behind every convolution.
        width: channels of the first block; the others have 2, 4, 8 and 8 times as many.
        hidden: size of the two hidden dense layers.
        grid: height and width to which the maps are averaged before the dense layers. 7 is what
            the blocks leave of 224×224, so that nothing happens to those; other images can come in.
        dropout: behind the hidden dense layers.

    """

    def __init__(
        self,
        convolutions: tuple[int, int, int, int, int],
        num_classes: int = 1000,
        in_channels: int = 3,
        batch_norm: bool = False,
        width: int = 64,
        hidden: int = 4096,
        grid: int = 7,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        check_stages("VGG", "convolutions", convolutions, 5)
        n1, n2, n3, n4, n5 = convolutions
        self.features = NormActSequential(
            *vgg_block(n1, in_channels, width, batch_norm),  # (64, 112, 112)
            *vgg_block(n2, width, 2 * width, batch_norm),  # (128, 56, 56)
            *vgg_block(n3, 2 * width, 4 * width, batch_norm),  # (256, 28, 28)
            *vgg_block(n4, 4 * width, 8 * width, batch_norm),  # (512, 14, 14)
            *vgg_block(n5, 8 * width, 8 * width, batch_norm),  # (512, 7, 7)
        )
        self.avgpool = AdaptiveAvgPool2d(grid)
        self.classifier = dense_layers(8 * width * grid * grid, hidden, num_classes, dropout)
        draw_normal_dense(self)  # as in torchvision

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes); H and W are at least 32."""
        x = self.features(x)  # (N, 512, 7, 7)
        x = self.avgpool(x).flatten(1)  # (N, 25088)
        return self.classifier(x)  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------ zoo

A, B, D, E = (1, 1, 2, 2, 2), (2, 2, 2, 2, 2), (2, 2, 3, 3, 3), (2, 2, 4, 4, 4)
"""Convolutions in each block: columns of table 1. C has 1×1 convolutions and isn't here."""
BN_NOTE = "Batch norm is younger than the paper; torchvision put it behind every convolution."


@register(imagenet_card(PAPER, 132_863_336, 7_609_090_048, 69.020))
def vgg11(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> VGG:
    """VGG-11, configuration A; options are VGG's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     vgg11()(minidl.zeros(1, 3, 224, 224)).shape
    (1, 1000)
    """
    return VGG(A, num_classes, in_channels, **options)


@register(imagenet_card(PAPER, 133_047_848, 11_308_466_176, 69.928))
def vgg13(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> VGG:
    """VGG-13, configuration B; options are VGG's."""
    return VGG(B, num_classes, in_channels, **options)


@register(imagenet_card(PAPER, 138_357_544, 15_470_264_320, 71.592))
def vgg16(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> VGG:
    """VGG-16, configuration D; options are VGG's."""
    return VGG(D, num_classes, in_channels, **options)


@register(imagenet_card(PAPER, 143_667_240, 19_632_062_464, 72.376))
def vgg19(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> VGG:
    """VGG-19, configuration E; options are VGG's."""
    return VGG(E, num_classes, in_channels, **options)


@register(imagenet_card(PAPER, 132_868_840, 7_609_090_048, 70.370, BN_NOTE), fixed=("batch_norm",))
def vgg11_bn(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> VGG:
    """VGG-11 with batch norm; options are VGG's."""
    return VGG(A, num_classes, in_channels, batch_norm=True, **options)


@register(imagenet_card(PAPER, 133_053_736, 11_308_466_176, 71.586, BN_NOTE), fixed=("batch_norm",))
def vgg13_bn(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> VGG:
    """VGG-13 with batch norm; options are VGG's."""
    return VGG(B, num_classes, in_channels, batch_norm=True, **options)


@register(imagenet_card(PAPER, 138_365_992, 15_470_264_320, 73.360, BN_NOTE), fixed=("batch_norm",))
def vgg16_bn(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> VGG:
    """VGG-16 with batch norm; options are VGG's."""
    return VGG(D, num_classes, in_channels, batch_norm=True, **options)


@register(imagenet_card(PAPER, 143_678_248, 19_632_062_464, 74.218, BN_NOTE), fixed=("batch_norm",))
def vgg19_bn(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> VGG:
    """VGG-19 with batch norm; options are VGG's."""
    return VGG(E, num_classes, in_channels, batch_norm=True, **options)


@register(
    Card(
        paper=PAPER,
        input=(1, 224, 224),
        num_classes=10,
        parameters=128_806_154,
        macs=7_547_232_256,
        reference="the lecture",
        notes="The slides' VGG-11 for Fashion-MNIST, whose images are enlarged to 224×224.",
    )
)
def vgg_lecture(num_classes: int = 10, in_channels: int = 1, **options: Any) -> VGG:
    """VGG-11 with the shapes on the slide "VGG parameters": gray images, 10 classes."""
    return VGG(A, num_classes, in_channels, **options)
