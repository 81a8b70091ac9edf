"""The residual networks: counts, shapes, options, first weights."""

from pathlib import Path

import numpy as np
import pytest
from models.parts import has_spread
from models.zoo import (
    check_refuses,
    check_stages,
    check_state_dict_round_trip,
    loaded,
    macs,
    on_meta,
    parameters,
    random_images,
    relative_error,
)

import minidl
from minidl import models
from minidl.errors import ArgumentError, ShapeError
from minidl.models.resnet import projection
from minidl.nn import BatchNorm2d, Conv2d
from minidl.random import default_generator

GOLDEN = np.load(Path(__file__).resolve().parents[1] / "golden" / "zoo_residual.npz")

PUBLISHED = {  # parameters; billions of multiply-accumulates at 224×224, where they are published
    "resnet18": (11_689_512, 1.814),
    "resnet34": (21_797_672, 3.664),
    "resnet50": (25_557_032, 4.089),
    "resnet101": (44_549_160, 7.801),
    "resnet152": (60_192_808, 11.514),
    "resnext50_32x4d": (25_028_904, 4.230),
    "resnext101_32x8d": (88_791_336, 16.414),
    "preact_resnet18": (11_687_720, None),
    "preact_resnet50": (25_549_352, None),
    "preact_resnet101": (44_541_480, None),
    "preact_resnet152": (60_185_128, None),
    "seresnet18": (11_779_624, None),
    "seresnet34": (21_960_416, None),
    "seresnet50": (28_088_024, None),
}
CIFAR = {f"{kind}{6 * n + 2}": n for kind in ("resnet", "plain") for n in (3, 5, 7, 9, 18)}


def deep_ones_slow(names):
    """Parameters for a test that runs the networks: more than 100 layers take a while."""
    deep = ("101", "152", "110", "101_32x8d")
    return [pytest.param(n, marks=[pytest.mark.slow] if n.endswith(deep) else []) for n in names]


def in_stages(width):
    """What stands behind the four stages for a 224×224 image."""
    return {f"layer{i}": (width << (i - 1), 112 >> i, 112 >> i) for i in (1, 2, 3, 4)}


def is_bottleneck(name):
    return not name.endswith(("18", "34"))


# ------------------------------------------------------------------------------ figures


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_macs_are_the_published_ones(name):
    network, (count, billions) = on_meta(name), PUBLISHED[name]
    assert parameters(network) == count
    if billions is not None:
        assert round(macs(network, (3, 224, 224)) / 1e9, 3) == billions


@pytest.mark.parametrize("name", CIFAR)
def test_cifar_network_has_the_layers_of_the_papers_table(name):
    n = CIFAR[name]
    weights = 3 * 16 * 9 + 2 * 16  # conv1, and its norm's scale and shift
    multiplications = 3 * 16 * 9 * 32 * 32
    for width, before, size in ((16, 16, 32), (32, 16, 16), (64, 32, 8)):
        convolutions = before * width * 9 + (2 * n - 1) * width * width * 9
        weights += convolutions + 2 * n * 2 * width
        multiplications += convolutions * size * size
    network = on_meta(name)
    assert parameters(network) == weights + 64 * 10 + 10
    assert macs(network, (3, 32, 32)) == multiplications + 64 * 10


@pytest.mark.parametrize("name", PUBLISHED)
def test_stages_halve_the_image_and_double_the_channels(name):
    width = 256 if is_bottleneck(name) else 64
    check_stages(name, {"maxpool": (64, 56, 56), **in_stages(width), "fc": (1000,)})


@pytest.mark.parametrize("name", CIFAR)
def test_cifar_stages_halve_the_image_and_double_the_channels(name):
    stages = {"layer1": (16, 32, 32), "layer2": (32, 16, 16), "layer3": (64, 8, 8), "fc": (10,)}
    check_stages(name, stages)


def test_building_on_meta_draws_nothing():
    before = default_generator.get_state()
    on_meta("resnext101_32x8d")
    assert default_generator.get_state() == before


# ----------------------------------------------------------------------------- behaviour


@pytest.mark.parametrize("name", deep_ones_slow(PUBLISHED))
def test_state_dict_round_trip(name):
    check_state_dict_round_trip(name, 32, width=16)


@pytest.mark.parametrize("name", deep_ones_slow(CIFAR))
def test_state_dict_round_trip_of_cifar_networks(name):
    check_state_dict_round_trip(name, 8)


@pytest.mark.parametrize("name", [*PUBLISHED, *CIFAR])
def test_image_without_rows_and_wrong_channels_are_refused(name):
    check_refuses(name, (1, 3, 0, 32), "conv2d: the padded input is")
    check_refuses(name, (1, 4, 32, 32), r"x\.shape\[1\] \(channels\) is 4, expected .* 3")


def test_single_value_per_channel_is_refused_in_training():
    network = models.create("resnet18", width=8).train()
    with pytest.raises(ShapeError, match=r"expected more than 1 value per channel when training"):
        network(minidl.zeros(1, 3, 32, 32))


