"""AlexNet: Krizhevsky, Sutskever, Hinton 2012, "ImageNet classification with deep convolutional
neural networks", NeurIPS 2012, figure 2. In the lecture: "AlexNet Architecture".

    image        conv 11×11/4    pool 3×3/2     conv 5×5    pool 3×3/2    three conv 3×3      pool
    3×227×227 ─▶ 96×55×55 ─────▶ 96×27×27 ───▶ 256×27×27 ─▶ 256×13×13 ─▶ 384, 384, 256 ─▶ 256×6×6
                     └ response norm               └ response norm
                                                         dense 4096 ─▶ dense 4096 ─▶ dense 1000

Larger kernels than LeNet's, and a stride, since the image is larger; max pooling whose windows
overlap; ReLU; dropout behind two dense layers. There are three of it:

    alexnet_2012     as in the paper: convolutions in two groups (two GPUs), response norms
    alexnet          Krizhevsky 2014, "One weird trick", arXiv:1404.5997: one stream, no norms
    alexnet_lecture  the slides' widths in one stream, no padding in the first layer, 5×5 at the end
"""

from __future__ import annotations

from minidl.errors import ArgumentError, fail
from minidl.models.card import IMAGENET, Card, Paper, Preprocessing
from minidl.models.registry import register
from minidl.nn import (
    AdaptiveAvgPool2d,
    Conv2d,
    Dropout,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
    init,
)
from minidl.tensor import Tensor

__all__ = ["AlexNet", "alexnet", "alexnet_2012", "alexnet_lecture", "dense_layers"]

PAPER = Paper(
    title="ImageNet classification with deep convolutional neural networks",
    authors="A. Krizhevsky, I. Sutskever, G. E. Hinton",
    year=2012,
    venue="NeurIPS 2012",
    lecture="AlexNet Architecture",
)
ONE_STREAM_PAPER = Paper(
    title="One weird trick for parallelizing convolutional neural networks",
    authors="A. Krizhevsky",
    year=2014,
    venue="arXiv:1404.5997",
    lecture="AlexNet Architecture",
)


