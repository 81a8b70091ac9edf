"""BN-Inception, or Inception v2: Ioffe & Szegedy 2015, "Batch normalization", figure 5.
In the lecture: "The many flavors of Inception Networks".

    image    7×7/2, pool  1×1, 3×3, pool  3a … 3c/2     4a … 4e/2      5a, 5b     mean
    3×224² ─▶   64×56²   ─▶   192×28²   ─▶ 576×14² ─▶   1056×7²   ─▶  1024×7² ─▶  1024 ─▶ fc

GoogLeNet with batch norm, two 3×3 convolutions in place of every 5×5, average pools in most blocks,
and two blocks with stride 2 in place of pools between the stages.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from minidl.functional import cat
from minidl.models.blocks import ConvBNAct
from minidl.models.card import Card, Paper, Preprocessing
from minidl.models.inception_parts import scaled, scaled_conv
from minidl.models.registry import register
from minidl.nn import AdaptiveAvgPool2d, AvgPool2d, Linear, MaxPool2d, Module
from minidl.tensor import Tensor

CARD = Card(
    paper=Paper(
        title=(
            "Batch normalization: accelerating deep network training by reducing internal "
            "covariate shift"
        ),
        authors="S. Ioffe, C. Szegedy",
        year=2015,
        venue="ICML 2015, arXiv:1502.03167",
        lecture="The many flavors of Inception Networks",
    ),
    input=(3, 224, 224),
    parameters=11_295_240,
    macs=2_032_600_064,
    top1=73.522,
    top1_source="pretrainedmodels bninception, ImageNet validation",
    reference="pretrainedmodels bninception",
    preprocessing=Preprocessing(
        resize=256,
        crop=224,
        mean=(128 / 255, 117 / 255, 104 / 255),
        std=(1 / 255, 1 / 255, 1 / 255),
        channel_order="BGR",
    ),
    notes=(
        "As in the published weights: convolutions keep a bias, which the paper (§3.2) drops; the "
        "first one is plain, where the paper's is separable with depth multiplier 8. Their images "
        "are blue, green, red, from 0 to 255. The paper's figure 5 prints 576, 576 and 1024 "
        "channels after 4c, 4d and 4e; the widths it gives make 608, 608 and 1056. The "
        "paper prints 13.6 million parameters (§4.2), and 74.8 % for one crop (figure 3)."
    ),
)


def conv_bn_relu(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, padding: int = 0
) -> ConvBNAct:
    """Convolution with bias, batch norm with an epsilon of 1e-5, ReLU.

    >>> conv_bn_relu(3, 8, 3).conv.bias.shape
    (8,)
    """
    return ConvBNAct(in_channels, out_channels, kernel_size, stride, padding, bias=True)


class Inception(Module):
    """GoogLeNet's block with two 3×3 convolutions for the 5×5.

        x ─┬─▶ 1×1 ─────────────────────────────────┐           3a:  64
           ├─▶ 1×1 reduces ─▶ 3×3 ──────────────────┤           64 ─▶ 64
           ├─▶ 1×1 reduces ─▶ 3×3 ─▶ 3×3 ───────────┼─▶ concat  64 ─▶ 96 ─▶ 96
           └─▶ average pool 3×3 (5b: max) ─▶ 1×1 ───┘                 32

    The numbers are those of 3a: 192×28×28 → 256×28×28. Height and width stay.

    Args:
        in_channels: of x.
        width1x1, reduce3x3, width3x3, reduce_double3x3, width_double3x3, width_pool: columns of
            the paper's figure 5.
        pool: 3×3 with stride 1, before the last 1×1 convolution.
        width: how many times as many channels each convolution has.

    """

    def __init__(
        self,
        in_channels: int,
        width1x1: int,
        reduce3x3: int,
        width3x3: int,
        reduce_double3x3: int,
        width_double3x3: int,
        width_pool: int,
        pool: type[AvgPool2d] | type[MaxPool2d] = AvgPool2d,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.conv_1x1 = conv(in_channels, width1x1, 1)
        self.conv_3x3_reduce = conv(in_channels, reduce3x3, 1)
        self.conv_3x3 = conv(reduce3x3, width3x3, 3, padding=1)
        self.double_3x3_reduce = conv(in_channels, reduce_double3x3, 1)
        self.double_3x3_1 = conv(reduce_double3x3, width_double3x3, 3, padding=1)
        self.double_3x3_2 = conv(width_double3x3, width_double3x3, 3, padding=1)
        self.pool = pool(3, stride=1, padding=1, ceil_mode=True)
        self.pool_proj = conv(in_channels, width_pool, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, sum of the four widths, H, W)."""
        one = self.conv_1x1(x)
        three = self.conv_3x3(self.conv_3x3_reduce(x))
        double = self.double_3x3_2(self.double_3x3_1(self.double_3x3_reduce(x)))
        pooled = self.pool_proj(self.pool(x))
        return cat([one, three, double, pooled], dim=1)


