"""grad() computes what was asked for and nothing else: counted in kernel calls."""

import collections

import pytest

import minidl
from minidl import functional as F
from minidl.backends.numpy import NumpyBackend


class Counting(NumpyBackend):
    """The NumPy backend, counting the calls of some kernels."""

    name = "counting"

    def __init__(self):
        self.calls = collections.Counter()

    def conv2d_input_grad(self, *args, **kwargs):
        self.calls["input"] += 1
        return NumpyBackend.conv2d_input_grad(*args, **kwargs)

    def conv2d_weight_grad(self, *args, **kwargs):
        self.calls["weight"] += 1
        return NumpyBackend.conv2d_weight_grad(*args, **kwargs)

    def channel_sum(self, *args, **kwargs):
        self.calls["bias"] += 1
        return NumpyBackend.channel_sum(*args, **kwargs)


@pytest.fixture
def backend():
    return Counting()


def operands(backend):
    shapes = {"input": (1, 2, 5, 4), "weight": (3, 2, 3, 2), "bias": (3,)}
    return {
        name: minidl.randn(shape, requires_grad=True, backend=backend)
        for name, shape in shapes.items()
    }


@pytest.mark.parametrize("wanted", ["input", "weight", "bias"])
def test_grad_calls_the_kernels_of_the_wanted_inputs_alone(backend, wanted):
    given = operands(backend)
    y = F.conv2d(*given.values()).sum()
    minidl.grad(y, given[wanted])
    assert backend.calls == {wanted: 1}


def test_backward_after_a_narrow_grad_computes_all_gradients_again(backend):
    given = operands(backend)
    y = F.conv2d(*given.values()).sum()
    minidl.grad(y, given["input"], retain_graph=True)
    y.backward()
    assert backend.calls == {"input": 2, "weight": 1, "bias": 1}
    assert all(t.grad is not None for t in given.values())


def test_a_backward_that_fails_leaves_the_node_as_it_was(backend):
    class Fails(minidl.autograd.Function):
        def forward(self, a, b):
            return a + b

        def backward(self, grad_output):
            if self.needs_input_grad == (True, False):
                raise ZeroDivisionError
            return grad_output, grad_output

    a, b = minidl.ones(2, requires_grad=True), minidl.ones(2, requires_grad=True)
    y = Fails.apply(a, b).sum()
    with pytest.raises(ZeroDivisionError):
        minidl.grad(y, a, retain_graph=True)
    y.backward()
    assert b.grad.tolist() == [1.0, 1.0]


def test_inputs_and_outputs_may_come_from_a_generator():
    net = minidl.nn.Linear(2, 1)
    y = net(minidl.ones(1, 2))
    grads = minidl.grad((t for t in y), net.parameters())
    assert [g.shape for g in grads] == [(1, 2), (1,)]
    assert all(p.grad is None for p in net.parameters())
