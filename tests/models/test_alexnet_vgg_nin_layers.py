"""AlexNet, VGG and NiN beside the plain functions that their figures draw; their first weights."""

import numpy as np
import pytest
from models.parts import convolutions_and_dense_layers, has_spread, norm, prepared
from models.zoo import loaded, on_meta, random_images, random_state, recorded_calls, relative_error

import minidl
from minidl import functional as F
from minidl import models, nn
from minidl.models.alexnet import dense_layers
from minidl.models.blocks import NormActSequential

THIN_ALEXNET = {"width": 24, "hidden": 64}
THIN_VGG = {"width": 8, "hidden": 64}


def composed(network, x, pools, norms=False):
    """An AlexNet written out with functions; `pools`: positions of the convolutions pooled."""
    for i, conv in enumerate(m for m in network.features if isinstance(m, nn.Conv2d)):
        x = F.relu(F.conv2d(x, conv.weight, conv.bias, conv.stride, conv.padding, 1, conv.groups))
        if norms and i < 2:
            x = papers_response_norm(x)
        if i in pools:
            x = F.max_pool2d(x, 3, 2)
    x = F.adaptive_avg_pool2d(x, network.avgpool.output_size).flatten(1)
    fc6, fc7, fc8 = (m for m in network.classifier if isinstance(m, nn.Linear))
    x = F.relu(F.linear(F.relu(F.linear(x, fc6.weight, fc6.bias)), fc7.weight, fc7.bias))
    return F.linear(x, fc8.weight, fc8.bias)


def papers_response_norm(x):
    """Krizhevsky et al. 2012, §3.3: b_i = a_i / (2 + 1e-4 · Σ a_j²)^0.75, j from i − 2 to i + 2."""
    a = x.numpy()
    b = np.empty_like(a)
    for i in range(a.shape[1]):
        energy = (a[:, max(0, i - 2) : i + 3] ** 2).sum(axis=1)
        b[:, i] = a[:, i] / (2.0 + 1e-4 * energy) ** 0.75
    return minidl.tensor(b)


@pytest.mark.parametrize("name", ["alexnet", "alexnet_2012", "alexnet_lecture"])
def test_alexnet_is_its_figure(name):
    network = loaded(name, num_classes=4, **THIN_ALEXNET)
    images = minidl.tensor(10.0 * random_images((2, 3, 95, 71))[0])  # so that the norms matter
    with minidl.no_grad():
        expected = composed(network, images, pools=(0, 1, 4), norms=name == "alexnet_2012")
        assert relative_error(network(images).numpy(), expected.numpy()) <= 1e-12


def test_response_norms_change_what_alexnet_of_2012_says():
    network = loaded("alexnet_2012", num_classes=4, **THIN_ALEXNET)
    images = minidl.tensor(10.0 * random_images((2, 3, 95, 71))[0])
    with minidl.no_grad():
        without = composed(network, images, pools=(0, 1, 4))
        assert relative_error(network(images).numpy(), without.numpy()) > 0.1


def test_grouped_convolutions_see_half_of_the_maps():
    network = on_meta("alexnet_2012")
    groups = {i: m.groups for i, m in enumerate(network.features) if isinstance(m, nn.Conv2d)}
    assert groups == {0: 1, 4: 2, 8: 1, 10: 2, 12: 2}
    conv = loaded("alexnet_2012", **THIN_ALEXNET).features[4]  # 24 maps → 64
    x = random_images((1, 24, 7, 6))[0]
    y = conv(minidl.tensor(x)).detach().numpy()
    x[:, 12:] += 1.0  # the second half
    moved = conv(minidl.tensor(x)).detach().numpy()
    np.testing.assert_array_equal(moved[:, :32], y[:, :32])
    assert not np.isclose(moved[:, 32:], y[:, 32:]).any()


@pytest.mark.parametrize("name", ["vgg11", "vgg16", "vgg11_bn", "vgg19_bn"])
def test_vgg_is_its_table(name):
    network = loaded(name, num_classes=4, **THIN_VGG)
    images = minidl.tensor(random_images((2, 3, 45, 70))[0])
    per_block = {"11": (1, 1, 2, 2, 2), "16": (2, 2, 3, 3, 3), "19": (2, 2, 4, 4, 4)}[name[3:5]]
    convolutions = iter(m for m in network.features if isinstance(m, nn.Conv2d))
    norms = iter(m for m in network.features if isinstance(m, nn.BatchNorm2d))
    x = images
    with minidl.no_grad():
        for count in per_block:
            for _ in range(count):
                conv = next(convolutions)
                x = F.conv2d(x, conv.weight, conv.bias, padding=1)
                if name.endswith("_bn"):
                    x = norm(x, next(norms))
                x = F.relu(x)
            x = F.max_pool2d(x, 2)
        x = network.classifier(F.adaptive_avg_pool2d(x, 7).flatten(1))
        assert relative_error(network(images).numpy(), x.numpy()) <= 1e-12


