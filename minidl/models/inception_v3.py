"""Inception v3: Szegedy et al. 2015, "Rethinking the Inception architecture for computer vision",
§6 and table 1. In the lecture: "Inception V3 Block for Stage 3", "… Stage 4", "… Stage 5".

    image     stem      3 × A      B (reduces)  4 × C      D (reduces)  2 × E     mean
    3×299² ─▶ 192×35² ─▶ 288×35² ─▶ 768×17² ─▶ 768×17² ─▶ 1280×8² ─▶ 2048×8² ─▶ 2048 ─▶ fc
                                                    └▶ AuxLogits

Large kernels are cut up: 5×5 into two 3×3, 7×7 into 1×7 and 7×1, 3×3 into 1×3 and 3×1.
"""

from __future__ import annotations

from typing import Any

from minidl.functional import cat
from minidl.models.blocks import WithAuxiliary
from minidl.models.card import Card, Paper, Preprocessing
from minidl.models.inception_parts import (
    FromImageNetScale,
    conv_bn_relu,
    draw_weights,
    scaled,
    scaled_conv,
)
from minidl.models.registry import register
from minidl.nn import AdaptiveAvgPool2d, AvgPool2d, Dropout, Linear, MaxPool2d, Module, init
from minidl.tensor import Tensor

CARD = Card(
    paper=Paper(
        title="Rethinking the Inception architecture for computer vision",
        authors="C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna",
        year=2015,
        venue="CVPR 2016, arXiv:1512.00567",
        lecture="The many flavors of Inception Networks",
    ),
    input=(3, 299, 299),
    parameters=27_161_264,
    macs=5_713_216_096,
    top1=77.294,
    top1_source="torchvision IMAGENET1K_V1, ImageNet validation",
    reference="torchvision",
    preprocessing=Preprocessing(resize=342, crop=299),
    notes=(
        "23,834,568 parameters without the auxiliary head; the paper's abstract says fewer than 25 "
        "million, and 5 billion multiply-adds. The published weights want "
        "transform_input=True. Google's network, which this is, differs from the paper's table 1 "
        "in the stem: 1×1 to 80 channels, 3×3 to 192 and a pool, where the table has three 3×3 "
        "convolutions, to 80, 192 and 288; and from its figure 5 in the first blocks, where one "
        "branch keeps its 5×5."
    ),
)


