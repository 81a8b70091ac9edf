import re

import pytest

from minidl_kernels.activation import numpy_reference, spec
from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.common.errors import ArgumentError, DTypeError, ShapeError

FORWARD = ("relu", "relu6", "sigmoid", "tanh", "silu", "hardswish")
SAVED = {"relu": "y", "relu6": "y", "sigmoid": "y", "tanh": "y", "silu": "x", "hardswish": "x"}


def says(text):
    return f"^{re.escape(text)}$"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 5, 4)])
def test_result_has_the_shape_and_dtype_of_the_argument(shape, dtype):
    x = ArraySpec(shape, dtype)
    for name in FORWARD:
        assert getattr(spec, name)(x) == x
        assert getattr(spec, f"{name}_grad")(x, x) == x
    assert spec.leaky_relu(x, negative_slope=0.1) == x
    assert spec.leaky_relu_grad(x, x, negative_slope=0.1) == x


@pytest.mark.parametrize("name", FORWARD)
def test_integers_are_refused(name):
    message = f"{name}: x.dtype is int64, expected float32 or float64. Convert it with x.float()."
    with pytest.raises(DTypeError, match=says(message)):
        getattr(spec, name)(ArraySpec((3,), "int64"))


@pytest.mark.parametrize("name", FORWARD)
def test_gradient_of_another_shape_is_refused(name):
    message = f"{name}_grad: grad_output.shape is (3, 2), expected (2, 3)."
    with pytest.raises(ShapeError, match=says(message)):
        getattr(spec, f"{name}_grad")(ArraySpec((3, 2), "float32"), ArraySpec((2, 3), "float32"))


@pytest.mark.parametrize("name", FORWARD)
def test_gradient_of_another_dtype_is_refused(name):
    message = (
        f"{name}_grad: grad_output.dtype is float64, expected that of {SAVED[name]} (float32). "
        "minidl never mixes precisions silently: convert one of them with .float() (float32) or "
        ".double() (float64)."
    )
    with pytest.raises(DTypeError, match=says(message)):
        getattr(spec, f"{name}_grad")(ArraySpec((2,), "float64"), ArraySpec((2,), "float32"))


def test_leaky_relu_refuses_a_slope_that_is_no_number():
    x = ArraySpec((2,), "float32")
    message = "leaky_relu: negative_slope is 'steep', expected a number."
    with pytest.raises(DTypeError, match=says(message)):
        spec.leaky_relu(x, negative_slope="steep")
    with pytest.raises(
        DTypeError, match=says("leaky_relu_grad: negative_slope is True, expected a number.")
    ):
        spec.leaky_relu_grad(x, x, negative_slope=True)


@pytest.mark.parametrize("slope", [float("inf"), float("nan")])
def test_leaky_relu_refuses_a_slope_that_is_not_finite(slope):
    message = (
        f"leaky_relu: negative_slope is {slope}, expected a finite number. "
        "Usual slopes are small, such as 0.01."
    )
    with pytest.raises(ArgumentError, match=says(message)):
        spec.leaky_relu(ArraySpec((2,), "float32"), negative_slope=slope)


def test_fused_activations_are_checked_by_name():
    message = (
        "conv: activation is 'tanh', expected None or one of 'relu', 'relu6', 'silu', "
        "'hardswish', 'sigmoid'. Apply any other activation as an operation of its own, "
        "after this one."
    )
    with pytest.raises(ArgumentError, match=says(message)):
        spec.check_fused("conv", "tanh")
    spec.check_fused("conv", None)


def test_every_name_that_may_be_fused_has_an_implementation():
    assert tuple(numpy_reference.FUSED) == spec.FUSED_NAMES
