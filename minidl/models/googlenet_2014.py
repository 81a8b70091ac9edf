"""GoogLeNet as it won in 2014: Szegedy et al. 2014, "Going deeper with convolutions", table 1.
In the lecture: "GoogLeNet".

Biases instead of batch norm, local response norm in the stem, real 5×5 convolutions, 3×3 pools
everywhere. The figure is that of googlenet.
"""

from __future__ import annotations

from typing import Any

from minidl.models.card import Card, Preprocessing
from minidl.models.googlenet import PAPER, AuxiliaryHead, GoogLeNet, Inception
from minidl.models.registry import register
from minidl.nn import (
    AvgPool2d,
    Conv2d,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
    init,
)
from minidl.tensor import Tensor

CARD = Card(
    paper=PAPER,
    input=(3, 224, 224),
    parameters=13_378_280,
    macs=1_582_671_872,
    top1=68.7,
    top1_source="Caffe's bvlc_googlenet, ImageNet validation",
    reference="Caffe bvlc_googlenet",
    preprocessing=Preprocessing(
        resize=256,
        crop=224,
        mean=(123 / 255, 117 / 255, 104 / 255),
        std=(1 / 255, 1 / 255, 1 / 255),
        channel_order="BGR",
    ),
    notes=(
        "6,998,552 parameters without the auxiliary heads. The paper's table 1 counts a K of 1024, "
        "no biases, and prints 2.7K for the first convolution, whose 7×7 kernels are 9.2K. First "
        "weights as in Caffe's copy; the paper doesn't say its own. Caffe's images are blue, "
        "green, red, from 0 to 255; its guide squeezes whole pictures to 256×256, where this card "
        "keeps their proportions."
    ),
)


def conv_relu(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, padding: int = 0
) -> Sequential:
    """Convolution with bias, then ReLU.

    >>> [name for name, _ in conv_relu(3, 8, 5).named_parameters()]
    ['conv.weight', 'conv.bias']
    """
    conv = Conv2d(in_channels, out_channels, kernel_size, stride, padding)
    return Sequential({"conv": conv, "act": ReLU()})


class GoogLeNet2014(GoogLeNet):
    """The figure of GoogLeNet, built of what there was in 2014."""

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        aux_logits: bool = True,
        dropout: float = 0.4,
        dropout_aux: float = 0.7,
        width: float = 1.0,
    ) -> None:
        super().__init__(
            num_classes,
            in_channels,
            aux_logits,
            dropout=dropout,
            dropout_aux=dropout_aux,
            width=width,
        )
        self.norm1 = LocalResponseNorm(5, alpha=1e-4, beta=0.75)
        self.norm2 = LocalResponseNorm(5, alpha=1e-4, beta=0.75)
        self.maxpool4 = MaxPool2d(3, stride=2, ceil_mode=True)

    def stem(self, x: Tensor) -> Tensor:
        """(N, in_channels, 224, 224) → (N, 192, 28, 28)."""
        x = self.norm1(self.maxpool1(self.conv1(x)))  # (N, 64, 56, 56)
        x = self.norm2(self.conv3(self.conv2(x)))  # (N, 192, 56, 56)
        return self.maxpool2(x)  # type: ignore[no-any-return]

    def _conv(self, in_channels: int, out_channels: int, **window: int) -> Module:
        return conv_relu(in_channels, out_channels, **window)

    def _inception(self, *channels: int, width: float) -> Inception:
        return Inception(*channels, kernel5x5=5, conv=conv_relu, width=width)

    def _head(
        self, in_channels: int, num_classes: int, dropout: float, width: float
    ) -> AuxiliaryHead:
        pool = AvgPool2d(5, stride=3)  # 14×14 → 4×4
        return AuxiliaryHead(in_channels, num_classes, dropout, pool, conv_relu, width)

    def _draw_weights(self) -> None:
        """Weights U(−b, b) with b = √(3 / fan_in), biases 0.2, those of the last layers 0."""
        for layer in self.modules():
            if isinstance(layer, (Conv2d, Linear)):
                init.kaiming_uniform_(layer.weight, a=1.0)
                init.constant_(layer.bias, 0.2)
        last = [self.fc, *(head.fc2 for head in (self.aux1, self.aux2) if head is not None)]
        for layer in last:
            init.constant_(layer.bias, 0.0)


@register(CARD)
def googlenet_2014(num_classes: int = 1000, in_channels: int = 3, **options: Any) -> GoogLeNet2014:
    """GoogLeNet as in the paper; options are GoogLeNet2014's.

    With its auxiliary heads, in training, images are 224×224.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     model = googlenet_2014(aux_logits=False)
    >>> sum(p.numel() for p in model.parameters())
    6998552
    """
    return GoogLeNet2014(num_classes, in_channels, **options)
