"""Inception v4: Szegedy, Ioffe, Vanhoucke, Alemi 2016, "Inception-v4, Inception-ResNet and the
impact of residual connections on learning", figure 9. In the lecture: "The many flavors of
Inception Networks".

    image     stem      4 × A      reduction A    7 × B     reduction B   3 × C     mean
    3×299² ─▶ 384×35² ─▶ 384×35² ─▶ 1024×17² ─▶ 1024×17² ─▶ 1536×8² ─▶ 1536×8² ─▶ 1536 ─▶ fc

The pure Inception network of the paper: one kind of block per size, no residual connections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minidl.functional import cat
from minidl.models.card import Card, Paper, Preprocessing
from minidl.models.inception_parts import conv_bn_relu, scaled, scaled_conv
from minidl.models.registry import register
from minidl.nn import AdaptiveAvgPool2d, AvgPool2d, Dropout, Linear, MaxPool2d, Module, Sequential
from minidl.tensor import Tensor

CARD = Card(
    paper=Paper(
        title=("Inception-v4, Inception-ResNet and the impact of residual connections on learning"),
        authors="C. Szegedy, S. Ioffe, V. Vanhoucke, A. Alemi",
        year=2016,
        venue="AAAI 2017, arXiv:1602.07261",
        lecture="The many flavors of Inception Networks",
    ),
    input=(3, 299, 299),
    parameters=42_679_816,
    macs=12_253_974_624,
    top1=80.156,
    top1_source="timm tf_in1k, ImageNet validation",
    reference="timm",
    preprocessing=Preprocessing(
        resize=341,
        crop=299,
        interpolation="bicubic",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    ),
    notes=(
        "As in timm, nothing is dropped before the last layer; the paper drops 0.2: dropout=0.2. "
        "Google's network, which this is, begins the slices of the longest branch with 7×1 in B "
        "and with 3×1 in C; figures 5 and 6 begin with 1×7 and 1×3. Figure 5 also prints 1×7 "
        "twice in its middle branch, where 7×1 follows."
    ),
)


class Stem3a(Module):
    """Pool and convolution side by side.

        x ─┬─▶ max pool 3×3/2 ─┐            64
           └─▶ conv 3×3/2 ─────┴─▶ concat   96

    64×147×147 → 160×73×73. Szegedy et al. 2016, figure 3, lower part.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.maxpool = MaxPool2d(3, stride=2)
        self.conv = conv(64, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 64, H, W) → (N, 160, (H − 1)/2, (W − 1)/2)."""
        return cat([self.maxpool(x), self.conv(x)], dim=1)


class Stem4a(Module):
    """A short way and a long one.

        x ─┬─▶ 1×1 ─▶ 3×3 ────────────────┐            64 ─▶ 96
           └─▶ 1×1 ─▶ 1×7 ─▶ 7×1 ─▶ 3×3 ──┴─▶ concat   64 ─▶ 64 ─▶ 64 ─▶ 96

    160×73×73 → 192×71×71. Szegedy et al. 2016, figure 3, middle.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.branch0 = Sequential(conv(160, 64, 1), conv(64, 96, 3))
        self.branch1 = Sequential(
            conv(160, 64, 1),
            conv(64, 64, (1, 7), padding=(0, 3)),
            conv(64, 64, (7, 1), padding=(3, 0)),
            conv(64, 96, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, 160, H, W) → (N, 192, H − 2, W − 2)."""
        return cat([self.branch0(x), self.branch1(x)], dim=1)


class Stem5a(Module):
    """Convolution and pool side by side.

        x ─┬─▶ conv 3×3/2 ─────┐            192
           └─▶ max pool 3×3/2 ─┴─▶ concat   192

    192×71×71 → 384×35×35. Szegedy et al. 2016, figure 3, upper part.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.conv = conv(192, 192, 3, stride=2)
        self.maxpool = MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 192, H, W) → (N, 384, (H − 1)/2, (W − 1)/2)."""
        return cat([self.conv(x), self.maxpool(x)], dim=1)


class InceptionA(Module):
    """The block for 35×35 maps.

        x ─┬─▶ 1×1 ─────────────────────┐           96
           ├─▶ 1×1 ─▶ 3×3 ──────────────┤           64 ─▶ 96
           ├─▶ 1×1 ─▶ 3×3 ─▶ 3×3 ───────┼─▶ concat  64 ─▶ 96 ─▶ 96
           └─▶ average pool 3×3 ─▶ 1×1 ─┘                      96

    384×35×35 → 384×35×35. Szegedy et al. 2016, figure 4. Averages leave the padding out.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.branch0 = conv(384, 96, 1)
        self.branch1 = Sequential(conv(384, 64, 1), conv(64, 96, 3, padding=1))
        self.branch2 = Sequential(
            conv(384, 64, 1),
            conv(64, 96, 3, padding=1),
            conv(96, 96, 3, padding=1),
        )
        self.branch3 = _pool_branch(conv, 384, 96)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 384, H, W) of the same shape."""
        return cat([self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)], dim=1)


class ReductionA(Module):
    """From 35×35 to 17×17.

        x ─┬─▶ 3×3/2 ───────────────┐           384
           ├─▶ 1×1 ─▶ 3×3 ─▶ 3×3/2 ─┼─▶ concat  192 ─▶ 224 ─▶ 256
           └─▶ max pool 3×3/2 ──────┘           384

    384×35×35 → 1024×17×17. Szegedy et al. 2016, figure 7 with k, l, m, n = 192, 224, 256, 384.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.branch0 = conv(384, 384, 3, stride=2)
        self.branch1 = Sequential(
            conv(384, 192, 1),
            conv(192, 224, 3, padding=1),
            conv(224, 256, 3, stride=2),
        )
        self.branch2 = MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 384, H, W) → (N, 1024, (H − 1)/2, (W − 1)/2)."""
        return cat([self.branch0(x), self.branch1(x), self.branch2(x)], dim=1)


class InceptionB(Module):
    """The block for 17×17 maps: 7×7 convolutions in slices.

        x ─┬─▶ 1×1 ────────────────────────────────┐           384
           ├─▶ 1×1 ─▶ 1×7 ─▶ 7×1 ──────────────────┤           192 ─▶ 224 ─▶ 256
           ├─▶ 1×1 ─▶ 7×1 ─▶ 1×7 ─▶ 7×1 ─▶ 1×7 ────┼─▶ concat  192 ─▶ 192 ─▶ 224 ─▶ 224 ─▶ 256
           └─▶ average pool 3×3 ─▶ 1×1 ────────────┘                                       128

    1024×17×17 → 1024×17×17. Szegedy et al. 2016, figure 5.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.branch0 = conv(1024, 384, 1)
        self.branch1 = Sequential(
            conv(1024, 192, 1),
            conv(192, 224, (1, 7), padding=(0, 3)),
            conv(224, 256, (7, 1), padding=(3, 0)),
        )
        self.branch2 = Sequential(
            conv(1024, 192, 1),
            conv(192, 192, (7, 1), padding=(3, 0)),
            conv(192, 224, (1, 7), padding=(0, 3)),
            conv(224, 224, (7, 1), padding=(3, 0)),
            conv(224, 256, (1, 7), padding=(0, 3)),
        )
        self.branch3 = _pool_branch(conv, 1024, 128)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1024, H, W) of the same shape."""
        return cat([self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)], dim=1)


class ReductionB(Module):
    """From 17×17 to 8×8.

        x ─┬─▶ 1×1 ─▶ 3×3/2 ───────────────┐           192 ─▶ 192
           ├─▶ 1×1 ─▶ 1×7 ─▶ 7×1 ─▶ 3×3/2 ─┼─▶ concat  256 ─▶ 256 ─▶ 320 ─▶ 320
           └─▶ max pool 3×3/2 ─────────────┘          1024

    1024×17×17 → 1536×8×8. Szegedy et al. 2016, figure 8.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.branch0 = Sequential(conv(1024, 192, 1), conv(192, 192, 3, stride=2))
        self.branch1 = Sequential(
            conv(1024, 256, 1),
            conv(256, 256, (1, 7), padding=(0, 3)),
            conv(256, 320, (7, 1), padding=(3, 0)),
            conv(320, 320, 3, stride=2),
        )
        self.branch2 = MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1024, H, W) → (N, 1536, (H − 1)/2, (W − 1)/2)."""
        return cat([self.branch0(x), self.branch1(x), self.branch2(x)], dim=1)


class InceptionC(Module):
    """The block for 8×8 maps: 3×3 convolutions in slices, side by side.

        x ─┬─▶ 1×1 ──────────────────────────────┐           256
           ├─▶ 1×1 ─┬─▶ 1×3 ─────────────────────┤           384 ─▶ 256
           │        └─▶ 3×1 ─────────────────────┤               ─▶ 256
           ├─▶ 1×1 ─▶ 3×1 ─▶ 1×3 ─┬─▶ 1×3 ───────┼─▶ concat  384 ─▶ 448 ─▶ 512 ─▶ 256
           │                      └─▶ 3×1 ───────┤                             ─▶ 256
           └─▶ average pool 3×3 ─▶ 1×1 ──────────┘                                256

    1536×8×8 → 1536×8×8. Szegedy et al. 2016, figure 6.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.branch0 = conv(1536, 256, 1)
        self.branch1_0 = conv(1536, 384, 1)
        self.branch1_1a = conv(384, 256, (1, 3), padding=(0, 1))
        self.branch1_1b = conv(384, 256, (3, 1), padding=(1, 0))
        self.branch2_0 = conv(1536, 384, 1)
        self.branch2_1 = conv(384, 448, (3, 1), padding=(1, 0))
        self.branch2_2 = conv(448, 512, (1, 3), padding=(0, 1))
        self.branch2_3a = conv(512, 256, (1, 3), padding=(0, 1))
        self.branch2_3b = conv(512, 256, (3, 1), padding=(1, 0))
        self.branch3 = _pool_branch(conv, 1536, 256)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1536, H, W) of the same shape."""
        one = self.branch1_0(x)  # (N, 384, 8, 8)
        two = self.branch2_2(self.branch2_1(self.branch2_0(x)))  # (N, 512, 8, 8)
        parts = [
            self.branch0(x),
            self.branch1_1a(one),
            self.branch1_1b(one),
            self.branch2_3a(two),
            self.branch2_3b(two),
            self.branch3(x),
        ]
        return cat(parts, dim=1)


def _pool_branch(conv: Callable[..., Module], in_channels: int, out_channels: int) -> Sequential:
    """Average pool 3×3, whose means leave the padding out, then 1×1."""
    pool = AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    return Sequential(pool, conv(in_channels, out_channels, 1))


class InceptionV4(Module):
    """Stem, then blocks of three kinds with reductions between them.

    Args:
        num_classes, in_channels: of the logits and of the images.
        dropout: before the last layer.
        width: how many times as many channels each convolution has, in eighths; 0.25 for a laptop.

    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        dropout: float = 0.0,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        conv = scaled_conv(conv_bn_relu, width)
        self.stem = Sequential(
            {
                "conv1": conv_bn_relu(in_channels, scaled(32, width), 3, stride=2),  # 149×149
                "conv2": conv(32, 32, 3),  # 147×147
                "conv3": conv(32, 64, 3, padding=1),
                "mixed_3a": Stem3a(width),  # 73×73
                "mixed_4a": Stem4a(width),  # 71×71
                "mixed_5a": Stem5a(width),  # 35×35
            }
        )
        self.inception_a = Sequential(*(InceptionA(width) for _ in range(4)))
        self.reduction_a = ReductionA(width)
        self.inception_b = Sequential(*(InceptionB(width) for _ in range(7)))
        self.reduction_b = ReductionB(width)
        self.inception_c = Sequential(*(InceptionC(width) for _ in range(3)))
        self.avgpool = AdaptiveAvgPool2d(1)
        self.dropout = Dropout(dropout)
        self.fc = Linear(scaled(1536, width), num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes); H and W are at least 75."""
        x = self.stem(x)  # (N, 384, 35, 35)
        x = self.reduction_a(self.inception_a(x))  # (N, 1024, 17, 17)
        x = self.reduction_b(self.inception_b(x))  # (N, 1536, 8, 8)
        x = self.avgpool(self.inception_c(x)).flatten(1)  # (N, 1536)
        return self.fc(self.dropout(x))  # type: ignore[no-any-return]


@register(CARD)
def inception_v4(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> InceptionV4:
    """Inception v4; options are InceptionV4's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     model = inception_v4()
    >>> sum(p.numel() for p in model.parameters())
    42679816
    """
    return InceptionV4(num_classes, in_channels, **options)
