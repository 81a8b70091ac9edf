"""Functions that a user writes, and the mistakes in them."""

import numpy as np
import pytest

import minidl
from minidl import Function
from minidl.errors import AutogradError, BackendError, DTypeError
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
