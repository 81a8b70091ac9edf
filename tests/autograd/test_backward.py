"""backward() and grad(): which gradients come out, and when they refuse."""

import numpy as np
import pytest

import minidl
from minidl import Function
from minidl.errors import AutogradError, DTypeError


def leaf(values, dtype="float64"):
    return minidl.tensor(values, dtype=dtype, requires_grad=True)


# ------------------------------------------------------------------ graphs of every form


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda x: x + x, 2.0),
        (lambda x: x * x, 6.0),
        (lambda x: x - x, 0.0),
        (lambda x: x / x, 0.0),
        (lambda x: x**x, 27 * (np.log(3) + 1)),
        (lambda x: (x * 2) * (x + 1), 14.0),
        (lambda x: (lambda y: y * y + y)(x * x), 6 * 19.0),
        (lambda x: minidl.concatenate([x.reshape(1), x.reshape(1), x.reshape(1)]).sum(), 3.0),
        (lambda x: minidl.einsum(",,->", x, x, x), 27.0),
    ],
)
def test_a_tensor_used_several_times_gets_the_sum_of_its_gradients(compute, expected):
    x = leaf(3.0)
    compute(x).backward()
    np.testing.assert_allclose(x.grad.item(), expected, rtol=1e-12, atol=1e-12)


def test_unequal_path_lengths_are_summed_before_the_shared_node_runs():
    x = leaf(2.0)
    shared = x * x
    long = shared
    for _ in range(5):
        long = long * 2.0
    (long + shared).backward()
    assert x.grad.item() == 4.0 * 33


def test_a_leaf_is_its_own_gradients_end():
    x = leaf(3.0)
    x.backward()
    assert x.grad.item() == 1.0


def test_several_roots_share_one_sweep():
    x = leaf(2.0)
    shared = x * x
    minidl.backward([shared * 3.0, shared, x], [None, minidl.tensor(10.0, dtype="float64"), None])
    assert x.grad.item() == 4.0 * 13 + 1


def test_unused_output_of_a_function_counts_as_zero():
    class Both(Function):
        def forward(self, x):
            return x * 2, x * 3

        def backward(self, first, second):
            return first * 2 + second * 3

    x = leaf([1.0, 2.0])
    Both.apply(x)[1].sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_gradients_an_input_does_not_need_are_not_asked_for():
    asked = []

    class Watch(Function):
        def forward(self, a, b):
            return a * b

        def backward(self, grad_output):
            asked.append(self.needs_input_grad)
            return grad_output * 1.0, None

    Watch.apply(leaf([1.0]), minidl.ones(1, dtype="float64")).sum().backward()
    assert asked == [(True, False)]


# --------------------------------------------------------------------------- accumulation


def test_backward_adds_to_grad_and_setting_none_starts_again():
    x = leaf([1.0, 2.0])
    for k in range(1, 4):
        (x * x).sum().backward()
        assert x.grad.tolist() == [2.0 * k, 4.0 * k]
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_accumulation_makes_a_new_array_because_the_old_one_may_be_held():
    x = leaf([1.0])
    x.sum().backward()
    held = x.grad
    x.sum().backward()
    assert held.tolist() == [1.0]
    assert x.grad.tolist() == [2.0]


SHARING = {
    "add": lambda a, b: a + b,
    "the same node": lambda a, b: (a.reshape(2, 2) + b.reshape(2, 2)).reshape(4),
    "stack": lambda a, b: minidl.stack([a, b]).sum(0),
    "clone": lambda a, b: a.clone() + b.clone(),
    "expand": lambda a, b: a.expand(3, 4).sum(0) + b.expand(3, 4).sum(0),
}


@pytest.mark.parametrize("name", SHARING)
@pytest.mark.parametrize("call", ["backward", "grad"])
def test_no_two_gradients_share_memory_nor_the_callers(name, call):
    a, b = leaf([1.0, 2.0, 3.0, 4.0]), leaf([5.0, 6.0, 7.0, 8.0])
    y = SHARING[name](a, b)
    upstream = minidl.ones(y.shape, dtype="float64")
    if call == "backward":
        y.backward(upstream)
        grads = [a.grad, b.grad]
    else:
        grads = list(minidl.grad(y, [a, b], upstream))
    arrays = [t._array for t in (*grads, upstream, a, b)]
    for i, first in enumerate(arrays):
        for second in arrays[:i]:
            assert not np.shares_memory(first, second)
    assert (upstream == 1.0).all()


