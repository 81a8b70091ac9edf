"""What the graph must withstand: long chains, deep stacks, many steps without garbage."""

import gc
import weakref

import numpy as np
import pytest

import minidl
from minidl import Function, Tensor, models
from minidl import functional as F
from minidl.optim import SGD


class Counting(Function):
    """The identity, which counts how often its backward runs."""

    calls = 0

    def forward(self, x):
        return x * 1.0

    def backward(self, grad_output):
        Counting.calls += 1
        return grad_output * 1.0


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("length", [10_000, 100_000])
def test_chain_runs_backward_and_is_freed_without_recursion(length):
    x = minidl.ones(2, requires_grad=True)
    y = x
    for _ in range(length):
        y = y + 1.0
    first_node = weakref.ref(y.grad_fn)
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    assert y[0].item() == length + 1
    del y
    assert first_node() is None


def test_long_chain_through_saved_tensors_is_freed_without_recursion():
    x = minidl.tensor([1.0], requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y * x
    node = weakref.ref(y.grad_fn)
    y.sum().backward()
    assert x.grad.item() == 20_001.0
    del y
    assert node() is None


def test_a_graph_that_was_never_used_is_freed_without_recursion():
    y = minidl.ones(1, requires_grad=True)
    for _ in range(100_000):
        y = y * 1.5
    node = weakref.ref(y.grad_fn)
    del y
    assert node() is None


def test_grad_of_a_long_chain_finds_its_way_without_recursion():
    x = minidl.ones(1, requires_grad=True)
    y = x
    for _ in range(10_000):
        y = y * 1.0
    (found,) = minidl.grad(y, x)
    assert found.item() == 1.0


def test_a_thousand_residual_blocks_run_every_backward_once():
    x = minidl.ones(3, dtype="float64", requires_grad=True)
    y, blocks = x, 1000
    for _ in range(blocks):
        y = y + Counting.apply(y) * 0.001
    Counting.calls = 0
    y.sum().backward()
    assert Counting.calls == blocks
    np.testing.assert_allclose(x.grad.numpy(), 1.001**blocks, rtol=1e-12)


def test_every_node_of_a_dense_graph_runs_once():
    x = minidl.ones(1, dtype="float64", requires_grad=True)
    layers = [x]
    for _ in range(30):  # 2**30 paths
        total = layers[0]
        for t in layers[1:]:
            total = total + t
        layers.append(Counting.apply(total))
    Counting.calls = 0
    layers[-1].sum().backward()
    assert Counting.calls == 30
    assert x.grad.item() == 2.0**29


def living():
    """How many tensors and nodes there are."""
    return sum(issubclass(type(o), (Tensor, Function)) for o in gc.get_objects())


def lenet_step(model, optimizer):
    x, target = minidl.rand(2, 1, 28, 28), minidl.randint(0, 10, (2,))
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), target)
    loss.backward()
    optimizer.step()
    return loss


@pytest.mark.parametrize("name", ["lenet5", "lenet5_1998"])
def test_200_training_steps_leave_nothing_behind_without_the_collector(no_collector, name):
    model = models.create(name)
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
    lenet_step(model, optimizer)
    lenet_step(model, optimizer)
    after_two = living()
    for _ in range(198):
        lenet_step(model, optimizer)
    assert living() == after_two
    assert gc.collect() == 0, "a step made reference cycles"


OPERATIONS = {
    "exp": lambda x: x.exp(),  # saves its output
    "softmax": lambda x: x.softmax(1),
    "relu": lambda x: x.relu(),
    "mul": lambda x: x * x,
    "amax": lambda x: x.amax(1),
    "batch norm": lambda x: F.batch_norm(x, None, None, training=True),
    "max pool": lambda x: F.max_pool2d(x.reshape(1, 1, 4, 4), 2),
    "indexing": lambda x: x[[0, 1, 1], 1:],
    "dropout": lambda x: F.dropout(x, 0.5),
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("create_graph", [False, True])
def test_forward_and_gradient_make_no_reference_cycles(no_collector, name, create_graph):
    x = minidl.rand(4, 4, requires_grad=True)
    y = OPERATIONS[name](x)
    node = weakref.ref(y.grad_fn)
    gradient = minidl.grad(y.sum(), x, create_graph=create_graph)
    del y, gradient
    assert node() is None
    assert gc.collect() == 0


@pytest.mark.parametrize("name", OPERATIONS)
def test_backward_releases_saved_arrays_while_the_loss_lives_on(no_collector, name):
    x = minidl.rand(4, 4, requires_grad=True)
    y = OPERATIONS[name](x * 2.0)
    kept = [weakref.ref(s.tensor) for s in y.grad_fn._saved if s.tensor is not None]
    loss = y.sum()
    loss.backward()
    assert all(reference() is None for reference in kept)
    assert y.grad_fn._saved is None


def test_backward_with_create_graph_makes_the_documented_cycle_and_resetting_breaks_it():
    x = minidl.ones(2, requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    reference = weakref.ref(x)
    x.grad = None
    del x
    assert reference() is None
