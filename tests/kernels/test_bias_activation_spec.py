import re

import pytest

from minidl_kernels.activation.numpy_reference import FUSED
from minidl_kernels.bias_activation import spec
from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.common.errors import ArgumentError, DTypeError, ShapeError


def says(text):
    return f"^{re.escape(text)}$"


def array(*shape, dtype="float32"):
    return ArraySpec(shape, dtype)


@pytest.mark.parametrize("shape", [(2, 3), (0, 3, 4), (2, 3, 5, 4)])
@pytest.mark.parametrize("activation", [None, *FUSED])
def test_shapes_of_results(shape, activation):
    x, bias = array(*shape), array(3)
    saved = None if activation is None else x
    assert spec.bias_activation(x, bias, activation=activation) == x
    grads = spec.bias_activation_grad(x, saved, bias, activation=activation)
    assert grads == (x, bias)
    assert spec.channel_sum(x) == bias


def test_gradients_that_are_not_needed_are_none():
    x, bias = array(2, 3), array(3)
    assert spec.bias_activation_grad(x, None, bias, needs=(True, False)) == (x, None)
    assert spec.bias_activation_grad(x, None, bias, needs=(False, True)) == (None, bias)


@pytest.mark.parametrize("name", ["bias_activation", "channel_sum"])
def test_x_without_channels_is_refused(name):
    arguments = (array(3),) if name == "channel_sum" else (array(3), array(3))
    message = (
        f"{name}: x.shape is (3,), expected at least 2 dimensions (N, C, …). "
        "Axis 1 holds the channels; add a batch dimension with x.unsqueeze(0)."
    )
    with pytest.raises(ShapeError, match=says(message)):
        getattr(spec, name)(*arguments)


def test_bias_of_another_length_is_refused():
    with pytest.raises(
        ShapeError, match=says("bias_activation: bias.shape is (4,), expected (3,).")
    ):
        spec.bias_activation(array(2, 3, 4), array(4))
    with pytest.raises(
        ShapeError, match=says("bias_activation_grad: bias.shape is (1, 3), expected (3,).")
    ):
        spec.bias_activation_grad(array(2, 3), None, array(1, 3))


def test_integers_and_mixed_precisions_are_refused():
    message = (
        "channel_sum: x.dtype is int32, expected float32 or float64. Convert it with x.float()."
    )
    with pytest.raises(DTypeError, match=says(message)):
        spec.channel_sum(array(2, 3, dtype="int32"))
    with pytest.raises(DTypeError, match=r"bias.dtype is float64, expected that of x \(float32\)"):
        spec.bias_activation(array(2, 3), array(3, dtype="float64"))
    with pytest.raises(DTypeError, match=r"saved.dtype is float64, expected that of grad_output"):
        spec.bias_activation_grad(
            array(2, 3), array(2, 3, dtype="float64"), array(3), activation="relu"
        )


def test_unknown_activation_is_refused():
    with pytest.raises(
        ArgumentError, match=r"^bias_activation: activation is 'gelu', expected None"
    ):
        spec.bias_activation(array(2, 3), array(3), activation="gelu")


@pytest.mark.parametrize("activation", FUSED)
def test_gradient_names_what_it_needs_saved(activation):
    message = (
        f"bias_activation_grad: saved is None, expected the {FUSED[activation].saved} of "
        f"bias_activation(x, bias) = y, from which the slope of {activation} follows."
    )
    with pytest.raises(ArgumentError, match=says(message)):
        spec.bias_activation_grad(array(2, 3), None, array(3), activation=activation)


def test_gradient_without_activation_takes_nothing_saved():
    message = "bias_activation_grad: saved is an array, expected None without an activation."
    with pytest.raises(ArgumentError, match=says(message)):
        spec.bias_activation_grad(array(2, 3), array(2, 3), array(3))


def test_saved_of_another_shape_is_refused():
    message = "bias_activation_grad: saved.shape is (3, 2), expected (2, 3)."
    with pytest.raises(ShapeError, match=says(message)):
        spec.bias_activation_grad(array(2, 3), array(3, 2), array(3), activation="relu")
