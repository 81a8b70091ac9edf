"""GoogLeNet and Inception v2, v3, v4: figures, shapes, heads, first weights; they learn."""

from pathlib import Path

import numpy as np
import pytest
from models.inception_v2_layers import LAYERS
from models.zoo import (
    check_key_map,
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
    run_on_meta,
)

import minidl
from minidl import models, nn
from minidl.errors import ArgumentError, MinidlError
from minidl.interop.key_maps import inception_v2, inception_v4
from minidl.models.blocks import WithAuxiliary

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "zoo_inception.npz"
SMALL = {  # images and options of the logits stored there
    "googlenet": ((3, 64, 64), {}),
    "googlenet_2014": ((3, 75, 51), {"aux_logits": False}),
    "inception_v2": ((3, 64, 64), {}),
    "inception_v3": ((3, 107, 86), {"aux_logits": False, "transform_input": True}),
    "inception_v4": ((3, 107, 86), {}),
}

# Szegedy et al. 2014, table 1: height of the output; 1×1, reduced and 3×3, reduced and 5×5, pool.
TABLE_1 = {
    "3a": (28, 64, 96, 128, 16, 32, 32),
    "3b": (28, 128, 128, 192, 32, 96, 64),
    "4a": (14, 192, 96, 208, 16, 48, 64),
    "4b": (14, 160, 112, 224, 24, 64, 64),
    "4c": (14, 128, 128, 256, 24, 64, 64),
    "4d": (14, 112, 144, 288, 32, 64, 64),
    "4e": (14, 256, 160, 320, 32, 128, 128),
    "5a": (7, 256, 160, 320, 32, 128, 128),
    "5b": (7, 384, 192, 384, 48, 128, 128),
}


def googlenet_convolutions(kernel5x5):
    """(kernel area, channels in, channels out, height) of each, from the table."""
    yield from ((49, 3, 64, 112), (1, 64, 64, 56), (9, 64, 192, 56))
    c = 192
    for size, one, reduce3, three, reduce5, five, pool in TABLE_1.values():
        yield from ((1, c, one, size), (1, c, reduce3, size), (9, reduce3, three, size))
        yield from ((1, c, reduce5, size), (kernel5x5**2, reduce5, five, size), (1, c, pool, size))
        c = one + three + five + pool


@pytest.mark.parametrize(
    ("name", "kernel5x5", "numbers_per_channel"),
    [("googlenet", 3, 2), ("googlenet_2014", 5, 1)],  # a scale and a shift; a bias
)
def test_googlenet_has_the_figures_of_its_table(name, kernel5x5, numbers_per_channel):
    layers = list(googlenet_convolutions(kernel5x5))
    weights = sum(area * c_in * c_out for area, c_in, c_out, _ in layers)
    channels = sum(c_out for _, _, c_out, _ in layers)
    last = 1024 * 1000 + 1000
    head = 2048 * 1024 + 1024 + last
    heads = 128 * (512 + 528) + 2 * 128 * numbers_per_channel + 2 * head
    body = weights + channels * numbers_per_channel + last
    assert parameters(on_meta(name, aux_logits=False)) == body
    assert parameters(on_meta(name)) == body + heads == models.card(name).parameters
    operations = sum(area * c_in * c_out * size**2 for area, c_in, c_out, size in layers)
    assert models.card(name).macs == operations + 1024 * 1000


def test_inception_v2_has_the_figures_of_its_layer_list():
    weights = {name: k * k * c_in * c_out for name, (k, _, c_in, c_out, _) in LAYERS.items()}
    channels = sum(c_out for _, _, _, c_out, _ in LAYERS.values())
    last = 1024 * 1000
    card = models.card("inception_v2")
    assert card.parameters == sum(weights.values()) + 3 * channels + last + 1000
    assert card.macs == sum(w * LAYERS[name][-1] ** 2 for name, w in weights.items()) + last


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("googlenet", {}, 13_004_888),
        ("googlenet", {"aux_logits": False}, 6_624_904),
        ("googlenet_2014", {}, 13_378_280),
        ("googlenet_2014", {"aux_logits": False}, 6_998_552),
        ("inception_v2", {}, 11_295_240),
        ("inception_v3", {}, 27_161_264),
        ("inception_v3", {"aux_logits": False}, 23_834_568),
        ("inception_v4", {}, 42_679_816),
    ],
)
def test_parameters_are_the_published_ones(name, options, expected):
    assert parameters(on_meta(name, **options)) == expected


