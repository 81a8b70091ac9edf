"""summary: the memory that a forward pass keeps, by hand and as a real graph holds it."""

import numpy as np
import pytest

import minidl
from minidl import models, nn
from minidl.analysis import summary
from minidl.models.densenet import DenseBlock
from minidl.models.googlenet import Inception


def kept_by_numpy(model, x):
    """Bytes of the arrays that a real graph holds, without parameters and input."""
    nodes, found = [model(x).grad_fn], {}
    known = {id(t._array) for t in (*model.parameters(), *model.buffers(), x)}
    while nodes:
        node = nodes.pop()
        for saved in getattr(node, "_saved", None) or ():
            array = saved.value
            if isinstance(array, np.ndarray):
                while isinstance(array.base, np.ndarray):
                    array = array.base
                if id(array) not in known:
                    found[id(array)] = array
        nodes += [e.target for e in getattr(node, "_edges", ()) if e is not None]
    return sum(array.nbytes for array in found.values())


@pytest.mark.parametrize("name", ["lenet5", "lenet5_1998"])
def test_kept_bytes_are_those_a_real_graph_holds(name):
    model = models.create(name)
    table = summary(model, (3, 1, 28, 28))
    assert table.kept_bytes == kept_by_numpy(model, minidl.zeros(3, 1, 28, 28)) > 0


def test_a_frozen_model_keeps_nothing():
    assert summary(models.create("lenet5").requires_grad_(False), (1, 28, 28)).kept_bytes == 0


def behind_a_convolution(block):
    """What flows into the block then needs a gradient, too."""
    return nn.Sequential(nn.Conv2d(3, 192, 1, bias=False), block)


def test_what_an_inception_block_keeps_for_backward():
    """Every branch's input once, though four use it; nothing for the concatenation."""
    convolved = 64 + (96 + 128) + (16 + 32) + 32
    rectified = convolved  # by ReLU, in arrays of their own
    pooled = 192 + 192  # what the 1×1 behind it needs, and where the maxima were, as int32
    model = behind_a_convolution(Inception(192, 64, 96, 128, 16, 32, 32))
    table = summary(model, (3, 28, 30))
    assert table.kept_bytes == 4 * 28 * 30 * (192 + convolved + rectified + pooled)


def test_what_a_dense_block_keeps_grows_with_the_square_of_its_layers():
    """Σ over the layers: what was put side by side, and ReLU's; the same of the bottleneck's 4k."""
    k, first, height, width = 8, 192, 9, 7
    for layers in (1, 2, 5):
        channels = [first + i * k for i in range(layers)]
        table = summary(
            behind_a_convolution(DenseBlock(layers, first, growth_rate=k)), (3, height, width)
        )
        by_hand = sum(2 * c + 2 * 4 * k for c in channels)
        assert table.kept_bytes == 4 * height * width * by_hand


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "block",
    [
        lambda: Inception(192, 64, 96, 128, 16, 32, 32),
        lambda: DenseBlock(3, 192, growth_rate=8),
        lambda: models.blocks.SqueezeExcite(192, 8),
    ],
)
def test_branches_keep_what_a_real_graph_holds(block, training):
    model = behind_a_convolution(block()).train(training)
    for layer in model.modules():
        layer.register_forward_hook(lambda *_: None)  # batch norm and activation in two steps
    table = summary(model, (2, 3, 6, 7), training=training)
    assert table.kept_bytes == kept_by_numpy(model, minidl.zeros(2, 3, 6, 7)) > 0
