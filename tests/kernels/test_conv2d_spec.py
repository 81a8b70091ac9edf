import re

import pytest

from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.common.errors import ArgumentError, DTypeError, ShapeError
from minidl_kernels.conv2d.spec import (
    conv2d,
    conv2d_input_grad,
    conv2d_macs,
    conv2d_weight_grad,
)


def spec(*shape, dtype="float32"):
    return ArraySpec(shape, dtype)


def raises(error, message):
    return pytest.raises(error, match=f"^{re.escape(message)}$")


GEOMETRY = {"stride": (2, 3), "padding": (1, 0, 2, 1), "dilation": (2, 1), "groups": 2}
X, WEIGHT, BIAS, Y = spec(5, 4, 11, 13), spec(6, 2, 3, 4), spec(6), spec(5, 6, 5, 4)


def test_shapes_with_stride_dilation_groups_and_asymmetric_padding():
    # rows: (11 + 1 + 2 − 2·2 − 1)//2 + 1 = 5; columns: (13 + 0 + 1 − 3 − 1)//3 + 1 = 4
    assert conv2d(X, WEIGHT, BIAS, **GEOMETRY) == Y
    assert conv2d_input_grad(Y, WEIGHT, input_size=(11, 13), **GEOMETRY) == X
    assert conv2d_weight_grad(Y, X, kernel_size=(3, 4), **GEOMETRY) == WEIGHT


def test_float64_and_an_empty_batch():
    x, weight = spec(0, 4, 5, 5, dtype="float64"), spec(6, 4, 3, 3, dtype="float64")
    y = spec(0, 6, 3, 3, dtype="float64")
    assert conv2d(x, weight) == y
    assert conv2d_input_grad(y, weight, input_size=(5, 5)) == x
    assert conv2d_weight_grad(y, x, kernel_size=(3, 3)) == weight


def test_macs_of_resnet_stem_and_of_a_grouped_convolution():
    assert conv2d_macs(spec(1, 3, 224, 224), spec(64, 3, 7, 7), spec(1, 64, 112, 112)) == 118013952
    assert conv2d_macs(X, WEIGHT, Y) == (5 * 6 * 5 * 4) * (2 * 3 * 4)


def test_conv2d_error_image_without_batch():
    with raises(
        ShapeError,
        "conv2d: x.shape is (4, 11, 13), expected 4 dimensions (N, C, H, W). "
        "Add a batch dimension with x.unsqueeze(0).",
    ):
        conv2d(spec(4, 11, 13), WEIGHT)


def test_conv2d_error_weight_dimensions():
    with raises(
        ShapeError,
        "conv2d: weight.shape is (6, 4), expected 4 dimensions "
        "(out_channels, in_channels / groups, kh, kw).",
    ):
        conv2d(X, spec(6, 4))


def test_conv2d_error_integers_and_mixed_precision():
    with raises(
        DTypeError,
        "conv2d: x.dtype is int64, expected float32 or float64. Convert it with x.float().",
    ):
        conv2d(spec(5, 4, 11, 13, dtype="int64"), WEIGHT)
    with raises(
        DTypeError,
        "conv2d: bias.dtype is float64, expected that of x (float32). minidl never mixes "
        "precisions silently: convert one of them with .float() (float32) or .double() (float64).",
    ):
        conv2d(X, WEIGHT, spec(6, dtype="float64"), groups=2)


@pytest.mark.parametrize("groups", [0, -2, 3, 4])
def test_conv2d_error_groups(groups):
    with raises(
        ArgumentError,
        f"conv2d: groups is {groups}, expected a common divisor of x.shape[1] (4) and "
        "weight.shape[0] (6). Take 2 or one of its divisors.",
    ):
        conv2d(X, WEIGHT, groups=groups)


def test_conv2d_error_channels():
    with raises(
        ShapeError,
        "conv2d: x.shape[1] (channels) is 4, expected weight.shape[1] · groups = 2 · 1 = 2. "
        "x is (5, 4, 11, 13) in the order (N, C, H, W), weight is (6, 2, 3, 4). "
        "Make the layer, or the network, with in_channels=4.",
    ):
        conv2d(X, WEIGHT)


