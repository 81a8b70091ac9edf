"""ResNet: He, Zhang, Ren, Sun 2015, "Deep residual learning for image recognition", CVPR 2016,
arXiv:1512.03385, table 1. In the lecture: "Residual Networks", "ResNet Block in detail".

    image        conv 7×7    max pool    layer1    layer2     layer3     layer4    means, dense
    3×224×224 ─▶ 64×112²  ─▶ 64×56²   ─▶ 64×56² ─▶ 128×28² ─▶ 256×14² ─▶ 512×7² ─▶ 1000

    blocks in layer1 … layer4    18: 2 2 2 2    34: 3 4 6 3                        of BasicBlock
                                 50: 3 4 6 3   101: 3 4 23 3   152: 3 8 36 3       of Bottleneck,
                                                                  with four times the channels
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minidl.errors import ArgumentError, fail
from minidl.models.blocks import strided_stage
from minidl.models.card import Paper, imagenet_card
from minidl.models.checks import check_stages
from minidl.models.registry import register
from minidl.nn import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
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
    "BasicBlock",
    "Bottleneck",
    "ResNet",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
]

PAPER = Paper(
    title="Deep residual learning for image recognition",
    authors="K. He, X. Zhang, S. Ren, J. Sun",
    year=2015,
    venue="CVPR 2016, arXiv:1512.03385",
    lecture="Residual Networks",
)

Attention = Callable[[int], Module]
"""channels → a module that scales (N, channels, H, W), such as SqueezeExcite."""


# ------------------------------------------------------------------------------- blocks


def projection(in_channels: int, out_channels: int, stride: int) -> Module:
    """The shortcut where a block changes the shape: convolution 1×1 and batch norm (option B)."""
    return Sequential(
        Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
        BatchNorm2d(out_channels),
    )


def shortcut_or_none(
    shortcut: Callable[[int, int, int], Module], in_channels: int, out_channels: int, stride: int
) -> Module | None:
    """`shortcut` where a block changes the shape; None where x itself can be added."""
    if stride == 1 and in_channels == out_channels:
        return None
    return shortcut(in_channels, out_channels, stride)


class BasicBlock(Module):
    """Two 3×3 convolutions, and around them a shortcut: figure 5, left.

        x (N, in_channels, H, W)
        ├──────────────────────────────────┐
        conv1 3×3, stride ─ bn1 ─ relu     │      (N, width, H/stride, W/stride)
        conv2 3×3 ─ bn2 (─ se)             downsample, where the shape changes
        + ◀────────────────────────────────┘
        relu ─▶ (N, width, H/stride, W/stride)

    Args:
        in_channels: of x.
        width: channels inside and of the output.
        stride: of conv1 and of the shortcut.
        attention: channels → a module at the end of the branch, or None.
        shortcut: (in_channels, out_channels, stride) → the module where the shape changes.

    """

    expansion = 1

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: int = 1,
        attention: Attention | None = None,
        shortcut: Callable[[int, int, int], Module] = projection,
    ) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = BatchNorm2d(width)
        self.conv2 = Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(width)
        self.relu = ReLU()
        self.se = attention(width) if attention else None
        self.downsample = shortcut_or_none(shortcut, in_channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """relu(branch(x) + shortcut(x))."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = norm_act(self.conv1(x), self.bn1, self.relu)
        if self.se is None:
            return norm_act(self.conv2(x), self.bn2, self.relu, residual=shortcut)
        x = self.se(self.bn2(self.conv2(x)))
        return self.relu(x + shortcut)  # type: ignore[no-any-return]

    def start_as_identity(self) -> None:
        """Let the branch begin with zeros: relu(shortcut(x)) is left."""
        init.constant_(self.bn2.weight, 0.0)


