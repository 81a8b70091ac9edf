"""MobileNet v1 and v2: counts, shapes, first weights, and the separable convolution."""

from pathlib import Path

import numpy as np
import pytest
from models.parts import (
    check_same_results_and_gradients,
    conv_bn,
    has_spread,
    norm,
    prepared,
)
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
    recorded_calls,
    relative_error,
)

import minidl
from minidl import functional as F
from minidl import models, nn
from minidl.errors import ShapeError
from minidl.interop.key_maps import mobilenet_v1, mobilenet_v2
from minidl.models.blocks import round_channels
from minidl.models.mobilenet_v1 import DepthwiseSeparable

GOLDEN = np.load(Path(__file__).resolve().parents[1] / "golden" / "zoo_mobilenet_shufflenet.npz")
NAMES = ("mobilenet_v1", "mobilenet_v2")
BRIGHT = 30.0
"""Times as bright as the others are images of which ReLU6 cuts values off."""

PUBLISHED = [  # millions of multiply-accumulates: v1's table 6, and Google's list for v2
    ("mobilenet_v1", 1.0, 4_231_976, 569),
    ("mobilenet_v1", 0.75, 2_585_560, 325),
    ("mobilenet_v1", 0.5, 1_331_592, 149),
    ("mobilenet_v1", 0.25, 470_072, 41),
    ("mobilenet_v2", 1.4, 6_108_776, 582),
    ("mobilenet_v2", 1.0, 3_504_872, 301),
    ("mobilenet_v2", 0.75, 2_636_424, 209),
    ("mobilenet_v2", 0.5, 1_968_680, 97),
    ("mobilenet_v2", 0.35, 1_677_128, 59),
]
TABLE_1 = (  # MobileNet v1: input and output channels, stride
    (32, 64, 1),
    (64, 128, 2),
    (128, 128, 1),
    (128, 256, 2),
    (256, 256, 1),
    (256, 512, 2),
    *5 * ((512, 512, 1),),
    (512, 1024, 2),
    (1024, 1024, 1),
)
TABLE_2 = (  # MobileNet v2: t, c, n, s
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


# ------------------------------------------------------------------------------ figures


@pytest.mark.parametrize(("name", "width_mult", "count", "millions"), PUBLISHED)
def test_parameters_and_macs_are_the_published_ones(name, width_mult, count, millions):
    network = on_meta(name, width_mult=width_mult)
    assert parameters(network) == count
    assert round(macs(network, (3, 224, 224)) / 1e6) == millions


def test_mobilenet_v1_has_the_layers_of_the_papers_table():
    size, total = 112, conv_bn(3, 32, 3, 112)
    for c_in, c_out, stride in TABLE_1:
        size //= stride
        total += conv_bn(c_in, c_in, 3, size, groups=c_in) + conv_bn(c_in, c_out, 1, size)
    total += (1024 * 1000 + 1000, 1024 * 1000)
    network = on_meta("mobilenet_v1")
    assert [parameters(network), macs(network, (3, 224, 224))] == total.tolist()


def test_mobilenet_v2_has_the_layers_of_the_papers_table():
    size, c_in, total = 112, 32, conv_bn(3, 32, 3, 112)
    for t, c, n, s in TABLE_2:
        for stride in (s, *(n - 1) * (1,)):
            inner = t * c_in
            if t != 1:
                total += conv_bn(c_in, inner, 1, size)
            size //= stride
            total += conv_bn(inner, inner, 3, size, groups=inner) + conv_bn(inner, c, 1, size)
            c_in = c
    total += conv_bn(320, 1280, 1, size)
    total += (1280 * 1000 + 1000, 1280 * 1000)
    network = on_meta("mobilenet_v2")
    assert [parameters(network), macs(network, (3, 224, 224))] == total.tolist()


def test_stages_have_the_papers_shapes():
    check_stages(
        "mobilenet_v1",
        {
            "stem": (32, 112, 112),
            "stage1": (64, 112, 112),
            "stage2": (128, 56, 56),
            "stage3": (256, 28, 28),
            "stage4": (512, 14, 14),
            "stage5": (1024, 7, 7),
            "fc": (1000,),
        },
    )
    check_stages(
        "mobilenet_v2",
        {
            "stem": (32, 112, 112),
            "stage1": (16, 112, 112),
            "stage2": (24, 56, 56),
            "stage3": (32, 28, 28),
            "stage4": (64, 14, 14),
            "stage5": (96, 14, 14),
            "stage6": (160, 7, 7),
            "stage7": (320, 7, 7),
            "head": (1280, 7, 7),
            "fc": (1000,),
        },
    )


def test_stem_without_stride_keeps_small_images_larger():
    images = {"in_channels": 1, "stem_stride": 1, "image_shape": (1, 28, 28)}
    check_stages("mobilenet_v1", {"stem": (32, 28, 28), "stage5": (1024, 2, 2)}, **images)
    check_stages("mobilenet_v2", {"stem": (32, 28, 28), "stage7": (320, 2, 2)}, **images)


def test_separating_a_convolution_costs_a_fraction_of_it():
    """1 / out_channels + 1 / 9 of the multiplications: §3.1 of the first paper."""
    separable = DepthwiseSeparable(64, 128)
    full = nn.Conv2d(64, 128, 3, padding=1)
    assert macs(separable.to("meta"), (64, 10, 8)) / macs(full.to("meta"), (64, 10, 8)) == (
        pytest.approx(1 / 128 + 1 / 9, rel=1e-12)
    )


@pytest.mark.parametrize("channels", [1, 3, 8, 11, 12, 15.2, 16, 18, 18.9, 24, 33.6, 100, 1792])
def test_rounded_channels_are_a_close_multiple_of_eight(channels):
    rounded = round_channels(channels)
    assert rounded % 8 == 0
    assert rounded >= 0.9 * channels
    allowed = [n for n in range(8, 4000, 8) if n >= 0.9 * channels]
    nearest = min(abs(n - channels) for n in allowed)
    assert abs(rounded - channels) == nearest


# ----------------------------------------------------------------------------- behaviour


@pytest.mark.parametrize("name", NAMES)
def test_state_dict_round_trip(name):
    check_state_dict_round_trip(name, 32, width_mult=0.25)


@pytest.mark.parametrize("name", NAMES)
def test_image_without_rows_and_wrong_channels_are_refused(name):
    check_refuses(name, (1, 3, 0, 32), "conv2d: the padded input is")
    check_refuses(name, (1, 4, 32, 32), r"x\.shape\[1\] \(channels\) is 4, expected .* 3")


@pytest.mark.parametrize("name", NAMES)
def test_single_value_per_channel_is_refused_in_training(name):
    network = models.create(name, width_mult=0.25).train()
    with pytest.raises(ShapeError, match=r"expected more than 1 value per channel when training"):
        network(minidl.zeros(1, 3, 32, 32))


@pytest.mark.parametrize(("name", "count"), [("mobilenet_v1", 13), ("mobilenet_v2", 17)])
def test_every_block_filters_with_the_depthwise_kernel(name, count, monkeypatch):
    images, groups = minidl.zeros(1, 3, 32, 32), []
    backend = images.backend
    kernel = backend.depthwise_conv2d

    def counted(x, weight, *arguments, **options):
        groups.append(weight.shape[0])
        return kernel(x, weight, *arguments, **options)

    monkeypatch.setattr(backend, "depthwise_conv2d", counted)
    network = models.create(name, width_mult=0.25).eval()
    network(images)
    separate = [m.groups for m in network.modules() if isinstance(m, nn.Conv2d) and m.groups > 1]
    assert len(groups) == count
    assert groups == separate


def test_mobilenet_v1_has_relu6_and_the_papers_relu_if_asked():
    x = minidl.tensor(100.0 * random_images((2, 3, 32, 32))[0])
    for activation, bounded in ((nn.ReLU6, True), (nn.ReLU, False)):
        network = loaded("mobilenet_v1", width_mult=0.25, activation=activation)
        with recorded_calls() as calls, minidl.no_grad():
            network(x)
        largest = max(y.numpy().max() for m, y in calls if type(m) is type(network.stem))
        assert (largest <= 6.0) == bounded


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("mobilenet_v1", mobilenet_v1.TIMM),
        ("mobilenet_v2", mobilenet_v2.TIMM),
        ("mobilenet_v2", mobilenet_v2.TORCHVISION),
    ],
)
def test_key_map_gives_every_parameter_one_published_name(name, pairs):
    check_key_map(name, pairs)


