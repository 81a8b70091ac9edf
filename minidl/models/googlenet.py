"""GoogLeNet: Szegedy et al. 2014, "Going deeper with convolutions", figure 3 and table 1; here with
the batch norm of 2015. In the lecture: "GoogLeNet".

    image    7×7/2, pool   1×1, 3×3, pool    3a, 3b   pool   4a … 4e   pool   5a, 5b   mean
    3×224² ─▶   64×56²   ─▶   192×28²    ─▶ 480×28² ─▶ 14² ─▶ 832×14² ─▶ 7² ─▶ 1024×7² ─▶ 1024 ─▶ fc
                                                        after 4a └▶ aux1   after 4d └▶ aux2

googlenet_2014 is the network as it was before batch norm.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from minidl.functional import cat
from minidl.models.blocks import WithAuxiliary
from minidl.models.card import IMAGENET, Card, Paper
from minidl.models.inception_parts import (
    FromImageNetScale,
    conv_bn_relu,
    draw_weights,
    scaled,
    scaled_conv,
)
from minidl.models.registry import register
from minidl.nn import AdaptiveAvgPool2d, Dropout, Linear, MaxPool2d, Module, ReLU, Sequential
from minidl.tensor import Tensor

PAPER = Paper(
    title="Going deeper with convolutions",
    authors=(
        "C. Szegedy, W. Liu, Y. Jia, P. Sermanet, S. Reed, D. Anguelov, D. Erhan, V. Vanhoucke, "
        "A. Rabinovich"
    ),
    year=2014,
    venue="CVPR 2015, arXiv:1409.4842",
    lecture="GoogLeNet",
)
CARD = Card(
    paper=PAPER,
    input=(3, 224, 224),
    parameters=13_004_888,
    macs=1_498_376_192,
    top1=69.778,
    top1_source="torchvision IMAGENET1K_V1, ImageNet validation",
    reference="torchvision",
    preprocessing=IMAGENET,
    notes=(
        "6,624,904 parameters without the auxiliary heads. As in torchvision: batch norm, no local "
        "response norm, 3×3 convolutions where the paper has 5×5, a 2×2 pool before 5a where the "
        "paper has 3×3, dropout 0.2 where it has 0.4. The published weights want "
        "transform_input=True; their heads were never trained. googlenet_2014 is the paper's own."
    ),
)


class Inception(Module):
    """Four ways to look at the same maps; what they see is put side by side.

        x ─┬─▶ 1×1 ────────────────────▶ branch1 ─┐           3a:  64
           ├─▶ 1×1 reduces ─▶ 3×3 ─────▶ branch2 ─┤           96 ─▶ 128
           ├─▶ 1×1 reduces ─▶ 5×5 ─────▶ branch3 ─┼─▶ concat  16 ─▶  32
           └─▶ max pool 3×3 ─▶ 1×1 ────▶ branch4 ─┘                  32

    Szegedy et al. 2014, figure 2b; the numbers are those of 3a, which turns 192×28×28 into
    (64 + 128 + 32 + 32) × 28 × 28. Height and width stay.

    Args:
        in_channels: of x.
        width1x1, reduce3x3, width3x3, reduce5x5, width5x5, width_pool: columns of table 1.
        kernel5x5: size of the large kernel. torchvision has 3 by mistake, and its weights too.
        conv: makes a convolution with its norm and activation.
        width: how many times as many channels each convolution has.

    """

    def __init__(
        self,
        in_channels: int,
        width1x1: int,
        reduce3x3: int,
        width3x3: int,
        reduce5x5: int,
        width5x5: int,
        width_pool: int,
        *,
        kernel5x5: int = 3,
        conv: Callable[..., Module] = conv_bn_relu,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        conv = scaled_conv(conv, width)
        self.branch1 = conv(in_channels, width1x1, kernel_size=1)
        self.branch2 = Sequential(
            conv(in_channels, reduce3x3, kernel_size=1),
            conv(reduce3x3, width3x3, kernel_size=3, padding=1),
        )
        self.branch3 = Sequential(
            conv(in_channels, reduce5x5, kernel_size=1),
            conv(reduce5x5, width5x5, kernel_size=kernel5x5, padding=kernel5x5 // 2),
        )
        self.branch4 = Sequential(
            MaxPool2d(3, stride=1, padding=1, ceil_mode=True),
            conv(in_channels, width_pool, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, sum of the four widths, H, W)."""
        return cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1)


class AuxiliaryHead(Module):
    """A small classifier halfway, used in training only: it brings gradient to the lower layers.

        x (N, C, 14, 14) ─▶ pool (4×4) ─▶ 1×1 conv, 128 ─▶ fc1 1024 ─▶ dropout ─▶ fc2 ─▶ logits

    Szegedy et al. 2014, §5; its loss counts 0.3 of the last one's.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        dropout: float,
        pool: Module | None = None,
        conv: Callable[..., Module] = conv_bn_relu,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        conv = scaled_conv(conv, width)
        hidden = scaled(1024, width)
        self.pool = AdaptiveAvgPool2d(4) if pool is None else pool
        self.conv = conv(in_channels, 128, kernel_size=1)
        self.fc1 = Linear(scaled(128, width) * 4 * 4, hidden)
        self.fc2 = Linear(hidden, num_classes)
        self.act, self.dropout = ReLU(), Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes)."""
        x = self.conv(self.pool(x))  # (N, 128, 4, 4)
        x = x.flatten(1)  # (N, 2048)
        x = self.dropout(self.act(self.fc1(x)))  # (N, 1024)
        return self.fc2(x)  # type: ignore[no-any-return]