def test_the_same_input_twice_gets_two_gradients():
    x = leaf([1.0])
    first, second = minidl.grad(x * 2, [x, x])
    first.mul_(0)
    assert second.item() == 2.0


# --------------------------------------------------------------- retain_graph, create_graph


def test_second_backward_needs_retain_graph():
    x = leaf([3.0])
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 12.0
    with pytest.raises(AutogradError, match=r"Mul: backward a second time.*retain_graph=True"):
        y.backward()


def test_second_backward_through_a_shared_part_is_refused_too():
    x = leaf([3.0])
    shared = x.exp()
    (shared * 2).sum().backward()
    with pytest.raises(AutogradError, match="Exp: backward a second time"):
        (shared + 1).sum().backward()


def test_third_derivative():
    x = leaf([2.0])
    y = (x**4).sum()
    (first,) = minidl.grad(y, x, create_graph=True)
    (second,) = minidl.grad(first.sum(), x, create_graph=True)
    (third,) = minidl.grad(second.sum(), x)
    assert [first.item(), second.item(), third.item()] == [32.0, 48.0, 48.0]


@pytest.mark.parametrize("shape", [(), (1,), (2, 1)])
@pytest.mark.parametrize("name", ["exp", "sigmoid", "tanh", "sqrt", "reciprocal", "log"])
def test_third_derivative_through_saved_outputs_of_every_shape(name, shape):
    # Zero-dimensional results come from NumPy as scalars, and must still be known as outputs.
    x = minidl.full(shape, 0.7, dtype="float64", requires_grad=True)
    s, t = 1 / (1 + np.exp(-0.7)), np.tanh(0.7)
    expected = {
        "exp": np.exp(0.7),
        "sigmoid": s * (1 - s) * (1 - 6 * s + 6 * s * s),
        "tanh": (1 - t * t) * (6 * t * t - 2),
        "sqrt": 3 / 8 * 0.7**-2.5,
        "reciprocal": -6 / 0.7**4,
        "log": 2 / 0.7**3,
    }[name]
    y = getattr(x, name)()
    for _ in range(3):
        (y,) = minidl.grad(y.sum(), x, create_graph=True)
    np.testing.assert_allclose(y.detach().numpy(), np.full(shape, expected), rtol=1e-10)


def test_zero_dimensional_maximum_can_be_differentiated_twice():
    x = leaf([1.0, 3.0])
    (first,) = minidl.grad(x.amax() * x.amax(), x, create_graph=True)
    (second,) = minidl.grad(first.sum(), x)
    assert second.tolist() == [0.0, 2.0]


def test_backward_with_create_graph_accumulates_a_differentiable_gradient():
    x = leaf([2.0])
    (x**3).sum().backward(create_graph=True)
    penalty = (x.grad * x.grad).sum()  # (3x²)²
    (found,) = minidl.grad(penalty, x)
    assert found.item() == 36 * 8.0


def test_gradient_of_a_gradient_in_the_upstream_gradient():
    x, upstream = leaf([2.0, 3.0]), leaf([5.0, 7.0])
    (first,) = minidl.grad(x * x, x, upstream, create_graph=True)
    (found,) = minidl.grad(first.sum(), upstream)
    assert found.tolist() == [4.0, 6.0]


def test_create_graph_counts_even_where_gradients_are_disabled():
    x = leaf([2.0])
    y = (x**3).sum()
    with minidl.no_grad():
        (first,) = minidl.grad(y, x, create_graph=True)
        y.backward(create_graph=True)
        y.backward(create_graph=True)
    assert minidl.grad(first.sum(), x)[0].item() == 12.0
    assert minidl.grad(x.grad.sum(), x)[0].item() == 24.0


def test_gradients_are_not_recorded_where_they_are_enabled_but_not_asked_for():
    x = leaf([2.0])
    for _ in range(2):
        (x**3).sum().backward()
    assert x.grad.is_leaf
    assert not x.grad.requires_grad


def test_results_have_no_graph_without_create_graph():
    x = leaf([2.0])
    (found,) = minidl.grad(x * x, x)
    assert not found.requires_grad


# ------------------------------------------------------------------------------------ grad()


