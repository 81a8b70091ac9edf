"""DenseNet: counts, shapes, and what a dense block concatenates."""

from pathlib import Path

import numpy as np
import pytest
from models.parts import check_same_results_and_gradients, has_spread, norm, prepared
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
from minidl import models
from minidl.errors import ArgumentError
from minidl.interop.key_maps import densenet as key_map
from minidl.nn import Dropout

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "zoo_densenet.npz"

BLOCKS = {  # layers of the four blocks, growth rate, channels of the stem: table 1
    "densenet121": ((6, 12, 24, 16), 32, 64),
    "densenet161": ((6, 12, 36, 24), 48, 96),
    "densenet169": ((6, 12, 32, 32), 32, 64),
    "densenet201": ((6, 12, 48, 32), 32, 64),
}
PUBLISHED = {  # parameters; billions of multiply-accumulates at 224×224
    "densenet121": (7_978_856, 2.834),
    "densenet161": (28_681_000, 7.728),
    "densenet169": (14_149_480, 3.360),
    "densenet201": (20_013_928, 4.291),
}
THIN = {"growth_rate": 8, "width": 16}  # a quarter of the channels, all of the layers
SHALLOW = {"depth": 22, "growth_rate": 6}  # three blocks of three layers
DEEP = ("densenet161", "densenet169", "densenet201")
NAMES = [pytest.param(n, marks=[pytest.mark.slow] if n in DEEP else []) for n in BLOCKS]


