"""AlexNet, VGG and NiN: counts, shapes, dropout; the real widths learn."""

from pathlib import Path

import numpy as np
import pytest
from models.parts import convolutions_and_dense_layers
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
    run_on_meta,
)

import minidl
from minidl import models, nn
from minidl.random import default_generator

GOLDEN = np.load(Path(__file__).resolve().parents[1] / "golden" / "zoo_alexnet_vgg_nin.npz")

PUBLISHED = {  # parameters, billions of multiply-accumulates: torchvision's figures
    "alexnet": (61_100_840, 0.714),
    "vgg11": (132_863_336, 7.609),
    "vgg13": (133_047_848, 11.308),
    "vgg16": (138_357_544, 15.470),
    "vgg19": (143_667_240, 19.632),
    "vgg11_bn": (132_868_840, 7.609),
    "vgg13_bn": (133_053_736, 11.308),
    "vgg16_bn": (138_365_992, 15.470),
    "vgg19_bn": (143_678_248, 19.632),
}
ALEXNETS = ("alexnet", "alexnet_2012", "alexnet_lecture")
VGGS = tuple(name for name in PUBLISHED if name.startswith("vgg"))
NAMES = (*ALEXNETS, *VGGS, "vgg_lecture", "nin")

SMALLEST = {**dict.fromkeys(NAMES, 32), **dict.fromkeys(NAMES[:3], 67), "alexnet": 63, "nin": 67}
"""Height and width of which the last pool still leaves a pixel."""
THIN = {
    **{name: {"width": 8, "hidden": 64} for name in NAMES},
    **{name: {"width": 24, "hidden": 64} for name in ALEXNETS},
    "nin": {"width": 24},
}
"""All of the layers, with fewer channels and much smaller dense layers."""


# ------------------------------------------------------------------------------ figures


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_macs_are_the_published_ones(name):
    network, (count, billions) = on_meta(name), PUBLISHED[name]
    assert parameters(network) == count
    assert round(macs(network, (3, 224, 224)) / 1e9, 3) == billions


@pytest.mark.parametrize("name", [*VGGS, "vgg_lecture"])
def test_vgg_has_the_layers_of_the_papers_table(name):
    """Counted from table 1 alone: blocks of 3×3 convolutions on halved images, then 4096s."""
    per_block = {
        "11": (1, 1, 2, 2, 2),
        "13": (2,) * 5,
        "16": (2, 2, 3, 3, 3),
        "19": (2, 2, 4, 4, 4),
    }
    depth = "11" if name == "vgg_lecture" else name[3:5]
    before, classes = (1, 10) if name == "vgg_lecture" else (3, 1000)
    weights = multiplications = channels = 0
    size = 224
    for convolutions, width in zip(per_block[depth], (64, 128, 256, 512, 512), strict=True):
        for _ in range(convolutions):
            weights += before * width * 9
            multiplications += before * width * 9 * size * size
            channels += width
            before = width
        size //= 2
    dense = 512 * 7 * 7 * 4096 + 4096 * 4096 + 4096 * classes
    biases = channels + 4096 + 4096 + classes
    scales_and_shifts = 2 * channels if name.endswith("_bn") else 0
    network = on_meta(name)
    assert parameters(network) == weights + dense + biases + scales_and_shifts
    assert macs(network, models.card(name).input) == multiplications + dense
    assert len(convolutions_and_dense_layers(network)) == int(depth)


def test_alexnet_of_2012_has_the_papers_neurons_and_weights():
    network = on_meta("alexnet_2012")
    calls, _ = run_on_meta(network, (1, 3, 227, 227))
    layers = convolutions_and_dense_layers(network)
    neurons = {id(layer): y.numel() for layer, y in calls}
    assert [neurons[id(layer)] for layer in layers] == [
        55 * 55 * 96,  # the paper says 253,440, the figure itself 55×55×48 on each GPU
        *(186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000),
    ]
    assert [layer.weight.shape[1:] for layer in layers[:5]] == [
        *((3, 11, 11), (48, 5, 5), (256, 3, 3), (192, 3, 3), (192, 3, 3))
    ]
    assert parameters(network) == 60_965_224