def test_conv2d_error_bias():
    with raises(ShapeError, "conv2d: bias.shape is (4,), expected (6,)."):
        conv2d(X, WEIGHT, spec(4), groups=2)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("conv2d", lambda **kw: conv2d(spec(1, 1, 4, 9), spec(1, 1, 3, 3), **kw)),
        (
            "conv2d_input_grad",
            lambda **kw: conv2d_input_grad(
                spec(1, 1, 1, 1), spec(1, 1, 3, 3), input_size=(4, 9), **kw
            ),
        ),
        (
            "conv2d_weight_grad",
            lambda **kw: conv2d_weight_grad(
                spec(1, 1, 1, 1), spec(1, 1, 4, 9), kernel_size=(3, 3), **kw
            ),
        ),
    ],
)
def test_error_window_larger_than_the_padded_image(name, call):
    with raises(
        ShapeError,
        f"{name}: the padded input is 5×9 (input 4×9, padding (0, 0, 1, 0)), expected at least "
        "the window's 7×7 (kernel (3, 3), dilation (3, 3)). Use a larger image, a smaller kernel "
        "or more padding.",
    ):
        call(padding=(0, 0, 1, 0), dilation=(3, 3))


def test_input_grad_errors():
    with raises(
        ShapeError,
        "conv2d_input_grad: grad_output.shape is (5, 6, 5, 5), expected (5, 6, 5, 4).",
    ):
        conv2d_input_grad(spec(5, 6, 5, 5), WEIGHT, input_size=(11, 13), **GEOMETRY)
    with raises(
        ShapeError, "conv2d_input_grad: grad_output.shape is (5, 3, 9, 10), expected (5, 6, 9, 10)."
    ):
        conv2d_input_grad(spec(5, 3, 9, 10), WEIGHT, input_size=(11, 13), groups=2)
    with raises(
        ShapeError,
        "conv2d_input_grad: grad_output.shape is (6, 5, 4), expected 4 dimensions "
        "(N, out_channels, out_h, out_w). Add a batch dimension with grad_output.unsqueeze(0).",
    ):
        conv2d_input_grad(spec(6, 5, 4), WEIGHT, input_size=(11, 13), **GEOMETRY)
    with raises(
        ShapeError,
        "conv2d_input_grad: weight.shape is (6,), expected 4 dimensions "
        "(out_channels, in_channels / groups, kh, kw).",
    ):
        conv2d_input_grad(Y, spec(6), input_size=(11, 13), **GEOMETRY)
    with pytest.raises(DTypeError, match=r"^conv2d_input_grad: weight\.dtype is float64"):
        conv2d_input_grad(Y, spec(6, 2, 3, 4, dtype="float64"), input_size=(11, 13), **GEOMETRY)
    for groups in (0, 4):
        with raises(
            ArgumentError,
            f"conv2d_input_grad: groups is {groups}, expected a divisor of weight.shape[0] (6). "
            "Take 6 or one of its divisors.",
        ):
            conv2d_input_grad(Y, WEIGHT, input_size=(11, 13), groups=groups)


def test_weight_grad_errors():
    with raises(
        ShapeError,
        "conv2d_weight_grad: grad_output.shape is (4, 6, 5, 4), expected (5, 6, 5, 4).",
    ):
        conv2d_weight_grad(spec(4, 6, 5, 4), X, kernel_size=(3, 4), **GEOMETRY)
    with pytest.raises(ShapeError, match=r"^conv2d_weight_grad: grad_output\.shape is \(6,\)"):
        conv2d_weight_grad(spec(6), X, kernel_size=(3, 4), **GEOMETRY)
    with pytest.raises(ShapeError, match=r"^conv2d_weight_grad: x\.shape is \(4, 11, 13\)"):
        conv2d_weight_grad(Y, spec(4, 11, 13), kernel_size=(3, 4), **GEOMETRY)
    with pytest.raises(DTypeError, match=r"^conv2d_weight_grad: x\.dtype is float16"):
        conv2d_weight_grad(Y, spec(5, 4, 11, 13, dtype="float16"), kernel_size=(3, 4), **GEOMETRY)
    for groups in (0, 4):
        with raises(
            ArgumentError,
            f"conv2d_weight_grad: groups is {groups}, expected a common divisor of x.shape[1] (4) "
            "and grad_output.shape[1] (6). Take 2 or one of its divisors.",
        ):
            conv2d_weight_grad(Y, X, kernel_size=(3, 4), groups=groups)
