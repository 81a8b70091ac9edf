"""LeNet-5: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86(11), §II.B, figure 2. In the lecture: "LeNet Architecture".

    image      conv 5×5    pool 2×2   conv 5×5   pool 2×2   dense  dense  dense
    1×28×28 ─▶ 6×28×28 ─▶  6×14×14 ─▶ 16×10×10 ─▶ 16×5×5 ─▶  120 ─▶  84 ─▶  10
    (padding 2: the paper's 32×32 images are the same digits in a border)
"""

from __future__ import annotations

from minidl.models.card import Card, Paper
from minidl.models.registry import register
from minidl.nn import AvgPool2d, Conv2d, Linear, MaxPool2d, Module, ReLU, Tanh
from minidl.tensor import Tensor

PAPER = Paper(
    title="Gradient-based learning applied to document recognition",
    authors="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner",
    year=1998,
    venue="Proceedings of the IEEE 86(11)",
    lecture="LeNet Architecture",
)
CARD = Card(
    paper=PAPER,
    input=(1, 28, 28),
    num_classes=10,
    parameters=61_706,
    macs=416_520,
    reference="PyTorch tutorials",
    notes=(
        "The paper counts 60,000 parameters: its C3 is not connected to every map of S2, its "
        "subsampling layers are trained."
    ),
)


class LeNet5(Module):
    """Two convolutions with pooling, then three dense layers; 61,706 parameters."""

    def __init__(
        self, activation: Module, pool: Module, num_classes: int = 10, in_channels: int = 1
    ) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, 6, kernel_size=5, padding=2)
        self.conv2 = Conv2d(6, 16, kernel_size=5)
        self.fc1 = Linear(16 * 5 * 5, 120)
        self.fc2 = Linear(120, 84)
        self.fc3 = Linear(84, num_classes)
        self.activation, self.pool = activation, pool

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, 28, 28) → logits (N, num_classes)."""
        x = self.pool(self.activation(self.conv1(x)))  # (N, 6, 14, 14)
        x = self.pool(self.activation(self.conv2(x)))  # (N, 16, 5, 5)
        x = x.flatten(1)  # (N, 400)
        x = self.activation(self.fc1(x))  # (N, 120)
        x = self.activation(self.fc2(x))  # (N, 84)
        return self.fc3(x)  # type: ignore[no-any-return]


@register(CARD)
def lenet5(num_classes: int = 10, in_channels: int = 1) -> LeNet5:
    """LeNet-5 as it is taught today: ReLU and max pooling.

    >>> sum(p.numel() for p in lenet5().parameters())
    61706
    """
    return LeNet5(ReLU(), MaxPool2d(2), num_classes, in_channels)


@register(CARD)
def lenet5_1998(num_classes: int = 10, in_channels: int = 1) -> LeNet5:
    """LeNet-5 with tanh and average pooling, in its dense form.

    Different from the network of 1998:
    - C3: every map sees all six maps of S2 (2,416 parameters); the paper's table I connects only
      some of them (1,516).
    - S2, S4: plain averages; the paper's subsampling multiplies the sum by a trained coefficient
      and adds a trained bias (12 and 32 parameters), then applies the squashing function.
    - The squashing function is tanh(x); the paper's is 1.7159 · tanh(2x/3).
    - The output layer is dense with softmax cross-entropy; the paper's are radial basis functions
      whose centres are drawings of the digits.
    - Images are 28×28 with a padding of 2 instead of 32×32.

    >>> sum(p.numel() for p in lenet5_1998().parameters())
    61706
    """
    return LeNet5(Tanh(), AvgPool2d(2), num_classes, in_channels)
