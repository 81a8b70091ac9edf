"""DenseNet: Huang, Liu, van der Maaten, Weinberger 2016, "Densely connected convolutional
networks", CVPR 2017, arXiv:1608.06993, figure 2 and table 1. In the lecture: "Summary", "Zoo".

    image       7×7, pool  block 1    transition  block 2   tr.   block 3    tr.   block 4   means,
    3×224×224 ─▶ 64×56² ─▶ 256×56² ─▶ 128×28²  ─▶ 512×28² ─▶ … ─▶ 1024×14² ─▶ … ─▶ 1024×7² ─▶ dense

    layers in the blocks    121: 6 12 24 16   169: 6 12 32 32   201: 6 12 48 32   each adds k = 32
                            161: 6 12 36 24                                       each adds k = 48

Where a residual network adds what a block found to what it was given, a dense block puts it
beside: every layer sees the feature maps of all layers before it, and adds k of its own.
"""

from __future__ import annotations

from typing import Any

from minidl.errors import ArgumentError, fail
from minidl.functional import cat
from minidl.models.card import Card, Paper, imagenet_card
from minidl.models.checks import check_stages
from minidl.models.registry import register
from minidl.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
    init,
    norm_act,
)
from minidl.tensor import Tensor

__all__ = [
    "CifarDenseNet",
    "DenseBlock",
    "DenseLayer",
    "DenseNet",
    "Transition",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "densenet_bc",
]

PAPER = Paper(
    title="Densely connected convolutional networks",
    authors="G. Huang, Z. Liu, L. van der Maaten, K. Q. Weinberger",
    year=2016,
    venue="CVPR 2017, arXiv:1608.06993",
    lecture="Summary",
)


# ------------------------------------------------------------------------------- blocks


class DenseLayer(Module):
    """Hₗ of the paper, eq. 2: k new feature maps out of all there are so far.

        x (N, in_channels, H, W)
        norm1 ─ relu1 ─ conv1 1×1 ─▶ (N, 4k, H, W)         the bottleneck, "B": keeps conv2 cheap
        norm2 ─ relu2 ─ conv2 3×3 ─▶ (N, k, H, W)          (─ dropout)

    Args:
        in_channels: of x.
        growth_rate: k.
        bottleneck: the channels between the two convolutions, in units of k.
        dropout: probability, behind conv2.

    """

    def __init__(
        self, in_channels: int, growth_rate: int, bottleneck: int = 4, dropout: float = 0.0
    ) -> None:
        super().__init__()
        inner = bottleneck * growth_rate
        self.norm1 = BatchNorm2d(in_channels)
        self.relu1 = ReLU()
        self.conv1 = Conv2d(in_channels, inner, kernel_size=1, bias=False)
        self.norm2 = BatchNorm2d(inner)
        self.relu2 = ReLU()
        self.conv2 = Conv2d(inner, growth_rate, kernel_size=3, padding=1, bias=False)
        self.dropout = Dropout(dropout) if dropout else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, growth_rate, H, W)."""
        x = self.conv1(norm_act(x, self.norm1, self.relu1))  # (N, 4k, H, W)
        x = self.conv2(norm_act(x, self.norm2, self.relu2))  # (N, k, H, W)
        return x if self.dropout is None else self.dropout(x)


class DenseBlock(Sequential):
    """Layers of which each sees the input and the results of all layers before it: figure 1.

        x₀ ─┬─▶ H₁ ─▶ x₁ ─┬─▶ H₂ ─▶ x₂ ─┬─▶ H₃ ─▶ x₃ ─▶
            ├─────────────┼─────────────┼─────────────▶  concat (N, in_channels + 3k, H, W)
            │             └─────────────┼─────────────▶
            └─ all of them go on ───────┴─────────────▶

    The concatenation is copied for every layer, and kept until the backward pass: memory grows with
    the square of the number of layers (Pleiss et al. 2017, arXiv:1707.06990, on doing without).

    >>> import minidl
    >>> block = DenseBlock(layers=3, in_channels=10, growth_rate=4)
    >>> block(minidl.randn(2, 10, 8, 8)).shape
    (2, 22, 8, 8)
    """

    def __init__(
        self, layers: int, in_channels: int, growth_rate: int, **layer_options: Any
    ) -> None:
        channels = (in_channels + i * growth_rate for i in range(layers))
        super().__init__(
            {
                f"denselayer{i}": DenseLayer(c, growth_rate, **layer_options)
                for i, c in enumerate(channels, start=1)
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, in_channels + layers · growth_rate, H, W)."""
        feature_maps = [x]
        for layer in self:
            all_earlier = cat(feature_maps, dim=1)
            feature_maps.append(layer(all_earlier))
        return cat(feature_maps, dim=1)