class AlexNet(Module):
    """Convolutions, then three dense layers; the parts are given, see the functions below.

        x ─▶ features (N, C, 6, 6) ─▶ avgpool, to that size ─▶ classifier (N, num_classes)

    `avgpool` does nothing to an image of the size that the network was made for. To others it
    gives the size that the dense layers need, so that any image large enough can come in.
    """

    def __init__(self, features: Module, grid: int, classifier: Module) -> None:
        super().__init__()
        self.features = features
        self.avgpool = AdaptiveAvgPool2d(grid)
        self.classifier = classifier

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → logits (N, num_classes); shapes for alexnet.

        H and W are at least 63, or 67 where the first layer has no padding.
        """
        x = self.features(x)  # (N, 256, 6, 6)
        x = self.avgpool(x).flatten(1)  # (N, 9216)
        return self.classifier(x)  # type: ignore[no-any-return]


def dense_layers(in_features: int, hidden: int, num_classes: int, dropout: float) -> Sequential:
    """Two hidden layers, each with dropout behind it, and the logits; VGG has them too.

    >>> len(dense_layers(256 * 6 * 6, 4096, 1000, dropout=0.5))
    7
    """
    return Sequential(
        Linear(in_features, hidden),
        ReLU(),
        Dropout(dropout),
        Linear(hidden, hidden),
        ReLU(),
        Dropout(dropout),
        Linear(hidden, num_classes),
    )


# ------------------------------------------------------------------------- one stream


@register(
    Card(
        paper=ONE_STREAM_PAPER,
        input=(3, 224, 224),
        parameters=61_100_840,
        macs=714_188_480,
        top1=56.522,
        top1_source="torchvision IMAGENET1K_V1, ImageNet validation",
        reference="torchvision",
        preprocessing=IMAGENET,
        notes=(
            "As in torchvision, dropout stands before the hidden dense layers; in 2012 and on the "
            "slides it stands behind them."
        ),
    )
)
def alexnet(
    num_classes: int = 1000,
    in_channels: int = 3,
    width: int = 64,
    hidden: int = 4096,
    grid: int = 6,
    dropout: float = 0.5,
) -> AlexNet:
    """AlexNet in one stream, as torchvision has it.

    58.6 of the 61.1 million parameters are in the dense layers. For a laptop, width=32, hidden=512
    and grid=1 leave 1.0 million with 10 classes: the same layers, of another size.

    Args:
        num_classes, in_channels: of the logits and of the images.
        width: channels of the first convolution; the others' keep their proportion to it.
        hidden: size of the two hidden dense layers.
        grid: height and width to which the maps are averaged before the dense layers.
        dropout: probability of zeroing what goes into a hidden dense layer.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     alexnet()(minidl.zeros(1, 3, 224, 224)).shape
    (1, 1000)

    """
    features = Sequential(
        Conv2d(in_channels, width, kernel_size=11, stride=4, padding=2),  # (64, 55, 55)
        ReLU(),
        MaxPool2d(3, stride=2),  # (64, 27, 27)
        Conv2d(width, 3 * width, kernel_size=5, padding=2),  # (192, 27, 27)
        ReLU(),
        MaxPool2d(3, stride=2),  # (192, 13, 13)
        Conv2d(3 * width, 6 * width, kernel_size=3, padding=1),  # (384, 13, 13)
        ReLU(),
        Conv2d(6 * width, 4 * width, kernel_size=3, padding=1),  # (256, 13, 13)
        ReLU(),
        Conv2d(4 * width, 4 * width, kernel_size=3, padding=1),  # (256, 13, 13)
        ReLU(),
        MaxPool2d(3, stride=2),  # (256, 6, 6)
    )
    classifier = Sequential(
        Dropout(dropout),
        Linear(4 * width * grid * grid, hidden),
        ReLU(),
        Dropout(dropout),
        Linear(hidden, hidden),
        ReLU(),
        Linear(hidden, num_classes),
    )
    return AlexNet(features, grid, classifier)


# --------------------------------------------------------------------- as in the paper


@register(
    Card(
        paper=PAPER,
        input=(3, 227, 227),
        parameters=60_965_224,
        macs=724_406_816,
        reference="the paper",
        preprocessing=Preprocessing(
            resize=256, crop=227, mean=IMAGENET.mean, std=(1 / 255, 1 / 255, 1 / 255)
        ),
        notes=(
            "The paper says 224×224, of which its first layer without padding makes 54×54; what it "
            "says of the later layers needs 55×55, and that comes from 227×227. It counts 60 "
            "million parameters, and 253,440 neurons in the first layer, where 96·55·55 are "
            "290,400. Its response norm doesn't divide alpha by the size of the window; ours does, "
            "as PyTorch's, so that 5e-4 here is its 1e-4. It subtracts the mean image, of which "
            "the channels' means are left here. Its top-1 error of 40.7 % (table 2) averages ten "
            "crops."
        ),
    )
)
def alexnet_2012(
    num_classes: int = 1000,
    in_channels: int = 3,
    width: int = 96,
    hidden: int = 4096,
    grid: int = 6,
    dropout: float = 0.5,
) -> AlexNet:
    """AlexNet as it won in 2012: in two groups, with response norms.

    Each group was on a GPU of its own: in the second, fourth and fifth convolution a map sees only
    those of its group. First weights are the paper's (§5): N(0, 0.01²), and biases of 1 in these
    three and in the hidden dense layers, which so give their ReLUs something positive at once.

    Args: those of alexnet; `width` is even, and 96 with its 256 and 384 is 3 : 8 : 12; 8/3 of
    other widths are rounded down to even numbers.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     sum(p.numel() for p in alexnet_2012().parameters())
    60965224
    """
    if width % 2:
        fail("alexnet_2012", "width", width, "an even number: two groups", error=ArgumentError)
    wide, wider = 2 * (4 * width // 3), 4 * width  # 256, 384
    features = Sequential(
        Conv2d(in_channels, width, kernel_size=11, stride=4),  # (96, 55, 55)
        ReLU(),
        LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0),
        MaxPool2d(3, stride=2),  # (96, 27, 27)
        Conv2d(width, wide, kernel_size=5, padding=2, groups=2),  # (256, 27, 27)
        ReLU(),
        LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0),
        MaxPool2d(3, stride=2),  # (256, 13, 13)
        Conv2d(wide, wider, kernel_size=3, padding=1),  # (384, 13, 13)
        ReLU(),
        Conv2d(wider, wider, kernel_size=3, padding=1, groups=2),  # (384, 13, 13)
        ReLU(),
        Conv2d(wider, wide, kernel_size=3, padding=1, groups=2),  # (256, 13, 13)
        ReLU(),
        MaxPool2d(3, stride=2),  # (256, 6, 6)
    )
    classifier = dense_layers(wide * grid * grid, hidden, num_classes, dropout)
    network = AlexNet(features, grid, classifier)
    for layer in network.modules():
        if isinstance(layer, (Conv2d, Linear)):
            init.normal_(layer.weight, std=0.01)
            init.zeros_(layer.bias)
    for layer in (features[4], features[10], features[12], classifier[0], classifier[3]):
        init.ones_(layer.bias)
    return network


# -------------------------------------------------------------------- as on the slides


@register(
    Card(
        paper=PAPER,
        input=(3, 224, 224),
        parameters=50_844_008,
        macs=1_009_945_728,
        reference="the lecture",
        notes=(
            "The slides' table counts 46 million parameters and 1G operations, without the last "
            "layer's 4.1 million. From 224×224 the first layer makes 54×54, and 5×5 are left "
            "before the dense layers."
        ),
    )
)
def alexnet_lecture(
    num_classes: int = 1000,
    in_channels: int = 3,
    width: int = 96,
    hidden: int = 4096,
    grid: int = 5,
    dropout: float = 0.5,
) -> AlexNet:
    """AlexNet as the slides show it: the paper's widths, in one stream.

    Args: those of alexnet; `width` 96 with its 256 and 384 is 3 : 8 : 12.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     sum(p.numel() for p in alexnet_lecture().parameters())
    50844008
    """
    wide, wider = 8 * width // 3, 4 * width  # 256, 384
    features = Sequential(
        Conv2d(in_channels, width, kernel_size=11, stride=4),  # (96, 54, 54)
        ReLU(),
        MaxPool2d(3, stride=2),  # (96, 26, 26)
        Conv2d(width, wide, kernel_size=5, padding=2),  # (256, 26, 26)
        ReLU(),
        MaxPool2d(3, stride=2),  # (256, 12, 12)
        Conv2d(wide, wider, kernel_size=3, padding=1),  # (384, 12, 12)
        ReLU(),
        Conv2d(wider, wider, kernel_size=3, padding=1),  # (384, 12, 12)
        ReLU(),
        Conv2d(wider, wide, kernel_size=3, padding=1),  # (256, 12, 12)
        ReLU(),
        MaxPool2d(3, stride=2),  # (256, 5, 5)
    )
    return AlexNet(features, grid, dense_layers(wide * grid * grid, hidden, num_classes, dropout))