class GoogLeNet(Module):
    """Nine Inception blocks in three stages, after a stem of plain convolutions.

    Args:
        num_classes, in_channels: of the logits and of the images.
        aux_logits: whether there are auxiliary heads, after 4a and 4d.
        transform_input: see FromImageNetScale.
        dropout, dropout_aux: before the last layer, and in the heads.
        width: how many times as many channels each convolution has, in eighths, and the heads'
            hidden layers too; 0.25 for a laptop.

    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        aux_logits: bool = True,
        transform_input: bool = False,
        dropout: float = 0.2,
        dropout_aux: float = 0.7,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        conv = scaled_conv(self._conv, width)
        inception, head = partial(self._inception, width=width), partial(self._head, width=width)
        self.transform = FromImageNetScale(in_channels) if transform_input else None
        self.conv1 = self._conv(in_channels, scaled(64, width), kernel_size=7, stride=2, padding=3)
        self.maxpool1 = MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = conv(64, 64, kernel_size=1)
        self.conv3 = conv(64, 192, kernel_size=3, padding=1)
        self.maxpool2 = MaxPool2d(3, stride=2, ceil_mode=True)
        # Table 1:                   in   1×1  red. 3×3  red. 5×5  pool
        self.inception3a = inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = inception(256, 128, 128, 192, 32, 96, 64)
        self.maxpool3 = MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = inception(528, 256, 160, 320, 32, 128, 128)
        self.maxpool4 = MaxPool2d(2, stride=2, ceil_mode=True)
        self.inception5a = inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = inception(832, 384, 192, 384, 48, 128, 128)
        self.aux1 = head(512, num_classes, dropout_aux) if aux_logits else None
        self.aux2 = head(528, num_classes, dropout_aux) if aux_logits else None
        self.avgpool = AdaptiveAvgPool2d(1)
        self.dropout = Dropout(dropout)
        self.fc = Linear(scaled(1024, width), num_classes)
        self._draw_weights()

    def forward(self, x: Tensor) -> Tensor | WithAuxiliary:
        """(N, in_channels, H, W) → logits (N, num_classes); in training with those of the heads.

        H and W are at least 15.
        """
        x = self.stem(x)  # (N, 192, 28, 28)
        x = self.inception3b(self.inception3a(x))  # (N, 480, 28, 28)
        x = after_4a = self.inception4a(self.maxpool3(x))  # (N, 512, 14, 14)
        x = self.inception4c(self.inception4b(x))  # (N, 512, 14, 14)
        x = after_4d = self.inception4d(x)  # (N, 528, 14, 14)
        x = self.inception4e(x)  # (N, 832, 14, 14)
        x = self.inception5b(self.inception5a(self.maxpool4(x)))  # (N, 1024, 7, 7)
        x = self.avgpool(x).flatten(1)  # (N, 1024)
        logits = self.fc(self.dropout(x))
        if self.training and self.aux1 is not None and self.aux2 is not None:
            return WithAuxiliary(logits, (self.aux1(after_4a), self.aux2(after_4d)))
        return logits  # type: ignore[no-any-return]

    def stem(self, x: Tensor) -> Tensor:
        """(N, in_channels, 224, 224) → (N, 192, 28, 28)."""
        if self.transform is not None:
            x = self.transform(x)
        x = self.maxpool1(self.conv1(x))  # (N, 64, 56, 56)
        return self.maxpool2(self.conv3(self.conv2(x)))  # type: ignore[no-any-return]

    # What googlenet_2014 does in another way. All but `stem` are called by __init__ above, before
    # that of a subclass goes on: they build from their arguments and use nothing of self, and
    # _draw_weights, the last, finds every layer that has weights.

    def _conv(self, in_channels: int, out_channels: int, **window: int) -> Module:
        return conv_bn_relu(in_channels, out_channels, **window)

    def _inception(self, *channels: int, width: float) -> Inception:
        return Inception(*channels, width=width)

    def _head(
        self, in_channels: int, num_classes: int, dropout: float, width: float
    ) -> AuxiliaryHead:
        return AuxiliaryHead(in_channels, num_classes, dropout, width=width)

    def _draw_weights(self) -> None:
        draw_weights(self, std=0.01)


@register(CARD)
def googlenet(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> GoogLeNet:
    """GoogLeNet with batch norm, as torchvision has it; options are GoogLeNet's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     model = googlenet(aux_logits=False)
    >>> sum(p.numel() for p in model.parameters())
    6624904
    """
    return GoogLeNet(num_classes, in_channels, **options)
