import re

import pytest

from minidl_kernels.batch_norm import spec
from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.common.errors import ArgumentError, DTypeError, ShapeError

EPS = 1e-5


def says(text):
    return f"^{re.escape(text)}$"


def array(*shape, dtype="float32"):
    return ArraySpec(shape, dtype)


def call(name, x, **arguments):
    """Call one of the three with correct arguments but for the given ones."""
    channels = ArraySpec(x.shape[1:2], "float32")
    if name == "batch_norm":
        return spec.batch_norm(x, **{"eps": EPS, **arguments})
    defaults = {"mean": channels, "var": channels, "eps": EPS}
    if name == "batch_norm_inference":
        return spec.batch_norm_inference(x, **{**defaults, **arguments})
    return spec.batch_norm_grad(
        **{"grad_output": x, "x": x, "training": True, **defaults, **arguments}
    )


NAMES = ("batch_norm", "batch_norm_inference", "batch_norm_grad")


@pytest.mark.parametrize("shape", [(2, 3), (4, 3, 5), (2, 3, 5, 4), (1, 3, 1, 2, 1)])
def test_shapes_of_results(shape):
    x, channels = array(*shape), array(3)
    assert call("batch_norm", x) == (x, channels, channels)
    assert call("batch_norm_inference", x) == x
    assert call("batch_norm_grad", x, residual=x) == (x, channels, channels, x)


def test_gradients_that_are_not_needed_are_none():
    x, channels = array(2, 3, 4), array(3)
    needs = (False, True, False, True)
    assert call("batch_norm_grad", x, needs=needs, residual=x) == (None, channels, None, x)
    assert call("batch_norm_grad", x, needs=needs) == (None, channels, None, None)
    assert call("batch_norm_grad", x) == (x, channels, channels, None)


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1), (0, 3, 4, 4), (2, 3, 0)])
@pytest.mark.parametrize("name", ["batch_norm", "batch_norm_grad"])
def test_training_on_fewer_than_two_values_per_channel_is_refused(name, shape):
    count = 1 if shape[0] == 1 else 0
    message = (
        f"{name}: the number of values per channel is {count} (x is {shape}), expected more than "
        "1 value per channel when training. A single value is its own mean, so every output would "
        "be the bias alone. Use a larger batch (a DataLoader with drop_last=True leaves out a "
        "short last one), or call model.eval() to normalise with the running statistics."
    )
    with pytest.raises(ShapeError, match=says(message)):
        call(name, array(*shape))


@pytest.mark.parametrize("shape", [(1, 3), (0, 3, 4, 4), (2, 3, 0)])
def test_given_statistics_allow_any_number_of_values(shape):
    x = array(*shape)
    assert call("batch_norm_inference", x) == x
    assert call("batch_norm_grad", x, training=False)[0] == x


@pytest.mark.parametrize("name", NAMES)
def test_x_without_channels_is_refused(name):
    message = (
        f"{name}: x.shape is (3,), expected at least 2 dimensions (N, C, …). "
        "Axis 1 holds the channels; add a batch dimension with x.unsqueeze(0)."
    )
    with pytest.raises(ShapeError, match=says(message)):
        call(name, array(3))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("argument", ["weight", "bias"])
def test_weight_and_bias_of_another_length_are_refused(name, argument):
    message = f"{name}: {argument}.shape is (4,), expected (3,)."
    with pytest.raises(ShapeError, match=says(message)):
        call(name, array(2, 3, 4), **{argument: array(4)})


@pytest.mark.parametrize("name", NAMES)
def test_residual_must_have_the_shape_of_x(name):
    message = f"{name}: residual.shape is (2, 3, 1), expected (2, 3, 4)."
    with pytest.raises(ShapeError, match=says(message)):
        call(name, array(2, 3, 4), residual=array(2, 3, 1))


def test_grad_output_must_have_the_shape_of_x():
    message = "batch_norm_grad: grad_output.shape is (2, 3), expected (2, 3, 4)."
    with pytest.raises(ShapeError, match=says(message)):
        call("batch_norm_grad", array(2, 3, 4), grad_output=array(2, 3))


@pytest.mark.parametrize("name", NAMES)
def test_integers_and_mixed_precisions_are_refused(name):
    message = f"{name}: x.dtype is int64, expected float32 or float64. Convert it with x.float()."
    with pytest.raises(DTypeError, match=says(message)):
        call(name, array(2, 3, dtype="int64"))
    wide = array(3, dtype="float64")
    with pytest.raises(DTypeError, match=rf"^{name}: weight.dtype is float64, expected that of x"):
        call(name, array(2, 3), weight=wide)
    with pytest.raises(DTypeError, match=rf"^{name}: residual.dtype is float64"):
        call(name, array(2, 3), residual=array(2, 3, dtype="float64"))


def test_grad_output_of_another_precision_is_refused():
    with pytest.raises(DTypeError, match=r"^batch_norm_grad: grad_output.dtype is float64"):
        call("batch_norm_grad", array(2, 3), grad_output=array(2, 3, dtype="float64"))


@pytest.mark.parametrize("name", NAMES)
def test_unknown_activation_is_refused(name):
    with pytest.raises(ArgumentError, match=f"^{name}: activation is 'gelu', expected None or one"):
        call(name, array(2, 3), activation="gelu")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("eps", [-1e-5, float("nan")])
def test_negative_eps_is_refused(name, eps):
    message = (
        f"{name}: eps is {eps}, expected at least 0. "
        "It keeps the root of the variance away from 0; 1e-5 is usual."
    )
    with pytest.raises(ArgumentError, match=says(message)):
        call(name, array(2, 3), eps=eps)


@pytest.mark.parametrize("name", ["batch_norm_inference", "batch_norm_grad"])
@pytest.mark.parametrize("argument", ["mean", "var"])
def test_statistics_of_another_length_are_refused(name, argument):
    message = f"{name}: {argument}.shape is (4,), expected (3,)."
    with pytest.raises(ShapeError, match=says(message)):
        call(name, array(2, 3, 4), **{argument: array(4)})


def test_mean_and_variance_are_two_arrays():
    _, mean, var = spec.batch_norm(ArraySpec((8, 3, 5, 7), "float32"), eps=1e-5)
    assert mean == var
    assert mean is not var
