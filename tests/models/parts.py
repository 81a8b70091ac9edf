"""What is checked of a network's parts: a part beside the plain functions that its figure draws."""

from __future__ import annotations

import numpy as np
from models.zoo import random_state

import minidl
from minidl import functional as F
from minidl import nn


def prepared(part):
    """The part in float64 with random_state's values, for evaluation."""
    part = part.double().eval()
    part.load_state_dict(random_state(part))
    return part


def norm(x, layer):
    """What a batch norm does in evaluation, and nothing fused with it."""
    return F.batch_norm(
        x, layer.running_mean, layer.running_var, layer.weight, layer.bias, eps=layer.eps
    )


def check_same_results_and_gradients(y, expected, inputs, rtol=1e-12):
    """Two ways to compute from the same inputs agree, backward to 100 · rtol of an element."""
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=rtol)
    upstream = minidl.randn(*y.shape, dtype="float64")
    both = (minidl.grad(y, inputs, upstream), minidl.grad(expected, inputs, upstream))
    for ours, theirs in zip(*both, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=100 * rtol, atol=1e-12)


def conv_bn(c_in, c_out, kernel, size, groups=1):
    """(parameters, multiplications) of a convolution with batch norm, for size² outputs."""
    weights = c_in // groups * c_out * kernel**2
    return np.array([weights + 2 * c_out, weights * size**2])


def has_spread(weight, expected):
    """Whether weights have that standard deviation, within five standard errors of a normal's."""
    weight = weight.detach().numpy()
    return abs(weight.std() / expected - 1) < 5 / np.sqrt(2 * weight.size)


def convolutions_and_dense_layers(network):
    """In the order of the network."""
    return [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