class Transition(Module):
    """Between two blocks: half the channels (the compression, "C"), half the height and width.

        x (N, in_channels, H, W)
        norm ─ relu ─ conv 1×1     (N, out_channels, H, W)
        average pool 2×2 ─▶        (N, out_channels, H/2, W/2)

    §3, "Pooling layers" and "Compression".
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = BatchNorm2d(in_channels)
        self.relu = ReLU()
        self.conv = Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.pool = AvgPool2d(2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """pool(conv(relu(norm(x))))."""
        return self.pool(self.conv(norm_act(x, self.norm, self.relu)))  # type: ignore[no-any-return]


# ----------------------------------------------------------------------------- networks


class Features(Module):
    """All of DenseNet before the means: figure 2, with four blocks.

    Its arguments are DenseNet's; `out_channels` says how many maps it ends with.
    """

    def __init__(
        self,
        blocks: tuple[int, int, int, int],
        in_channels: int,
        growth_rate: int,
        width: int,
        **layer_options: Any,
    ) -> None:
        super().__init__()
        self.conv0 = Conv2d(in_channels, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm0 = BatchNorm2d(width)
        self.relu0 = ReLU()
        self.pool0 = MaxPool2d(3, stride=2, padding=1)
        self.denseblock1 = DenseBlock(blocks[0], width, growth_rate, **layer_options)
        c = width + blocks[0] * growth_rate
        self.transition1 = Transition(c, c // 2)
        self.denseblock2 = DenseBlock(blocks[1], c // 2, growth_rate, **layer_options)
        c = c // 2 + blocks[1] * growth_rate
        self.transition2 = Transition(c, c // 2)
        self.denseblock3 = DenseBlock(blocks[2], c // 2, growth_rate, **layer_options)
        c = c // 2 + blocks[2] * growth_rate
        self.transition3 = Transition(c, c // 2)
        self.denseblock4 = DenseBlock(blocks[3], c // 2, growth_rate, **layer_options)
        self.out_channels = c // 2 + blocks[3] * growth_rate
        self.norm5 = BatchNorm2d(self.out_channels)
        self.relu5 = ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, in_channels, H, W) → (N, out_channels, H/32, W/32); for 224×224 and 121."""
        x = norm_act(self.conv0(x), self.norm0, self.relu0)  # (N, 64, 112, 112)
        x = self.pool0(x)  # (N, 64, 56, 56)
        x = self.denseblock1(x)  # (N, 256, 56, 56)
        x = self.denseblock2(self.transition1(x))  # (N, 512, 28, 28)
        x = self.denseblock3(self.transition2(x))  # (N, 1024, 14, 14)
        x = self.denseblock4(self.transition3(x))  # (N, 1024, 7, 7)
        return norm_act(x, self.norm5, self.relu5)


