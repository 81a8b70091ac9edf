"""A thin EfficientNet beside torchvision's, whose own widths `make test-zoo` compares."""

import importlib

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

from models.references import PUBLISHED  # noqa: E402
from models.test_efficientnet import THIN  # noqa: E402
from models.zoo import macs, on_meta  # noqa: E402
from models.zoo_oracle import CLASSES, Reference, check_agreement  # noqa: E402
from torchvision_oracle import import_torchvision  # noqa: E402

pytestmark = pytest.mark.oracle


def thin_efficientnet():
    """torchvision's b0 with a quarter of the channels."""
    import_torchvision()
    theirs = importlib.import_module("torchvision.models.efficientnet")
    blocks, _ = theirs._efficientnet_conf(
        "efficientnet_b0", width_mult=THIN["width"], depth_mult=1.0
    )
    return theirs.EfficientNet(blocks, 0.2, num_classes=CLASSES)


THIN_REFERENCE = Reference(
    "efficientnet_b0", thin_efficientnet, (3, 32, 37), naming="torchvision", options=THIN
)


def test_a_thin_network_agrees():
    check_agreement(THIN_REFERENCE)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "tf_efficientnet_lite0"])
def test_macs_of_lite0_are_those_counted_on_the_reference(name):
    total = 0

    def count(layer, inputs, y):
        nonlocal total
        total += y.numel() * layer.weight[0].numel()

    network = PUBLISHED[name].make().eval()
    for layer in network.modules():
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
            layer.register_forward_hook(count)
    with torch.no_grad():
        network(torch.zeros(1, 3, 224, 224))
    assert macs(on_meta(name), (3, 224, 224)) == total