# -------------------------------------------------------------------------------- blocks


def test_projection_shortcuts_add_their_own_parameters():
    assert parameters(on_meta("resnet20", shortcut=projection)) == 272_474


# ------------------------------------------------------------------------------- options


def test_stride_in_the_first_1x1_is_the_papers_and_costs_less():
    theirs, ours = on_meta("resnet50", stride_in_1x1=True), on_meta("resnet50")
    assert {k: v.shape for k, v in theirs.state_dict().items()} == {
        k: v.shape for k, v in ours.state_dict().items()
    }
    assert theirs.layer2[0].conv1.stride == 2
    assert theirs.layer2[0].conv2.stride == 1
    assert round(macs(theirs, (3, 224, 224)) / 1e9, 1) == 3.9
    check_stages("resnet50", in_stages(256), stride_in_1x1=True)


@pytest.mark.parametrize(
    "name", ["resnet18", "resnet50", "resnext50_32x4d", "preact_resnet18", "preact_resnet50"]
)
def test_squeeze_and_excitation_fits_any_network(name):
    network = on_meta(name, attention=models.squeeze_excite)
    last = network.layer4[-1].se
    assert last.fc1.in_channels == network.fc.in_features
    assert last.fc1.out_channels == network.fc.in_features // 16
    check_stages(name, {"fc": (1000,)}, attention=models.squeeze_excite)


def test_squeeze_and_excitation_networks_start_as_their_shortcuts_unless_told():
    for name, leaf, count in (
        ("seresnet18", "bn2", 8),
        ("seresnet34", "bn2", 16),
        ("seresnet50", "bn3", 16),
    ):
        for options, start in (({}, 0.0), ({"zero_init_residual": False}, 1.0)):
            state = models.create(name, width=8, **options).state_dict()
            ends = [state[key].numpy() for key in state if key.endswith(f"{leaf}.weight")]
            assert len(ends) == count
            assert all((weight == start).all() for weight in ends)


def test_zero_init_residual_needs_blocks_that_can_start_as_their_shortcut():
    with pytest.raises(ArgumentError, match=r"zero_init_residual is True, expected blocks with a"):
        models.CifarResNet(models.ResidualUnit, 1, zero_init_residual=True)


@pytest.mark.parametrize(("name", "width"), [("resnext50_32x4d", 8), ("resnext50_32x4d", 20)])
def test_a_width_that_the_groups_cannot_share_is_refused(name, width):
    with pytest.raises(ArgumentError, match=rf"width is {width}, expected one whose product with"):
        models.create(name, width=width)


def test_zero_init_residual_reaches_every_block():
    for name, leaf, count in (("resnet18", "bn2", 8), ("resnet50", "bn3", 16)):
        state = models.create(name, width=8, zero_init_residual=True).state_dict()
        ends = [key for key in state if key.endswith(f"{leaf}.weight")]
        assert len(ends) == count
        assert all(not state[key].detach().numpy().any() for key in ends)


@pytest.mark.parametrize("name", ["resnet18", "preact_resnet50", "resnext50_32x4d", "seresnet50"])
def test_convolutions_start_with_variance_two_over_fan_out(name):
    options = {"zero_init_residual": False} if name.startswith("se") else {}
    network = models.create(name, width=16, **options)
    for module in network.modules():
        if isinstance(module, Conv2d) and module.weight.numel() > 4000:
            weight = module.weight.detach().numpy()
            fan_out = weight.shape[0] * weight.shape[2] * weight.shape[3]
            assert abs(weight.mean()) < 5 * weight.std() / np.sqrt(weight.size)
            assert has_spread(module.weight, np.sqrt(2 / fan_out))
        elif isinstance(module, BatchNorm2d):
            assert (module.weight.detach().numpy() == 1).all()
            assert not module.bias.detach().numpy().any()


def test_the_last_layer_of_pre_activation_networks_starts_with_small_normal_weights():
    """As timm's; torchvision's ResNets leave it as PyTorch draws it."""
    last = models.create("preact_resnet18", width=8).fc
    assert has_spread(last.weight, 0.01)
    assert np.abs(last.weight.detach().numpy()).max() > 0.03  # normal: uniform ones end at 0.017
    assert not last.bias.detach().numpy().any()
    last = models.create("resnet18", width=8).fc
    assert has_spread(last.weight, np.sqrt(1 / 3 / last.in_features))


# -------------------------------------------------------------------------------- golden


@pytest.mark.parametrize("name", [key for key in GOLDEN if key != "made_with"])
def test_logits_are_those_that_pytorch_computed(name):
    """Stored by tests/golden/make_zoo_residual.py, from the same weights, drawn by name."""
    options = {} if name == "seresnet18" else {"width": 16}
    with minidl.no_grad():
        network = loaded(name, num_classes=5, **options)
        logits = network(minidl.tensor(random_images((2, 3, 32, 32))[0]))
    assert relative_error(logits.numpy(), GOLDEN[name]) <= 1e-9