class CifarFeatures(Module):
    """Three blocks at the image's own size, a half and a quarter of it: §3, "Implementation"."""

    def __init__(
        self, layers: int, in_channels: int, growth_rate: int, width: int, **layer_options: Any
    ) -> None:
        super().__init__()
        grown = layers * growth_rate
        self.conv0 = Conv2d(in_channels, width, kernel_size=3, padding=1, bias=False)
        self.denseblock1 = DenseBlock(layers, width, growth_rate, **layer_options)
        c = width + grown
        self.transition1 = Transition(c, c // 2)
        self.denseblock2 = DenseBlock(layers, c // 2, growth_rate, **layer_options)
        c = c // 2 + grown
        self.transition2 = Transition(c, c // 2)
        self.denseblock3 = DenseBlock(layers, c // 2, growth_rate, **layer_options)
        self.out_channels = c // 2 + grown
        self.norm4 = BatchNorm2d(self.out_channels)
        self.relu4 = ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out_channels, H/4, W/4); shapes for 32×32 and L = 100."""
        x = self.conv0(x)  # (N, 24, 32, 32)
        x = self.denseblock1(x)  # (N, 216, 32, 32)
        x = self.denseblock2(self.transition1(x))  # (N, 300, 16, 16)
        x = self.denseblock3(self.transition2(x))  # (N, 342, 8, 8)
        return norm_act(x, self.norm4, self.relu4)


class _Classifier(Module):
    """features ─▶ means of the channels ─▶ dense layer."""

    def __init__(self, features: Features | CifarFeatures, num_classes: int) -> None:
        super().__init__()
        self.features = features
        self.avgpool = AdaptiveAvgPool2d(1)
        self.classifier = Linear(features.out_channels, num_classes)
        for module in self.modules():  # as torchvision: the activations keep their variance
            if isinstance(module, Conv2d):
                init.kaiming_normal_(module.weight, nonlinearity="relu")
        init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes)."""
        x = self.features(x)  # (N, out_channels, H/32, W/32); CIFAR's: H/4, W/4
        x = self.avgpool(x).flatten(1)  # (N, out_channels)
        return self.classifier(x)  # type: ignore[no-any-return]


class DenseNet(_Classifier):
    """DenseNet-BC for large images: table 1.

    Args:
        blocks: layers in each of the four dense blocks.
        num_classes, in_channels: of the logits and of the images.
        growth_rate: k, the maps that a layer adds.
        width: channels of the stem; the paper's is 2k.
        layer_options: DenseLayer's: bottleneck, dropout.

    """

    def __init__(
        self,
        blocks: tuple[int, int, int, int],
        num_classes: int = 1000,
        in_channels: int = 3,
        growth_rate: int = 32,
        width: int = 64,
        **layer_options: Any,
    ) -> None:
        check_stages("DenseNet", "blocks", blocks, 4)
        features = Features(blocks, in_channels, growth_rate, width, **layer_options)
        super().__init__(features, num_classes)


class CifarDenseNet(_Classifier):
    """DenseNet-BC for small images, L layers deep: table 2.

    Args:
        depth: L = 6n + 4: n layers of two convolutions in each of three blocks, conv0, two
            transitions and the dense layer.
        num_classes, in_channels: of the logits and of the images.
        growth_rate: k.
        dropout: 0.2 in the paper where images aren't augmented.

    """

    def __init__(
        self,
        depth: int = 100,
        num_classes: int = 10,
        in_channels: int = 3,
        growth_rate: int = 12,
        dropout: float = 0.0,
    ) -> None:
        layers, rest = divmod(depth - 4, 6)
        if rest or layers < 1:
            fail(
                "CifarDenseNet",
                "depth",
                depth,
                "6n + 4 with n ≥ 1, such as 40 or 100",
                "It counts two convolutions for each of 3n layers, and four more.",
                error=ArgumentError,
            )
        width = 2 * growth_rate
        features = CifarFeatures(layers, in_channels, growth_rate, width, dropout=dropout)
        super().__init__(features, num_classes)


# --------------------------------------------------------------------------------- zoo


WIDE = (
    "Table 1 of the paper's last version has 264 layers with k = 32 in the place of 161 with "
    "k = 48; the authors published weights of this one."
)
CIFAR_CARD = Card(
    paper=PAPER,
    input=(3, 32, 32),
    num_classes=10,
    parameters=769_162,
    macs=287_929_692,
    top1=95.49,
    top1_source="the paper, table 2, CIFAR-10 test with augmentation",
    reference="the paper",
    notes="L = 100, k = 12. Table 2 says 0.8 million parameters, and 94.08 % without augmentation.",
)


@register(imagenet_card(PAPER, 7_978_856, 2_834_161_664, 74.434), block=DenseLayer)
def densenet121(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> DenseNet:
    """DenseNet-121; options are DenseNet's and DenseLayer's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     sum(p.numel() for p in densenet121().parameters())
    7978856
    """
    return DenseNet((6, 12, 24, 16), num_classes, in_channels, **options)


@register(imagenet_card(PAPER, 28_681_000, 7_727_907_072, 77.138, WIDE), block=DenseLayer)
def densenet161(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> DenseNet:
    """DenseNet-161, with k = 48; options are DenseNet's and DenseLayer's."""
    options = {"growth_rate": 48, "width": 96, **options}
    return DenseNet((6, 12, 36, 24), num_classes, in_channels, **options)


@register(imagenet_card(PAPER, 14_149_480, 3_359_843_328, 75.600), block=DenseLayer)
def densenet169(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> DenseNet:
    """DenseNet-169; options are DenseNet's and DenseLayer's."""
    return DenseNet((6, 12, 32, 32), num_classes, in_channels, **options)


@register(imagenet_card(PAPER, 20_013_928, 4_291_365_888, 76.896), block=DenseLayer)
def densenet201(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> DenseNet:
    """DenseNet-201; options are DenseNet's and DenseLayer's."""
    return DenseNet((6, 12, 48, 32), num_classes, in_channels, **options)


@register(CIFAR_CARD)
def densenet_bc(num_classes: int = 10, in_channels: int = 3, **options: Any) -> CifarDenseNet:
    """DenseNet-BC with L = 100 and k = 12, for 32×32 images; options are CifarDenseNet's.

    >>> sum(p.numel() for p in densenet_bc().parameters())
    769162
    """
    return CifarDenseNet(num_classes=num_classes, in_channels=in_channels, **options)
