"""DenseNet beside torchvision's, with the same random weights."""

import re

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

from models.test_densenet import THIN  # noqa: E402
from models.zoo_oracle import CLASSES, Reference, check_logits, check_training  # noqa: E402
from torchvision_oracle import import_torchvision  # noqa: E402

from minidl.interop.key_maps.densenet import TORCHVISION_FILES  # noqa: E402

pytestmark = pytest.mark.oracle

NAMES = ("densenet121", "densenet161", "densenet169", "densenet201")
THIN_CASE = "densenet121, a quarter of the channels"


def torchvision_densenet(name, **options):
    return getattr(import_torchvision().models, name)(num_classes=CLASSES, **options)


def reference(name):
    """The reference of one of our names."""
    if name == THIN_CASE:
        theirs = {"growth_rate": THIN["growth_rate"], "num_init_features": THIN["width"]}
        densenet = import_torchvision().models.DenseNet
        return Reference(
            "densenet121",
            lambda: densenet(block_config=(6, 12, 24, 16), num_classes=CLASSES, **theirs),
            image=(3, 32, 37),
            options=THIN,
        )
    return Reference(name, lambda: torchvision_densenet(name), image=(3, 64, 47))


CASES = [THIN_CASE, *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES)]


@pytest.mark.parametrize("name", CASES)
def test_logits_agree(name):
    check_logits(reference(name))


@pytest.mark.parametrize("name", CASES)
def test_loss_gradients_and_running_statistics_agree_in_training(name):
    check_training(reference(name))


@pytest.mark.parametrize("name", NAMES)
def test_old_names_are_those_that_torchvision_renames(name):
    """torchvision turns the files' names into its own with this pattern when it loads them."""
    old = re.compile(
        r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.(?:weight|bias|running_mean|running_var))$"
    )
    with torch.device("meta"):
        keys = set(torchvision_densenet(name).state_dict())
    published = dict(TORCHVISION_FILES)
    for key in keys:
        module, _, leaf = key.rpartition(".")
        match = old.match(f"{published[module]}.{leaf}")
        if leaf != "num_batches_tracked":  # the files are older than this buffer
            assert (match[1] + match[2] if match else f"{published[module]}.{leaf}") == key
