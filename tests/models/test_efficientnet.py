"""EfficientNet and EfficientNet-Lite: counts, shapes, and what the blocks are made of."""

from pathlib import Path

import numpy as np
import pytest
from models.parts import has_spread, norm, prepared
from models.zoo import (
    check_key_map,
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
from minidl.interop.key_maps import efficientnet as key_map
from minidl.interop.key_maps import efficientnet_lite as lite_key_map
from minidl.models.efficientnet import SCALES, scaled_layers
from minidl.nn import BatchNorm2d, DropPath, Identity, ReLU6, SiLU
from minidl.random import default_generator

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "zoo_efficientnet.npz"

PUBLISHED = {  # parameters; billions of multiply-accumulates on images of the size published for it
    "efficientnet_b0": (5_288_548, 0.386),
    "efficientnet_b1": (7_794_184, 0.687),
    "efficientnet_b2": (9_109_994, 1.088),
    "efficientnet_b3": (12_233_232, 1.827),
    "efficientnet_b4": (19_341_616, 4.394),
    "efficientnet_b5": (30_389_784, 10.266),
    "efficientnet_b6": (43_040_704, 19.068),
    "efficientnet_b7": (66_347_960, 37.746),
}
LITE = ("efficientnet_lite0", "tf_efficientnet_lite0")
B0_TO_B7 = {  # channels and blocks of the stages, by hand from table 1 and the multipliers
    "efficientnet_b0": ((32, 16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1)),
    "efficientnet_b1": ((32, 16, 24, 40, 80, 112, 192, 320), (2, 3, 3, 4, 4, 5, 2)),
    "efficientnet_b2": ((32, 16, 24, 48, 88, 120, 208, 352), (2, 3, 3, 4, 4, 5, 2)),
    "efficientnet_b3": ((40, 24, 32, 48, 96, 136, 232, 384), (2, 3, 3, 5, 5, 6, 2)),
    "efficientnet_b4": ((48, 24, 32, 56, 112, 160, 272, 448), (2, 4, 4, 6, 6, 8, 2)),
    "efficientnet_b5": ((48, 24, 40, 64, 128, 176, 304, 512), (3, 5, 5, 7, 7, 9, 3)),
    "efficientnet_b6": ((56, 32, 40, 72, 144, 200, 344, 576), (3, 6, 6, 8, 8, 11, 3)),
    "efficientnet_b7": ((64, 32, 48, 80, 160, 224, 384, 640), (4, 7, 7, 10, 10, 13, 4)),
}
KERNELS, STRIDES = (3, 3, 5, 3, 5, 5, 3), (1, 2, 2, 2, 1, 2, 1)
THIN = {"width": 0.25}  # a quarter of the channels, all of the blocks
DEEP = ("efficientnet_b4", "efficientnet_b5", "efficientnet_b6", "efficientnet_b7")
NAMES = [
    pytest.param(name, marks=[pytest.mark.slow] if name in DEEP else [])
    for name in (*PUBLISHED, *LITE)
]


def stage_of(network, i):
    return getattr(network, f"stage{i}")


# ------------------------------------------------------------------------------ figures


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_macs_are_the_published_ones(name):
    network, (count, billions) = on_meta(name), PUBLISHED[name]
    assert parameters(network) == count
    crop = models.card(name).preprocessing.crop
    assert round(macs(network, (3, crop, crop)) / 1e9, 3) == billions


@pytest.mark.parametrize("name", PUBLISHED)
def test_blocks_are_those_of_the_papers_table(name):
    channels, layers = B0_TO_B7[name]
    resolution = models.card(name).input[1]
    assert resolution == SCALES[name].resolution
    size = -(-resolution // 2)
    weights, multiplications = 3 * channels[0] * 9, 3 * channels[0] * 9 * size**2
    norms = channels[0]
    for i, (before, out, n) in enumerate(zip(channels, channels[1:], layers, strict=False)):
        for j in range(n):
            inside = before * (6 if i else 1)
            if i:
                weights, norms = weights + before * inside, norms + inside
                multiplications += before * inside * size**2
            size = -(-size // STRIDES[i]) if j == 0 else size
            squeezed = before // 4
            weights += inside * KERNELS[i] ** 2 + 2 * inside * squeezed + squeezed + inside
            weights += inside * out
            multiplications += inside * (KERNELS[i] ** 2 + out) * size**2 + 2 * inside * squeezed
            norms, before = norms + inside + out, out
    head = 4 * channels[-1]
    weights += channels[-1] * head + 2 * (norms + head) + head * 1000 + 1000
    multiplications += channels[-1] * head * size**2 + head * 1000
    network = on_meta(name)
    assert parameters(network) == weights
    assert macs(network, (3, resolution, resolution)) == multiplications


def test_lite_has_b0s_blocks_without_squeeze_and_excitation():
    b0 = on_meta("efficientnet_b0")
    without = parameters(b0) - sum(parameters(m.se) for m in b0.modules() if hasattr(m, "se"))
    for name in LITE:
        network = on_meta(name)
        assert parameters(network) == without == 4_652_008
        activations = {type(m.act) for m in network.modules() if hasattr(m, "act")}
        assert activations == {ReLU6, Identity}
        assert all(getattr(m, "se", None) is None for m in network.modules())


@pytest.mark.parametrize("name", [*PUBLISHED, *LITE])
def test_stages_have_the_papers_resolutions_and_channels(name):
    channels, layers = B0_TO_B7.get(name, B0_TO_B7["efficientnet_b0"])
    resolution = models.card(name).input[1]
    size = -(-resolution // 2)
    stages = {"stem": (channels[0], size, size)}
    for i, (c, stride) in enumerate(zip(channels[1:], STRIDES, strict=True), start=1):
        size = -(-size // stride)
        stages[f"stage{i}"] = (c, size, size)
    check_stages(name, {**stages, "head": (4 * channels[-1], size, size), "fc": (1000,)})
    network = on_meta(name)
    assert tuple(len(stage_of(network, i)) for i in range(1, 8)) == layers


def test_layers_are_rounded_up():
    assert [scaled_layers(n, 1.4) for n in (1, 2, 3, 4)] == [2, 3, 5, 6]
    assert [scaled_layers(n, 1.0) for n in (1, 2, 3, 4)] == [1, 2, 3, 4]


def test_building_on_meta_draws_nothing():
    before = default_generator.get_state()
    on_meta("efficientnet_b7")
    assert default_generator.get_state() == before


# ----------------------------------------------------------------------------- behaviour


@pytest.mark.parametrize("name", NAMES)
def test_state_dict_round_trip(name):
    check_state_dict_round_trip(name, 32, **THIN)


@pytest.mark.parametrize("name", [*PUBLISHED, *LITE])
def test_one_pixel_is_enough_and_none_is_refused(name):
    check_stages(name, {"stage7": (B0_TO_B7.get(name, [[320]])[0][-1], 1, 1)}, (3, 1, 1))
    check_refuses(name, (1, 4, 32, 32), r"x\.shape\[1\] \(channels\) is 4, expected .* 3")
    check_refuses(name, (1, 3, 0, 32), "conv2d: ")


def test_stem_need_not_stride():
    stages = {"stem": (32, 28, 28), "stage2": (24, 14, 14), "stage7": (320, 2, 2), "fc": (1000,)}
    for name in ("efficientnet_b0", *LITE):
        check_stages(name, stages, (3, 28, 28), stem_stride=1)


def test_stochastic_depth_grows_from_the_first_block_to_the_last():
    network = on_meta("efficientnet_b1", drop_path=0.46)
    blocks = [block for i in range(1, 8) for block in stage_of(network, i)]
    assert len(blocks) == 23
    for i, block in enumerate(blocks):
        expected = 0.46 * i / 23
        assert block.drop_path is None or block.drop_path.p == pytest.approx(expected)
        assert (block.drop_path is not None) == (block.has_shortcut and i > 0)
    assert not any(
        isinstance(m, DropPath) for m in on_meta("efficientnet_b1", drop_path=0).modules()
    )


def test_dropped_block_passes_its_input_on():
    network = models.create("efficientnet_b0", width=0.25, drop_path=1.0).double()
    block = network.stage2[1]
    block.drop_path.p = 1.0
    x = minidl.tensor(random_images((4, 8, 5, 6))[0])
    np.testing.assert_array_equal(block.train()(x).detach().numpy(), x.numpy())
    assert not np.allclose(block.eval()(x).detach().numpy(), x.numpy())


@pytest.mark.parametrize(
    ("name", "dropout", "eps", "momentum"),
    [
        ("efficientnet_b0", 0.2, 1e-5, 0.1),
        ("efficientnet_b1", 0.2, 1e-5, 0.1),
        ("efficientnet_b2", 0.3, 1e-5, 0.1),
        ("efficientnet_b3", 0.3, 1e-5, 0.1),
        ("efficientnet_b4", 0.4, 1e-5, 0.1),
        ("efficientnet_b5", 0.4, 1e-3, 0.01),
        ("efficientnet_b6", 0.5, 1e-3, 0.01),
        ("efficientnet_b7", 0.5, 1e-3, 0.01),
        ("efficientnet_lite0", 0.0, 1e-5, 0.1),
        ("tf_efficientnet_lite0", 0.0, 1e-3, 0.1),
    ],
)
def test_dropout_and_batch_norms_are_the_references(name, dropout, eps, momentum):
    network = on_meta(name)
    assert network.dropout.p == dropout
    norms = [m for m in network.modules() if isinstance(m, BatchNorm2d)]
    assert {(m.eps, m.momentum) for m in norms} == {(eps, momentum)}
    assert on_meta(name, dropout=0.1, eps=1e-2).dropout.p == 0.1


@pytest.mark.parametrize("name", ["efficientnet_b0", *LITE])
def test_depthwise_weights_start_with_the_fan_out_of_the_reference(name):
    """timm divides it by the groups, torchvision does not: 3×3 has 9 or 9 · channels outputs."""
    network = models.create(name, num_classes=5)
    for i in range(1, 8):
        for block in stage_of(network, i):
            conv = block.depthwise.conv
            fan_out = conv.kernel_size[0] ** 2 * (1 if name in LITE else conv.groups)
            assert has_spread(conv.weight, np.sqrt(2 / fan_out))


# -------------------------------------------------------------------------------- blocks


def composed_block(block, x, activation):
    """MBConv, written with functions and without the fused form."""

    y = activation(norm(F.conv2d(x, block.expand.conv.weight), block.expand.bn))
    conv = block.depthwise.conv
    k, groups = conv.weight.shape[2], conv.weight.shape[0]
    y = activation(
        norm(F.conv2d(y, conv.weight, None, conv.stride, k // 2, groups=groups), block.depthwise.bn)
    )
    if block.se is not None:
        fc1, fc2 = block.se.fc1, block.se.fc2
        s = y.mean((2, 3), keepdim=True)
        s = F.conv2d(F.silu(F.conv2d(s, fc1.weight, fc1.bias)), fc2.weight, fc2.bias)
        y = y * F.sigmoid(s)
    y = norm(F.conv2d(y, block.project.conv.weight), block.project.bn)
    return y + x if x.shape == y.shape else y


@pytest.mark.parametrize("name", ["efficientnet_b0", "efficientnet_lite0"])
@pytest.mark.parametrize(("stage", "position"), [(2, 0), (2, 1), (3, 0), (3, 1)])
def test_block_is_the_papers(name, stage, position):
    block = prepared(stage_of(models.create(name, width=0.25), stage)[position])
    x = minidl.tensor(random_images((2, block.expand.conv.in_channels, 7, 6))[0])
    activation = F.silu if name == "efficientnet_b0" else F.relu6
    expected = composed_block(block, x, activation).detach().numpy()
    assert expected.shape[2:] == ((4, 3) if position == 0 else (7, 6))
    np.testing.assert_allclose(block(x).detach().numpy(), expected, rtol=1e-10, atol=1e-12)


def test_squeezes_to_a_quarter_of_the_blocks_input():
    network = on_meta("efficientnet_b0")
    assert network.stage1[0].se.fc1.out_channels == 8  # of 32
    assert network.stage2[0].se.fc1.out_channels == 4  # of 16, widened to 96
    assert network.stage2[1].se.fc1.out_channels == 6  # of 24, widened to 144
    assert isinstance(network.stage2[1].se.activation, SiLU)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 32), (31, 47), (5, 6)])
def test_tensorflow_pads_below_and_right(height, width):
    """With zeros appended by hand, a convolution that doesn't pad computes what tf_same does."""
    stem = models.create("tf_efficientnet_lite0", **THIN).stem.double().eval()
    x = minidl.tensor(random_images((1, 3, height, width))[0])
    out_h, out_w = -(-height // 2), -(-width // 2)
    missing_h, missing_w = 2 * out_h + 1 - height, 2 * out_w + 1 - width
    sides = (missing_w // 2, missing_w - missing_w // 2, missing_h // 2, missing_h - missing_h // 2)
    expected = F.conv2d(F.pad(x, sides), stem.conv.weight, stride=2)
    y = stem.conv(x)
    assert y.shape[2:] == (out_h, out_w)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-12)
    symmetric = F.conv2d(x, stem.conv.weight, stride=2, padding=1)
    both_odd = height % 2 == 1 and width % 2 == 1
    assert np.allclose(y.detach().numpy(), symmetric.detach().numpy()) == both_odd


def test_tensorflow_pads_every_convolution_that_has_windows():
    for name, padding in (("tf_efficientnet_lite0", "tf_same"), ("efficientnet_lite0", None)):
        network = on_meta(name)
        blocks = [block for i in range(1, 8) for block in stage_of(network, i)]
        for conv in (network.stem.conv, *(block.depthwise.conv for block in blocks)):
            assert conv.padding == (padding or conv.kernel_size[0] // 2)


# ------------------------------------------------------------------------- published names


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("published", [key_map.TORCHVISION, key_map.TIMM])
def test_key_map_gives_every_parameter_one_published_name(name, published):
    check_key_map(name, published, all_used=name == "efficientnet_b7")


def test_key_maps_give_every_parameter_of_lite0_one_published_name():
    check_key_map("tf_efficientnet_lite0", lite_key_map.PYPI)
    check_key_map("tf_efficientnet_lite0", key_map.TIMM, all_used=False)


def test_blocks_are_counted_through_in_the_files_of_lite0():
    names = dict(lite_key_map.PYPI)
    assert names["stage1.0.depthwise.conv"] == "_blocks.0._depthwise_conv"
    assert names["stage6.3.expand.bn"] == "_blocks.14._bn0"
    assert names["stage7.0.project.bn"] == "_blocks.15._bn2"


# -------------------------------------------------------------------------------- golden


@pytest.mark.parametrize("name", ["efficientnet_b0", *LITE])
def test_logits_are_those_that_pytorch_computed(name):
    """Stored by tests/golden/make_zoo_efficientnet.py, from the same weights, drawn by name."""
    options = THIN if name == "efficientnet_b0" else {}
    with minidl.no_grad():
        network = loaded(name, num_classes=5, **options)
        logits = network(minidl.tensor(random_images((2, 3, 32, 37))[0]))
    assert relative_error(logits.numpy(), np.load(GOLDEN)[name]) <= 1e-9
