"""MobileNet v1: Howard et al. 2017, "MobileNets: Efficient convolutional neural networks for mobile
vision applications", table 1. In the lecture: "Separable Convolutions - all channels separate".

    image        stem 3×3    stage1     stage2     stage3     stage4     stage5     means, dense
    3×224×224 ─▶ 32×112²  ─▶ 64×112² ─▶ 128×56² ─▶ 256×28² ─▶ 512×14² ─▶ 1024×7² ─▶ 1000
    blocks                   1          2          2          6          2

A 3×3 convolution from 512 to 512 channels costs 512 · 512 · 9 multiplications per pixel; filtering
each channel by itself and then mixing them costs 512 · 9 + 512 · 512, about a ninth.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from minidl.models.blocks import ConvBNAct, draw_uniform_dense, round_channels, strided_stage
from minidl.models.card import Card, Paper, Preprocessing
from minidl.models.checks import check_makes_layers, check_multiplier
from minidl.models.registry import register
from minidl.nn import AdaptiveAvgPool2d, Dropout, Linear, Module, ReLU6
from minidl.tensor import Tensor

__all__ = ["DepthwiseSeparable", "MobileNetV1", "mobilenet_v1"]

CARD = Card(
    paper=Paper(
        title=(
            "MobileNets: Efficient convolutional neural networks for mobile vision applications"
        ),
        authors=(
            "A. G. Howard, M. Zhu, B. Chen, D. Kalenichenko, W. Wang, T. Weyand, M. Andreetto, "
            "H. Adam"
        ),
        year=2017,
        venue="arXiv:1704.04861",
        lecture="Separable Convolutions",
    ),
    input=(3, 224, 224),
    parameters=4_231_976,
    macs=568_740_352,
    top1=75.382,
    top1_source="timm ra4_e3600_r224_in1k, ImageNet validation",
    reference="timm",
    preprocessing=Preprocessing(
        resize=256,
        crop=224,
        interpolation="bicubic",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    ),
    notes=(
        "The paper prints 70.6 % (table 6). ReLU6, as in timm's mobilenetv1_100 and Google's own "
        "code; the paper draws ReLU: activation=ReLU. Table 1 prints a stride of 2 for the last "
        "depthwise convolution, but its shapes, and everybody's networks, have 1. Scaled widths "
        "are rounded to multiples of 8."
    ),
)


class DepthwiseSeparable(Module):
    """A convolution in two steps: figure 3, right.

        x (N, in_channels, H, W)
        depthwise 3×3, stride ─ bn ─ activation    (N, in_channels, H/stride, W/stride)
        pointwise 1×1 ─ bn ─ activation            (N, out_channels, H/stride, W/stride)

    Depthwise filters each channel by itself, pointwise mixes the channels of each pixel.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        activation: Callable[[], Module] = ReLU6,
    ) -> None:
        super().__init__()
        self.depthwise = ConvBNAct(
            in_channels,
            in_channels,
            3,
            stride,
            padding=1,
            groups=in_channels,
            activation=activation(),
        )
        self.pointwise = ConvBNAct(in_channels, out_channels, 1, activation=activation())

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out_channels, H/stride, W/stride)."""
        return self.pointwise(self.depthwise(x))  # type: ignore[no-any-return]


class MobileNetV1(Module):
    """A stem, 13 depthwise separable convolutions, and a dense layer on every channel's mean.

    Args:
        num_classes, in_channels: of the logits and of the images.
        width_mult: scales the channels of all layers; the paper has 1, 0.75, 0.5 and 0.25.
        stem_stride: of the first convolution; 1 leaves more of small images, such as 28×28.
        dropout: before the dense layer.
        activation: makes the activations.

    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        width_mult: float = 1.0,
        stem_stride: int = 2,
        dropout: float = 0.0,
        activation: Callable[[], Module] = ReLU6,
    ) -> None:
        super().__init__()
        check_multiplier("MobileNetV1", "width_mult", width_mult)
        check_makes_layers("MobileNetV1", "activation", activation)
        w32, w64, w128, w256, w512, w1024 = (
            round_channels(width_mult * channels) for channels in (32, 64, 128, 256, 512, 1024)
        )
        self.stem = ConvBNAct(in_channels, w32, 3, stem_stride, padding=1, activation=activation())
        stage = partial(strided_stage, DepthwiseSeparable, activation=activation)
        # Table 1:       blocks, in, out, stride of the first
        self.stage1 = stage(1, w32, w64, 1)
        self.stage2 = stage(2, w64, w128, 2)
        self.stage3 = stage(2, w128, w256, 2)
        self.stage4 = stage(6, w256, w512, 2)
        self.stage5 = stage(2, w512, w1024, 2)
        self.avgpool = AdaptiveAvgPool2d(1)
        self.dropout = Dropout(dropout)
        self.fc = Linear(w1024, num_classes)
        draw_uniform_dense(self, per_group=True)  # as in timm

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes); shapes for 224×224."""
        x = self.stem(x)  # (N, 32, 112, 112)
        x = self.stage1(x)  # (N, 64, 112, 112)
        x = self.stage2(x)  # (N, 128, 56, 56)
        x = self.stage3(x)  # (N, 256, 28, 28)
        x = self.stage4(x)  # (N, 512, 14, 14)
        x = self.stage5(x)  # (N, 1024, 7, 7)
        x = self.avgpool(x).flatten(1)  # (N, 1024)
        return self.fc(self.dropout(x))  # type: ignore[no-any-return]


@register(CARD)
def mobilenet_v1(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> MobileNetV1:
    """MobileNet v1; options are MobileNetV1's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     [sum(p.numel() for p in mobilenet_v1(width_mult=w).parameters()) for w in (1, 0.5)]
    [4231976, 1331592]
    """
    return MobileNetV1(num_classes, in_channels, **options)
