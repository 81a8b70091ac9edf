"""Auxiliary heads of GoogLeNet and Inception v3: their logits, their order, their first weights."""

from pathlib import Path

import numpy as np
import pytest
from models.parts import has_spread, prepared
from models.zoo import on_meta, random_images, relative_error, run_on_meta

import minidl
from minidl import models
from minidl.models.googlenet import AuxiliaryHead as GoogLeNetHead
from minidl.models.googlenet_2014 import conv_relu
from minidl.models.inception_v3 import AuxiliaryHead as InceptionHead
from minidl.nn import AvgPool2d

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "zoo_inception.npz"
HEADS = {  # heads for five classes, and maps for them: H ≠ W, where they may be other than 14×14
    "googlenet": (lambda: GoogLeNetHead(512, 5, 0.7), (512, 12, 15)),
    "googlenet_2014": (
        lambda: GoogLeNetHead(512, 5, 0.7, AvgPool2d(5, stride=3), conv_relu),
        (512, 14, 14),
    ),
    "inception_v3": (lambda: InceptionHead(768, 5), (768, 17, 20)),
}


@pytest.mark.parametrize("name", HEADS)
def test_logits_are_those_that_pytorch_computed(name):
    """Stored by tests/golden/make_zoo_inception.py, from the same weights, drawn by name."""
    make, maps = HEADS[name]
    with minidl.no_grad(), np.load(GOLDEN) as golden:
        logits = prepared(make())(minidl.tensor(random_images((2, *maps))[0]))
        assert relative_error(logits.numpy(), golden[f"{name} head"]) <= 1e-9


@pytest.mark.parametrize("name", HEADS)
def test_networks_have_these_heads(name):
    make, _ = HEADS[name]
    network = on_meta(name, num_classes=5)
    found = getattr(network, "aux1", None) or network.AuxLogits
    with minidl.use_backend("meta"):
        assert repr(found) == repr(make())


@pytest.mark.parametrize(
    ("name", "heads"),
    [
        ("googlenet", ("aux1", "aux2")),
        ("googlenet_2014", ("aux1", "aux2")),
        ("inception_v3", ("AuxLogits",)),
    ],
)
def test_auxiliary_logits_stand_in_the_order_of_the_heads(name, heads):
    network, results = on_meta(name).train(), {}
    for head in heads:
        module = getattr(network, head)
        module.register_forward_hook(lambda m, x, y: results.setdefault(m, y))
    _, output = run_on_meta(network, (2, *models.card(name).input))
    assert len(output.auxiliary) == len(heads)
    for head, logits in zip(heads, output.auxiliary, strict=True):
        assert logits is results[getattr(network, head)]


def test_inception_v3_starts_with_normal_weights_and_its_head_with_small_ones():
    network = models.create("inception_v3", width=0.125)
    convolution = network.Mixed_6e.branch7x7dbl_3.conv
    for layer, std in ((convolution, 0.1), (network.fc, 0.1), (network.AuxLogits.fc, 0.001)):
        assert has_spread(layer.weight, std)
        assert np.abs(layer.weight.detach().numpy()).max() > 3 * std  # ±2 are no deviations
