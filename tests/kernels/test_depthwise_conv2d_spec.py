import re

import pytest

from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.common.errors import DTypeError, ShapeError
from minidl_kernels.conv2d.spec import conv2d_macs
from minidl_kernels.depthwise_conv2d.spec import (
    depthwise_conv2d,
    depthwise_conv2d_input_grad,
    depthwise_conv2d_macs,
    depthwise_conv2d_weight_grad,
)


def spec(*shape, dtype="float32"):
    return ArraySpec(shape, dtype)


def raises(error, message):
    return pytest.raises(error, match=f"^{re.escape(message)}$")


GEOMETRY = {"stride": (2, 3), "padding": (1, 0, 2, 1), "dilation": (2, 1)}
X, WEIGHT, Y = spec(5, 4, 11, 13), spec(8, 1, 3, 4), spec(5, 8, 5, 4)
INPUT = {"input_channels": 4, "input_size": (11, 13)}
FILTERS_FIX = "Every channel has the same number of filters: weight is (C · multiplier, 1, kh, kw)."


def test_shapes_with_two_filters_per_channel_and_every_option():
    assert depthwise_conv2d(X, WEIGHT, spec(8), **GEOMETRY) == Y
    assert depthwise_conv2d_input_grad(Y, WEIGHT, **INPUT, **GEOMETRY) == X
    assert depthwise_conv2d_weight_grad(Y, X, kernel_size=(3, 4), **GEOMETRY) == WEIGHT


def test_float64_and_an_empty_batch():
    x, weight = spec(0, 4, 5, 5, dtype="float64"), spec(4, 1, 3, 3, dtype="float64")
    y = spec(0, 4, 3, 3, dtype="float64")
    assert depthwise_conv2d(x, weight) == y
    size = {"input_channels": 4, "input_size": (5, 5)}
    assert depthwise_conv2d_input_grad(y, weight, **size) == x
    assert depthwise_conv2d_weight_grad(y, x, kernel_size=(3, 3)) == weight


def test_macs_are_those_of_the_grouped_convolution():
    assert depthwise_conv2d_macs(X, WEIGHT, Y) == 5 * 8 * 5 * 4 * 3 * 4
    assert depthwise_conv2d_macs(X, WEIGHT, Y) == conv2d_macs(X, WEIGHT, Y)


def test_forward_errors():
    with raises(
        ShapeError,
        "depthwise_conv2d: x.shape is (4, 11, 13), expected 4 dimensions (N, C, H, W). "
        "Add a batch dimension with x.unsqueeze(0).",
    ):
        depthwise_conv2d(spec(4, 11, 13), WEIGHT)
    with raises(
        ShapeError,
        "depthwise_conv2d: weight.shape is (8, 3, 4), expected 4 dimensions "
        "(C · multiplier, 1, kh, kw).",
    ):
        depthwise_conv2d(X, spec(8, 3, 4))
    with raises(
        ShapeError,
        "depthwise_conv2d: weight.shape[1] is 2, expected 1: every filter reads one channel. "
        "For filters that read several channels use conv2d with groups.",
    ):
        depthwise_conv2d(X, spec(8, 2, 3, 4))
    with raises(
        ShapeError,
        "depthwise_conv2d: x.shape[1] (channels) is 4, expected a divisor of weight.shape[0] (6), "
        f"the number of filters. {FILTERS_FIX}",
    ):
        depthwise_conv2d(X, spec(6, 1, 3, 4))
    with raises(ShapeError, "depthwise_conv2d: bias.shape is (4,), expected (8,)."):
        depthwise_conv2d(X, WEIGHT, spec(4))
    with pytest.raises(DTypeError, match=r"^depthwise_conv2d: weight\.dtype is float64"):
        depthwise_conv2d(X, spec(8, 1, 3, 4, dtype="float64"))
    with pytest.raises(ShapeError, match=r"^depthwise_conv2d: the input is 11×13, "):
        depthwise_conv2d(X, spec(8, 1, 3, 4), dilation=(6, 1))


