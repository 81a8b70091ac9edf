"""EfficientNet beside torchvision's, Lite0 beside timm's, with the same random weights."""

import importlib

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

from models.test_efficientnet import PUBLISHED, THIN  # noqa: E402
from models.zoo import macs, on_meta  # noqa: E402
from models.zoo_oracle import CLASSES, Reference, check_logits, check_training  # noqa: E402
from torchvision_oracle import import_torchvision  # noqa: E402

from minidl.interop.key_maps.efficientnet import TIMM, TORCHVISION  # noqa: E402

pytestmark = pytest.mark.oracle

THIN_CASE = "efficientnet_b0, a quarter of the channels"
LITE = ("efficientnet_lite0", "tf_efficientnet_lite0")
IMAGE = (3, 32, 37)


def translator(pairs):
    """The published parameter's name → ours."""
    modules = {theirs: ours for ours, theirs in pairs}

    def translate(key):
        module, _, leaf = key.rpartition(".")
        if module not in modules:  # squeeze and excitation is mapped as a whole
            module, _, inner = module.rpartition(".")
            leaf = f"{inner}.{leaf}"
        return f"{modules[module]}.{leaf}"

    return translate


def thin_efficientnet():
    """torchvision's b0 with a quarter of the channels."""
    import_torchvision()
    theirs = importlib.import_module("torchvision.models.efficientnet")
    blocks, _ = theirs._efficientnet_conf(
        "efficientnet_b0", width_mult=THIN["width"], depth_mult=1.0
    )
    return theirs.EfficientNet(blocks, 0.2, stochastic_depth_prob=0.0, num_classes=CLASSES)


def timm_network(name):
    import_torchvision()  # timm imports it
    return pytest.importorskip("timm").create_model(name, num_classes=CLASSES)


def reference(name):
    """The reference of one of our names."""
    if name == THIN_CASE:
        return Reference(
            "efficientnet_b0", thin_efficientnet, IMAGE, translator(TORCHVISION), options=THIN
        )
    if name in LITE:
        return Reference(name, lambda: timm_network(name), IMAGE, translator(TIMM))
    make = getattr(import_torchvision().models, name)
    return Reference(
        name,
        lambda: make(num_classes=CLASSES, stochastic_depth_prob=0.0),
        IMAGE,
        translator(TORCHVISION),
    )


CASES = [
    THIN_CASE,
    *(pytest.param(name, marks=pytest.mark.slow) for name in (*LITE, *PUBLISHED)),
]


@pytest.mark.parametrize("name", CASES)
def test_logits_agree(name):
    check_logits(reference(name))


@pytest.mark.parametrize("name", CASES)
def test_loss_gradients_and_running_statistics_agree_in_training(name):
    check_training(reference(name))


@pytest.mark.parametrize("name", ["efficientnet_b0", "efficientnet_b3"])
def test_timms_names_are_those_of_its_own_network(name):
    with torch.device("meta"):
        theirs = {k: tuple(v.shape) for k, v in timm_network(name).state_dict().items()}
    translate = translator(TIMM)
    ours = on_meta(name, num_classes=CLASSES).state_dict()
    assert {translate(k): shape for k, shape in theirs.items()} == {
        k: v.shape for k, v in ours.items()
    }


@pytest.mark.parametrize("name", LITE)
def test_macs_of_lite0_are_those_counted_on_the_reference(name):
    total = 0

    def count(layer, inputs, y):
        nonlocal total
        total += y.numel() * layer.weight[0].numel()

    network = timm_network(name).eval()
    for layer in network.modules():
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
            layer.register_forward_hook(count)
    with torch.no_grad():
        network(torch.zeros(1, 3, 224, 224))
    assert macs(on_meta(name, num_classes=CLASSES), (3, 224, 224)) == total
