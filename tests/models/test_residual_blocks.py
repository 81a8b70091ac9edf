"""The blocks of residual networks: the five orders, shortcuts, attention."""

from functools import partial

import numpy as np
import pytest
from models.parts import check_same_results_and_gradients, norm, prepared
from models.zoo import loaded, random_images, random_state

import minidl
from minidl import functional as F
from minidl import models
from minidl.errors import ArgumentError
from minidl.models.blocks import SqueezeExcite
from minidl.models.cifar_resnet import PlainBlock, ZeroPadShortcut
from minidl.models.preact_resnet import ORDERS, PreActBottleneck


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
    unit = prepared(models.ResidualUnit(in_channels, width, stride, order=order))
    return unit, minidl.tensor(random_images((2, in_channels, 7, 5))[0], requires_grad=True)


@pytest.mark.parametrize("order", ORDERS)
def test_order_is_the_figures(order):
    unit, x = unit_and_image(order)
    y = unit(x)
    expected = COMPOSED[order](x, lambda x: x, unit.bn1, unit.conv1, unit.bn2, unit.conv2)
    check_same_results_and_gradients(y, expected, [x, *unit.parameters()])


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
    network = loaded("preact_resnet18", order=order, width=8, num_classes=5)
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
    plain = prepared(PlainBlock(4, 6, stride=2))
    block = models.BasicBlock(4, 6, stride=2, shortcut=ZeroPadShortcut).double().eval()
    block.load_state_dict(plain.state_dict())
    x = random_images((2, 4, 5, 7))[0]
    zeros_added = block.relu(
        block.bn2(block.conv2(F.relu(block.bn1(block.conv1(minidl.tensor(x))))))
    )
    ours = plain(minidl.tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours, zeros_added.detach().numpy(), rtol=1e-12)
    assert not np.allclose(ours, block(minidl.tensor(x)).detach().numpy())


def unit_expansion(block):
    return getattr(block, "func", block).expansion


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


@pytest.mark.parametrize("block", [models.BasicBlock, models.Bottleneck])
def test_block_that_starts_as_identity_returns_relu_of_its_shortcut(block):
    unit = block(8, 8 // block.expansion).double().eval()
    unit.start_as_identity()
    x = random_images((2, 8, 5, 4))[0]
    np.testing.assert_array_equal(unit(minidl.tensor(x)).detach().numpy(), np.maximum(x, 0))
