"""One network of each family beside torchvision's or timm's; `make test-zoo` compares them all."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

from models.references import NOT_PUBLISHED, ONE_OF_EACH_FAMILY, PUBLISHED  # noqa: E402
from models.test_mobilenet_oracle import reference as mobilenet  # noqa: E402
from models.zoo_oracle import agreement, check_agreement, published  # noqa: E402
from torchvision_oracle import TIMM_NAMES, import_torchvision  # noqa: E402

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_networks_agree(name):
    check_agreement(published(name))


def test_the_libraries_have_no_other_of_our_networks():
    torchvision = import_torchvision()
    timm = pytest.importorskip("timm")
    theirs = {*torchvision.models.list_models(), *timm.list_models()}
    assert not [name for name in NOT_PUBLISHED if TIMM_NAMES.get(name, name) in theirs]
    assert {reference.name for reference in PUBLISHED.values()} <= theirs


# ------------------------------------------------------------- a difference would be noticed


def changed(change):
    """A small reference, its modules given to `change` one by one."""
    small = mobilenet("mobilenet_v2", 0.25)

    def make():
        network = small.make()
        for module in network.modules():
            change(module)
        return network

    return replace(small, make=make)


def momentum(module):
    if isinstance(module, torch.nn.BatchNorm2d):
        module.momentum = 0.1001


def eps(module):
    if isinstance(module, torch.nn.BatchNorm2d):
        module.eps = 1.1e-5


def activation(module):
    if isinstance(module, torch.nn.ReLU6):
        module.register_forward_hook(lambda module, inputs, y: y + 1e-5)


def backward(module):
    if isinstance(module, torch.nn.Linear):
        module.register_full_backward_hook(
            lambda module, grad_inputs, grad_outputs: tuple(1.00001 * g for g in grad_inputs)
        )


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        (lambda module: None, set()),
        (momentum, {"statistics"}),
        (eps, {"float64", "loss", "gradients"}),
        (activation, {"float64", "loss", "gradients", "statistics"}),
        (backward, {"gradients"}),
    ],
)
def test_a_small_difference_is_a_miss(change, noticed):
    assert noticed <= agreement(changed(change)).misses().keys()
    assert noticed or not agreement(changed(change)).misses()
