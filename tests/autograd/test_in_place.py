"""In-place changes: which there are, what they refuse, and that backward notices them."""

import operator

import numpy as np
import pytest

import minidl
from minidl import functional as F
from minidl import nn
from minidl.errors import (
    ArgumentError,
    AutogradError,
    BackendError,
    DTypeError,
    InPlaceError,
    ShapeError,
)
from minidl.optim import SGD


def leaf(*values):
    return minidl.tensor(values, requires_grad=True)


def test_the_changes_do_what_they_say():
    x = minidl.tensor([1.0, 2.0])
    assert x.copy_(minidl.tensor([5.0])).tolist() == [5.0, 5.0]
    assert x.fill_(3).tolist() == [3.0, 3.0]
    assert x.add_(minidl.tensor([1.0, 2.0])).tolist() == [4.0, 5.0]
    assert x.add_(2.0, alpha=0.5).tolist() == [5.0, 6.0]
    assert x.mul_(np.float32(2)).tolist() == [10.0, 12.0]
    assert x.div_(4).tolist() == [2.5, 3.0]
    assert x.sub_(minidl.tensor([1.0, 2.0])).tolist() == [1.5, 1.0]
    assert x.zero_().tolist() == [0.0, 0.0]
    assert x.version == 8


def test_a_tensor_is_overwritten_by_what_it_was_even_through_a_view():
    make = lambda: minidl.tensor([[1.0, 2.0], [3.0, 4.0]])  # noqa: E731
    x = make()
    assert x.copy_(x.T).tolist() == [[1.0, 3.0], [2.0, 4.0]]
    x = make()
    assert x[1:].copy_(x[:1]).tolist() == [[1.0, 2.0]]
    assert x.add_(x.T).tolist() == [[2.0, 3.0], [3.0, 4.0]]
    x = make()
    assert x.sub_(x[0]).tolist() == [[0.0, 0.0], [2.0, 2.0]]


def test_what_was_copied_is_not_shared():
    x, source = minidl.zeros(2), minidl.tensor([1.0, 2.0])
    x.copy_(source)
    source.fill_(7)
    assert x.tolist() == [1.0, 2.0]


def test_zeros_keep_their_sign():
    signs = [minidl.full((1,), zero).numpy().view("int32")[0] < 0 for zero in (0, 0.0, -0.0)]
    assert signs == [False, False, True]


def test_augmented_assignment_changes_the_tensor_itself():
    x = minidl.tensor([1.0, 2.0])
    same = x
    x += 1
    x *= minidl.tensor([3.0, 4.0])
    x -= 2
    x /= 2
    assert x is same
    assert same.tolist() == [2.0, 5.0]
    assert same.version == 4


def test_a_step_of_gradient_descent_by_augmented_assignment():
    p = leaf(1.0, 2.0)
    (p * p).sum().backward()
    array = p._array
    with minidl.no_grad():
        p -= 0.25 * p.grad
    assert p._array is array
    assert p.tolist() == [0.5, 1.0]
    assert p.requires_grad
    assert p.is_leaf


AUGMENTED = {
    "+": (operator.iadd, "add_"),
    "-": (operator.isub, "sub_"),
    "*": (operator.imul, "mul_"),
    "/": (operator.itruediv, "div_"),
}


@pytest.mark.parametrize("sign", AUGMENTED)
def test_augmented_assignment_refuses_to_lose_a_gradient(sign):
    change, name = AUGMENTED[sign]
    for x, other, whose in ((leaf(1.0), 2.0, "tensor"), (minidl.ones(1), leaf(1.0), "operand")):
        with pytest.raises(InPlaceError) as caught:
            change(x, other)
        assert str(caught.value) == (
            f"{name}: an in-place change can't be differentiated, and the {whose} requires a "
            f"gradient. Compute x = x {sign} other instead, or change it within minidl.no_grad()."
        )


def test_quotients_do_not_fit_into_integers_nor_differences_into_conditions():
    with pytest.raises(DTypeError, match=r"div_: .* int64, .* Compute a new tensor: x = x / other"):
        minidl.tensor([4]).div_(2)
    with pytest.raises(DTypeError, match="sub_: the operands' dtype is bool, expected numbers"):
        minidl.tensor([True]).sub_(True)


