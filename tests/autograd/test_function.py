"""Functions that a user writes, and the mistakes in them."""

import numpy as np
import pytest

import minidl
from minidl import Function
from minidl.errors import AutogradError, BackendError, DTypeError, InPlaceError
from minidl.testing import gradcheck, gradgradcheck


class Cube(Function):
    def forward(self, x):
        self.save_for_backward(x)
        return x * x * x

    def backward(self, grad_output):
        (x,) = self.saved_tensors
        return grad_output * 3 * x * x


class Wrong(Function):
    """Its backward returns what it is given."""

    def forward(self, *inputs, answer):
        self.answer = answer
        return inputs[0] * 1.0

    def backward(self, grad_output):
        return self.answer


def test_a_users_function_can_be_differentiated_twice():
    x = minidl.tensor([1.0, -2.0], dtype="float64", requires_grad=True)
    gradcheck(Cube.apply, [x])
    gradgradcheck(Cube.apply, [x])


ANSWERS = {
    "too many": ((minidl.ones(2), None), "Wrong.backward returned 2 gradients for 1 inputs"),
    "none at all": ((), "Wrong.backward returned 0 gradients for 1 inputs"),
    "another shape": (
        minidl.ones(3),
        "gradient of input 0 is (3,) float32, expected the input's (2,)",
    ),
    "a broadcast shape": (minidl.ones(1), "is (1,) float32, expected the input's (2,) float32"),
    "another dtype": (minidl.ones(2, dtype="float64"), "is (2,) float64, expected"),
    "an array": (np.ones(2, np.float32), "is a ndarray, expected a Tensor"),
    "a number": (1.0, "is a float, expected a Tensor"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_wrong_gradients_are_refused(name):
    answer, message = ANSWERS[name]
    x = minidl.ones(2, requires_grad=True)
    with pytest.raises(AutogradError) as caught:
        Wrong.apply(x, answer=answer).sum().backward()
    assert message in str(caught.value)


def test_none_means_no_gradient():
    x = minidl.ones(2, requires_grad=True)
    Wrong.apply(x, answer=None).sum().backward()
    assert x.grad is None


def test_functions_need_a_tensor_and_one_backend():
    with pytest.raises(DTypeError, match="Cube: none of the inputs is a Tensor"):
        Cube.apply(3.0)
    with pytest.raises(BackendError, match=r"Wrong: operands live on .*'numpy' and 'meta'.*\.to\("):
        Wrong.apply(minidl.ones(1), minidl.ones(1, backend="meta"), answer=None)


def test_missing_forward_and_backward_are_named():
    class Empty(Function):
        pass

    class OneWay(Function):
        def forward(self, x):
            return x + 1

    x = minidl.ones(1, requires_grad=True)
    with pytest.raises(NotImplementedError, match=r"Empty\.forward"):
        Empty.apply(x)
    with pytest.raises(NotImplementedError, match=r"OneWay\.backward"):
        OneWay.apply(x).backward()


def test_several_outputs_one_of_them_without_a_gradient():
    class Sorted(Function):
        def forward(self, x):
            self.mark_not_differentiable(1)
            order = np.argsort(x)
            self.save_for_backward(order)
            return x[order], order

        def backward(self, grad_output, nothing):
            assert nothing is None
            (order,) = self.saved_tensors
            return grad_output[np.argsort(order.numpy())]

    x = minidl.tensor([3.0, 1.0, 2.0], requires_grad=True)
    values, order = Sorted.apply(x)
    assert values.requires_grad
    assert not order.requires_grad
    (values * minidl.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [100.0, 1.0, 10.0]


def test_saved_numbers_and_none_come_back_as_they_are():
    class Keep(Function):
        def forward(self, x):
            self.save_for_backward(x, None, 2, 0.5, True)
            return x * 1.0

        def backward(self, grad_output):
            x, *rest = self.saved_tensors
            assert rest == [None, 2, 0.5, True]
            assert x.tolist() == [1.0]
            return grad_output

    Keep.apply(minidl.ones(1, requires_grad=True)).backward()


def test_saved_values_between_input_and_output_are_constants():
    class Between(Function):
        def forward(self, x):
            half = x / 2
            self.save_for_backward(half)
            return half * half

        def backward(self, grad_output):
            (half,) = self.saved_tensors
            assert not half.requires_grad
            return grad_output * half

    x = minidl.tensor([4.0], requires_grad=True)
    Between.apply(x).backward()
    assert x.grad.item() == 2.0


def test_names_in_messages_are_the_operations():
    y = minidl.ones(1, requires_grad=True) * 2
    assert repr(y.grad_fn) == "<Mul>"
    assert repr(y) == "tensor([2.], grad_fn=<Mul>)"


class SaveView(Function):
    """Saves a view of its input, or of its output, made in forward."""

    def forward(self, x, *, of_output):
        y = x * x
        self.save_for_backward((y if of_output else x)[1:])
        return y

    def backward(self, grad_output):
        self.saved_tensors  # noqa: B018 - reading it checks the version
        return grad_output


@pytest.mark.parametrize("of_output", [False, True])
def test_a_saved_view_is_noticed_when_it_changes(of_output):
    x = minidl.ones(3, requires_grad=True)
    y = SaveView.apply(x, of_output=of_output)
    with minidl.no_grad():
        (y if of_output else x).add_(1)
    with pytest.raises(InPlaceError, match=r"SaveView: .* was changed in place"):
        y.sum().backward()


class FloorAndRest(Function):
    """An integer output beside a floating one."""

    def forward(self, x):
        whole = np.floor(x)
        return whole.astype(np.int64), x - whole

    def backward(self, grad_whole, grad_rest):
        assert grad_whole is None
        return grad_rest


def test_integer_outputs_carry_no_gradient():
    x = minidl.tensor([1.5, 2.25], requires_grad=True)
    whole, rest = FloorAndRest.apply(x)
    assert not whole.requires_grad
    assert whole.is_leaf
    assert rest.requires_grad
    (rest * 3 * whole).sum().backward()
    assert x.grad.tolist() == [3.0, 6.0]


RETURNS = {
    "nothing": (lambda x: None, "NoneType"),
    "an object": (lambda x: object(), "object"),
    "words": (lambda x: "abc", "str"),
    "arrays of different lengths": (lambda x: [x, x[1:]], "list"),
    "a pair with a hole": (lambda x: (x, None), "ndarray, NoneType"),
}


@pytest.mark.parametrize("what", RETURNS)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_a_forward_that_returns_no_array_is_named(what, requires_grad):
    returned, kinds = RETURNS[what]

    class Wrong(minidl.Function):
        def forward(self, x):
            return returned(x)

    with pytest.raises(AutogradError) as caught:
        Wrong.apply(minidl.ones(2, requires_grad=requires_grad))
    assert str(caught.value) == (
        f"Wrong: forward returned {kinds}, expected an array of the backend 'numpy', or a tuple "
        "of them. Is there a `return` in it?"
    )


def test_a_forward_that_returns_another_precision_is_blamed_itself():
    class Widens(minidl.Function):
        def forward(self, x):
            return x.astype("float64")

        def backward(self, grad_output):
            return grad_output.float()

    with pytest.raises(AutogradError, match="Widens: forward returned float64, expected float32"):
        Widens.apply(minidl.ones(2, requires_grad=True))

    class Casts(Widens):
        changes_dtype = True

    x = minidl.ones(2, requires_grad=True)
    Casts.apply(x).sum().backward()
    assert x.grad.dtype == "float32"
