import re

import pytest

from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.common.errors import ArgumentError, DTypeError, ShapeError
from minidl_kernels.local_response_norm.spec import local_response_norm, local_response_norm_grad

X = ArraySpec((2, 6, 5, 3), "float32")
ALEXNET = {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0}


@pytest.mark.parametrize("shape", [(2, 6), (2, 6, 5), (0, 6, 5, 3)])
def test_results_have_the_inputs_shape_and_dtype(shape):
    x = ArraySpec(shape, "float64")
    assert local_response_norm(x, **ALEXNET) == x
    assert local_response_norm_grad(x, x, **ALEXNET) == x


def test_a_window_may_be_wider_than_the_channels_are_many():
    assert local_response_norm(X, **{**ALEXNET, "size": 99}) == X


def test_an_empty_window_is_refused():
    message = (
        "local_response_norm: size is 0, expected at least 1. "
        "It is the number of neighbouring channels; AlexNet's is 5."
    )
    with pytest.raises(ArgumentError, match=re.escape(message)):
        local_response_norm(X, **{**ALEXNET, "size": 0})
    with pytest.raises(ArgumentError, match="local_response_norm_grad: size is 0"):
        local_response_norm_grad(X, X, **{**ALEXNET, "size": 0})


def test_an_array_without_channels_is_refused():
    message = (
        "local_response_norm: x.shape is (6,), expected at least 2 dimensions (N, C, …). "
        "The sum runs over neighbouring channels, axis 1."
    )
    with pytest.raises(ShapeError, match=re.escape(message)):
        local_response_norm(ArraySpec((6,), "float32"), **ALEXNET)


def test_integers_are_refused():
    message = "local_response_norm: x.dtype is uint8, expected float32 or float64."
    with pytest.raises(DTypeError, match=re.escape(message)):
        local_response_norm(ArraySpec((2, 6, 5, 3), "uint8"), **ALEXNET)


def test_a_grad_output_of_another_shape_is_refused():
    message = "local_response_norm_grad: grad_output.shape is (2, 6, 3, 5), expected (2, 6, 5, 3)."
    with pytest.raises(ShapeError, match=re.escape(message)):
        local_response_norm_grad(ArraySpec((2, 6, 3, 5), "float32"), X, **ALEXNET)


def test_a_grad_output_of_another_precision_is_refused():
    message = "grad_output.dtype is float64, expected that of x (float32)."
    with pytest.raises(DTypeError, match=re.escape(message)):
        local_response_norm_grad(ArraySpec(X.shape, "float64"), X, **ALEXNET)