def test_data_cannot_be_assigned():
    p = leaf(1.0)
    with pytest.raises(InPlaceError, match=r"x.data = value: .* use x.copy_\(value\) within"):
        p.data = np.zeros(1)


VIEWS = {
    "slice": lambda x: x[1:],
    "element": lambda x: x[1],
    "reshape": lambda x: x.reshape(2, 2),
    "transpose": lambda x: x.reshape(2, 2).T,
    "flip": lambda x: x.flip(0),
    "view of a view": lambda x: x[1:][1:].reshape(2, 1),
    "detach": lambda x: x.detach(),
    "expand": lambda x: x.expand(3, 4),
    "split": lambda x: x.split(2)[1],
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_share_memory_and_version(name):
    x = minidl.arange(4.0)
    view = VIEWS[name](x)
    assert np.shares_memory(x._array, view._array)
    x.fill_(7)
    assert view.version == x.version == 1
    assert (view == 7).all()


COPIES = {
    "clone": lambda x: x.clone(),
    "integer array": lambda x: x[[1, 2]],
    "mask": lambda x: x[x > 0],
    "arithmetic": lambda x: x + 0,
    "cast": lambda x: x.double(),
}


@pytest.mark.parametrize("name", COPIES)
def test_copies_have_a_version_of_their_own(name):
    x = minidl.arange(4.0)
    copy = COPIES[name](x)
    x.fill_(7)
    assert copy.version == 0
    assert not np.shares_memory(x._array, copy._array)


def test_a_function_that_returns_its_input_makes_a_view():
    class Same(minidl.Function):
        def forward(self, x):
            return x

        def backward(self, grad_output):
            return grad_output

    x = minidl.ones(2)
    y = Same.apply(x)
    x.fill_(2)
    assert y.version == 1


CHANGED = {
    "Mul": (lambda x, w: x * w, lambda x, y: x.add_(1)),
    "Exp": (lambda x, w: (w * 1).exp(), lambda x, y: y.detach().add_(1)),
    "MatMul": (lambda x, w: x.reshape(1, 2) @ w.reshape(2, 1), lambda x, y: x[0:1].fill_(0)),
    "Relu": (lambda x, w: F.relu(w), lambda x, y: y.detach().zero_()),
    "Softmax": (lambda x, w: F.softmax(w, 0), lambda x, y: y.detach().zero_()),
}


@pytest.mark.parametrize("name", CHANGED)
def test_backward_refuses_changed_arrays_and_names_the_operation(name):
    compute, change = CHANGED[name]
    x, w = minidl.tensor([1.0, 2.0]), leaf(3.0, 4.0)
    y = compute(x, w)
    change(x, y)
    with pytest.raises(InPlaceError, match=rf"^{name}: an array of shape .* was changed in place"):
        y.sum().backward()


def test_changing_what_backward_does_not_need_is_allowed():
    x, w = minidl.tensor([1.0]), leaf(3.0)
    y = x + w
    x.fill_(9)
    y.sum().backward()
    assert w.grad.item() == 1.0


def test_an_optimizer_step_between_forward_and_backward_is_caught():
    layer = nn.Linear(2, 2)
    optimizer = SGD(layer.parameters(), lr=0.1)
    x = minidl.ones(1, 2, requires_grad=True)
    layer(x).sum().backward()
    stale = layer(x).sum()
    optimizer.step()
    with pytest.raises(InPlaceError, match="Linear"):
        stale.backward()


def test_running_statistics_that_moved_before_backward_are_caught():
    norm = nn.BatchNorm2d(2).eval()
    x = minidl.rand(2, 2, 3, 3, requires_grad=True)
    y = norm(x)
    norm.train()(x.detach())
    with pytest.raises(InPlaceError, match="BatchNormInference"):
        y.sum().backward()


def test_training_batch_norm_twice_before_backward_is_fine():
    norm = nn.BatchNorm2d(2)
    x = minidl.rand(2, 2, 3, 3, requires_grad=True)
    (norm(x) * norm(x)).sum().backward()
    assert x.grad.shape == x.shape


def test_an_index_that_is_changed_later_does_not_move_the_gradient():
    x, index = leaf(1.0, 2.0, 3.0), minidl.tensor([0, 0])
    y = x[index]
    index.fill_(2)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 0.0]