def test_alexnet_of_the_lecture_has_the_slides_table():
    network = on_meta("alexnet_lecture")
    calls, _ = run_on_meta(network, (1, 3, 224, 224))
    outputs = {id(layer): y.numel() for layer, y in calls}
    layers = convolutions_and_dense_layers(network)
    counts = [parameters(layer) for layer in layers]
    work = [outputs[id(layer)] * layer.weight.numel() // layer.weight.shape[0] for layer in layers]
    per_row = lambda x: [x[0], x[1], sum(x[2:5]), x[5], x[6]]  # noqa: E731  Conv3-5 is one row
    assert [count // 1000 for count in per_row(counts)[:2]] == [34, 614]  # 35K, 614K
    assert [round(count / 1e6) for count in per_row(counts)[2:]] == [3, 26, 17]  # 3M, 26M, 16M
    assert [count // 10**6 for count in per_row(work)] == [101, 415, 445, 26, 16]
    assert sum(counts[:-1]) // 10**6 == 46
    assert sum(counts) == 50_844_008


def test_nin_has_the_parameters_of_its_four_blocks():
    def block(before, width, kernel):
        return before * width * kernel**2 + width + 2 * (width * width + width)

    first_three = block(3, 96, 11) + block(96, 256, 5) + block(256, 384, 3)
    assert parameters(on_meta("nin")) == first_three + block(384, 1000, 3) == 7_439_608
    assert parameters(on_meta("nin", num_classes=10)) == first_three + block(384, 10, 3)


def test_thin_variants_are_as_small_as_their_docstrings_say():
    options = {"num_classes": 10, "grid": 1}
    assert parameters(on_meta("alexnet", width=32, hidden=512, **options)) == 957_354
    assert parameters(on_meta("vgg11_bn", width=16, hidden=256, **options)) == 679_882
    assert parameters(on_meta("nin", num_classes=10)) == 2_015_398


@pytest.mark.parametrize("name", NAMES)
def test_building_on_meta_draws_nothing(name):
    before = default_generator.get_state()
    on_meta(name)
    assert default_generator.get_state() == before


# ------------------------------------------------------------------------------- shapes


@pytest.mark.parametrize("name", [*VGGS, "vgg_lecture"])
def test_vgg_blocks_have_the_slides_shapes(name):
    network = on_meta(name)
    pools = [i for i, m in enumerate(network.features) if isinstance(m, nn.MaxPool2d)]
    blocks = [(64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7)]
    expected = {f"features.{i}": shape for i, shape in zip(pools, blocks, strict=True)}
    dense = {"0": (4096,), "2": (4096,), "3": (4096,), "5": (4096,)}
    classes = models.card(name).num_classes
    expected |= {f"classifier.{i}": shape for i, shape in dense.items()}
    check_stages(name, {**expected, "avgpool": (512, 7, 7), "classifier.6": (classes,)})


def test_alexnet_has_the_papers_shapes():
    check_stages(
        "alexnet",
        {
            "features.0": (64, 55, 55),
            "features.2": (64, 27, 27),
            "features.5": (192, 13, 13),
            "features.6": (384, 13, 13),
            "features.8": (256, 13, 13),
            "features.12": (256, 6, 6),
            "classifier.6": (1000,),
        },
    )
    check_stages(
        "alexnet_2012",
        {
            "features.0": (96, 55, 55),
            "features.3": (96, 27, 27),
            "features.7": (256, 13, 13),
            "features.10": (384, 13, 13),
            "features.14": (256, 6, 6),
            "classifier.6": (1000,),
        },
    )
    check_stages(
        "alexnet_lecture",
        {
            "features.0": (96, 54, 54),
            "features.2": (96, 26, 26),
            "features.5": (256, 12, 12),
            "features.8": (384, 12, 12),
            "features.12": (256, 5, 5),
            "classifier.6": (1000,),
        },
    )


def test_nin_has_the_slides_shapes():
    network = on_meta("nin", num_classes=10)
    calls, logits = run_on_meta(network, (1, 3, 224, 224))
    blocks, own = dict(network.named_children()), ("NiNBlock", "MaxPool2d", "Dropout")
    assert [y.shape[1:] for m, y in calls if type(m).__name__ in own] == [
        *((96, 54, 54), (96, 26, 26), (256, 26, 26), (256, 12, 12), (384, 12, 12), (384, 5, 5)),
        *((384, 5, 5), (10, 5, 5)),
    ]
    assert [y.shape for m, y in calls if m is blocks["avgpool"]] == [(1, 10, 1, 1)]
    assert logits.shape == (1, 10)


@pytest.mark.parametrize("name", NAMES)
def test_size_of_the_image_is_free(name):
    classes, channels = models.card(name).num_classes, models.card(name).input[0]
    for shape in ((2, channels, 96, 67), (1, channels, 300, 250)):
        assert run_on_meta(on_meta(name), shape)[1].shape == (shape[0], classes)


@pytest.mark.parametrize("name", NAMES)
def test_image_without_a_pixel_left_after_the_last_pool_is_refused(name):
    channels, size = models.card(name).input[0], SMALLEST[name]
    run_on_meta(on_meta(name), (1, channels, size, size))
    message = r"max_pool2d: the input is \d+×\d+, expected at least .*Use a larger image"
    check_refuses(name, (1, channels, size - 1, size), message)
    check_refuses(name, (1, channels, size, size - 1), message)
    check_refuses(name, (1, 5, size, size), rf"conv2d: .*channels\) is 5, expected .* {channels}")


@pytest.mark.parametrize("name", [*ALEXNETS, "vgg11"])
def test_average_to_the_grid_does_nothing_to_images_of_the_papers_size(name):
    network = models.create(name, **{**THIN[name], "num_classes": 3}).eval()
    images = minidl.tensor(random_images((1, *models.card(name).input))[0].astype(np.float32))
    with minidl.no_grad():
        features, logits = network.features(images), network(images)
        assert features.shape[2:] == (network.avgpool.output_size,) * 2
        expected = network.classifier(features.flatten(1))
    np.testing.assert_array_equal(logits.numpy(), expected.numpy())


# ----------------------------------------------------------------------------- behaviour


@pytest.mark.parametrize(
    "name", [n if n == "nin" else pytest.param(n, marks=pytest.mark.slow) for n in NAMES]
)
def test_ten_steps_of_the_real_width_lower_the_loss(name):
    check_learns(name, SMALLEST[name], lr=0.02, dropout=0.0)


@pytest.mark.parametrize("name", NAMES)
def test_state_dict_round_trip(name):
    check_state_dict_round_trip(name, SMALLEST[name], **THIN[name])


@pytest.mark.parametrize("name", [*ALEXNETS, "vgg11", "nin"])
def test_dropout_acts_in_training_only_and_can_be_left_out(name):
    card = models.card(name)
    shape = (2, card.input[0], SMALLEST[name], SMALLEST[name])
    images = minidl.tensor(random_images(shape)[0])
    for dropout in (0.0, 0.5):
        network = loaded(name, num_classes=4, dropout=dropout, **THIN[name])
        with minidl.no_grad():
            once, again = network(images).numpy(), network(images).numpy()
            np.testing.assert_array_equal(once, again)
            network.train()
            once, again = network(images).numpy(), network(images).numpy()
        assert np.array_equal(once, again) == (dropout == 0.0)


def test_dropout_stands_before_the_hidden_layers_in_alexnet_and_behind_them_elsewhere():
    def kinds(name):
        return [type(layer).__name__ for layer in on_meta(name).classifier]

    before = ["Dropout", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Linear"]
    behind = ["Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]
    assert kinds("alexnet") == before
    for name in ("alexnet_2012", "alexnet_lecture", *VGGS, "vgg_lecture"):
        assert kinds(name) == behind


# ------------------------------------------------------------------- beside what they mean


# --------------------------------------------------------------- batch norm and activation


# -------------------------------------------------------------------------------- golden


@pytest.mark.parametrize("name", [key for key in GOLDEN if key != "made_with"])
def test_logits_are_those_that_pytorch_computed(name):
    """Stored by tests/golden/make_zoo_alexnet_vgg_nin.py, from the same weights, drawn by name."""
    thin = {"width": 12, "hidden": 24} if name.startswith("alexnet_") else None
    thin = thin or ({"width": 12} if name == "nin" else {"width": 8, "hidden": 24})
    shape = (2, 3, 35, 64) if name.startswith("vgg") else (2, 3, 75, 67)
    shape = (2, 3, 75, 63) if name == "alexnet" else shape
    with minidl.no_grad():
        network = loaded(name, num_classes=5, **thin)
        logits = network(minidl.tensor(random_images(shape)[0]))
    assert relative_error(logits.numpy(), GOLDEN[name]) <= 1e-9
