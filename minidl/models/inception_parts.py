"""What the Inception networks share: their convolution, thinner ones, their first weights, the old
input scale.

Nothing here is a model of its own; see googlenet, inception_v2, inception_v3 and inception_v4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minidl.errors import ArgumentError, fail
from minidl.functional.conv import PaddingArgument, Size
from minidl.models.blocks import ConvBNAct
from minidl.models.checks import check_multiplier
from minidl.nn import Conv2d, Linear, Module, init
from minidl.tensor import Tensor

__all__ = ["FromImageNetScale", "conv_bn_relu", "draw_weights", "scaled", "scaled_conv"]


def conv_bn_relu(
    in_channels: int,
    out_channels: int,
    kernel_size: Size,
    stride: Size = 1,
    padding: PaddingArgument = 0,
) -> ConvBNAct:
    """Convolution, batch norm, ReLU; with the epsilon of Google's networks, 0.001.

    >>> conv_bn_relu(3, 8, 3).bn.eps
    0.001
    """
    return ConvBNAct(in_channels, out_channels, kernel_size, stride, padding, eps=1e-3)


def scaled(channels: int, width: float) -> int:
    """width · channels, for a width in eighths.

    All channels in the papers' tables are multiples of 8, so eighths of them are whole numbers: the
    branches of a block still add up to what the next block takes.

    >>> scaled(192, 0.25), scaled(16, 0.125)
    (48, 2)

    Raises ArgumentError for another width.
    """
    check_multiplier("Inception", "width", width)
    if 8 * width % 1 != 0:
        fail(
            "Inception",
            "width",
            width,
            "a multiple of 1/8, such as 0.25 or 0.5",
            "With others, the branches of a block wouldn't add up to what the next one takes.",
            error=ArgumentError,
        )
    return int(width * channels)


def scaled_conv(conv: Callable[..., Module], width: float) -> Callable[..., Module]:
    """`conv`, called with a table's channels, makes `width` times as many: in and out.

    >>> scaled_conv(conv_bn_relu, 0.25)(64, 96, 3).conv.weight.shape
    (24, 16, 3, 3)
    """

    def thinner_or_wider(in_channels: int, out_channels: int, *window: Any, **named: Any) -> Module:
        return conv(scaled(in_channels, width), scaled(out_channels, width), *window, **named)

    return thinner_or_wider


def draw_weights(model: Module, std: float) -> None:
    """Draw the weights of all convolutions and dense layers: N(0, std²), cut off at ±2.

    Biases and batch norms stay as their layers make them.
    """
    for layer in model.modules():
        if isinstance(layer, (Conv2d, Linear)):
            init.trunc_normal_(layer.weight, std=std)


class FromImageNetScale(Module):
    """Undo ImageNet's mean and deviation, and scale pixels to −1 … 1 instead.

        y = 2 (x · std + mean) − 1        x: (pixel − mean) / std, pixel in 0 … 1

    For weights that came from TensorFlow, where images are scaled so.
    """

    MEAN = (0.485, 0.456, 0.406)
    STD = (0.229, 0.224, 0.225)

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        if in_channels != 3:
            fail(
                "FromImageNetScale",
                "in_channels",
                in_channels,
                "3: red, green and blue",
                "Leave out transform_input.",
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), of the same shape."""
        scale = x.new_tensor([std / 0.5 for std in self.STD]).reshape(1, 3, 1, 1)
        shift = x.new_tensor([(mean - 0.5) / 0.5 for mean in self.MEAN]).reshape(1, 3, 1, 1)
        return x * scale + shift
