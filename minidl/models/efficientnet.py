"""EfficientNet: Tan & Le 2019, "EfficientNet: rethinking model scaling for convolutional neural
networks", ICML 2019, arXiv:1905.11946, table 1. In the lecture: "EfficientNet: Smart Compound
Scaling".

    image        stem       stage1     stage2    stage3    stage4    stage5     stage6    stage7
    3×224×224 ─▶ 32×112² ─▶ 16×112² ─▶ 24×56² ─▶ 40×28² ─▶ 80×14² ─▶ 112×14² ─▶ 192×7² ─▶ 320×7²
                 3×3        3×3        3×3       5×5       3×3       5×5        5×5       3×3
    blocks                  1          2         2         3         3          4         1
    ─▶ head 1×1, 1280×7² ─▶ means, dense ─▶ 1000

That is b0; the paper counts the stem as stage 1 and the head as stage 9. The others are b0 with
more channels, more blocks and larger images, all three at once: one `EfficientNet(width, depth)`,
for images of the size in the table `SCALES`. compound_scaling.py has the rule behind it, and the
search for the rule's constants.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from minidl.functional.conv import PaddingArgument
from minidl.models.blocks import (
    ConvBNAct,
    InvertedResidual,
    SqueezeExcite,
    draw_uniform_dense,
    round_channels,
    strided_stage,
)
from minidl.models.card import Card, Paper, Preprocessing
from minidl.models.checks import check_makes_layers, check_multiplier, check_probability
from minidl.models.registry import register
from minidl.nn import (
    AdaptiveAvgPool2d,
    Dropout,
    Linear,
    Module,
    SiLU,
)
from minidl.tensor import Tensor

__all__ = [
    "SCALES",
    "EfficientNet",
    "Scale",
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_b3",
    "efficientnet_b4",
    "efficientnet_b5",
    "efficientnet_b6",
    "efficientnet_b7",
]

PAPER = Paper(
    title="EfficientNet: rethinking model scaling for convolutional neural networks",
    authors="M. Tan, Q. V. Le",
    year=2019,
    venue="ICML 2019, arXiv:1905.11946",
    lecture="EfficientNet: Smart Compound Scaling",
)


# ------------------------------------------------------------------------------ scaling


class Scale(NamedTuple):
    """How a network is larger than b0."""

    width: float
    """Times as many channels."""
    depth: float
    """Times as many blocks in every stage."""
    resolution: int
    """Height and width of the images."""


SCALES = {
    "efficientnet_b0": Scale(1.0, 1.0, 224),
    "efficientnet_b1": Scale(1.0, 1.1, 240),
    "efficientnet_b2": Scale(1.1, 1.2, 260),
    "efficientnet_b3": Scale(1.2, 1.4, 300),
    "efficientnet_b4": Scale(1.4, 1.8, 380),
    "efficientnet_b5": Scale(1.6, 2.2, 456),
    "efficientnet_b6": Scale(1.8, 2.6, 528),
    "efficientnet_b7": Scale(2.0, 3.1, 600),
}
"""As published, in the authors' code."""


def scaled_layers(layers: int, depth: float) -> int:
    """layers · depth, rounded up.

    >>> scaled_layers(2, 1.1), scaled_layers(1, 3.1)
    (3, 4)
    """
    return math.ceil(layers * depth)


# ------------------------------------------------------------------------------ network