def test_first_weights_are_the_references():
    """timm divides fan_out by the groups, torchvision doesn't."""
    v1, v2 = models.create("mobilenet_v1"), models.create("mobilenet_v2")
    assert has_spread(v1.stage5[0].depthwise.conv.weight, np.sqrt(2 / 9))
    assert has_spread(v1.stage5[0].pointwise.conv.weight, np.sqrt(2 / 1024))
    assert np.abs(v1.fc.weight.detach().numpy()).max() <= 1 / np.sqrt(1000)
    assert has_spread(v1.fc.weight, 1 / np.sqrt(3 * 1000))
    assert has_spread(v2.stage6[1].depthwise.conv.weight, np.sqrt(2 / (9 * 960)))
    assert has_spread(v2.head.conv.weight, np.sqrt(2 / 1280))
    assert has_spread(v2.fc.weight, 0.01)
    for network in (v1, v2):
        assert not network.fc.bias.detach().numpy().any()


# -------------------------------------------------------------------------------- blocks


@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_separable_is_the_two_convolutions_of_its_figure(stride):
    block = prepared(DepthwiseSeparable(4, 6, stride))
    x = minidl.tensor(random_images((2, 4, 7, 5))[0], requires_grad=True)
    y = F.conv2d(x, block.depthwise.conv.weight, stride=stride, padding=1, groups=4)
    y = F.relu6(norm(y, block.depthwise.bn))
    expected = F.relu6(norm(F.conv2d(y, block.pointwise.conv.weight), block.pointwise.bn))
    check_same_results_and_gradients(block(x), expected, [x, *block.parameters()], rtol=1e-11)


# -------------------------------------------------------------------------------- golden


@pytest.mark.parametrize("name", NAMES)
def test_logits_are_those_that_pytorch_computed(name):
    """Stored by tests/golden/make_zoo_mobilenet_shufflenet.py, from the same weights."""
    images = random_images((2, 3, 32, 32))[0]
    with minidl.no_grad():
        network = loaded(name, num_classes=5, width_mult=0.25)
        for key, brightness in ((name, 1.0), (f"{name} bright", BRIGHT)):
            logits = network(minidl.tensor(brightness * images))
            assert relative_error(logits.numpy(), GOLDEN[key]) <= 1e-9