def test_dense_layers_are_two_hidden_ones_and_the_logits():
    dense = prepared(dense_layers(6, 5, 3, dropout=0.5))
    values = random_state(dense)
    x = random_images((4, 6))[0]
    expected = x
    for layer in ("0", "3", "6"):
        expected = expected @ values[f"{layer}.weight"].T + values[f"{layer}.bias"]
        expected = expected if layer == "6" else np.maximum(expected, 0.0)
    y = dense(minidl.tensor(x)).detach().numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14)


def test_nin_block_is_a_dense_network_on_every_pixel_of_a_convolution():
    block = prepared(models.NiNBlock(3, 4, kernel_size=3, stride=2, padding=1))
    values = random_state(block)
    x = minidl.tensor(random_images((2, 3, 7, 6))[0])
    y = block(x).detach().numpy()
    assert y.shape == (2, 4, 4, 3)
    convolved = F.relu(block.conv(x)).detach().numpy()
    for n, i, j in np.ndindex(2, 4, 3):
        pixel = convolved[n, :, i, j]
        for layer in ("fc1", "fc2"):
            weight = values[f"{layer}.weight"].reshape(4, 4)
            pixel = np.maximum(weight @ pixel + values[f"{layer}.bias"], 0.0)
        np.testing.assert_allclose(y[n, :, i, j], pixel, rtol=1e-12, atol=1e-14)


def test_nin_logit_is_the_mean_of_its_classes_map():
    network = loaded("nin", num_classes=4, width=24)
    images = minidl.tensor(random_images((2, 3, 99, 131))[0])
    with minidl.no_grad(), recorded_calls() as calls:
        logits = network(images).numpy()
    (maps,) = [y.numpy() for m, y in calls if m is network.block4]
    assert maps.shape[2] > 1
    assert maps.shape[3] > maps.shape[2]
    np.testing.assert_allclose(logits, maps.mean(axis=(2, 3)), rtol=1e-12)


def test_hook_on_an_inner_batch_norm_sees_its_output_and_changes_nothing():
    network = loaded("vgg11_bn", num_classes=4, **THIN_VGG)
    images = minidl.tensor(random_images((2, 3, 32, 32))[0])
    seen = []
    with minidl.no_grad():
        expected = network(images).numpy()
        norm = network.features[5]
        assert isinstance(norm, nn.BatchNorm2d)
        norm.register_forward_hook(lambda module, inputs, y: seen.append(y.numpy()))
        again = network(images).numpy()
    assert relative_error(again, expected) <= 1e-12
    (output,) = seen
    assert output.min() < 0.0  # not yet rectified


@pytest.mark.parametrize(
    "layers",
    [
        lambda: (nn.BatchNorm2d(3),),
        lambda: (nn.BatchNorm2d(3), nn.BatchNorm2d(3), nn.ReLU()),
        lambda: (nn.BatchNorm2d(3), nn.Sigmoid(), nn.BatchNorm2d(3)),
        lambda: (nn.ReLU(), nn.BatchNorm2d(3), nn.MaxPool2d(2), nn.BatchNorm2d(3), nn.ReLU()),
        lambda: (),
    ],
)
def test_norm_act_sequential_is_one_layer_after_another(layers):
    sequence = prepared(NormActSequential(*layers()))
    x = expected = minidl.tensor(random_images((2, 3, 5, 4))[0])
    for layer in sequence:
        expected = layer(expected)
    y = sequence(x)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-12)


# ------------------------------------------------------------------------- first weights


def test_alexnet_of_2012_starts_with_the_papers_weights():
    network = models.create("alexnet_2012", hidden=256, num_classes=100)
    ones = []
    for layer in convolutions_and_dense_layers(network):
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        assert has_spread(layer.weight, 0.01)
        assert abs(weight.mean()) < 5 * 0.01 / np.sqrt(weight.size)
        assert bias.min() == bias.max()
        ones.append(bias[0])
    assert ones == [0, 1, 0, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("name", ["vgg11", "vgg11_bn", "vgg_lecture"])
def test_vgg_starts_with_torchvisions_weights(name):
    network = models.create(name, width=32, hidden=128)
    for layer in convolutions_and_dense_layers(network):
        fan_out = layer.weight.shape[0] * 9
        expected = np.sqrt(2 / fan_out) if isinstance(layer, nn.Conv2d) else 0.01
        assert has_spread(layer.weight, expected)
        assert not layer.bias.detach().numpy().any()


def test_nin_starts_with_xaviers_weights():
    for layer in convolutions_and_dense_layers(models.create("nin", num_classes=100)):
        weight = layer.weight.detach().numpy()
        bound = np.sqrt(6 / ((weight.shape[0] + weight.shape[1]) * weight.shape[2] ** 2))
        assert 0.99 * bound < np.abs(weight).max() <= bound * (1 + 1e-6)
        assert not layer.bias.detach().numpy().any()
