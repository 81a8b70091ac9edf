"""MobileNet v1 and v2 beside torchvision's and timm's, with the same random weights."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

from models.zoo_oracle import (  # noqa: E402
    CLASSES,
    Reference,
    check_logits,
    check_training,
    from_pairs,
)
from torchvision_oracle import import_torchvision  # noqa: E402

from minidl.interop.key_maps import mobilenet_v1, mobilenet_v2  # noqa: E402

pytestmark = pytest.mark.oracle

MOBILENET_V2_100 = "timm's mobilenetv2_100"
CASES = [
    pytest.param("mobilenet_v1", 1.0),
    pytest.param("mobilenet_v1", 1.25, marks=pytest.mark.slow),
    pytest.param("mobilenet_v2", 1.0),
    pytest.param("mobilenet_v2", 0.35, marks=pytest.mark.slow),
    pytest.param("mobilenet_v2", 1.4, marks=pytest.mark.slow),
    pytest.param(MOBILENET_V2_100, 1.0, marks=pytest.mark.slow),
]


def timm_network(name):
    import_torchvision()  # timm imports it
    return pytest.importorskip("timm").create_model(name, num_classes=CLASSES)


def reference(name, width_mult):
    """The reference of one of our names, or one that is named differently."""
    if name == "mobilenet_v1":
        theirs = f"mobilenetv1_{round(100 * width_mult)}"
        make, pairs = lambda: timm_network(theirs), mobilenet_v1.TIMM
    elif name == MOBILENET_V2_100:
        name = "mobilenet_v2"
        make, pairs = lambda: timm_network("mobilenetv2_100"), mobilenet_v2.TIMM
    else:
        make, pairs = lambda: torchvision_network(width_mult), mobilenet_v2.TORCHVISION
    return Reference(name, make, translate=from_pairs(pairs), options={"width_mult": width_mult})


def torchvision_network(width_mult):
    network = import_torchvision().models.mobilenet_v2
    return network(num_classes=CLASSES, width_mult=width_mult)


@pytest.mark.parametrize(("name", "width_mult"), CASES)
def test_logits_agree(name, width_mult):
    check_logits(reference(name, width_mult))


@pytest.mark.parametrize(("name", "width_mult"), CASES)
def test_loss_gradients_and_running_statistics_agree_in_training(name, width_mult):
    check_training(reference(name, width_mult))
