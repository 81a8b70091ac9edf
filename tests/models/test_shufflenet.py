"""ShuffleNet v1 and v2: counts, shapes, learning, and the units of which they are made."""

from pathlib import Path

import numpy as np
import pytest
from models.parts import check_same_results_and_gradients, conv_bn, norm, prepared
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
    relative_error,
)

import minidl
from minidl import functional as F
from minidl import models, nn
from minidl.errors import ArgumentError, ShapeError
from minidl.models.shufflenet_v1 import ShuffleUnit
from minidl.models.shufflenet_v2 import SplitShuffleUnit

GOLDEN = np.load(Path(__file__).resolve().parents[1] / "golden" / "zoo_mobilenet_shufflenet.npz")

STAGE2 = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}  # table 1: groups, channels behind stage2
MILLIONS = {1: 143, 2: 140, 3: 137, 4: 133, 8: 137}  # table 1: complexity
PARAMETERS = {1: 1_531_936, 2: 1_733_848, 3: 1_865_728, 4: 1_968_344, 8: 2_434_768}
V2 = {  # channels, torchvision's parameters and billions of multiply-accumulates
    "x0_5": ((24, 48, 96, 192, 1024), 1_366_792, 0.040),
    "x1_0": ((24, 116, 232, 464, 1024), 2_278_604, 0.145),
    "x1_5": ((24, 176, 352, 704, 1024), 3_503_624, 0.296),
    "x2_0": ((24, 244, 488, 976, 2048), 7_393_996, 0.583),
}
UNITS = (4, 8, 4)
NAMES = [f"shufflenet_v1_g{groups}" for groups in STAGE2] + [f"shufflenet_v2_{w}" for w in V2]
QUICK = ("shufflenet_v1_g3", "shufflenet_v2_x0_5")
RUN = [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in NAMES]


# ------------------------------------------------------------------------------ figures


@pytest.mark.parametrize("groups", STAGE2)
def test_v1_has_the_layers_of_the_papers_table(groups):
    total, c_in, size = conv_bn(3, 24, 3, 112), 24, 56
    for stage, units in enumerate(UNITS):
        c_out = STAGE2[groups] << stage
        inner, half = c_out // 4, size // 2
        first = 1 if stage == 0 else groups  # §3.2: not grouped where there are few channels
        total += conv_bn(c_in, inner, 1, size, first) + conv_bn(inner, inner, 3, half, inner)
        total += conv_bn(inner, c_out - c_in, 1, half, groups)
        reduce, expand = (conv_bn(*c, 1, half, groups) for c in ((c_out, inner), (inner, c_out)))
        total += (units - 1) * (reduce + conv_bn(inner, inner, 3, half, inner) + expand)
        c_in, size = c_out, half
    network = on_meta(f"shufflenet_v1_g{groups}")
    assert round(total[1] / 1e6) == MILLIONS[groups]  # without the dense layer
    total += (c_in * 1000 + 1000, c_in * 1000)
    assert [parameters(network), macs(network, (3, 224, 224))] == total.tolist()
    assert parameters(network) == PARAMETERS[groups]


@pytest.mark.parametrize("width", V2)
def test_v2_has_the_layers_of_the_papers_table(width):
    (c_in, *stages, last), count, billions = V2[width]
    total, size = conv_bn(3, c_in, 3, 112), 56
    for c_out, units in zip(stages, UNITS, strict=True):
        half, out = c_out // 2, size // 2
        total += conv_bn(c_in, c_in, 3, out, c_in) + conv_bn(c_in, half, 1, out)  # branch1
        total += conv_bn(c_in, half, 1, size)
        total += conv_bn(half, half, 3, out, half) + conv_bn(half, half, 1, out)
        total += (units - 1) * (2 * conv_bn(half, half, 1, out) + conv_bn(half, half, 3, out, half))
        c_in, size = c_out, out
    total += conv_bn(c_in, last, 1, size)
    total += (last * 1000 + 1000, last * 1000)
    network = on_meta(f"shufflenet_v2_{width}")
    assert [parameters(network), macs(network, (3, 224, 224))] == total.tolist()
    assert parameters(network) == count
    assert round(macs(network, (3, 224, 224)) / 1e9, 3) == billions


@pytest.mark.parametrize("groups", STAGE2)
def test_v1_stages_have_the_papers_shapes(groups):
    width = STAGE2[groups]
    stages = {f"stage{2 + i}": (width << i, 28 >> i, 28 >> i) for i in range(3)}
    name = f"shufflenet_v1_g{groups}"
    check_stages(name, {"conv1": (24, 112, 112), "maxpool": (24, 56, 56), **stages, "fc": (1000,)})


