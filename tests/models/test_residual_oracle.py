"""Residual networks beside torchvision's and timm's, with the same random weights."""

import re

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

from models.zoo_oracle import CLASSES, Reference, check_logits, check_training  # noqa: E402
from torchvision_oracle import import_torchvision  # noqa: E402

pytestmark = pytest.mark.oracle

QUICK = ("resnet18", "resnext50_32x4d", "preact_resnet18", "seresnet18")
TORCHVISION = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
TORCHVISION += ("resnext50_32x4d", "resnext101_32x8d")
TIMM = {
    "seresnet18": "seresnet18",
    "seresnet34": "seresnet34",
    "seresnet50": "seresnet50",
    "preact_resnet18": "resnetv2_18",
    "preact_resnet50": "resnetv2_50",
    "preact_resnet101": "resnetv2_101",
    "preact_resnet152": "resnetv2_152",
}
RESNETV2_NAMES = (
    (r"^stem\.conv\.", "conv1."),
    (r"^norm\.", "bn."),
    (r"^head\.fc\.", "fc."),
    (r"\.norm(\d)\.", r".bn\1."),
    (r"\.downsample\.conv\.", ".downsample."),
)


def from_resnetv2(name):
    """timm's name of a parameter of its resnetv2 → ours."""
    name = re.sub(r"^stages\.(\d+)\.blocks\.", lambda m: f"layer{int(m[1]) + 1}.", name)
    for pattern, ours in RESNETV2_NAMES:
        name = re.sub(pattern, ours, name)
    return name


def reference(name):
    """The reference of one of our names."""
    if name in TORCHVISION:
        make = getattr(import_torchvision().models, name)
        return Reference(name, lambda: make(num_classes=CLASSES))
    import_torchvision()  # timm imports it
    timm = pytest.importorskip("timm")
    translate = from_resnetv2 if name.startswith("preact") else str
    return Reference(
        name, lambda: timm.create_model(TIMM[name], num_classes=CLASSES), translate=translate
    )


CASES = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in (*TORCHVISION, *TIMM)
]


@pytest.mark.parametrize("name", CASES)
def test_logits_agree(name):
    check_logits(reference(name))


@pytest.mark.parametrize("name", CASES)
def test_loss_gradients_and_running_statistics_agree_in_training(name):
    check_training(reference(name))