def test_grad_leaves_everybodys_grad_alone():
    x, w = leaf([2.0]), leaf([3.0])
    minidl.grad((x * w).sum(), x)
    assert x.grad is None
    assert w.grad is None


def test_grad_in_tensors_that_are_not_leaves():
    x = leaf([2.0])
    y = x * x
    z = y * y
    found = minidl.grad(z.sum(), [y, x, z])
    assert [t.item() for t in found] == [8.0, 32.0, 1.0]


def test_inputs_that_depend_on_each_other_get_total_derivatives():
    x = leaf([2.0])
    a = x * 3
    b = a * x
    found = minidl.grad((a * b).sum(), [a, b])
    # b depends on a: d(a·b)/da = b + a·x
    assert [t.item() for t in found] == [12.0 + 12.0, 6.0]


def test_grad_visits_only_nodes_on_the_way_to_an_input():
    ran = []

    class Watch(Function):
        def forward(self, x, *, label):
            self.label = label
            return x * 2.0

        def backward(self, grad_output):
            ran.append(self.label)
            return grad_output * 2.0

    a, b = leaf([1.0]), leaf([1.0])
    middle = Watch.apply(a, label="before")
    y = Watch.apply(middle, label="after") * Watch.apply(b, label="aside")
    (found,) = minidl.grad(y.sum(), middle, retain_graph=True)
    assert ran == ["after"]
    assert found.item() == 4.0
    minidl.grad(y.sum(), [middle, b])
    assert ran == ["after", "aside", "after"]


def test_grad_of_an_unused_input():
    x, unused = leaf([2.0]), leaf([2.0])
    with pytest.raises(AutogradError, match=r"grad: input 1 was not used.*allow_unused=True"):
        minidl.grad((x * x).sum(), [x, unused])
    found = minidl.grad((x * x).sum(), [x, unused], allow_unused=True)
    assert found[0].item() == 4.0
    assert found[1] is None


def test_grad_of_several_outputs_is_the_sum():
    x = leaf([2.0])
    (found,) = minidl.grad([(x * x).sum(), x.sum()], x)
    assert found.item() == 5.0


# ------------------------------------------------------------------------------- refusals


def one_by_two():
    return leaf([[1.0, 2.0]])


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda x: (x * 2).backward(), AutogradError, "shape (1, 2); a gradient may be left out"),
        (lambda x: x.detach().backward(), AutogradError, "does not require a gradient"),
        (
            lambda x: (x * 2).backward(minidl.ones(2, dtype="float64")),
            AutogradError,
            "backward: the gradient is (2,) float64, expected the tensor's (1, 2) float64.",
        ),
        (
            lambda x: (x * 2).backward(minidl.ones(1, 2)),
            AutogradError,
            "the gradient is (1, 2) float32, expected the tensor's (1, 2) float64",
        ),
        (
            lambda x: (x * 2).backward(np.ones((1, 2))),
            AutogradError,
            "the gradient is a ndarray, expected a Tensor",
        ),
        (lambda x: (x * 2).backward(1.0), AutogradError, "the gradient is a float"),
        (lambda x: minidl.backward([]), AutogradError, "tensors is empty"),
        (lambda x: minidl.backward(3.0), DTypeError, "tensors has a float, expected Tensors"),
        (lambda x: minidl.backward([x.sum()], []), AutogradError, "1 tensors but 0 gradients"),
        (lambda x: minidl.grad(x.sum(), []), AutogradError, "inputs is empty"),
        (lambda x: minidl.grad(x.sum(), "x"), DTypeError, "inputs has a str"),
        (
            lambda x: minidl.grad(x.sum(), minidl.ones(1)),
            AutogradError,
            "grad: input 0 does not require a gradient",
        ),
    ],
)
def test_refusals_name_what_is_wrong(act, error, message):
    with pytest.raises(error) as caught:
        act(one_by_two())
    assert message in str(caught.value)


def test_integers_cannot_require_a_gradient():
    with pytest.raises(
        DTypeError, match=r"dtype is int64, expected float32 or float64.*\.float\(\)"
    ):
        minidl.tensor([1, 2], requires_grad=True)


def test_only_a_leaf_can_stop_requiring_a_gradient():
    y = leaf([1.0]) * 2
    with pytest.raises(AutogradError, match=r"only a leaf.*\.detach\(\)"):
        y.requires_grad = False