def test_a_numpy_index_that_is_changed_later_does_not_move_the_gradient():
    x, index = leaf(1.0, 2.0, 3.0), np.array([1, 1])
    y = x[index]
    index[:] = 0
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 2.0, 0.0]


def test_moving_a_module_between_forward_and_backward_is_caught():
    layer = nn.Linear(2, 2)
    y = layer(minidl.ones(1, 2, requires_grad=True)).sum()
    layer.double()
    with pytest.raises(AutogradError, match="was moved"):
        y.backward()


REFUSALS = [
    (lambda: leaf(1.0).fill_(0), InPlaceError, "the tensor requires a gradient"),
    (lambda: (leaf(1.0) * 2).add_(1), InPlaceError, "the tensor requires a gradient"),
    (lambda: leaf(1.0, 2.0)[0].fill_(0), InPlaceError, "the tensor requires a gradient"),
    (lambda: minidl.ones(1).add_(leaf(1.0)), InPlaceError, "the operand requires a gradient"),
    (lambda: minidl.ones(1).expand(3).fill_(0), InPlaceError, "expanded view. Use .clone()"),
    (lambda: minidl.ones(2).copy_(minidl.ones(3)), ShapeError, "can't be broadcast to"),
    (lambda: minidl.ones(2).copy_(minidl.ones(2, 2)), ShapeError, "can't be broadcast to"),
    (lambda: minidl.ones(2).add_(minidl.ones(2, dtype="float64")), DTypeError, "is float64"),
    (lambda: minidl.tensor([1]).mul_(1.5), ArgumentError, "1.5, expected a number that int64"),
    (lambda: minidl.tensor([1]).fill_(0.5), ArgumentError, "a number that int64 holds"),
    (lambda: minidl.tensor([1]).add_(2, alpha=0.5), ArgumentError, "a number that int64 holds"),
    (lambda: minidl.tensor([True]).fill_(2), ArgumentError, "a number that bool holds"),
    (lambda: minidl.ones(1).fill_("a"), DTypeError, "fill_: data is a"),
    (lambda: minidl.ones(1).fill_(None), DTypeError, "fill_: data is a"),
    (lambda: minidl.ones(1).copy_(minidl.ones(1, backend="meta")), BackendError, "'meta'"),
    (lambda: minidl.ones(2).__setitem__(0, 1.0), InPlaceError, "minidl.where(mask, value, x)"),
]


@pytest.mark.parametrize(("act", "error", "message"), REFUSALS)
def test_refusals(act, error, message):
    with pytest.raises(error) as caught:
        act()
    assert message in str(caught.value)


def test_a_refused_change_does_not_count_as_one():
    x = minidl.tensor([1.0, 2.0])
    w = leaf(1.0, 1.0)
    y = x * w
    for wrong in (minidl.ones(3), minidl.ones(2, dtype="float64")):
        for change in (x.copy_, x.add_, x.mul_):
            with pytest.raises((ShapeError, DTypeError)):
                change(wrong)
    assert x.version == 0
    y.sum().backward()
    assert w.grad.tolist() == [1.0, 2.0]


def test_a_leaf_may_be_changed_without_gradients():
    x = leaf(1.0)
    with minidl.no_grad():
        x.add_(1)
    assert x.item() == 2.0
    assert x.requires_grad


def test_copy_from_ones_own_reversed_view():
    x = minidl.arange(5.0)
    x.copy_(x.flip(0))
    assert x.tolist() == [4.0, 3.0, 2.0, 1.0, 0.0]


def test_numpy_views_are_read_only():
    x = minidl.ones(2)
    for array in (x.numpy(), x.data, np.asarray(x)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
    assert x.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lists_are_weak_like_the_numbers_in_them(dtype):
    x = minidl.zeros(2, dtype=dtype)
    x.add_([1.0, 2.5]).mul_((2, 2)).copy_(x)
    assert x.tolist() == [2.0, 5.0]
    with pytest.raises(DTypeError, match="is float64, expected int64"):
        minidl.tensor([1, 2]).add_([0.5, 1.5])