class Reduction(Module):
    """A block with stride 2 that passes its input on: half the height and width, more maps.

        x ─┬─▶ 1×1 reduces ─▶ 3×3/2 ──────────┐           3c: 128 ─▶ 160
           ├─▶ 1×1 reduces ─▶ 3×3 ─▶ 3×3/2 ───┼─▶ concat       64 ─▶ 96 ─▶ 96
           └─▶ max pool 3×3/2 ────────────────┘                320

    The numbers are those of 3c: 320×28×28 → 576×14×14. H and W must be even: the pool and the
    convolutions round odd ones differently.
    """

    def __init__(
        self,
        in_channels: int,
        reduce3x3: int,
        width3x3: int,
        reduce_double3x3: int,
        width_double3x3: int,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.conv_3x3_reduce = conv(in_channels, reduce3x3, 1)
        self.conv_3x3 = conv(reduce3x3, width3x3, 3, stride=2, padding=1)
        self.double_3x3_reduce = conv(in_channels, reduce_double3x3, 1)
        self.double_3x3_1 = conv(reduce_double3x3, width_double3x3, 3, padding=1)
        self.double_3x3_2 = conv(width_double3x3, width_double3x3, 3, stride=2, padding=1)
        self.pool = MaxPool2d(3, stride=2, ceil_mode=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, width3x3 + width_double3x3 + C, H/2, W/2)."""
        three = self.conv_3x3(self.conv_3x3_reduce(x))
        double = self.double_3x3_2(self.double_3x3_1(self.double_3x3_reduce(x)))
        return cat([three, double, self.pool(x)], dim=1)


class InceptionV2(Module):
    """Ten blocks of Inception, two of which halve height and width.

    Args:
        num_classes, in_channels: of the logits and of the images.
        width: how many times as many channels each convolution has, in eighths; 0.25 for a laptop.

    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        inception, reduction = partial(Inception, width=width), partial(Reduction, width=width)
        self.conv1 = conv_bn_relu(in_channels, scaled(64, width), 7, stride=2, padding=3)
        self.pool1 = MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2_reduce = conv(64, 64, 1)
        self.conv2 = conv(64, 192, 3, padding=1)
        self.pool2 = MaxPool2d(3, stride=2, ceil_mode=True)
        # Figure 5:                     in   1×1  red. 3×3  red. double pool
        self.inception_3a = inception(192, 64, 64, 64, 64, 96, 32)
        self.inception_3b = inception(256, 64, 64, 96, 64, 96, 64)
        self.inception_3c = reduction(320, 128, 160, 64, 96)
        self.inception_4a = inception(576, 224, 64, 96, 96, 128, 128)
        self.inception_4b = inception(576, 192, 96, 128, 96, 128, 128)
        self.inception_4c = inception(576, 160, 128, 160, 128, 160, 128)
        self.inception_4d = inception(608, 96, 128, 192, 160, 192, 128)
        self.inception_4e = reduction(608, 128, 192, 192, 256)
        self.inception_5a = inception(1056, 352, 192, 320, 160, 224, 128)
        self.inception_5b = inception(1024, 352, 192, 320, 192, 224, 128, pool=MaxPool2d)
        self.avgpool = AdaptiveAvgPool2d(1)
        self.fc = Linear(scaled(1024, width), num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes); H and W are multiples of 32."""
        x = self.pool1(self.conv1(x))  # (N, 64, 56, 56)
        x = self.pool2(self.conv2(self.conv2_reduce(x)))  # (N, 192, 28, 28)
        x = self.inception_3b(self.inception_3a(x))  # (N, 320, 28, 28)
        x = self.inception_3c(x)  # (N, 576, 14, 14)
        x = self.inception_4b(self.inception_4a(x))  # (N, 576, 14, 14)
        x = self.inception_4d(self.inception_4c(x))  # (N, 608, 14, 14)
        x = self.inception_4e(x)  # (N, 1056, 7, 7)
        x = self.inception_5b(self.inception_5a(x))  # (N, 1024, 7, 7)
        return self.fc(self.avgpool(x).flatten(1))  # type: ignore[no-any-return]


@register(CARD)
def inception_v2(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> InceptionV2:
    """BN-Inception, in the form of its published weights; options are InceptionV2's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     model = inception_v2()
    >>> sum(p.numel() for p in model.parameters())
    11295240
    """
    return InceptionV2(num_classes, in_channels, **options)
