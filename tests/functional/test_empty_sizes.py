"""Sizes of zero: values, gradients and gradients of gradients have the shapes they should have."""

import math

import numpy as np
import pytest

import minidl
from minidl import functional as F

OPERATIONS = {
    "linear": (lambda x, w, b: F.linear(x, w, b), [(0, 3), (2, 3), (2,)]),
    "linear without inputs": (lambda x, w, b: F.linear(x, w, b), [(4, 0), (2, 0), (2,)]),
    "linear without outputs": (lambda x, w, b: F.linear(x, w, b), [(4, 3), (0, 3), (0,)]),
    "linear of nothing": (lambda x, w: F.linear(x, w), [(2, 0, 3), (0, 3)]),
    "matmul": (lambda a, b: a @ b, [(0, 2, 3), (3, 4)]),
    "einsum": (lambda a, b: F.einsum("nij,jk->nik", a, b), [(0, 2, 3), (3, 4)]),
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b), [(0, 2, 5, 4), (3, 2, 3, 2), (3,)]),
    "depthwise": (lambda x, w: F.conv2d(x, w, groups=2), [(0, 2, 5, 4), (2, 1, 3, 2)]),
    "transposed": (lambda x, w: F.conv_transpose2d(x, w), [(0, 2, 5, 4), (2, 3, 3, 2)]),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), [(0, 2, 5, 4)]),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 2), [(0, 2, 5, 4)]),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, 2), [(0, 2, 5, 4)]),
    "unfold": (lambda x: F.unfold(x, 2), [(0, 2, 5, 4)]),
    "fold": (lambda x: F.fold(x, (3, 3), 2), [(0, 8, 4)]),
    "local_response_norm": (lambda x: F.local_response_norm(x, 3), [(0, 5, 2, 3)]),
    "batch_norm_inference": (
        lambda x, w, b: F.batch_norm(x, minidl.zeros(3), minidl.ones(3), w, b),
        [(0, 3, 2), (3,), (3,)],
    ),
    "bias_activation": (lambda x, b: F.bias_activation(x, b, "silu"), [(0, 3, 2), (3,)]),
    "softmax": (lambda x: F.softmax(x, 1), [(0, 3)]),
    "log_softmax": (lambda x: F.log_softmax(x, 1), [(0, 3)]),
    "cross_entropy": (
        lambda x: F.cross_entropy(x, minidl.zeros(0, dtype="int64"), reduction="sum"),
        [(0, 3)],
    ),
    "nll_loss": (
        lambda x: F.nll_loss(x, minidl.zeros(0, dtype="int64"), reduction="sum"),
        [(0, 3)],
    ),
    "channel_shuffle": (lambda x: F.channel_shuffle(x, 2), [(0, 4, 2, 2)]),
    "dropout": (lambda x: F.dropout(x, 0.5, training=True), [(0, 3)]),
    "silu": (F.silu, [(0, 3)]),
    "hardswish": (F.hardswish, [(0, 3)]),
    "sum": (lambda x: x.sum(0), [(0, 3)]),
    "mean": (lambda x: x.mean(1), [(0, 3)]),
    "std": (lambda x: x.std(1), [(0, 3)]),
    "amax": (lambda x: x.amax(1), [(0, 3)]),
    "division": (lambda a, b: a / b, [(0, 3), (3,)]),
    "reshape": (lambda x: x.reshape(3, 0), [(0, 3)]),
    "flatten": (lambda x: x.flatten(1), [(0, 3, 2)]),
    "split": (lambda x: x.split(2, 1)[0], [(0, 3)]),
    "split of nothing": (lambda x: x.split(2)[0], [(0, 3)]),
    "concatenate": (lambda a, b: minidl.concatenate([a, b]), [(0, 3), (2, 3)]),
    "pad": (lambda x: F.pad(x, (1, 1)), [(0, 3)]),
    "getitem": (lambda x: x[:, 1:], [(0, 3)]),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradients_and_their_gradients_of_empty_tensors_have_the_inputs_shapes(name):
    compute, shapes = OPERATIONS[name]
    rng = np.random.default_rng(0)
    inputs = [
        minidl.tensor(rng.normal(size=shape), dtype="float32", requires_grad=True)
        for shape in shapes
    ]
    y = compute(*inputs)
    upstream = minidl.ones(y.shape, requires_grad=True)
    first = minidl.grad(y, inputs, upstream, create_graph=True)
    assert [g.shape for g in first] == shapes
    loss = sum((g * g).sum() for g in first)
    second = minidl.grad(loss, [*inputs, upstream], allow_unused=True)
    for g, t in zip(second, [*inputs, upstream], strict=True):
        assert g is None or g.shape == t.shape
    for g in (*first, *second):
        if g is not None and math.prod(y.shape) == 0 and g.numel():
            assert not g.detach().numpy().any()  # nothing was computed of it


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_unbind_and_iteration_of_empty_tensors(shape):
    x = minidl.zeros(shape)
    assert [t.shape for t in x.unbind()] == [shape[1:]] * shape[0]
    assert [t.shape for t in x] == [shape[1:]] * shape[0]
