import re

import pytest

from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.common.errors import ArgumentError, DTypeError, ShapeError
from minidl_kernels.softmax import spec

FORWARD = (spec.softmax, spec.log_softmax)
GRADIENTS = (spec.softmax_grad, spec.log_softmax_grad)
SCORES = ArraySpec((4, 3, 5), "float64")


@pytest.mark.parametrize("axis", [-3, -1, 0, 2])
def test_results_have_the_inputs_shape_and_dtype_along_any_axis(axis):
    for function in FORWARD:
        assert function(SCORES, axis=axis) == SCORES
    for function in GRADIENTS:
        assert function(SCORES, SCORES, axis=axis) == SCORES


@pytest.mark.parametrize("function", FORWARD)
@pytest.mark.parametrize("axis", [3, -4])
def test_an_axis_that_does_not_exist_is_refused(function, axis):
    message = (
        f"{function.__name__}: axis is {axis}, expected -3 to 2 for x of shape (4, 3, 5). "
        "For class scores (N, C) or (N, C, H, W) it is 1."
    )
    with pytest.raises(ArgumentError, match=re.escape(message)):
        function(SCORES, axis=axis)


@pytest.mark.parametrize("function", GRADIENTS)
def test_gradients_refuse_an_axis_that_does_not_exist(function):
    message = f"{function.__name__}: axis is 3, expected -3 to 2 for y of shape (4, 3, 5)."
    with pytest.raises(ArgumentError, match=re.escape(message)):
        function(SCORES, SCORES, axis=3)


@pytest.mark.parametrize("function", FORWARD)
def test_a_single_number_has_no_axis(function):
    message = (
        f"{function.__name__}: x.shape is (), expected at least one axis. The softmax of one "
        "number is always 1; did you mean x.reshape(1, -1)?"
    )
    with pytest.raises(ShapeError, match=re.escape(message)):
        function(ArraySpec((), "float32"), axis=0)


@pytest.mark.parametrize("function", FORWARD)
def test_integers_are_refused(function):
    message = f"{function.__name__}: x.dtype is int64, expected float32 or float64."
    with pytest.raises(DTypeError, match=re.escape(message)):
        function(ArraySpec((4, 3), "int64"), axis=1)


@pytest.mark.parametrize("function", GRADIENTS)
def test_a_grad_output_of_another_precision_is_refused(function):
    message = f"{function.__name__}: grad_output.dtype is float32, expected that of y (float64)."
    with pytest.raises(DTypeError, match=re.escape(message)):
        function(ArraySpec(SCORES.shape, "float32"), SCORES, axis=1)


@pytest.mark.parametrize("function", GRADIENTS)
def test_a_grad_output_of_another_shape_is_refused(function):
    message = f"{function.__name__}: grad_output.shape is (4, 5, 3), expected (4, 3, 5)."
    with pytest.raises(ShapeError, match=re.escape(message)):
        function(ArraySpec((4, 5, 3), "float64"), SCORES, axis=1)