class InceptionA(Module):
    """The block for 35×35 maps.

        x ─┬─▶ 1×1 ─────────────────────┐           64
           ├─▶ 1×1 ─▶ 5×5 ──────────────┤           48 ─▶ 64
           ├─▶ 1×1 ─▶ 3×3 ─▶ 3×3 ───────┼─▶ concat  64 ─▶ 96 ─▶ 96
           └─▶ average pool 3×3 ─▶ 1×1 ─┘                  width_pool

    C×35×35 → (224 + width_pool) × 35 × 35. Szegedy et al. 2015, figure 5. In the lecture:
    "Inception V3 Block for Stage 3".
    """

    def __init__(self, in_channels: int, width_pool: int, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.branch1x1 = conv(in_channels, 64, 1)
        self.branch5x5_1 = conv(in_channels, 48, 1)
        self.branch5x5_2 = conv(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = conv(in_channels, 64, 1)
        self.branch3x3dbl_2 = conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = conv(96, 96, 3, padding=1)
        self.pool = AvgPool2d(3, stride=1, padding=1)
        self.branch_pool = conv(in_channels, width_pool, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, 224 + width_pool, H, W)."""
        one = self.branch1x1(x)
        five = self.branch5x5_2(self.branch5x5_1(x))
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        pooled = self.branch_pool(self.pool(x))
        return cat([one, five, double, pooled], dim=1)


class InceptionB(Module):
    """From 35×35 to 17×17.

        x ─┬─▶ 3×3/2 ───────────────┐           384
           ├─▶ 1×1 ─▶ 3×3 ─▶ 3×3/2 ─┼─▶ concat   64 ─▶ 96 ─▶ 96
           └─▶ max pool 3×3/2 ──────┘           288

    288×35×35 → 768×17×17. Szegedy et al. 2015, figure 10.
    """

    def __init__(self, in_channels: int, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.branch3x3 = conv(in_channels, 384, 3, stride=2)
        self.branch3x3dbl_1 = conv(in_channels, 64, 1)
        self.branch3x3dbl_2 = conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = conv(96, 96, 3, stride=2)
        self.pool = MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, 480 + C, (H − 1)/2, (W − 1)/2)."""
        three = self.branch3x3(x)
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return cat([three, double, self.pool(x)], dim=1)


class InceptionC(Module):
    """The block for 17×17 maps: 7×7 convolutions in slices.

        x ─┬─▶ 1×1 ─────────────────────────────┐           192
           ├─▶ 1×1 ─▶ 1×7 ─▶ 7×1 ───────────────┤             c ─▶ c ─▶ 192
           ├─▶ 1×1 ─▶ 7×1 ─▶ 1×7 ─▶ 7×1 ─▶ 1×7 ─┼─▶ concat    c ─▶ c ─▶ c ─▶ c ─▶ 192
           └─▶ average pool 3×3 ─▶ 1×1 ─────────┘                                 192

    768×17×17 → 768×17×17; c is 128, 160, 160 and 192 in the four blocks. Szegedy et al. 2015,
    figure 6 with n = 7. In the lecture: "Inception V3 Block for Stage 4".
    """

    def __init__(self, in_channels: int, c: int, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.branch1x1 = conv(in_channels, 192, 1)
        self.branch7x7_1 = conv(in_channels, c, 1)
        self.branch7x7_2 = conv(c, c, (1, 7), padding=(0, 3))
        self.branch7x7_3 = conv(c, 192, (7, 1), padding=(3, 0))
        self.branch7x7dbl_1 = conv(in_channels, c, 1)
        self.branch7x7dbl_2 = conv(c, c, (7, 1), padding=(3, 0))
        self.branch7x7dbl_3 = conv(c, c, (1, 7), padding=(0, 3))
        self.branch7x7dbl_4 = conv(c, c, (7, 1), padding=(3, 0))
        self.branch7x7dbl_5 = conv(c, 192, (1, 7), padding=(0, 3))
        self.pool = AvgPool2d(3, stride=1, padding=1)
        self.branch_pool = conv(in_channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, 768, H, W)."""
        one = self.branch1x1(x)
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        pooled = self.branch_pool(self.pool(x))
        return cat([one, seven, double, pooled], dim=1)


class InceptionD(Module):
    """From 17×17 to 8×8.

        x ─┬─▶ 1×1 ─▶ 3×3/2 ───────────────┐           192 ─▶ 320
           ├─▶ 1×1 ─▶ 1×7 ─▶ 7×1 ─▶ 3×3/2 ─┼─▶ concat  192 ─▶ 192 ─▶ 192 ─▶ 192
           └─▶ max pool 3×3/2 ─────────────┘           768

    768×17×17 → 1280×8×8. Not drawn in the paper; after figure 10.
    """

    def __init__(self, in_channels: int, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.branch3x3_1 = conv(in_channels, 192, 1)
        self.branch3x3_2 = conv(192, 320, 3, stride=2)
        self.branch7x7x3_1 = conv(in_channels, 192, 1)
        self.branch7x7x3_2 = conv(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = conv(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = conv(192, 192, 3, stride=2)
        self.pool = MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, 512 + C, (H − 1)/2, (W − 1)/2)."""
        three = self.branch3x3_2(self.branch3x3_1(x))
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        return cat([three, self.branch7x7x3_4(seven), self.pool(x)], dim=1)


class InceptionE(Module):
    """The block for 8×8 maps: 3×3 convolutions in slices, side by side.

        x ─┬─▶ 1×1 ─────────────────────┐           320
           ├─▶ 1×1 ─┬─▶ 1×3 ────────────┤           384 ─▶ 384
           │        └─▶ 3×1 ────────────┤               ─▶ 384
           ├─▶ 1×1 ─▶ 3×3 ─┬─▶ 1×3 ─────┼─▶ concat  448 ─▶ 384 ─▶ 384
           │               └─▶ 3×1 ─────┤                      ─▶ 384
           └─▶ average pool 3×3 ─▶ 1×1 ─┘                         192

    C×8×8 → 2048×8×8. Szegedy et al. 2015, figure 7. In the lecture: "Inception V3 Block for
    Stage 5".
    """

    def __init__(self, in_channels: int, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.branch1x1 = conv(in_channels, 320, 1)
        self.branch3x3_1 = conv(in_channels, 384, 1)
        self.branch3x3_2a = conv(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = conv(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = conv(in_channels, 448, 1)
        self.branch3x3dbl_2 = conv(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = conv(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = conv(384, 384, (3, 1), padding=(1, 0))
        self.pool = AvgPool2d(3, stride=1, padding=1)
        self.branch_pool = conv(in_channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, 2048, H, W)."""
        three = self.branch3x3_1(x)  # (N, 384, 8, 8)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))  # (N, 384, 8, 8)
        parts = [
            self.branch1x1(x),
            self.branch3x3_2a(three),
            self.branch3x3_2b(three),
            self.branch3x3dbl_3a(double),
            self.branch3x3dbl_3b(double),
            self.branch_pool(self.pool(x)),
        ]
        return cat(parts, dim=1)


class AuxiliaryHead(Module):
    """A small classifier over the last 17×17 maps, used in training only.

        x (N, 768, 17, 17) ─▶ average pool 5×5/3 ─▶ 1×1 ─▶ 5×5 ─▶ mean ─▶ fc ─▶ logits
                               768×5×5             128×5×5  768×1×1

    Szegedy et al. 2015, figure 8 and §4: it regularises, more than it brings gradient.
    """

    def __init__(self, in_channels: int, num_classes: int, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.pool = AvgPool2d(5, stride=3)
        self.conv0 = conv(in_channels, 128, 1)
        self.conv1 = conv(128, 768, 5)
        self.avgpool = AdaptiveAvgPool2d(1)
        self.fc = Linear(scaled(768, width), num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes); H and W are at least 17."""
        x = self.conv1(self.conv0(self.pool(x)))  # (N, 768, 1, 1)
        return self.fc(self.avgpool(x).flatten(1))  # type: ignore[no-any-return]


class InceptionV3(Module):
    """Five kinds of block for three sizes of map; names as in Google's network.

    Args:
        num_classes, in_channels: of the logits and of the images.
        aux_logits: whether there is an auxiliary head, after Mixed_6e.
        transform_input: see FromImageNetScale.
        dropout: before the last layer.
        width: how many times as many channels each convolution has, in eighths; 0.25 for a laptop.

    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        aux_logits: bool = True,
        transform_input: bool = False,
        dropout: float = 0.5,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.transform = FromImageNetScale(in_channels) if transform_input else None
        self.Conv2d_1a_3x3 = conv_bn_relu(in_channels, scaled(32, width), 3, stride=2)
        self.Conv2d_2a_3x3 = conv(32, 32, 3)
        self.Conv2d_2b_3x3 = conv(32, 64, 3, padding=1)
        self.maxpool1 = MaxPool2d(3, stride=2)
        self.Conv2d_3b_1x1 = conv(64, 80, 1)
        self.Conv2d_4a_3x3 = conv(80, 192, 3)
        self.maxpool2 = MaxPool2d(3, stride=2)
        self.Mixed_5b = InceptionA(192, width_pool=32, width=width)
        self.Mixed_5c = InceptionA(256, width_pool=64, width=width)
        self.Mixed_5d = InceptionA(288, width_pool=64, width=width)
        self.Mixed_6a = InceptionB(288, width=width)
        self.Mixed_6b = InceptionC(768, c=128, width=width)
        self.Mixed_6c = InceptionC(768, c=160, width=width)
        self.Mixed_6d = InceptionC(768, c=160, width=width)
        self.Mixed_6e = InceptionC(768, c=192, width=width)
        self.AuxLogits = AuxiliaryHead(768, num_classes, width) if aux_logits else None
        self.Mixed_7a = InceptionD(768, width=width)
        self.Mixed_7b = InceptionE(1280, width=width)
        self.Mixed_7c = InceptionE(2048, width=width)
        self.avgpool = AdaptiveAvgPool2d(1)
        self.dropout = Dropout(dropout)
        self.fc = Linear(scaled(2048, width), num_classes)
        # torchvision means 0.01 for AuxLogits.conv1, but says so where nothing reads it.
        draw_weights(self, std=0.1)
        if self.AuxLogits is not None:
            init.trunc_normal_(self.AuxLogits.fc.weight, std=0.001)

    def forward(self, x: Tensor) -> Tensor | WithAuxiliary:
        """(N, in_channels, H, W) → logits (N, num_classes); in training with those of the head.

        H and W are at least 75, and 299 where the head is used.
        """
        if self.transform is not None:
            x = self.transform(x)
        x = self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))  # (N, 32, 147, 147)
        x = self.maxpool1(self.Conv2d_2b_3x3(x))  # (N, 64, 73, 73)
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x))  # (N, 192, 71, 71)
        x = self.Mixed_5b(self.maxpool2(x))  # (N, 256, 35, 35)
        x = self.Mixed_5d(self.Mixed_5c(x))  # (N, 288, 35, 35)
        x = self.Mixed_6b(self.Mixed_6a(x))  # (N, 768, 17, 17)
        x = self.Mixed_6d(self.Mixed_6c(x))  # (N, 768, 17, 17)
        x = after_6e = self.Mixed_6e(x)  # (N, 768, 17, 17)
        x = self.Mixed_7b(self.Mixed_7a(x))  # (N, 2048, 8, 8)
        x = self.avgpool(self.Mixed_7c(x)).flatten(1)  # (N, 2048)
        logits = self.fc(self.dropout(x))
        if self.training and self.AuxLogits is not None:
            return WithAuxiliary(logits, (self.AuxLogits(after_6e),))
        return logits  # type: ignore[no-any-return]


@register(CARD)
def inception_v3(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> InceptionV3:
    """Inception v3, as torchvision has it; options are InceptionV3's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     model = inception_v3(aux_logits=False)
    >>> sum(p.numel() for p in model.parameters())
    23834568
    """
    return InceptionV3(num_classes, in_channels, **options)
