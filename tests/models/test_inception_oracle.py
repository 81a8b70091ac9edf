"""The Inception family beside networks built from tables, and without auxiliary heads beside
torchvision's; with them `make test-zoo` compares those.
"""

import importlib

import pytest

torch = pytest.importorskip("torch")

from models.inception_v2_layers import LAYERS  # noqa: E402
from models.zoo import macs, on_meta  # noqa: E402
from models.zoo_oracle import CLASSES, Reference, check_agreement, published  # noqa: E402
from torch import nn  # noqa: E402
from torchvision_oracle import import_torchvision  # noqa: E402

from minidl import models  # noqa: E402

pytestmark = pytest.mark.oracle


def torchvision_network(name, **options):
    return getattr(import_torchvision().models, name)(
        num_classes=CLASSES, init_weights=False, **options
    )


# --------------------------------------------------------- references that nobody publishes


class BNInception(nn.Module):
    """Built from the layer list, with its names."""

    def __init__(self):
        super().__init__()
        for name, (kernel, stride, c_in, c_out, _) in LAYERS.items():
            self.add_module(name, nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2))
            self.add_module(f"{name}_bn", nn.BatchNorm2d(c_out))
        self.last_linear = nn.Linear(1024, CLASSES)

    def step(self, x, *names):
        for name in names:
            x = torch.relu(getattr(self, f"{name}_bn")(getattr(self, name)(x)))
        return x

    def block(self, x, name):
        ways = [
            ("3x3_reduce", "3x3"),
            ("double_3x3_reduce", "double_3x3_1", "double_3x3_2"),
        ]
        if name in ("3c", "4e"):
            last = nn.functional.max_pool2d(x, 3, 2, ceil_mode=True)
        else:
            ways.insert(0, ("1x1",))
            pool = nn.functional.max_pool2d if name == "5b" else nn.functional.avg_pool2d
            last = self.step(pool(x, 3, 1, 1), f"inception_{name}_pool_proj")
        parts = [self.step(x, *(f"inception_{name}_{layer}" for layer in way)) for way in ways]
        return torch.cat([*parts, last], 1)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.step(x, "conv1_7x7_s2"), 3, 2, ceil_mode=True)
        x = self.step(x, "conv2_3x3_reduce", "conv2_3x3")
        x = nn.functional.max_pool2d(x, 3, 2, ceil_mode=True)
        for name in ("3a", "3b", "3c", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
            x = self.block(x, name)
        return self.last_linear(x.mean((2, 3)))


class BiasedConv(nn.Module):
    """Convolution with bias, ReLU."""

    def __init__(self, in_channels, out_channels, **window):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, **window)

    def forward(self, x):
        return torch.relu(self.conv(x))


def paper_googlenet(aux_logits):
    """torchvision's GoogLeNet with the paper's parts put in."""
    import_torchvision()
    parts = importlib.import_module("torchvision.models.googlenet")

    class Inception(parts.Inception):
        def __init__(self, in_channels, one, reduce3, three, reduce5, five, pool):
            super().__init__(in_channels, one, reduce3, three, reduce5, five, pool, BiasedConv)
            self.branch3[1].conv = nn.Conv2d(reduce5, five, 5, padding=2)

    class Head(parts.InceptionAux):
        def __init__(self, in_channels, num_classes, dropout):
            super().__init__(in_channels, num_classes, BiasedConv, dropout)

        def forward(self, x):
            x = self.conv(nn.functional.avg_pool2d(x, 5, 3)).flatten(1)
            return self.fc2(self.dropout(torch.relu(self.fc1(x))))

    network = torchvision_network(
        "googlenet", aux_logits=aux_logits, blocks=[BiasedConv, Inception, Head]
    )
    network.maxpool4 = nn.MaxPool2d(3, 2, ceil_mode=True)
    norm = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)
    for layer in (network.maxpool1, network.conv3):
        layer.register_forward_hook(lambda module, x, y: norm(y))
    return network


# ------------------------------------------------------------------------------ comparison

REFERENCES = {
    "googlenet without heads, odd size": Reference(
        "googlenet",
        lambda: torchvision_network("googlenet", aux_logits=False, transform_input=True),
        (3, 75, 51),
        naming="torchvision",
        options={"aux_logits": False, "transform_input": True},
    ),
    "googlenet_2014 without heads": Reference(
        "googlenet_2014",
        lambda: paper_googlenet(aux_logits=False),
        (3, 75, 51),
        options={"aux_logits": False},
    ),
    "inception_v2": Reference("inception_v2", BNInception, naming="pretrainedmodels"),
    "inception_v3 without head": Reference(
        "inception_v3",
        lambda: torchvision_network("inception_v3", aux_logits=False, transform_input=True),
        (3, 107, 86),
        naming="torchvision",
        options={"aux_logits": False, "transform_input": True},
    ),
}
PAPER_GOOGLENET = Reference(
    "googlenet_2014", lambda: paper_googlenet(aux_logits=True), (3, 224, 224)
)
PUBLISHED = {name: published(name) for name in ("googlenet", "inception_v3", "inception_v4")}


@pytest.mark.parametrize("name", REFERENCES)
def test_networks_agree(name):
    check_agreement(REFERENCES[name])


@pytest.mark.slow
def test_the_papers_googlenet_agrees_with_its_heads():
    check_agreement(PAPER_GOOGLENET)


@pytest.mark.parametrize(
    "reference",
    [REFERENCES["inception_v2"], PAPER_GOOGLENET, *PUBLISHED.values()],
    ids=lambda reference: reference.name,
)
def test_macs_are_those_counted_on_the_reference(reference):
    total = 0

    def count(layer, inputs, y):
        nonlocal total
        total += y.numel() * layer.weight[0].numel()

    with torch.device("meta"), torch.no_grad():
        network = reference.make().eval()
        for layer in network.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                layer.register_forward_hook(count)
        shape = models.card(reference.name).input
        network(torch.zeros(1, *shape))
    assert macs(on_meta(reference.name, num_classes=CLASSES), shape) == total