class Bottleneck(Module):
    """Narrow, convolve, widen again: figure 5, right; with groups it is ResNeXt's block.

        x (N, in_channels, H, W)
        ├──────────────────────────────────┐
        conv1 1×1 ─ bn1 ─ relu             │      (N, inner, H, W)
        conv2 3×3, stride ─ bn2 ─ relu     │      (N, inner, H/stride, W/stride), in groups
        conv3 1×1 ─ bn3 (─ se)             downsample, where the shape changes
        + ◀────────────────────────────────┘
        relu ─▶ (N, 4 · width, H/stride, W/stride)

    inner = width · width_per_group / 64 · groups: width itself for ResNet.

    Args:
        in_channels: of x.
        width: a quarter of the output's channels.
        stride: of the 3×3 convolution and of the shortcut.
        groups, width_per_group: of the 3×3 convolution; ResNeXt-50 32×4d has 32 and 4.
        stride_in_1x1: put the stride into conv1, as the paper of 2015 does. The 3×3 loses no pixel
            and gives about half a percent more top-1 ("ResNet v1.5").
        attention: channels → a module at the end of the branch, or None.

    """

    expansion = 4

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: int = 1,
        groups: int = 1,
        width_per_group: int = 64,
        stride_in_1x1: bool = False,
        attention: Attention | None = None,
    ) -> None:
        super().__init__()
        if width < 1 or width * width_per_group % 64:
            got, expected = f"{width}", f"one whose product with {width_per_group} divides by 64"
            fix = "It is the network's width, 64 if not said, times 1, 2, 4 or 8."
            fail("Bottleneck", "width", got, expected, fix, error=ArgumentError)
        inner, out_channels = width * width_per_group // 64 * groups, width * self.expansion
        stride1, stride2 = (stride, 1) if stride_in_1x1 else (1, stride)
        self.conv1 = Conv2d(in_channels, inner, 1, stride1, bias=False)
        self.bn1 = BatchNorm2d(inner)
        self.conv2 = Conv2d(inner, inner, 3, stride2, padding=1, groups=groups, bias=False)
        self.bn2 = BatchNorm2d(inner)
        self.conv3 = Conv2d(inner, out_channels, 1, bias=False)
        self.bn3 = BatchNorm2d(out_channels)
        self.relu = ReLU()
        self.se = attention(out_channels) if attention else None
        self.downsample = shortcut_or_none(projection, in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """relu(branch(x) + shortcut(x))."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = norm_act(self.conv1(x), self.bn1, self.relu)
        x = norm_act(self.conv2(x), self.bn2, self.relu)
        if self.se is None:
            return norm_act(self.conv3(x), self.bn3, self.relu, residual=shortcut)
        x = self.se(self.bn3(self.conv3(x)))
        return self.relu(x + shortcut)  # type: ignore[no-any-return]

    def start_as_identity(self) -> None:
        """Let the branch begin with zeros: relu(shortcut(x)) is left."""
        init.constant_(self.bn3.weight, 0.0)


# ------------------------------------------------------------------------------ network


class ResNet(Module):
    """A stem, four stages of blocks, and a dense layer on every channel's mean.

    Args:
        block: BasicBlock, Bottleneck or another (in_channels, width, stride, …) → Module with an
            `expansion`.
        blocks: how many in each of the four stages.
        num_classes: logits.
        in_channels: of the images.
        width: channels of the stem; the stages' widths are 1, 2, 4 and 8 times as many.
        zero_init_residual: start every block as its shortcut (Goyal et al. 2017,
            arXiv:1706.02677, §5.1).
        block_options: the block's: groups, width_per_group, stride_in_1x1, attention.

    """

    def __init__(
        self,
        block: Any,
        blocks: tuple[int, int, int, int],
        num_classes: int = 1000,
        in_channels: int = 3,
        width: int = 64,
        zero_init_residual: bool = False,
        **block_options: Any,
    ) -> None:
        super().__init__()
        check_stages("ResNet", "blocks", blocks, 4)
        self.conv1 = Conv2d(in_channels, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = BatchNorm2d(width)
        self.relu = ReLU()
        self.maxpool = MaxPool2d(3, stride=2, padding=1)
        self.layer1 = strided_stage(block, blocks[0], width, width, 1, **block_options)
        out = width * block.expansion  # channels of layer1's output
        self.layer2 = strided_stage(block, blocks[1], out, 2 * width, 2, **block_options)
        self.layer3 = strided_stage(block, blocks[2], 2 * out, 4 * width, 2, **block_options)
        self.layer4 = strided_stage(block, blocks[3], 4 * out, 8 * width, 2, **block_options)
        self.avgpool = AdaptiveAvgPool2d(1)
        self.fc = Linear(8 * out, num_classes)
        initialise(self, zero_init_residual)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes); shapes for 224×224 and BasicBlock."""
        x = norm_act(self.conv1(x), self.bn1, self.relu)  # (N, 64, 112, 112)
        x = self.maxpool(x)  # (N, 64, 56, 56)
        x = self.layer1(x)  # (N, 64, 56, 56)
        x = self.layer2(x)  # (N, 128, 28, 28)
        x = self.layer3(x)  # (N, 256, 14, 14)
        x = self.layer4(x)  # (N, 512, 7, 7)
        x = self.avgpool(x).flatten(1)  # (N, 512)
        return self.fc(x)  # type: ignore[no-any-return]


def initialise(network: Module, zero_init_residual: bool = False) -> None:
    """Convolutions from N(0, 2 / fan_out), as in the references: the gradient keeps its variance.

    He et al. 2015, "Delving deep into rectifiers", §2.2. Batch norms begin as identities.

    Raises ArgumentError for zero_init_residual where no block can start as its shortcut.
    """
    for module in network.modules():
        if isinstance(module, Conv2d):
            init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    if zero_init_residual:
        blocks = [each for each in network.modules() if hasattr(each, "start_as_identity")]
        if not blocks:
            name, expected = type(network).__name__, "blocks with a method start_as_identity()"
            fail(name, "zero_init_residual", "True", expected, error=ArgumentError)
        for block in blocks:
            block.start_as_identity()


# --------------------------------------------------------------------------------- zoo


STRIDE_NOTE = (
    "The stride is in the 3×3 convolution of a bottleneck, as torchvision has it; the paper has it "
    "in the first 1×1 (stride_in_1x1=True), and so prints fewer FLOPs: 3.8, 7.6 and 11.3 billion "
    "for 50, 101 and 152 layers."
)


@register(imagenet_card(PAPER, 11_689_512, 1_814_073_344, 69.758), block=BasicBlock)
def resnet18(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ResNet:
    """ResNet-18; options are ResNet's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     resnet18()(minidl.zeros(1, 3, 224, 224)).shape
    (1, 1000)
    """
    return ResNet(BasicBlock, (2, 2, 2, 2), num_classes, in_channels, **options)


NOTE_34 = (
    "The paper prints 3.6 billion FLOPs; without projections in the shortcuts, its option A, there "
    "are 3.644 billion multiply-accumulates."
)


@register(imagenet_card(PAPER, 21_797_672, 3_663_761_408, 73.314, NOTE_34), block=BasicBlock)
def resnet34(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ResNet:
    """ResNet-34; options are ResNet's."""
    return ResNet(BasicBlock, (3, 4, 6, 3), num_classes, in_channels, **options)


@register(imagenet_card(PAPER, 25_557_032, 4_089_184_256, 76.130, STRIDE_NOTE), block=Bottleneck)
def resnet50(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ResNet:
    """ResNet-50; options are ResNet's and Bottleneck's."""
    return ResNet(Bottleneck, (3, 4, 6, 3), num_classes, in_channels, **options)


@register(imagenet_card(PAPER, 44_549_160, 7_801_405_440, 77.374, STRIDE_NOTE), block=Bottleneck)
def resnet101(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ResNet:
    """ResNet-101; options are ResNet's and Bottleneck's."""
    return ResNet(Bottleneck, (3, 4, 23, 3), num_classes, in_channels, **options)


@register(imagenet_card(PAPER, 60_192_808, 11_513_626_624, 78.312, STRIDE_NOTE), block=Bottleneck)
def resnet152(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> ResNet:
    """ResNet-152; options are ResNet's and Bottleneck's."""
    return ResNet(Bottleneck, (3, 8, 36, 3), num_classes, in_channels, **options)