@pytest.mark.parametrize("filters", [0, 6])
@pytest.mark.parametrize("channels", [0, 4])
def test_channels_without_filters_are_refused(channels, filters):
    with pytest.raises(ShapeError, match=rf"is {channels}, expected a divisor of .* \({filters}\)"):
        depthwise_conv2d(spec(5, channels, 11, 13), spec(filters, 1, 3, 4))


def test_input_grad_errors():
    name = "depthwise_conv2d_input_grad"
    with raises(ShapeError, f"{name}: grad_output.shape is (5, 4, 5, 4), expected (5, 8, 5, 4)."):
        depthwise_conv2d_input_grad(spec(5, 4, 5, 4), WEIGHT, **INPUT, **GEOMETRY)
    with raises(
        ShapeError,
        f"{name}: input_channels is 3, expected a divisor of weight.shape[0] (8), the number of "
        f"filters. {FILTERS_FIX}",
    ):
        depthwise_conv2d_input_grad(Y, WEIGHT, input_channels=3, input_size=(11, 13), **GEOMETRY)
    with pytest.raises(ShapeError, match=rf"^{name}: grad_output\.shape is \(8, 5, 4\)"):
        depthwise_conv2d_input_grad(spec(8, 5, 4), WEIGHT, **INPUT, **GEOMETRY)
    with pytest.raises(ShapeError, match=rf"^{name}: weight\.shape is \(8,\)"):
        depthwise_conv2d_input_grad(Y, spec(8), **INPUT, **GEOMETRY)
    with pytest.raises(ShapeError, match=rf"^{name}: weight\.shape\[1\] is 4, expected 1"):
        depthwise_conv2d_input_grad(Y, spec(8, 4, 3, 4), **INPUT, **GEOMETRY)
    with pytest.raises(DTypeError, match=rf"^{name}: grad_output\.dtype is int32"):
        depthwise_conv2d_input_grad(spec(5, 8, 5, 4, dtype="int32"), WEIGHT, **INPUT, **GEOMETRY)
    with pytest.raises(ShapeError, match=f"^{name}: the input is 2×2, "):
        depthwise_conv2d_input_grad(Y, WEIGHT, input_channels=4, input_size=(2, 2))


def test_weight_grad_errors():
    name = "depthwise_conv2d_weight_grad"
    with raises(ShapeError, f"{name}: grad_output.shape is (4, 8, 5, 4), expected (5, 8, 5, 4)."):
        depthwise_conv2d_weight_grad(spec(4, 8, 5, 4), X, kernel_size=(3, 4), **GEOMETRY)
    with raises(
        ShapeError,
        f"{name}: x.shape[1] (channels) is 4, expected a divisor of grad_output.shape[1] (6), the "
        f"number of filters. {FILTERS_FIX}",
    ):
        depthwise_conv2d_weight_grad(spec(5, 6, 5, 4), X, kernel_size=(3, 4), **GEOMETRY)
    with pytest.raises(ShapeError, match=rf"^{name}: grad_output\.shape is \(8,\)"):
        depthwise_conv2d_weight_grad(spec(8), X, kernel_size=(3, 4))
    with pytest.raises(ShapeError, match=rf"^{name}: x\.shape is \(4, 11, 13\)"):
        depthwise_conv2d_weight_grad(Y, spec(4, 11, 13), kernel_size=(3, 4))
    x = spec(5, 4, 11, 13, dtype="float64")
    with pytest.raises(DTypeError, match=rf"^{name}: x\.dtype is float64"):
        depthwise_conv2d_weight_grad(Y, x, kernel_size=(3, 4), **GEOMETRY)
    with pytest.raises(ShapeError, match=f"^{name}: the input is 11×13, "):
        depthwise_conv2d_weight_grad(Y, X, kernel_size=(12, 1))
