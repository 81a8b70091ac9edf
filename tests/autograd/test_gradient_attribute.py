"""x.grad = value: what fits is taken, what doesn't is refused at once."""

import numpy as np
import pytest

import minidl
from minidl.errors import AutogradError, BackendError


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (minidl.ones(3), r"\(3,\) float32, expected the tensor's \(2,\) float32"),
        (minidl.ones(1), r"\(1,\) float32, expected the tensor's \(2,\) float32"),
        (minidl.ones(2, dtype="float64"), r"\(2,\) float64, expected the tensor's \(2,\) float32"),
        (np.ones(2, np.float32), "is a ndarray, expected a Tensor"),
        (0.0, "is a float, expected a Tensor"),
    ],
)
def test_a_gradient_unlike_the_tensor_is_refused(value, message):
    x = minidl.ones(2, requires_grad=True)
    with pytest.raises(AutogradError, match=f"x.grad = value: the value is.*{message}|{message}"):
        x.grad = value
    assert x.grad is None


def test_a_gradient_on_another_backend_is_refused():
    with pytest.raises(BackendError, match=r"x\.grad"):
        minidl.ones(2).grad = minidl.ones(2, backend="meta")


def test_a_gradient_that_fits_and_none_are_taken():
    x, gradient = minidl.ones(2, requires_grad=True), minidl.tensor([3.0, 4.0])
    x.grad = gradient
    assert x.grad is gradient
    (x * 2).sum().backward()
    assert x.grad.tolist() == [5.0, 6.0]
    x.grad = None
    assert x.grad is None