@pytest.mark.parametrize(("name", "published"), [("googlenet", 1.498), ("inception_v3", 5.713)])
def test_macs_are_those_torchvision_publishes(name, published):
    assert round(macs(on_meta(name), models.card(name).input) / 1e9, 3) == published


# -------------------------------------------------------------------------------- shapes


@pytest.mark.parametrize("name", ["googlenet", "googlenet_2014"])
def test_googlenet_has_the_shapes_of_its_table(name):
    expected = {
        "conv1": (64, 112, 112),
        "maxpool1": (64, 56, 56),
        "conv3": (192, 56, 56),
        "maxpool2": (192, 28, 28),
        "maxpool3": (480, 14, 14),
        "maxpool4": (832, 7, 7),
        "avgpool": (1024, 1, 1),
        "fc": (1000,),
    }
    for block, (size, one, _, three, _, five, pool) in TABLE_1.items():
        expected[f"inception{block}"] = (one + three + five + pool, size, size)
    check_stages(name, expected)


def test_inception_v2_has_the_shapes_of_its_layer_list():
    expected = {}
    for ours, theirs in inception_v2.PRETRAINEDMODELS:
        if ours.endswith(".conv"):
            _, _, _, channels, size = LAYERS[theirs]
            expected[ours] = (channels, size, size)
    assert len(expected) == len(LAYERS)
    check_stages("inception_v2", expected | {"avgpool": (1024, 1, 1), "fc": (1000,)})


def test_inception_v3_has_the_shapes_of_its_table():
    expected = {
        "Conv2d_1a_3x3": (32, 149, 149),
        "Conv2d_2a_3x3": (32, 147, 147),
        "Conv2d_2b_3x3": (64, 147, 147),
        "maxpool1": (64, 73, 73),
        "Conv2d_4a_3x3": (192, 71, 71),
        "maxpool2": (192, 35, 35),
        "Mixed_5b": (256, 35, 35),
        "Mixed_5c": (288, 35, 35),
        "Mixed_5d": (288, 35, 35),
        "Mixed_6a": (768, 17, 17),
        "Mixed_6e": (768, 17, 17),
        "Mixed_7a": (1280, 8, 8),
        "Mixed_7b": (2048, 8, 8),
        "Mixed_7c": (2048, 8, 8),
    }
    check_stages("inception_v3", expected)


def test_inception_v4_has_the_shapes_of_its_figures():
    expected = {
        "stem.conv1": (32, 149, 149),
        "stem.conv3": (64, 147, 147),
        "stem.mixed_3a": (160, 73, 73),
        "stem.mixed_4a": (192, 71, 71),
        "stem.mixed_5a": (384, 35, 35),
        "inception_a": (384, 35, 35),
        "reduction_a": (1024, 17, 17),
        "inception_b": (1024, 17, 17),
        "reduction_b": (1536, 8, 8),
        "inception_c": (1536, 8, 8),
    }
    check_stages("inception_v4", expected)


@pytest.mark.parametrize(
    ("name", "smallest"),
    [("googlenet", 15), ("inception_v2", 32), ("inception_v3", 75), ("inception_v4", 75)],
)
def test_smallest_image_goes_through(name, smallest):
    _, logits = run_on_meta(on_meta(name), (2, 3, smallest, smallest))
    assert logits.shape == (2, 1000)


@pytest.mark.parametrize("name", ["inception_v3", "inception_v4"])
def test_image_below_the_smallest_is_refused(name):
    check_refuses(name, (1, 3, 74, 74), "Use a larger image")


def test_inception_v2_refuses_images_its_pools_and_convolutions_round_differently():
    check_refuses("inception_v2", (1, 3, 224, 200), "concatenate")


# ------------------------------------------------------------------------- thin variants


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("width", [0.125, 0.25, 1.5])
def test_width_scales_all_channels_but_those_of_images_and_classes(name, width):
    published, scaled = (on_meta(name, width=w).state_dict() for w in (1.0, width))
    assert list(scaled) == list(published)
    for key, weight in published.items():
        if "num_batches" in key:
            continue
        last = key.startswith(("fc.", "AuxLogits.fc.")) or ".fc2." in key
        whole = {0} if last else set()  # axes that stay, besides those of the windows
        if weight.ndim == 4:
            whole = {1} if weight.shape[1] == 3 else set()
        expected = [
            n if axis in whole or axis > 1 else n * width for axis, n in enumerate(weight.shape)
        ]
        assert list(scaled[key].shape) == expected, key


