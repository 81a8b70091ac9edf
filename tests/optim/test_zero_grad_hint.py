"""Forgetting zero_grad() or backward() is hinted at once; what is done on purpose is not."""

import copy
import warnings

import pytest

import minidl
from minidl import nn, optim
from minidl.errors import ForgottenBackward, ForgottenZeroGrad

OPTIMIZERS = [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop]


def weight():
    return minidl.ones(2, requires_grad=True)


def hints(loop):
    """The warnings that a loop over backward, step and others sets off."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loop()
    return caught


def backward(*params, create_graph=False):
    sum((p * p).sum() for p in params).backward(create_graph=create_graph)


@pytest.mark.parametrize("make", OPTIMIZERS)
@pytest.mark.parametrize("steps", [2, 5])
def test_a_forgotten_zero_grad_is_hinted_at_once(make, steps):
    p, q = weight(), weight()
    optimizer = make([p, q], lr=0.1)

    def loop():
        for _ in range(steps):
            backward(p, q)
            optimizer.step()

    (hint,) = hints(loop)
    assert hint.category is ForgottenZeroGrad
    assert hint.filename == __file__
    assert str(hint.message) == (
        f"{make.__name__}.step: backward() has added to gradients that the step before had used "
        "already, and this step uses the sum. Call optimizer.zero_grad() before each backward(). "
        "If the sum is meant, ignore minidl.errors.ForgottenZeroGrad."
    )


@pytest.mark.parametrize("create_graph", [False, True])
def test_several_passes_onto_used_gradients_are_noticed_as_well(create_graph):
    p = weight()
    optimizer = optim.SGD([p], lr=0.1)

    def loop():
        backward(p)
        optimizer.step()
        backward(p, create_graph=create_graph)
        optim.clip_grad_norm_([p], 1.0)
        backward(p)
        optimizer.step()

    assert len(hints(loop)) == 1


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_a_step_without_any_gradient_is_hinted_at_once(make):
    p, q = weight(), weight()
    optimizer = make([p, q], lr=0.1)

    def loop():
        for _ in range(3):
            backward(p, q)
            optimizer.zero_grad()
            optimizer.step()

    (hint,) = hints(loop)
    assert hint.category is ForgottenBackward
    assert hint.filename == __file__
    assert str(hint.message) == (
        f"{make.__name__}.step: no parameter has a gradient, so none moves. Call loss.backward() "
        "before step(), and zero_grad() before backward(), not between the two."
    )
    assert p.tolist() == [1.0, 1.0]
    q.grad = minidl.ones(2)
    assert not hints(make([p, q], lr=0.1).step)  # some have none: they may be frozen


def test_each_optimizer_hints_once():
    p, q = weight(), weight()
    first, second = optim.SGD([p], lr=0.1), optim.SGD([q], lr=0.1)

    def loop():
        for _ in range(3):
            backward(p, q)
            first.step()
            second.step()

    assert len(hints(loop)) == 2


def before_backward(p, optimizer):
    optimizer.zero_grad()
    backward(p)
    optimizer.step()


def after_the_step(p, optimizer):
    backward(p)
    optimizer.step()
    optimizer.zero_grad()


def accumulation(p, optimizer):
    for _ in range(3):
        backward(p)
    optimizer.step()
    optimizer.zero_grad()


def by_the_module(p, optimizer):
    module = nn.Module()
    module.p = nn.Parameter(p)
    p.grad = None
    backward(p)
    optimizer.step()
    module.zero_grad()
    p.grad = None


def by_hand(p, optimizer):
    backward(p)
    optimizer.step()
    p.grad = None


def in_place(p, optimizer):
    backward(p)
    optimizer.step()
    p.grad.zero_()


def after_a_look(p, optimizer):
    backward(p)
    if p.grad is not None:
        p.grad.zero_()
    backward(p)
    optimizer.step()


def fading_on_purpose(p, optimizer):
    backward(p)
    optimizer.step()
    p.grad.mul_(0.5)


def stepping_again(p, optimizer):
    optimizer.zero_grad()
    backward(p)
    for _ in range(4):
        optimizer.step()


def line_search(p, optimizer):
    """Several steps, each with gradients of its own, from one starting point."""
    start = p.detach().clone()
    for rate in (1.0, 0.5, 0.25):
        with minidl.no_grad():
            p.copy_(start)
        optimizer.lr = rate
        optimizer.zero_grad()
        backward(p)
        optimizer.step()


def gradients_from_elsewhere(p, optimizer):
    p.grad = minidl.ones(2)
    optimizer.step()


def clipped(p, optimizer):
    optimizer.zero_grad()
    backward(p)
    optim.clip_grad_norm_([p], 0.1)
    optim.clip_grad_value_([p], 0.1)
    optimizer.step()


LOOPS = [
    before_backward,
    after_the_step,
    accumulation,
    by_the_module,
    by_hand,
    in_place,
    after_a_look,
    fading_on_purpose,
    stepping_again,
    line_search,
    gradients_from_elsewhere,
    clipped,
]


@pytest.mark.parametrize("loop", LOOPS)
def test_who_clears_or_changes_gradients_hears_nothing(loop):
    p = weight()
    optimizer = optim.SGD([p], lr=0.01)
    assert not hints(lambda: [loop(p, optimizer) for _ in range(3)])


def test_two_optimizers_that_share_parameters_hear_nothing():
    p, q = weight(), weight()
    first, second = optim.SGD([p, q], lr=0.1), optim.Adam([q], lr=0.1)

    def loop():
        for _ in range(3):
            backward(p, q)
            first.step()
            second.step()
            first.zero_grad()

    assert not hints(loop)


def test_two_networks_that_play_against_each_other_hear_nothing():
    """The generator's loss leaves gradients in the discriminator, which clears them first."""
    made, judged = weight(), weight()
    generator, discriminator = optim.SGD([made], lr=0.1), optim.SGD([judged], lr=0.1)

    def loop():
        for _ in range(3):
            discriminator.zero_grad()
            (judged * made.detach()).sum().backward()
            discriminator.step()
            generator.zero_grad()
            (judged * made).sum().backward()
            generator.step()

    assert not hints(loop)


def test_a_copy_of_a_model_starts_without_a_past():
    model = nn.Linear(2, 1)
    model(minidl.ones(1, 2)).sum().backward()
    optim.SGD(model.parameters(), lr=0.1).step()
    twin = copy.deepcopy(model)

    def loop():
        twin(minidl.ones(1, 2)).sum().backward()
        optim.SGD(twin.parameters(), lr=0.1).step()

    assert not hints(loop)
