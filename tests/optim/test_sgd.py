"""SGD against a naive loop, and what it refuses."""

import numpy as np
import pytest

import minidl
from minidl.errors import ArgumentError, DTypeError, InPlaceError
from minidl.optim import SGD

SETTINGS = [
    {},
    {"momentum": 0.9},
    {"weight_decay": 0.1},
    {"momentum": 0.9, "weight_decay": 0.1},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.8, "nesterov": True},
    {"momentum": 0.8, "nesterov": True, "weight_decay": 0.05},
]


def naive(values, gradients, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    """The textbook's loop, one number after another."""
    values, buffers = list(values), [None] * len(values)
    for gradient in gradients:
        for i, g in enumerate(gradient):
            g = g + weight_decay * values[i]
            if momentum:
                old = buffers[i]
                buffers[i] = g if old is None else momentum * old + (1 - dampening) * g
                g = g + momentum * buffers[i] if nesterov else buffers[i]
            values[i] -= lr * g
    return values


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_twenty_steps_agree_with_the_loop(settings, dtype):
    rng = np.random.default_rng(3)
    start, gradients = rng.normal(size=6), rng.normal(size=(20, 6))
    p = minidl.tensor(start, dtype=dtype, requires_grad=True)
    q = minidl.tensor(start.reshape(2, 3), dtype=dtype, requires_grad=True)
    optimizer = SGD([p, q], lr=0.05, **settings)
    for gradient in gradients:
        optimizer.zero_grad()
        weights = minidl.tensor(gradient, dtype=dtype)
        ((p * weights).sum() + (q * weights.reshape(2, 3)).sum()).backward()
        optimizer.step()
    expected = naive(start, gradients, 0.05, **settings)
    tolerance = 1e-12 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(p.detach().numpy(), expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(q.detach().numpy().ravel(), expected, rtol=tolerance, atol=tolerance)


def test_parameters_without_a_gradient_are_left_alone_and_join_later():
    p, q = (minidl.ones(1, dtype="float64", requires_grad=True) for _ in range(2))
    optimizer = SGD([p, q], lr=1.0, momentum=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        (p * 1).sum().backward()
        optimizer.step()
    assert q.item() == 1.0
    assert q.version == 0
    assert p.item() == 1 - 1 - 1.5
    optimizer.zero_grad()
    (q * 1).sum().backward()
    optimizer.step()
    assert q.item() == 0.0  # its first step: the momentum is the gradient itself
    assert p.item() == -1.5


def test_the_step_is_in_place_and_the_gradient_is_not_touched():
    p = minidl.ones(2, requires_grad=True)
    array = p._array
    (p * 3).sum().backward()
    SGD([p], lr=0.5, momentum=0.9, weight_decay=0.1).step()
    assert p._array is array
    assert p.grad.tolist() == [3.0, 3.0]
    assert p.version == 1
    assert p.is_leaf


def test_the_learning_rate_may_change_between_steps():
    p = minidl.zeros(1, requires_grad=True)
    optimizer = SGD([p], lr=1.0)
    for lr in (1.0, 0.5):
        optimizer.lr = lr
        optimizer.zero_grad()
        p.sum().backward()
        optimizer.step()
    assert p.item() == -1.5


def test_momentum_that_is_switched_on_later_starts_fresh():
    p = minidl.zeros(1, dtype="float64", requires_grad=True)
    optimizer = SGD([p], lr=1.0)
    for momentum in (0.0, 0.5, 0.5):
        optimizer.param_groups[0]["momentum"] = momentum
        optimizer.zero_grad()
        p.sum().backward()
        optimizer.step()
    assert p.item() == -(1 + 1 + 1.5)


def test_several_dtypes_in_one_optimizer():
    p = minidl.ones(1, requires_grad=True)
    q = minidl.ones(1, dtype="float64", requires_grad=True)
    p.sum().backward()
    q.sum().backward()
    SGD([p, q], lr=1.0, momentum=0.9).step()
    assert (p.item(), q.item()) == (0.0, 0.0)


@pytest.mark.filterwarnings("ignore::minidl.errors.ForgottenBackward")
def test_only_some_parameters_may_be_left_out_when_frozen():
    p = minidl.ones(1)
    SGD([p], lr=1.0).step()
    assert p.item() == 1.0


def leaf():
    return minidl.ones(2, requires_grad=True)


def read_only():
    array = np.ones(2, np.float32)
    array.flags.writeable = False
    p = minidl.from_numpy(array, requires_grad=True)
    p.sum().backward()
    SGD([p]).step()


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: SGD([]), ArgumentError, "SGD: there are no parameters"),
        (lambda: SGD(leaf()), DTypeError, "params is a Tensor, expected a list"),
        (lambda: SGD(3), DTypeError, "params is a int, expected a list"),
        (lambda: SGD([np.ones(2)]), DTypeError, "parameter 0 is a ndarray, expected a Tensor"),
        (lambda: SGD([leaf() * 2]), ArgumentError, "parameter 0 was computed, expected a leaf"),
        (lambda: SGD([p := leaf(), p]), ArgumentError, "parameter 1 is given twice"),
        (
            lambda: SGD([leaf()], lr=-1),
            ArgumentError,
            "SGD: lr is -1, expected a finite number of at least 0",
        ),
        (lambda: SGD([leaf()], lr="fast"), DTypeError, "SGD: lr is 'fast', expected a number"),
        (lambda: SGD([leaf()], lr=float("nan")), ArgumentError, "SGD: lr is nan"),
        (lambda: SGD([leaf()], momentum=-0.1), ArgumentError, "momentum is -0.1"),
        (lambda: SGD([leaf()], nesterov=True), ArgumentError, "nesterov needs momentum > 0"),
        (
            lambda: SGD([leaf()], momentum=0.9, dampening=0.1, nesterov=True),
            ArgumentError,
            "they are 0.9 and 0.1",
        ),
        (read_only, InPlaceError, "SGD.step: the tensor is a read-only"),
    ],
)
def test_refusals(act, error, message):
    with pytest.raises(error) as caught:
        act()
    assert message in str(caught.value)