@pytest.mark.parametrize(
    ("name", "size"), [("googlenet", 28), ("inception_v2", 32), ("inception_v3", 299)]
)
def test_thin_network_gives_logits_in_training_and_evaluation(name, size):
    network = on_meta(name, num_classes=10, in_channels=1, width=0.25)
    _, logits = run_on_meta(network, (2, 1, size, size))
    assert logits.shape == (2, 10)
    _, output = run_on_meta(network.train(), (2, 1, size, size))
    for logits in (output.logits, *output.auxiliary) if "v2" not in name else (output,):
        assert logits.shape == (2, 10)


@pytest.mark.parametrize("width", [0.3, 0.0625, 1.01])
def test_width_that_leaves_no_whole_channels_is_refused(width):
    with pytest.raises(ArgumentError, match="a multiple of 1/8"):
        on_meta("inception_v3", width=width)


# --------------------------------------------------------------------------------- heads


@pytest.mark.parametrize(
    ("name", "heads", "at"),
    [
        ("googlenet", ("aux1", "aux2"), ("inception4a", "inception4d")),
        ("googlenet_2014", ("aux1", "aux2"), ("inception4a", "inception4d")),
        ("inception_v3", ("AuxLogits",), ("Mixed_6e",)),
    ],
)
def test_heads_see_their_block_in_training_only(name, heads, at):
    network = on_meta(name, num_classes=10).train()
    size = models.card(name).input[1]
    seen, calls = {}, network._modules
    for head in heads:
        calls[head].register_forward_pre_hook(lambda m, x: seen.setdefault(m, x[0]))
    outputs = {}
    for block in at:
        calls[block].register_forward_hook(lambda m, x, y: outputs.setdefault(m, y))
    _, output = run_on_meta(network, (2, 3, size, size))
    assert isinstance(output, WithAuxiliary)
    assert output.logits.shape == (2, 10)
    assert [y.shape for y in output.auxiliary] == [(2, 10)] * len(heads)
    for head, block in zip(heads, at, strict=True):
        assert seen[calls[head]] is outputs[calls[block]]
    seen.clear()
    _, output = run_on_meta(network.eval(), (2, 3, size, size))
    assert output.shape == (2, 10)
    assert not seen


@pytest.mark.parametrize("name", ["googlenet", "googlenet_2014", "inception_v3"])
def test_without_heads_training_returns_logits(name):
    network = on_meta(name, num_classes=10, aux_logits=False).train()
    _, output = run_on_meta(network, (2, 3, 96, 96))
    assert output.shape == (2, 10)


# ----------------------------------------------------------------- what papers leave open


def test_googlenet_has_torchvisions_small_kernel_and_2014_the_papers_large_one():
    sizes = {
        name: {
            module.branch3[1].conv.kernel_size
            for path, module in on_meta(name).named_modules()
            if path.startswith("inception") and "." not in path
        }
        for name in ("googlenet", "googlenet_2014")
    }
    assert sizes == {"googlenet": {(3, 3)}, "googlenet_2014": {(5, 5)}}


