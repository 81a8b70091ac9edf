"""The residual networks: counts, shapes, learning, and the parts of which they are made."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from models.zoo import (
    check_learns,
    check_refuses,
    check_stages,
    check_state_dict_round_trip,
    loaded,
    macs,
    on_meta,
    parameters,
    random_images,
    random_state,
    relative_error,
)

import minidl
from minidl import functional as F
from minidl import models
from minidl.errors import ArgumentError, ShapeError
from minidl.models.blocks import SqueezeExcite
from minidl.models.cifar_resnet import PlainBlock, ZeroPadShortcut
from minidl.models.preact_resnet import ORDERS, PreActBottleneck
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
def test_ten_steps_on_real_images_lower_their_loss(name):
    check_learns(name, 32, width=16)  # a quarter of the channels, all of the layers


@pytest.mark.parametrize("name", deep_ones_slow(CIFAR))
def test_ten_steps_on_real_images_lower_the_cifar_networks_loss(name):
    check_learns(name, 4)


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


def norm(x, layer):
    return F.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias)


def original(x, shortcut, bn1, conv1, bn2, conv2):
    return F.relu(norm(conv2(F.relu(norm(conv1(x), bn1))), bn2) + shortcut(x))


def bn_after_addition(x, shortcut, bn1, conv1, bn2, conv2):
    return F.relu(norm(conv2(F.relu(norm(conv1(x), bn1))) + shortcut(x), bn2))


def relu_before_addition(x, shortcut, bn1, conv1, bn2, conv2):
    return F.relu(norm(conv2(F.relu(norm(conv1(x), bn1))), bn2)) + shortcut(x)


def relu_only_pre_activation(x, shortcut, bn1, conv1, bn2, conv2):
    return norm(conv2(F.relu(norm(conv1(F.relu(x)), bn1))), bn2) + shortcut(x)


def full_pre_activation(x, shortcut, bn1, conv1, bn2, conv2):
    return conv2(F.relu(norm(conv1(F.relu(norm(x, bn1))), bn2))) + shortcut(x)


COMPOSED = dict(
    zip(
        ORDERS,
        (
            original,
            bn_after_addition,
            relu_before_addition,
            relu_only_pre_activation,
            full_pre_activation,
        ),
        strict=True,
    )
)


def unit_and_image(order, in_channels=6, width=6, stride=1):
    unit = models.ResidualUnit(in_channels, width, stride, order=order).double().eval()
    unit.load_state_dict(random_state(unit))
    return unit, minidl.tensor(random_images((2, in_channels, 7, 5))[0], requires_grad=True)


@pytest.mark.parametrize("order", ORDERS)
def test_order_is_the_figures(order):
    unit, x = unit_and_image(order)
    y = unit(x)
    expected = COMPOSED[order](x, lambda x: x, unit.bn1, unit.conv1, unit.bn2, unit.conv2)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-12)
    inputs = [x, *unit.parameters()]
    upstream = minidl.randn(*y.shape, dtype="float64")
    both = (minidl.grad(y, inputs, upstream), minidl.grad(expected, inputs, upstream))
    for ours, theirs in zip(*both, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("order", ORDERS)
def test_order_projects_where_the_shape_changes(order):
    unit, x = unit_and_image(order, in_channels=4, width=6, stride=2)

    def shortcut(x):
        pre_activated = order == "full pre-activation"
        x = F.relu(norm(x, unit.bn1)) if pre_activated else x
        if order == "original":  # as in ResNet v1, where the projection has a norm
            conv, bn = unit.downsample
            return norm(F.conv2d(x, conv.weight, stride=2), bn)
        return F.conv2d(x, unit.downsample.weight, stride=2)

    expected = COMPOSED[order](x, shortcut, unit.bn1, unit.conv1, unit.bn2, unit.conv2)
    assert unit(x).shape == (2, 6, 4, 3)
    np.testing.assert_allclose(unit(x).detach().numpy(), expected.detach().numpy(), rtol=1e-12)


def test_orders_differ_from_each_other():
    results = [unit_and_image(order) for order in ORDERS]
    results = [unit(x).detach().numpy() for unit, x in results]
    for i, one in enumerate(results):
        assert all(not np.allclose(one, other) for other in results[i + 1 :])


def test_unknown_order_is_refused_with_the_five_known_ones():
    with pytest.raises(ArgumentError, match=r"order is 'relu last', expected one of .*original"):
        models.ResidualUnit(4, 4, order="relu last")


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_makes_a_network(order):
    network = models.CifarResNet(models.ResidualUnit, 1, order=order)
    assert network(minidl.randn(2, 3, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize("order", ORDERS)
def test_first_and_last_activation_of_the_network_go_with_the_order(order):
    """conv1 ends as a block of that order does; fc sees what the conv1 of such a block does."""
    network = models.create("preact_resnet18", order=order, width=8, num_classes=5).double().eval()
    network.load_state_dict(random_state(network))
    x = minidl.tensor(random_images((2, 3, 33, 38))[0])
    y = F.conv2d(x, network.conv1.weight, stride=2, padding=3)
    y = y if order == "full pre-activation" else norm(y, network.bn1)
    y = y if "pre-activation" in order else F.relu(y)
    y = F.max_pool2d(y, 3, stride=2, padding=1)
    for i in (1, 2, 3, 4):
        y = getattr(network, f"layer{i}")(y)
    y = norm(y, network.bn) if order == "full pre-activation" else y
    y = F.relu(y) if "pre-activation" in order else y
    expected = F.linear(y.mean((2, 3)), network.fc.weight, network.fc.bias)
    np.testing.assert_allclose(
        network(x).detach().numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-12
    )
    norms = {"full pre-activation": {"bn"}}.get(order, {"bn1"})
    assert {k.split(".")[0] for k in network.state_dict()} & {"bn", "bn1"} == norms


def test_network_with_original_units_is_resnet_v1():
    """The same parameters under the same names, and the same logits."""
    ours = models.create("preact_resnet18", order="original", width=8).double().eval()
    v1 = models.create("resnet18", width=8).double().eval()
    state = random_state(v1)
    assert ours.state_dict().keys() == state.keys()
    ours.load_state_dict(state)
    v1.load_state_dict(state)
    x = minidl.tensor(random_images((2, 3, 33, 38))[0])
    np.testing.assert_allclose(
        ours(x).detach().numpy(), v1(x).detach().numpy(), rtol=1e-10, atol=1e-12
    )


def test_original_unit_is_the_basic_block():
    unit, x = unit_and_image("original")
    block = models.BasicBlock(6, 6).double().eval()
    block.load_state_dict(unit.state_dict())
    np.testing.assert_allclose(block(x).detach().numpy(), unit(x).detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize(("height", "width"), [(4, 6), (5, 7), (1, 2)])
def test_zero_pad_shortcut_takes_every_second_pixel_and_appends_zero_channels(height, width):
    x = random_images((2, 3, height, width))[0]
    y = ZeroPadShortcut(3, 5, stride=2)(minidl.tensor(x)).numpy()
    assert y.shape == (2, 5, (height + 1) // 2, (width + 1) // 2)
    for (n, c, i, j), value in np.ndenumerate(y):
        assert value == (x[n, c, 2 * i, 2 * j] if c < 3 else 0.0)


def test_plain_block_is_the_basic_block_with_nothing_added():
    plain = PlainBlock(4, 6, stride=2).double().eval()
    plain.load_state_dict(random_state(plain))
    block = models.BasicBlock(4, 6, stride=2, shortcut=ZeroPadShortcut).double().eval()
    block.load_state_dict(plain.state_dict())
    x = random_images((2, 4, 5, 7))[0]
    zeros_added = block.relu(
        block.bn2(block.conv2(F.relu(block.bn1(block.conv1(minidl.tensor(x))))))
    )
    ours = plain(minidl.tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours, zeros_added.detach().numpy(), rtol=1e-12)
    assert not np.allclose(ours, block(minidl.tensor(x)).detach().numpy())


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


@pytest.mark.parametrize(
    "block",
    [models.BasicBlock, models.Bottleneck, PreActBottleneck]
    + [partial(models.ResidualUnit, order=order) for order in ORDERS],
)
def test_attention_scales_the_branch_before_the_addition(block):
    """A gate of zero leaves what the shortcut carries, whatever the branch computes."""

    class Closed(SqueezeExcite):
        def forward(self, x):
            return x * 0.0

    unit = block(8, 2 if unit_expansion(block) == 4 else 8, attention=lambda c: Closed(c, 2))
    unit = unit.double().eval()
    x = random_images((2, 8, 5, 4))[0]
    y = unit(minidl.tensor(x)).detach().numpy()
    order = getattr(unit, "order", "full pre-activation" if block is PreActBottleneck else None)
    if order in ("relu before addition", "relu-only pre-activation", "full pre-activation"):
        np.testing.assert_array_equal(y, x)
    elif order == "bn after addition":
        np.testing.assert_allclose(y, np.maximum(x, 0) / np.sqrt(1 + 1e-5), rtol=1e-12)
    else:
        np.testing.assert_array_equal(y, np.maximum(x, 0))


def unit_expansion(block):
    return getattr(block, "func", block).expansion


@pytest.mark.parametrize("block", [models.BasicBlock, models.Bottleneck])
def test_block_that_starts_as_identity_returns_relu_of_its_shortcut(block):
    unit = block(8, 8 // block.expansion).double().eval()
    unit.start_as_identity()
    x = random_images((2, 8, 5, 4))[0]
    np.testing.assert_array_equal(unit(minidl.tensor(x)).detach().numpy(), np.maximum(x, 0))


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
            deviation = 5 / np.sqrt(2 * weight.size)  # five standard errors of a normal's spread
            assert abs(weight.std() * np.sqrt(fan_out / 2) - 1) < deviation
        elif isinstance(module, BatchNorm2d):
            assert (module.weight.detach().numpy() == 1).all()
            assert not module.bias.detach().numpy().any()


# -------------------------------------------------------------------------------- golden


@pytest.mark.parametrize("name", [key for key in GOLDEN if key != "made_with"])
def test_logits_are_those_that_pytorch_computed(name):
    """Stored by tests/golden/make_zoo_residual.py, from the same weights, drawn by name."""
    options = {} if name == "seresnet18" else {"width": 16}
    with minidl.no_grad():
        network = loaded(name, num_classes=5, **options)
        logits = network(minidl.tensor(random_images((2, 3, 32, 32))[0]))
    assert relative_error(logits.numpy(), GOLDEN[name]) <= 1e-9