def counted(blocks, growth, channels, kernel, size):
    """(weights, multiply-accumulates, channels at the end) from the stem to the last batch norm.

    kernel: of the stem; size: of the first block's feature maps.
    """
    weights, multiplications = 3 * channels * kernel**2, 0
    for i, layers in enumerate(blocks):
        for _ in range(layers):
            convolutions = channels * 4 * growth + 4 * growth * growth * 9
            weights += convolutions + 2 * channels + 2 * 4 * growth
            multiplications += convolutions * size**2
            channels += growth
        weights += 2 * channels
        if i < len(blocks) - 1:
            weights += channels * (channels // 2)
            multiplications += channels * (channels // 2) * size**2
            channels, size = channels // 2, size // 2
    return weights, multiplications, channels


# ------------------------------------------------------------------------------ figures


@pytest.mark.parametrize("name", BLOCKS)
def test_parameters_and_macs_are_the_published_ones(name):
    network, (count, billions) = on_meta(name), PUBLISHED[name]
    assert parameters(network) == count
    assert round(macs(network, (3, 224, 224)) / 1e9, 3) == billions


@pytest.mark.parametrize("name", BLOCKS)
def test_layers_are_those_of_the_papers_table(name):
    blocks, growth, width = BLOCKS[name]
    weights, multiplications, channels = counted(blocks, growth, width, 7, 56)
    network = on_meta(name)
    assert parameters(network) == weights + 2 * width + channels * 1000 + 1000
    stem = 3 * width * 49 * 112**2
    assert macs(network, (3, 224, 224)) == multiplications + stem + channels * 1000


@pytest.mark.parametrize(("depth", "growth"), [(100, 12), (40, 12), (22, 6), (10, 4)])
def test_small_network_has_the_layers_of_the_paper(depth, growth):
    layers = (depth - 4) // 6
    weights, multiplications, channels = counted((layers,) * 3, growth, 2 * growth, 3, 32)
    network = on_meta("densenet_bc", depth=depth, growth_rate=growth)
    assert parameters(network) == weights + channels * 10 + 10
    stem = 3 * 2 * growth * 9 * 32**2
    assert macs(network, (3, 32, 32)) == multiplications + stem + channels * 10


def test_small_network_has_the_papers_number_of_parameters():
    assert parameters(on_meta("densenet_bc")) == 769_162  # table 2: 0.8 million


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_widen_and_transitions_halve(name):
    blocks, growth, channels = BLOCKS[name]
    stages, size = {"features.pool0": (channels, 56, 56)}, 56
    for i, layers in enumerate(blocks, start=1):
        channels += layers * growth
        stages[f"features.denseblock{i}"] = (channels, size, size)
        if i < 4:
            channels, size = channels // 2, size // 2
            stages[f"features.transition{i}"] = (channels, size, size)
    check_stages(name, {**stages, "features": (channels, 7, 7), "classifier": (1000,)})


def test_small_networks_blocks_widen_and_transitions_halve():
    stages = {
        "features.conv0": (24, 32, 32),
        "features.denseblock1": (216, 32, 32),
        "features.transition1": (108, 16, 16),
        "features.denseblock2": (300, 16, 16),
        "features.transition2": (150, 8, 8),
        "features.denseblock3": (342, 8, 8),
        "classifier": (10,),
    }
    check_stages("densenet_bc", stages)
    check_stages("densenet_bc", {"features": (342, 7, 7)}, image_shape=(3, 28, 30))


# ----------------------------------------------------------------------------- behaviour


@pytest.mark.slow
def test_ten_steps_on_real_images_lower_the_loss_of_a_hundred_layers():
    check_learns("densenet_bc", 8)


@pytest.mark.parametrize("name", NAMES)
def test_state_dict_round_trip(name):
    check_state_dict_round_trip(name, 32, **THIN)


def test_state_dict_round_trip_of_the_small_network():
    check_state_dict_round_trip("densenet_bc", 8, **SHALLOW)


@pytest.mark.parametrize("name", BLOCKS)
def test_least_image_has_29_rows_and_columns(name):
    check_stages(name, {"classifier": (1000,)}, image_shape=(3, 29, 29))
    check_refuses(name, (1, 3, 28, 64), r"avg_pool2d: the input is 1×.* Use a larger image")
    check_refuses(name, (1, 4, 32, 32), r"x\.shape\[1\] \(channels\) is 4, expected .* 3")


def test_least_image_of_the_small_network_has_4_rows_and_columns():
    check_stages("densenet_bc", {"classifier": (10,)}, image_shape=(3, 4, 5))
    check_refuses("densenet_bc", (1, 3, 8, 3), r"avg_pool2d: the input is .* larger image")


@pytest.mark.parametrize("depth", [0, 4, 41, 99, -8])
def test_depth_that_makes_no_whole_blocks_is_refused(depth):
    with pytest.raises(ArgumentError, match=rf"depth is {depth}, expected 6n \+ 4"):
        models.CifarDenseNet(depth=depth)


# -------------------------------------------------------------------------------- blocks


def composed_layer(layer, maps):
    """H of the paper, of a list of maps, written with functions and without the fused form."""

    x = F.relu(norm(F.concatenate(maps, dim=1), layer.norm1))
    x = F.relu(norm(F.conv2d(x, layer.conv1.weight), layer.norm2))
    return F.conv2d(x, layer.conv2.weight, padding=1)


def block_and_image(**options):
    block = prepared(models.DenseBlock(3, in_channels=5, growth_rate=2, **options))
    return block, minidl.tensor(random_images((2, 5, 7, 6))[0], requires_grad=True)


def test_every_layer_sees_the_input_and_all_layers_before_it():
    block, x0 = block_and_image()
    x1 = composed_layer(block[0], [x0])
    x2 = composed_layer(block[1], [x0, x1])
    x3 = composed_layer(block[2], [x0, x1, x2])
    expected = F.concatenate([x0, x1, x2, x3], dim=1)
    y = block(x0)
    assert y.shape == (2, 5 + 3 * 2, 7, 6)
    check_same_results_and_gradients(y, expected, [x0, *block.parameters()])


def test_a_blocks_first_channels_are_its_input():
    block, x = block_and_image()
    np.testing.assert_array_equal(block(x)[:, :5].detach().numpy(), x.detach().numpy())


def test_hooks_in_a_layer_change_nothing():
    block, x = block_and_image()
    expected, seen = block(x).detach().numpy(), []
    with block[1].relu1.register_forward_hook(lambda module, inputs, y: seen.append(y.shape)):
        watched = block(x).detach().numpy()
    assert seen == [(2, 7, 7, 6)]
    np.testing.assert_allclose(watched, expected, rtol=1e-12)


def test_dropout_stands_behind_each_layers_last_convolution():
    block, x = block_and_image(dropout=1.0)
    y = block.train()(x).detach().numpy()
    np.testing.assert_array_equal(y[:, :5], x.detach().numpy())
    assert not y[:, 5:].any()
    network = on_meta("densenet_bc", depth=10, dropout=0.2)
    assert [m.p for m in network.modules() if isinstance(m, Dropout)] == [0.2] * 3
    assert not any(isinstance(m, Dropout) for m in on_meta("densenet121").modules())


def test_transition_halves_the_image_by_means():
    transition = prepared(models.Transition(4, 3))
    x = minidl.tensor(random_images((2, 4, 5, 6))[0])
    y = F.conv2d(F.relu(norm(x, transition.norm)), transition.conv.weight).detach().numpy()
    expected = y[:, :, :4, :].reshape(2, 3, 2, 2, 3, 2).mean((3, 5))
    np.testing.assert_allclose(transition(x).detach().numpy(), expected, rtol=1e-12)


def test_convolutions_start_with_variance_two_over_fan_in():
    network = models.create("densenet121", **THIN)
    for path, module in network.named_modules():
        if path.endswith(("conv1", "conv2")) and module.weight.numel() > 4000:
            fan_in = module.weight[0].numel()
            assert has_spread(module.weight, np.sqrt(2 / fan_in))
    assert not network.classifier.bias.detach().numpy().any()


# ------------------------------------------------------------------------- published names


def test_old_names_of_the_published_files_are_mapped_one_to_one():
    ours, theirs = zip(*key_map.TORCHVISION_FILES, strict=True)
    assert len(set(ours)) == len(set(theirs)) == len(ours)
    modules = {key.rpartition(".")[0] for key in on_meta("densenet201").state_dict()}
    assert set(ours) == modules
    names = dict(key_map.TORCHVISION_FILES)
    assert names["features.denseblock3.denselayer12.norm2"] == (
        "features.denseblock3.denselayer12.norm.2"
    )
    assert names["features.norm5"] == "features.norm5"


@pytest.mark.parametrize("name", DEEP[:2])
def test_smaller_networks_have_no_other_names(name):
    modules = {key.rpartition(".")[0] for key in on_meta(name).state_dict()}
    assert modules <= set(dict(key_map.TORCHVISION_FILES))


# -------------------------------------------------------------------------------- golden


def test_logits_are_those_that_pytorch_computed():
    """Stored by tests/golden/make_zoo_densenet.py, from the same weights, drawn by name."""
    with minidl.no_grad():
        network = loaded("densenet121", num_classes=5, **THIN)
        logits = network(minidl.tensor(random_images((2, 3, 32, 37))[0]))
    assert relative_error(logits.numpy(), np.load(GOLDEN)["densenet121"]) <= 1e-9