@pytest.mark.parametrize(
    ("name", "eps"),
    [("googlenet", 1e-3), ("inception_v2", 1e-5), ("inception_v3", 1e-3), ("inception_v4", 1e-3)],
)
def test_batch_norms_have_the_epsilon_and_momentum_of_the_reference(name, eps):
    norms = [m for m in on_meta(name).modules() if isinstance(m, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(eps, 0.1)}


def test_googlenet_2014_normalises_the_responses_of_the_stem_and_no_batches():
    modules = list(on_meta("googlenet_2014").modules())
    assert sum(isinstance(m, nn.LocalResponseNorm) for m in modules) == 2
    assert not any(isinstance(m, nn.BatchNorm2d) for m in modules)
    assert all(m.bias is not None for m in modules if isinstance(m, nn.Conv2d))


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_transform_input_scales_pixels_to_minus_one_and_one(name):
    transform = on_meta(name, transform_input=True).transform
    pixels, _ = random_images((2, 3, 4, 5))
    mean = np.array([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
    std = np.array([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
    normalised = minidl.tensor((pixels - mean) / std)
    np.testing.assert_allclose(transform(normalised).numpy(), 2 * pixels - 1, atol=1e-12)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_transform_input_needs_three_channels(name):
    with pytest.raises(MinidlError, match="in_channels is 1, expected 3"):
        on_meta(name, in_channels=1, transform_input=True)


def test_googlenet_starts_with_small_normal_weights():
    network = models.create("googlenet", num_classes=10)
    for weight in (network.inception5b.branch2[1].conv.weight, network.aux1.fc1.weight):
        weight = weight.detach().numpy()
        assert weight.std() == pytest.approx(0.01, rel=0.02)
        assert abs(weight).max() > 0.03  # ±2 are numbers, not deviations


def test_googlenet_2014_starts_like_caffe():
    network = models.create("googlenet_2014", num_classes=10)
    weight = network.inception4e.branch2[1].conv.weight.detach().numpy()
    bound = np.sqrt(3 / (160 * 9))
    assert 0.99 * bound < abs(weight).max() <= bound
    last = {"fc.bias", "aux1.fc2.bias", "aux2.fc2.bias"}
    for name, bias in network.state_dict().items():
        if name.endswith("bias"):
            assert set(bias.numpy()) == {np.float32(0.0 if name in last else 0.2)}


# ------------------------------------------------------------------------------ behaviour


@pytest.mark.parametrize(
    ("name", "size", "options"),
    [
        ("googlenet", 32, {}),
        ("googlenet_2014", 32, {"aux_logits": False}),
        ("inception_v2", 32, {}),
        pytest.param("inception_v3", 75, {"aux_logits": False}, marks=pytest.mark.slow),
        pytest.param("inception_v4", 75, {}, marks=pytest.mark.slow),
        pytest.param("googlenet_2014", 224, {}, marks=pytest.mark.slow),
        pytest.param("inception_v3", 299, {}, marks=pytest.mark.slow),
    ],
)
def test_ten_steps_lower_the_loss(name, size, options):
    check_learns(name, size, **options)


@pytest.mark.parametrize(
    ("name", "size", "options"),
    [
        ("googlenet", 32, {}),
        ("googlenet_2014", 32, {"aux_logits": False}),
        ("inception_v2", 32, {}),
        ("inception_v3", 75, {"aux_logits": False, "width": 0.125}),
        ("inception_v4", 75, {"width": 0.125}),
    ],
)
def test_state_dict_restores_the_network(name, size, options):
    check_state_dict_round_trip(name, size, **options)


@pytest.mark.parametrize("name", SMALL)
def test_logits_are_those_that_pytorch_computed(name):
    """Stored by tests/golden/make_zoo_inception.py, from the same weights, drawn by name."""
    image, options = SMALL[name]
    with minidl.no_grad(), np.load(GOLDEN) as golden:
        logits = loaded(name, num_classes=5, **options)(
            minidl.tensor(random_images((2, *image))[0])
        )
        assert relative_error(logits.numpy(), golden[name]) <= 1e-9


# ------------------------------------------------------------------------ published names


def test_googlenet_and_inception_v3_have_torchvisions_names():
    names = set(on_meta("googlenet").state_dict())
    assert {
        "conv1.conv.weight",
        "inception3a.branch1.bn.running_mean",
        "inception4e.branch2.1.conv.weight",
        "inception5b.branch4.1.bn.bias",
        "aux1.conv.conv.weight",
        "aux2.fc2.bias",
        "fc.weight",
    } <= names
    names = set(on_meta("inception_v3").state_dict())
    assert {
        "Conv2d_1a_3x3.conv.weight",
        "Mixed_5b.branch3x3dbl_3.bn.weight",
        "Mixed_6e.branch7x7dbl_5.conv.weight",
        "Mixed_7c.branch3x3_2b.conv.weight",
        "AuxLogits.conv1.bn.num_batches_tracked",
        "fc.bias",
    } <= names


@pytest.mark.parametrize(
    ("name", "pairs"),
    [("inception_v2", inception_v2.PRETRAINEDMODELS), ("inception_v4", inception_v4.TIMM)],
)
def test_key_map_gives_every_parameter_one_published_name(name, pairs):
    check_key_map(name, pairs)
