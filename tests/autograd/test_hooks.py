"""Hooks on tensors, retain_grad, detach."""

import pytest

import minidl
from minidl.errors import AutogradError, DTypeError, InPlaceError


@pytest.fixture
def x():
    return minidl.tensor([1.0, 2.0], dtype="float64", requires_grad=True)


def test_hook_on_a_leaf_sees_the_summed_gradient_once(x):
    seen = []
    x.register_hook(lambda g: seen.append(g.tolist()))
    (x * 2 + x * 3).sum().backward()
    assert seen == [[5.0, 5.0]]
    assert x.grad.tolist() == [5.0, 5.0]


def test_hook_on_an_interior_tensor_sees_the_summed_gradient_once(x):
    seen = []
    y = x * 1.0
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * 2 + y * 3).sum().backward()
    assert seen == [[5.0, 5.0]]


@pytest.mark.parametrize("interior", [False, True])
def test_hook_replaces_the_gradient(x, interior):
    y = x * 1.0
    (y if interior else x).register_hook(lambda g: g * 10)
    y.sum().backward()
    assert x.grad.tolist() == [10.0, 10.0]


@pytest.mark.parametrize("interior", [False, True])
def test_hooks_run_in_the_order_of_registration_each_on_the_last_ones_result(x, interior):
    y = x * 1.0
    target = y if interior else x
    target.register_hook(lambda g: g + 1)
    target.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert x.grad.tolist() == [20.0, 20.0]


@pytest.mark.parametrize("interior", [False, True])
def test_removed_hook_is_silent_and_can_be_removed_twice(x, interior):
    y = x * 1.0
    target = y if interior else x
    handle = target.register_hook(lambda g: g * 0)
    target.register_hook(lambda g: g * 2)
    handle.remove()
    handle.remove()
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_hook_may_remove_itself(x):
    calls = []

    def once(gradient):
        calls.append(1)
        handle.remove()

    handle = x.register_hook(once)
    x.sum().backward()
    x.sum().backward()
    assert calls == [1]


def test_hook_on_one_output_of_several(x):
    left, right = (x * 1.0).split(1)
    left.register_hook(lambda g: g * 7)
    (left + right).sum().backward()
    assert x.grad.tolist() == [7.0, 1.0]


def test_grad_sees_hooks_too(x):
    x.register_hook(lambda g: g * 3)
    y = x * 1.0
    y.register_hook(lambda g: g * 5)
    found = minidl.grad(y.sum(), [x, y])
    assert [t.tolist() for t in found] == [[15.0, 15.0], [5.0, 5.0]]


def test_hook_result_must_look_like_the_gradient(x):
    x.register_hook(lambda g: g.sum())
    with pytest.raises(AutogradError, match=r"result is \(\) float64, expected None or the"):
        x.sum().backward()


def test_hook_result_must_be_a_tensor(x):
    x.register_hook(lambda g: 0.5)
    with pytest.raises(AutogradError, match="result is a float, expected a Tensor"):
        x.sum().backward()


def test_hook_must_not_change_the_gradient_in_place(x):
    y = minidl.ones(2, dtype="float64", requires_grad=True)

    def double(gradient):
        gradient.mul_(2)

    x.register_hook(double)
    with pytest.raises(InPlaceError, match="changed the gradient in place"):
        (x + y).backward(minidl.ones(2, dtype="float64"))


def test_hook_must_be_a_function(x):
    with pytest.raises(DTypeError, match="hook is a int, expected a function"):
        x.register_hook(3)


def test_hook_needs_a_tensor_that_requires_a_gradient():
    with pytest.raises(AutogradError, match="register_hook: the tensor does not require"):
        minidl.ones(1).register_hook(print)


def test_error_in_a_hook_leaves_gradients_enabled(x):
    def broken(gradient):
        raise ZeroDivisionError

    x.register_hook(broken)
    with pytest.raises(ZeroDivisionError):
        x.sum().backward()
    assert minidl.is_grad_enabled()


def test_hook_result_is_differentiable_with_create_graph(x):
    x.register_hook(lambda g: g * x)
    (first,) = minidl.grad((x * x).sum(), x, create_graph=True)  # 2x · x
    (second,) = minidl.grad(first.sum(), x)  # 4x, then the hook again
    assert second.tolist() == [4.0, 16.0]


def test_retain_grad_keeps_the_gradient_of_an_interior_tensor(x):
    y = x * 2
    other = x * 3
    y.retain_grad()
    (y * y + other).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0]
    with pytest.warns(UserWarning, match=r"leaves only. Call x.retain_grad\(\) before backward"):
        assert other.grad is None


def test_reading_a_gradient_that_may_still_come_does_not_warn(x, recwarn):
    y = x * 2
    y.retain_grad()
    assert y.grad is None
    assert x.grad is None
    assert not recwarn.list


def test_retained_gradient_is_what_hooks_made_of_it(x):
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert y.grad.tolist() == [10.0, 10.0]


def test_retained_gradient_shares_no_memory(x):
    y = x * 1.0
    y.retain_grad()
    upstream = minidl.ones(2, dtype="float64")
    y.backward(upstream)
    y.grad.mul_(0)
    assert upstream.tolist() == [1.0, 1.0]
    assert x.grad.tolist() == [1.0, 1.0]


def test_retain_grad_on_a_leaf_changes_nothing(x):
    x.retain_grad()
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_retain_grad_needs_a_tensor_that_requires_a_gradient():
    with pytest.raises(AutogradError, match="retain_grad"):
        minidl.ones(1).retain_grad()


def test_detach_cuts_the_graph_and_shares_memory_and_version(x):
    y = x * 2
    z = y.detach()
    assert z.is_leaf
    assert not z.requires_grad
    (z * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    before = y.version
    z.fill_(0)
    assert y.version == before + 1
    assert y.tolist() == [0.0, 0.0]
