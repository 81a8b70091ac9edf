"""A thin DenseNet beside torchvision's, whose own widths `make test-zoo` compares; old names."""

import re

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

from models.references import PUBLISHED  # noqa: E402
from models.test_densenet import THIN  # noqa: E402
from models.zoo_oracle import CLASSES, Reference, check_agreement  # noqa: E402
from torchvision_oracle import import_torchvision  # noqa: E402

from minidl.interop.key_maps.densenet import TORCHVISION_FILES  # noqa: E402

pytestmark = pytest.mark.oracle

NAMES = ("densenet121", "densenet161", "densenet169", "densenet201")


def thin_densenet():
    """torchvision's densenet121 with a quarter of the channels."""
    theirs = {"growth_rate": THIN["growth_rate"], "num_init_features": THIN["width"]}
    densenet = import_torchvision().models.DenseNet
    return densenet(block_config=(6, 12, 24, 16), num_classes=CLASSES, **theirs)


THIN_REFERENCE = Reference(
    "densenet121", thin_densenet, (3, 32, 37), naming="torchvision", options=THIN
)


def test_a_thin_network_agrees():
    check_agreement(THIN_REFERENCE)


@pytest.mark.parametrize("name", NAMES)
def test_old_names_are_those_that_torchvision_renames(name):
    """torchvision turns the files' names into its own with this pattern when it loads them."""
    old = re.compile(
        r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.(?:weight|bias|running_mean|running_var))$"
    )
    with torch.device("meta"):
        keys = set(PUBLISHED[name].make().state_dict())
    published = dict(TORCHVISION_FILES)
    for key in keys:
        module, _, leaf = key.rpartition(".")
        match = old.match(f"{published[module]}.{leaf}")
        if leaf != "num_batches_tracked":  # the files are older than this buffer
            assert (match[1] + match[2] if match else f"{published[module]}.{leaf}") == key
