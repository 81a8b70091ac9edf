"""What is measured: the groups, their targets, and every setting in them.

Neither library is imported here or below: a worker process has only its own.
"""

from __future__ import annotations

from typing import NamedTuple

from cases.convolution import Convolution, DepthwiseConvolution
from cases.layer import Layer
from cases.overhead import Import, Overhead
from cases.simple_layers import AvgPool, BatchNorm, CrossEntropy, MaxPool, ReLU, SiLU
from cases.training import LeNetStep


class Group(NamedTuple):
    """Settings with one target."""

    title: str
    target: float | None
    """minidl's time is to be at most so many times PyTorch's; None where nothing is promised."""
    of_each: bool
    """Whether the target is for every case, or for their geometric mean."""
    layers: tuple[Layer, ...]


def _resnet50() -> list[Convolution]:
    """Every different convolution of ResNet-50 (He et al. 2016, table 1), once each.

    With the stride in a block's 3×3 layer, where published weights have it. The shortcut of the
    first stage has the shape of its blocks' last layer, so it isn't listed again.
    """
    layers = [Convolution(3, 64, size=224, kernel=7, stride=2)]
    channels, size = 64, 56
    for width, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        small = size // stride
        layers += [
            Convolution(channels, width, size, kernel=1),
            Convolution(width, width, size, kernel=3, stride=stride),
            Convolution(width, 4 * width, small, kernel=1),
            Convolution(4 * width, width, small, kernel=1),
        ]
        if stride > 1:
            layers.append(Convolution(channels, 4 * width, size, kernel=1, stride=stride))
            layers.append(Convolution(width, width, small, kernel=3))
        channels, size = 4 * width, small
    return layers


def _lenet() -> list[Convolution]:
    return [
        Convolution(1, 6, size=28, kernel=5, batch=64, network="LeNet"),
        Convolution(6, 16, size=14, kernel=5, batch=64, padded=False, network="LeNet"),
    ]


def _mobilenet() -> list[DepthwiseConvolution]:
    """MobileNet's depthwise layers (Howard et al. 2017, table 1), one or two per resolution."""
    shapes = [(32, 112, 1), (64, 112, 2), (128, 56, 1), (256, 28, 1), (512, 14, 1), (512, 14, 2)]
    shapes.append((1024, 7, 1))
    return [
        DepthwiseConvolution(c, c, size, 3, stride, groups=c, network="MobileNet")
        for c, size, stride in shapes
    ]


GROUPS = {
    "lenet": Group(
        "LeNet-5 training step", 3.0, True, tuple(LeNetStep(batch) for batch in (32, 64, 256))
    ),
    "convolution": Group(
        "Convolution (batch 8; LeNet's layers batch 64)", 2.5, False, (*_resnet50(), *_lenet())
    ),
    "depthwise": Group("Depthwise convolution (batch 8)", 2.5, False, tuple(_mobilenet())),
    "layers": Group(
        "Pooling, batch norm, activations, loss",
        2.5,
        False,
        (
            MaxPool((8, 64, 112, 112), kernel=3, stride=2, padding=1),
            MaxPool((64, 6, 28, 28), kernel=2, stride=2),
            AvgPool((64, 6, 28, 28), kernel=2),
            AvgPool((8, 2048, 7, 7), kernel=7),
            BatchNorm((8, 64, 112, 112)),
            BatchNorm((8, 256, 56, 56)),
            BatchNorm((8, 512, 7, 7)),
            ReLU((8, 64, 56, 56)),
            ReLU((64, 6, 28, 28)),
            SiLU((8, 64, 56, 56)),
            CrossEntropy((64, 10)),
            CrossEntropy((128, 1000)),
        ),
    ),
    "overhead": Group(
        "Overhead of one operation on one number",
        None,
        True,
        tuple(Overhead(operation) for operation in ("x + y", "x · y", "relu(x)", "x @ y")),
    ),
    "import": Group("Import time", None, True, (Import(),)),
}


def find(group: str, name: str) -> Layer:
    """The setting of that name."""
    return next(layer for layer in GROUPS[group].layers if layer.name == name)