@pytest.mark.parametrize("width", V2)
def test_v2_stages_have_the_papers_shapes(width):
    stem, *stages, last = V2[width][0]
    shapes = {f"stage{2 + i}": (c, 28 >> i, 28 >> i) for i, c in enumerate(stages)}
    before = {"conv1": (stem, 112, 112), "maxpool": (stem, 56, 56)}
    check_stages(
        f"shufflenet_v2_{width}", {**before, **shapes, "conv5": (last, 7, 7), "fc": (1000,)}
    )


def test_stem_without_stride_keeps_small_images_larger():
    images = {"in_channels": 1, "stem_stride": 1, "image_shape": (1, 28, 28)}
    for name, width in (("shufflenet_v1_g3", 960), ("shufflenet_v2_x1_0", 464)):
        check_stages(name, {"conv1": (24, 28, 28), "stage4": (width, 2, 2)}, **images)


@pytest.mark.parametrize("groups", STAGE2)
@pytest.mark.parametrize("width_mult", [0.25, 0.5, 1.5, 2.0])
def test_v1_takes_any_width_and_rounds_up_to_what_groups_can_share(groups, width_mult):
    name = f"shufflenet_v1_g{groups}"
    network = on_meta(name, width_mult=width_mult)
    for unit in (*network.stage2, *network.stage3, *network.stage4):
        assert unit.expand.conv.in_channels % groups == 0
    width = network.fc.in_features // 4
    assert 0 <= width - STAGE2[groups] * width_mult < groups
    check_stages(name, {"stage4": (4 * width, 7, 7)}, width_mult=width_mult)


# ----------------------------------------------------------------------------- behaviour


@pytest.mark.slow
@pytest.mark.parametrize("groups", STAGE2)
def test_ten_steps_of_the_real_width_lower_the_loss(groups):
    check_learns(f"shufflenet_v1_g{groups}", 32)


@pytest.mark.parametrize("name", RUN)
def test_state_dict_round_trip(name):
    check_state_dict_round_trip(name, 32)


@pytest.mark.parametrize("name", NAMES)
def test_image_without_rows_and_wrong_channels_are_refused(name):
    check_refuses(name, (1, 3, 0, 32), "conv2d: the padded input is")
    check_refuses(name, (1, 4, 32, 32), r"x\.shape\[1\] \(channels\) is 4, expected .* 3")


def test_single_value_per_channel_is_refused_in_training():
    for name in QUICK:
        with pytest.raises(ShapeError, match=r"expected more than 1 value per channel"):
            models.create(name).train()(minidl.zeros(1, 3, 32, 32))


def test_number_of_groups_that_the_paper_has_not_is_refused():
    with pytest.raises(ArgumentError, match=r"groups is 5, expected one of 1, 2, 3, 4, 8"):
        models.ShuffleNetV1(groups=5)


def test_v2_has_torchvisions_names():
    names = on_meta("shufflenet_v2_x0_5").state_dict().keys()
    assert {
        "conv1.0.weight",
        "stage2.0.branch1.0.weight",
        "stage2.0.branch1.3.running_mean",
        "stage4.3.branch2.6.bias",
        "conv5.1.weight",
        "fc.bias",
    } <= names


# ------------------------------------------------------------------------------ units, v1


def interleaved(x, groups):
    """Channel i of every group in turn, written as a list."""
    size = x.shape[1] // groups
    order = [group * size + i for i in range(size) for group in range(groups)]
    return x[:, order]


