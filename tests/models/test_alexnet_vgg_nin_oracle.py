"""AlexNet, VGG and NiN beside what PyTorch's layers make of their figures; thin ones beside
torchvision's, whose own widths `make test-zoo` compares.
"""

from collections import OrderedDict

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

from models.zoo_oracle import CLASSES, Reference, check_agreement  # noqa: E402
from torch import nn  # noqa: E402
from torchvision_oracle import import_torchvision  # noqa: E402

pytestmark = pytest.mark.oracle

VGGS = tuple(f"vgg{layers}{norm}" for norm in ("", "_bn") for layers in (11, 13, 16, 19))
THIN = {"width": 8, "hidden": 24}  # an eighth of the channels, all of the layers


def dense(in_features, hidden):
    """The layers behind the features, as in 2012."""
    return nn.Sequential(
        nn.Linear(in_features, hidden),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(hidden, CLASSES),
    )


class FeaturesAndClassifier(nn.Module):
    """What AlexNet and VGG have in common."""

    def __init__(self, features, grid, classifier):
        super().__init__()
        self.features, self.classifier, self.grid = features, classifier, grid

    def forward(self, x):
        x = nn.functional.adaptive_avg_pool2d(self.features(x), self.grid)
        return self.classifier(torch.flatten(x, 1))


def alexnet_2012(width=96, hidden=4096):
    """Two groups, response norms with the paper's alpha times their size, no padding at first."""
    wide, wider = 8 * width // 3, 4 * width
    features = nn.Sequential(
        nn.Conv2d(3, width, 11, stride=4),
        nn.ReLU(),
        nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(width, wide, 5, padding=2, groups=2),
        nn.ReLU(),
        nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(wide, wider, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(wider, wider, 3, padding=1, groups=2),
        nn.ReLU(),
        nn.Conv2d(wider, wide, 3, padding=1, groups=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
    )
    return FeaturesAndClassifier(features, 6, dense(wide * 6 * 6, hidden))


def alexnet_lecture(width=96, hidden=4096):
    """The slides' network."""
    features = nn.Sequential(
        nn.Conv2d(3, width, 11, stride=4),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(width, 8 * width // 3, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(8 * width // 3, 4 * width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(4 * width, 4 * width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(4 * width, 8 * width // 3, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
    )
    return FeaturesAndClassifier(features, 5, dense(8 * width // 3 * 5 * 5, hidden))


def nin_block(in_channels, out_channels, *window):
    """A convolution and two of 1×1, each with a ReLU."""
    layers = [("conv", nn.Conv2d(in_channels, out_channels, *window)), ("relu1", nn.ReLU())]
    layers += [("fc1", nn.Conv2d(out_channels, out_channels, 1)), ("relu2", nn.ReLU())]
    layers += [("fc2", nn.Conv2d(out_channels, out_channels, 1)), ("relu3", nn.ReLU())]
    return nn.Sequential(OrderedDict(layers))


def nin(width=96):
    """The slides' network; `window` above is the kernel size, the stride, the padding."""
    layers = [("block1", nin_block(3, width, 11, 4, 0)), ("pool1", nn.MaxPool2d(3, 2))]
    layers += [("block2", nin_block(width, 8 * width // 3, 5, 1, 2)), ("pool2", nn.MaxPool2d(3, 2))]
    layers += [("block3", nin_block(8 * width // 3, 4 * width, 3, 1, 1))]
    layers += [("pool3", nn.MaxPool2d(3, 2)), ("dropout", nn.Dropout())]
    layers += [("block4", nin_block(4 * width, CLASSES, 3, 1, 1))]
    layers += [("mean", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten())]
    return nn.Sequential(OrderedDict(layers))


def thin_alexnet():
    """torchvision's, with an eighth of its channels: each layer that has weights made anew."""
    network = import_torchvision().models.alexnet(num_classes=CLASSES)
    channels = {3: 3, 64: 8, 192: 24, 384: 48, 256: 32}
    for index, layer in enumerate(network.features):
        if isinstance(layer, nn.Conv2d):
            sizes = channels[layer.in_channels], channels[layer.out_channels]
            window = layer.kernel_size, layer.stride, layer.padding
            network.features[index] = nn.Conv2d(*sizes, *window)
    for index, sizes in ((1, (32 * 6 * 6, 24)), (4, (24, 24)), (6, (24, CLASSES))):
        network.classifier[index] = nn.Linear(*sizes)
    return network


def thin_vgg(name):
    """torchvision's, with an eighth of its channels."""
    vgg = import_torchvision().models.vgg
    columns = {"vgg11": "A", "vgg13": "B", "vgg16": "D", "vgg19": "E"}
    column = vgg.cfgs[columns[name.removesuffix("_bn")]]
    thin = [entry if entry == "M" else entry // 8 for entry in column]
    features = vgg.make_layers(thin, batch_norm=name.endswith("_bn"))
    with torch.device("meta"):
        network = vgg.VGG(features, num_classes=CLASSES, init_weights=False)
    network.classifier = dense(64 * 7 * 7, 24)
    return network


WRITTEN = {"alexnet_2012": alexnet_2012, "alexnet_lecture": alexnet_lecture, "nin": nin}
"""References of this file, of the published width unless told otherwise."""


def thin_reference(name):
    """The reference of one of our names, with few channels."""
    if name in WRITTEN:
        options = {"width": 12} if name == "nin" else {"width": 12, "hidden": 24}
        return Reference(name, lambda: WRITTEN[name](**options), (3, 75, 67), options=options)
    make = thin_alexnet if name == "alexnet" else lambda: thin_vgg(name)
    image = (3, 75, 63) if name == "alexnet" else (3, 35, 64)
    return Reference(name, make, image, naming="torchvision", options=THIN)


@pytest.mark.parametrize("name", ["alexnet", *WRITTEN, *VGGS])
def test_thin_networks_agree(name):
    check_agreement(thin_reference(name))


# With 60 million parameters a comparison takes half a minute.
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == "nin" else pytest.mark.slow) for n in WRITTEN]
)
def test_networks_of_the_published_width_agree(name):
    check_agreement(Reference(name, WRITTEN[name], (3, 75, 67)))