class EfficientNet(Module):
    """A stem, seven stages of inverted residual blocks ("MBConv"), a dense layer on the means.

    Args:
        width, depth: see Scale.
        num_classes, in_channels: of the logits and of the images.
        dropout: before the dense layer.
        drop_path: of the block behind the last one, as it were: stochastic depth grows linearly
            from 0 at the first block (Huang et al. 2016, arXiv:1603.09382).
        eps, momentum: of all batch norms; 1e-3 and 0.01 in the authors' code.
        activation: makes the activations.
        squeeze_excite: whether the blocks have it; it squeezes to a quarter of the channels that
            enter the block, not of those inside.
        stem_stride: of the first convolution; 1 leaves more of small images, such as 28×28.
        tf_same: pad as TensorFlow does, where a convolution strides: the odd row goes below, the
            odd column to the right. Otherwise both sides get the same.
        init_per_group: begin with larger weights in the depthwise convolutions, as timm does where
            torchvision doesn't: see blocks.draw_uniform_dense.

    """

    def __init__(
        self,
        width: float = 1.0,
        depth: float = 1.0,
        num_classes: int = 1000,
        in_channels: int = 3,
        dropout: float = 0.2,
        drop_path: float = 0.2,
        eps: float = 1e-5,
        momentum: float = 0.1,
        activation: Callable[[], Module] = SiLU,
        squeeze_excite: bool = True,
        stem_stride: int = 2,
        tf_same: bool = False,
        init_per_group: bool = False,
    ) -> None:
        super().__init__()
        check_multiplier("EfficientNet", "width", width)
        check_multiplier("EfficientNet", "depth", depth, of="blocks")
        check_probability("EfficientNet", "drop_path", drop_path)
        check_makes_layers("EfficientNet", "activation", activation)
        c = [round_channels(width * channels) for channels in (32, 16, 24, 40, 80, 112, 192, 320)]
        n = [scaled_layers(layers, depth) for layers in (1, 2, 2, 3, 3, 4, 1)]
        norm: dict[str, Any] = {"eps": eps, "momentum": momentum}
        drop_paths = (drop_path * i / sum(n) for i in itertools.count())

        def block(
            in_channels: int, out_channels: int, stride: int, expansion: int, kernel_size: int
        ) -> InvertedResidual:
            def squeeze(expanded: int) -> SqueezeExcite:
                return SqueezeExcite(expanded, max(1, in_channels // 4), activation())

            return InvertedResidual(
                in_channels,
                out_channels,
                expansion,
                kernel_size,
                stride,
                padding="tf_same" if tf_same else None,
                attention=squeeze if squeeze_excite else None,
                activation=activation,
                drop_path=next(drop_paths),
                **norm,
            )

        padding: PaddingArgument = "tf_same" if tf_same else 1
        self.stem = ConvBNAct(
            in_channels, c[0], 3, stem_stride, padding=padding, activation=activation(), **norm
        )
        stage = partial(strided_stage, block)
        # Table 1:         layers, in, out, stride of the first
        self.stage1 = stage(n[0], c[0], c[1], 1, expansion=1, kernel_size=3)
        self.stage2 = stage(n[1], c[1], c[2], 2, expansion=6, kernel_size=3)
        self.stage3 = stage(n[2], c[2], c[3], 2, expansion=6, kernel_size=5)
        self.stage4 = stage(n[3], c[3], c[4], 2, expansion=6, kernel_size=3)
        self.stage5 = stage(n[4], c[4], c[5], 1, expansion=6, kernel_size=5)
        self.stage6 = stage(n[5], c[5], c[6], 2, expansion=6, kernel_size=5)
        self.stage7 = stage(n[6], c[6], c[7], 1, expansion=6, kernel_size=3)
        self.head = ConvBNAct(c[7], 4 * c[7], kernel_size=1, activation=activation(), **norm)
        self.avgpool = AdaptiveAvgPool2d(1)
        self.dropout = Dropout(dropout)
        self.fc = Linear(4 * c[7], num_classes)
        draw_uniform_dense(self, per_group=init_per_group)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes); shapes for b0 and 224×224."""
        x = self.stem(x)  # (N, 32, 112, 112)
        x = self.stage1(x)  # (N, 16, 112, 112)
        x = self.stage2(x)  # (N, 24, 56, 56)
        x = self.stage3(x)  # (N, 40, 28, 28)
        x = self.stage4(x)  # (N, 80, 14, 14)
        x = self.stage5(x)  # (N, 112, 14, 14)
        x = self.stage6(x)  # (N, 192, 7, 7)
        x = self.stage7(x)  # (N, 320, 7, 7)
        x = self.head(x)  # (N, 1280, 7, 7)
        x = self.avgpool(x).flatten(1)  # (N, 1280)
        return self.fc(self.dropout(x))  # type: ignore[no-any-return]


# --------------------------------------------------------------------------------- zoo


def _card(
    name: str,
    parameters: int,
    macs: int,
    top1: float,
    resize: int,
    crop: int | None = None,
    notes: str = "",
) -> Card:
    resolution = SCALES[name].resolution
    at = f" at {crop}×{crop}" if crop else ""
    return Card(
        paper=PAPER,
        input=(3, resolution, resolution),
        parameters=parameters,
        macs=macs,
        top1=top1,
        top1_source="torchvision IMAGENET1K_V1, ImageNet validation" + at,
        reference="torchvision",
        preprocessing=Preprocessing(resize, crop or resolution, interpolation="bicubic"),
        notes=notes,
    )


def _efficientnet(
    name: str, num_classes: int, in_channels: int, options: dict[str, Any], **defaults: Any
) -> EfficientNet:
    scale = {"width": SCALES[name].width, "depth": SCALES[name].depth}
    options = {**scale, **defaults, **options}
    return EfficientNet(num_classes=num_classes, in_channels=in_channels, **options)


SMALL_EPS = (
    "Batch norms as in torchvision, whose weights of b0 to b4 were trained with eps 1e-5; the "
    "authors have eps=1e-3, momentum=0.01."
)
LARGE_EPS = "Batch norms with eps 1e-3 and momentum 0.01, as the authors and torchvision have them."
FLOPS = " Table 2 of the paper says {} billion."


@register(
    _card(
        "efficientnet_b0",
        5_288_548,
        385_814_752,
        77.692,
        256,
        notes=SMALL_EPS,
    )
)
def efficientnet_b0(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> EfficientNet:
    """EfficientNet-B0; options are EfficientNet's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     sum(p.numel() for p in efficientnet_b0().parameters())
    5288548
    """
    return _efficientnet("efficientnet_b0", num_classes, in_channels, options)


@register(
    _card(
        "efficientnet_b1",
        7_794_184,
        686_802_832,
        78.642,
        256,
        notes=SMALL_EPS + FLOPS.format("0.70"),
    )
)
def efficientnet_b1(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> EfficientNet:
    """EfficientNet-B1; options are EfficientNet's."""
    return _efficientnet("efficientnet_b1", num_classes, in_channels, options)


@register(
    _card(
        "efficientnet_b2",
        9_109_994,
        993_561_872,
        80.608,
        288,
        crop=288,
        notes=SMALL_EPS + " Table 2 of the paper says 9.2 million parameters.",
    )
)
def efficientnet_b2(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> EfficientNet:
    """EfficientNet-B2; options are EfficientNet's."""
    return _efficientnet("efficientnet_b2", num_classes, in_channels, options, dropout=0.3)


@register(_card("efficientnet_b3", 12_233_232, 1_827_141_392, 82.008, 320, notes=SMALL_EPS))
def efficientnet_b3(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> EfficientNet:
    """EfficientNet-B3; options are EfficientNet's."""
    return _efficientnet("efficientnet_b3", num_classes, in_channels, options, dropout=0.3)


@register(
    _card(
        "efficientnet_b4",
        19_341_616,
        4_393_771_024,
        83.384,
        384,
        notes=SMALL_EPS + FLOPS.format("4.2"),
    )
)
def efficientnet_b4(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> EfficientNet:
    """EfficientNet-B4; options are EfficientNet's."""
    return _efficientnet("efficientnet_b4", num_classes, in_channels, options, dropout=0.4)


@register(
    _card(
        "efficientnet_b5",
        30_389_784,
        10_266_384_752,
        83.444,
        456,
        notes=LARGE_EPS + FLOPS.format("9.9"),
    )
)
def efficientnet_b5(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> EfficientNet:
    """EfficientNet-B5; options are EfficientNet's."""
    return _efficientnet(
        "efficientnet_b5", num_classes, in_channels, options, dropout=0.4, eps=1e-3, momentum=0.01
    )


@register(_card("efficientnet_b6", 43_040_704, 19_067_593_536, 84.008, 528, notes=LARGE_EPS))
def efficientnet_b6(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> EfficientNet:
    """EfficientNet-B6; options are EfficientNet's."""
    return _efficientnet(
        "efficientnet_b6", num_classes, in_channels, options, dropout=0.5, eps=1e-3, momentum=0.01
    )


@register(
    _card(
        "efficientnet_b7",
        66_347_960,
        37_745_884_192,
        84.122,
        600,
        notes=LARGE_EPS + FLOPS.format("37"),
    )
)
def efficientnet_b7(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> EfficientNet:
    """EfficientNet-B7; options are EfficientNet's."""
    return _efficientnet(
        "efficientnet_b7", num_classes, in_channels, options, dropout=0.5, eps=1e-3, momentum=0.01
    )
