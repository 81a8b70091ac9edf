"""The inverted residual block, of which MobileNet v2 and EfficientNet are made."""

import numpy as np
import pytest
from models.parts import check_same_results_and_gradients, norm, prepared
from models.zoo import random_images

import minidl
from minidl import functional as F
from minidl import nn
from minidl.models.blocks import InvertedResidual, SqueezeExcite


def composed(block, x, activation, se=None, padding=1):
    """expand, depthwise, se, project, addition: each with the plain functions."""
    y, depthwise = x, block.depthwise.conv
    if block.expand is not None:
        y = activation(norm(F.conv2d(y, block.expand.conv.weight), block.expand.bn))
    y = F.conv2d(y, depthwise.weight, stride=depthwise.stride, padding=padding, groups=y.shape[1])
    y = activation(norm(y, block.depthwise.bn))
    if se is not None:
        y = se(y)
    y = norm(F.conv2d(y, block.project.conv.weight), block.project.bn)
    return x + y if block.has_shortcut else y


@pytest.mark.parametrize(
    ("in_channels", "out_channels", "expansion", "stride", "kernel_size"),
    [(4, 4, 6, 1, 3), (4, 4, 3, 2, 3), (4, 6, 2, 1, 5), (4, 6, 6, 2, 5), (4, 4, 1, 1, 3)],
)
@pytest.mark.parametrize("with_se", [False, True])
def test_inverted_residual_is_the_composition_of_its_figure(
    in_channels, out_channels, expansion, stride, kernel_size, with_se
):
    attention = (lambda channels: SqueezeExcite(channels, 3)) if with_se else None
    block = prepared(
        InvertedResidual(
            in_channels,
            out_channels,
            expansion,
            kernel_size,
            stride,
            attention=attention,
            activation=nn.SiLU,
            eps=1e-3,
        )
    )
    x = minidl.tensor(random_images((2, in_channels, 7, 5))[0], requires_grad=True)
    y = block(x)
    assert y.shape == (2, out_channels, -(-7 // stride), -(-5 // stride))
    expected = composed(block, x, F.silu, block.se, padding=kernel_size // 2)
    check_same_results_and_gradients(y, expected, [x, *block.parameters()], rtol=1e-11)


def test_inverted_residual_has_a_shortcut_only_where_the_shape_stays():
    assert InvertedResidual(4, 4, 2).has_shortcut
    assert not InvertedResidual(4, 4, 2, stride=2).has_shortcut
    assert not InvertedResidual(4, 6, 2).has_shortcut


def test_inverted_residual_of_expansion_one_has_no_expansion():
    assert InvertedResidual(4, 4, expansion=1).expand is None


def test_bottleneck_is_linear():
    """Nothing clips the projection: it reaches below 0 and above 6."""
    block = prepared(InvertedResidual(4, 6, 2))
    nn.init.constant_(block.project.bn.weight, 100.0)
    y = block(minidl.tensor(random_images((2, 4, 7, 5))[0])).detach().numpy()
    assert y.min() < 0.0
    assert y.max() > 6.0


def test_attention_scales_the_branch_and_not_the_shortcut():
    class Closed(nn.Module):
        def forward(self, x):
            return x * 0.0

    block = InvertedResidual(4, 4, 2, attention=lambda channels: Closed()).double().eval()
    x = random_images((2, 4, 7, 5))[0]
    np.testing.assert_array_equal(block(minidl.tensor(x)).detach().numpy(), x)


@pytest.mark.parametrize(("height", "width"), [(8, 6), (7, 5)])
def test_padding_may_be_tensorflows(height, width):
    """With stride 2 and an even size all of it is at the end."""
    block = prepared(InvertedResidual(4, 6, 2, stride=2, padding="tf_same"))
    x = minidl.tensor(random_images((2, 4, height, width))[0], requires_grad=True)
    top, left = height % 2, width % 2
    expected = composed(block, x, F.relu6, padding=(top, left, 1, 1))
    np.testing.assert_allclose(block(x).detach().numpy(), expected.detach().numpy(), rtol=1e-11)


def test_eps_momentum_and_activation_reach_every_norm():
    block = InvertedResidual(4, 4, 2, eps=1e-3, momentum=0.01, activation=nn.SiLU)
    norms = [m for m in block.modules() if isinstance(m, nn.BatchNorm2d)]
    assert [(n.eps, n.momentum) for n in norms] == 3 * [(1e-3, 0.01)]
    acts = [type(part.act) for part in (block.expand, block.depthwise, block.project)]
    assert acts == [nn.SiLU, nn.SiLU, nn.Identity]


def test_drop_path_lets_whole_samples_pass_by_the_shortcut():
    minidl.manual_seed(0)
    block = prepared(InvertedResidual(4, 4, 2, drop_path=0.5))
    x = minidl.tensor(random_images((64, 4, 5, 3))[0])
    branch = block(x).detach().numpy() - x.numpy()  # in evaluation nothing is dropped
    block.drop_path.train()
    change = block(x).detach().numpy() - x.numpy()
    dropped = np.array([not sample.any() for sample in change])
    np.testing.assert_allclose(change[~dropped], 2.0 * branch[~dropped], rtol=1e-9, atol=1e-12)
    assert 16 < dropped.sum() < 48


def test_drop_path_needs_a_shortcut():
    assert InvertedResidual(4, 6, 2, drop_path=0.5).drop_path is None
    assert InvertedResidual(4, 4, 2, drop_path=0.0).drop_path is None


def test_hook_on_an_inner_layer_sees_it():
    block, seen = prepared(InvertedResidual(4, 4, 2)), []
    x = minidl.tensor(random_images((2, 4, 7, 5))[0])
    before = block(x).detach().numpy()
    block.project.bn.register_forward_hook(lambda module, inputs, output: seen.append(output))
    after = block(x).detach().numpy()
    np.testing.assert_allclose(after, before, rtol=1e-12)
    np.testing.assert_allclose(seen[0].detach().numpy(), after - x.numpy(), rtol=1e-9, atol=1e-12)