@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_v1_unit_is_the_composition_of_its_figure(groups, stride):
    c_in, c_out = (24, 24) if stride == 1 else (12, 24)
    unit = prepared(ShuffleUnit(c_in, c_out, groups, stride))
    x = np.abs(random_images((2, c_in, 7, 5))[0])  # comes from a ReLU
    x = minidl.tensor(x, requires_grad=True)
    reduce, depthwise, expand = unit.reduce, unit.depthwise, unit.expand
    y = F.relu(norm(F.conv2d(x, reduce.conv.weight, groups=groups), reduce.bn))
    y = interleaved(y, groups)
    y = F.conv2d(y, depthwise.conv.weight, stride=stride, padding=1, groups=c_out // 4)
    y = norm(y, depthwise.bn)
    y = norm(F.conv2d(y, expand.conv.weight, groups=groups), expand.bn)
    y = x + y if stride == 1 else F.cat([F.avg_pool2d(x, 3, 2, 1), y], dim=1)
    expected = F.relu(y)
    check_same_results_and_gradients(unit(x), expected, [x, *unit.parameters()], rtol=1e-11)


def test_first_channels_of_a_strided_v1_unit_are_its_pooled_input():
    unit = prepared(ShuffleUnit(12, 24, 3, stride=2))
    x = np.abs(random_images((2, 12, 7, 5))[0])
    y = unit(minidl.tensor(x)).detach().numpy()
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for (n, c, i, j), value in np.ndenumerate(y[:, :12]):
        window = padded[n, c, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        assert value == pytest.approx(window.sum() / 9, rel=1e-12)  # the padding counts


def groups_reached(unit, groups):
    """[i, j]: whether group j of the output's branch sees group i of the input."""
    channels = unit.expand.conv.out_channels
    x, size = random_images((1, channels, 5, 4))[0], channels // groups
    before = unit(minidl.tensor(x)).detach().numpy() - x
    reached = np.empty((groups, groups), bool)
    for i in range(groups):
        changed = x.copy()
        changed[:, i * size : (i + 1) * size] += 1.0
        after = unit(minidl.tensor(changed)).detach().numpy() - changed
        difference = np.abs(after - before).reshape(groups, size, -1)
        reached[i] = (difference > 1e-9).any(axis=(1, 2))
    return reached


@pytest.mark.parametrize("groups", [2, 3])
def test_shuffle_lets_every_group_see_all_others(groups):
    """Figure 1: without it a group's output depends on the same group's input only."""
    channels = 12 * groups  # 3 of the inner ones in a group: one at least for every group
    unit = prepared(ShuffleUnit(channels, channels, groups))
    unit.expand.act = unit.reduce.act = nn.Identity()  # nothing hides behind a ReLU
    assert groups_reached(unit, groups).all()
    unit.shuffle = nn.Identity()
    np.testing.assert_array_equal(groups_reached(unit, groups), np.eye(groups, dtype=bool))


def test_only_the_very_first_1x1_convolution_is_not_grouped():
    network = on_meta("shufflenet_v1_g4")
    units = [*network.stage2, *network.stage3, *network.stage4]
    assert [unit.reduce.conv.groups for unit in units] == [1, *15 * [4]]
    assert [unit.expand.conv.groups for unit in units] == 16 * [4]
    assert [unit.shuffle.groups for unit in units] == 16 * [4]


# ------------------------------------------------------------------------------ units, v2


def branch(layers, x, strides):
    """The layers of a branch one after another, with the plain functions."""
    strides = iter(strides)
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            pad = layer.kernel_size[0] // 2
            x = F.conv2d(x, layer.weight, None, next(strides), pad, groups=layer.groups)
        else:
            x = norm(x, layer) if isinstance(layer, nn.BatchNorm2d) else F.relu(x)
    return x


@pytest.mark.parametrize("stride", [1, 2])
def test_v2_unit_is_the_composition_of_its_figure(stride):
    unit = prepared(SplitShuffleUnit(12, 12 * stride, stride))
    x = minidl.tensor(random_images((2, 12, 7, 5))[0], requires_grad=True)
    if stride == 1:
        halves = x[:, :6], branch(unit.branch2, x[:, 6:], (1, 1, 1))
    else:
        halves = branch(unit.branch1, x, (2, 1)), branch(unit.branch2, x, (1, 2, 1))
    expected = interleaved(F.cat(halves, dim=1), 2)
    check_same_results_and_gradients(unit(x), expected, [x, *unit.parameters()], rtol=1e-11)


def test_half_of_the_channels_pass_a_v2_unit_untouched():
    unit = prepared(SplitShuffleUnit(12, 12))
    x = random_images((2, 12, 7, 5))[0]
    y = unit(minidl.tensor(x)).detach().numpy()
    np.testing.assert_array_equal(y[:, ::2], x[:, :6])
    assert (y[:, 1::2] >= 0).all()


# -------------------------------------------------------------------------------- golden


@pytest.mark.parametrize("name", [key for key in GOLDEN if key.startswith("shufflenet")])
def test_logits_are_those_that_pytorch_computed(name):
    """Stored by tests/golden/make_zoo_mobilenet_shufflenet.py, from the same weights."""
    with minidl.no_grad():
        network = loaded(name, num_classes=5)
        logits = network(minidl.tensor(random_images((2, 3, 32, 32))[0]))
    assert relative_error(logits.numpy(), GOLDEN[name]) <= 1e-9
