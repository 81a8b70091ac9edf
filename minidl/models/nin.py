"""NiN: Lin, Chen, Yan 2013, "Network in network", ICLR 2014, arXiv:1312.4400, figure 2. In the
lecture: "Network in Network", "Breaking the Curse of the Last Layer", "NiN Networks".

    image        block1     pool       block2      pool        block3      pool
    3×224×224 ─▶ 96×54×54 ─ 96×26×26 ─ 256×26×26 ─ 256×12×12 ─ 384×12×12 ─ 384×5×5 ─ dropout
                                                                block4 1000×5×5 ─▶ mean: 1000

No dense layers at the end: the last block makes one map per class, and a map's mean is the class's
logit. AlexNet's dense layers have 58.6 million parameters, all of this network 7.4 million.
"""

from __future__ import annotations

from typing import Any

from minidl.models.card import Card, Paper
from minidl.models.registry import register
from minidl.nn import AdaptiveAvgPool2d, Conv2d, Dropout, MaxPool2d, Module, ReLU, init
from minidl.tensor import Tensor

__all__ = ["NiN", "NiNBlock", "nin"]

PAPER = Paper(
    title="Network in network",
    authors="M. Lin, Q. Chen, S. Yan",
    year=2013,
    venue="ICLR 2014, arXiv:1312.4400",
    lecture="Network in Network",
)
CARD = Card(
    paper=PAPER,
    input=(3, 224, 224),
    parameters=7_439_608,
    macs=965_572_864,
    reference="the lecture",
    notes=(
        "The slides' network, with AlexNet's convolutions, for 10 classes 2,015,398 parameters. "
        "The paper's own networks are three such blocks, for the small images of CIFAR, SVHN and "
        "MNIST."
    ),
)


class NiNBlock(Module):
    """A convolution, and behind it a small dense network that looks at each pixel by itself.

        x (N, in_channels, H, W)
        conv, any window ─ relu     (N, out_channels, out_h, out_w)
        fc1 1×1 ─ relu              the same: a dense layer on the channels of each pixel
        fc2 1×1 ─ relu ─▶           the same

    The paper calls it mlpconv (§3.1): where a convolution is linear in the patch that it sees, this
    is a network with two hidden layers.

    Args: in_channels, out_channels, kernel_size, stride, padding of the convolution.

    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int, padding: int
    ) -> None:
        super().__init__()
        self.conv = Conv2d(in_channels, out_channels, kernel_size, stride, padding)
        self.fc1 = Conv2d(out_channels, out_channels, kernel_size=1)
        self.fc2 = Conv2d(out_channels, out_channels, kernel_size=1)
        self.relu = ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out_channels, out_h, out_w)."""
        x = self.relu(self.conv(x))
        x = self.relu(self.fc1(x))
        return self.relu(self.fc2(x))  # type: ignore[no-any-return]


class NiN(Module):
    """Four blocks; the last one has a map per class, whose mean is the logit.

    Args:
        num_classes, in_channels: of the logits and of the images.
        width: channels of the first block; 96 with the others' 256 and 384 is 3 : 8 : 12.
        dropout: before the last block.

    """

    def __init__(
        self, num_classes: int = 1000, in_channels: int = 3, width: int = 96, dropout: float = 0.5
    ) -> None:
        super().__init__()
        wide, wider = 8 * width // 3, 4 * width  # 256, 384
        self.block1 = NiNBlock(in_channels, width, kernel_size=11, stride=4, padding=0)
        self.block2 = NiNBlock(width, wide, kernel_size=5, stride=1, padding=2)
        self.block3 = NiNBlock(wide, wider, kernel_size=3, stride=1, padding=1)
        self.block4 = NiNBlock(wider, num_classes, kernel_size=3, stride=1, padding=1)
        self.pool = MaxPool2d(3, stride=2)
        self.dropout = Dropout(dropout)
        self.avgpool = AdaptiveAvgPool2d(1)
        for layer in self.modules():
            if isinstance(layer, Conv2d):
                init.xavier_uniform_(layer.weight)
                init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes); H and W are at least 67."""
        x = self.pool(self.block1(x))  # (N, 96, 54, 54) → (N, 96, 26, 26)
        x = self.pool(self.block2(x))  # (N, 256, 26, 26) → (N, 256, 12, 12)
        x = self.pool(self.block3(x))  # (N, 384, 12, 12) → (N, 384, 5, 5)
        x = self.block4(self.dropout(x))  # (N, num_classes, 5, 5)
        return self.avgpool(x).flatten(1)  # type: ignore[no-any-return]


@register(CARD)
def nin(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> NiN:
    """Network in network, with the slides' shapes; options are NiN's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     nin(num_classes=10)(minidl.zeros(1, 3, 224, 224)).shape
    (1, 10)
    """
    return NiN(num_classes, in_channels, **options)
