import re

import pytest

from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.common.errors import ArgumentError, DTypeError, ShapeError
from minidl_kernels.pool2d import spec

IMAGE = ArraySpec((2, 3, 7, 5), "float32")
WINDOW = {"kernel_size": (3, 2), "stride": (2, 1)}
FORWARD = (spec.max_pool2d, spec.avg_pool2d)


def says(message):
    return re.escape(message)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_max_pool_returns_the_inputs_dtype_and_int32_indices(dtype):
    y, indices = spec.max_pool2d(ArraySpec((2, 3, 7, 5), dtype), **WINDOW)
    assert y == ArraySpec((2, 3, 3, 4), dtype)
    assert indices == ArraySpec((2, 3, 3, 4), "int32")


def test_max_pool_without_return_indices_has_no_second_result():
    y, indices = spec.max_pool2d(IMAGE, **WINDOW, return_indices=False)
    assert y == ArraySpec((2, 3, 3, 4), "float32")
    assert indices is None


def test_ceil_mode_counts_a_last_window_that_sticks_out():
    x = ArraySpec((1, 1, 8, 6), "float32")
    window = {"kernel_size": (3, 3), "stride": (2, 2)}
    assert spec.avg_pool2d(x, **window).shape == (1, 1, 3, 2)
    assert spec.avg_pool2d(x, **window, ceil_mode=True).shape == (1, 1, 4, 3)


def test_an_empty_batch_is_a_batch():
    assert spec.avg_pool2d(ArraySpec((0, 3, 7, 5), "float32"), **WINDOW).shape == (0, 3, 3, 4)


def test_gradients_have_the_inputs_shape():
    y, indices = spec.max_pool2d(IMAGE, **WINDOW)
    assert spec.max_pool2d_grad(y, indices, input_size=(7, 5), **WINDOW) == IMAGE
    assert spec.avg_pool2d_grad(y, input_size=(7, 5), **WINDOW) == IMAGE
    assert spec.adaptive_avg_pool2d_grad(y, input_size=(7, 5)) == IMAGE


@pytest.mark.parametrize("pool", FORWARD)
def test_an_image_without_batch_is_told_to_unsqueeze(pool):
    message = (
        f"{pool.__name__}: x.shape is (3, 7, 5), expected 4 dimensions (N, C, H, W). "
        "Add a batch dimension with x.unsqueeze(0)."
    )
    with pytest.raises(ShapeError, match=says(message)):
        pool(ArraySpec((3, 7, 5), "float32"), **WINDOW)


@pytest.mark.parametrize("pool", FORWARD)
def test_integer_images_are_told_to_become_float(pool):
    message = f"{pool.__name__}: x.dtype is uint8, expected float32 or float64. Convert it with"
    with pytest.raises(DTypeError, match=says(message)):
        pool(ArraySpec((2, 3, 7, 5), "uint8"), **WINDOW)


def test_adaptive_pooling_checks_the_image_too():
    with pytest.raises(ShapeError, match=says("adaptive_avg_pool2d: x.shape is (7, 5)")):
        spec.adaptive_avg_pool2d(ArraySpec((7, 5), "float32"), output_size=(1, 1))
    with pytest.raises(DTypeError, match=says("adaptive_avg_pool2d: x.dtype is int64")):
        spec.adaptive_avg_pool2d(ArraySpec((2, 3, 7, 5), "int64"), output_size=(1, 1))


@pytest.mark.parametrize("pool", FORWARD)
@pytest.mark.parametrize("side", range(4))
def test_padding_beyond_half_the_window_is_refused_on_every_side(pool, side):
    limits = (1, 1, 1, 1)  # half of 3, half of 2
    pool(IMAGE, **WINDOW, padding=limits)
    padding = tuple(limit + (side == k) for k, limit in enumerate(limits))
    message = (
        f"{pool.__name__}: padding (top, left, bottom, right) is {padding}, expected at most half "
        "the window's 3×2 on every side: 1 for top and bottom, 1 for left and right. With more, a "
        "window could hold nothing but padding. Use less padding or a larger kernel."
    )
    with pytest.raises(ArgumentError, match=says(message)):
        pool(IMAGE, **WINDOW, padding=padding)


def test_half_the_window_is_measured_on_its_dilated_extent():
    spec.max_pool2d(IMAGE, **WINDOW, dilation=(2, 3), padding=(2, 2, 2, 2))
    with pytest.raises(ArgumentError, match="half the window's 5×4"):
        spec.max_pool2d(IMAGE, **WINDOW, dilation=(2, 3), padding=(2, 3, 2, 2))


@pytest.mark.parametrize("pool", FORWARD)
def test_a_window_larger_than_the_padded_image_is_refused(pool):
    message = f"{pool.__name__}: the input is 7×5, expected at least the window's 8×2. "
    with pytest.raises(ShapeError, match=says(message)):
        pool(IMAGE, kernel_size=(8, 2), stride=(1, 1))


@pytest.mark.parametrize("axis", [2, 3])
def test_a_dilated_window_that_steps_over_a_tiny_image_is_refused(axis):
    shape, kernel, dilation, padding = [1, 1, 6, 6], [1, 1], [1, 1], [0, 0, 0, 0]
    shape[axis], kernel[axis - 2], dilation[axis - 2] = 1, 2, 3
    padding[axis - 2] = padding[axis] = 2  # the first window has its taps at −2 and 1
    message = (
        f"max_pool2d: x.shape[{axis}] is 1, expected more than 1: the window that starts at -2 "
        "(kernel 2, dilation 3) would hold nothing but padding. Use less padding, less dilation "
        "or a larger image."
    )
    with pytest.raises(ShapeError, match=says(message)):
        spec.max_pool2d(
            ArraySpec(tuple(shape), "float32"),
            kernel_size=tuple(kernel),
            stride=(1, 1),
            dilation=tuple(dilation),
            padding=tuple(padding),
        )


def test_only_windows_that_exist_are_asked_for_a_real_element():
    x = ArraySpec((1, 1, 1, 6), "float32")
    y, _ = spec.max_pool2d(
        x, kernel_size=(3, 1), stride=(2, 1), dilation=(4, 1), padding=(4, 0, 4, 0)
    )
    assert y.shape == (1, 1, 1, 6)  # a second window, at −2, would miss the one row


def test_a_plane_beyond_int32_indices_is_refused():
    message = "max_pool2d: H·W is 2147549184, expected at most 2147483648 (2³¹)"
    with pytest.raises(ShapeError, match=says(message)):
        spec.max_pool2d(
            ArraySpec((1, 1, 65536, 32769), "float32"), kernel_size=(2, 2), stride=(2, 2)
        )


@pytest.mark.parametrize("name", ["max_pool2d_grad", "avg_pool2d_grad"])
def test_a_grad_output_of_another_shape_is_refused(name):
    wrong = ArraySpec((2, 3, 3, 3), "float32")
    indices = [ArraySpec(wrong.shape, "int32")] if name == "max_pool2d_grad" else []
    message = f"{name}: grad_output.shape is (2, 3, 3, 3), expected (2, 3, 3, 4)."
    with pytest.raises(ShapeError, match=says(message)):
        getattr(spec, name)(wrong, *indices, input_size=(7, 5), **WINDOW)


def test_a_grad_output_without_four_axes_is_refused():
    message = "grad_output.shape is (3, 4), expected 4 dimensions (N, C, out_h, out_w)."
    with pytest.raises(ShapeError, match=says(message)):
        spec.avg_pool2d_grad(ArraySpec((3, 4), "float32"), input_size=(7, 5), **WINDOW)


def test_indices_of_another_shape_are_refused():
    y, _ = spec.max_pool2d(IMAGE, **WINDOW)
    message = "max_pool2d_grad: indices.shape is (2, 3, 4, 3), expected (2, 3, 3, 4)."
    with pytest.raises(ShapeError, match=says(message)):
        spec.max_pool2d_grad(y, ArraySpec((2, 3, 4, 3), "int32"), input_size=(7, 5), **WINDOW)


def test_floating_indices_are_refused():
    y, _ = spec.max_pool2d(IMAGE, **WINDOW)
    message = (
        "max_pool2d_grad: indices.dtype is float32, expected int32 or int64. "
        "Pass the indices that max_pool2d returned."
    )
    with pytest.raises(DTypeError, match=says(message)):
        spec.max_pool2d_grad(y, y, input_size=(7, 5), **WINDOW)
    spec.max_pool2d_grad(y, ArraySpec(y.shape, "int64"), input_size=(7, 5), **WINDOW)


def test_a_divisor_of_zero_is_refused():
    message = (
        "avg_pool2d: divisor_override is 0, expected a number other than 0, or None. "
        "None divides by the number of elements in the window."
    )
    with pytest.raises(ArgumentError, match=says(message)):
        spec.avg_pool2d(IMAGE, **WINDOW, divisor_override=0)
    y = ArraySpec((2, 3, 3, 4), "float32")
    with pytest.raises(ArgumentError, match="avg_pool2d_grad: divisor_override is 0"):
        spec.avg_pool2d_grad(y, input_size=(7, 5), **WINDOW, divisor_override=0)


def test_adaptive_pooling_of_an_empty_plane_is_refused():
    message = (
        "adaptive_avg_pool2d: the input's (H, W) is (0, 5), expected at least (1, 1). "
        "There is no mean of an empty window."
    )
    with pytest.raises(ShapeError, match=says(message)):
        spec.adaptive_avg_pool2d(ArraySpec((2, 3, 0, 5), "float32"), output_size=(1, 1))


def test_adaptive_pooling_to_nothing_is_refused():
    message = (
        "adaptive_avg_pool2d: output_size is (2, 0), expected at least (1, 1). "
        "(1, 1) is the mean of the whole plane."
    )
    with pytest.raises(ArgumentError, match=says(message)):
        spec.adaptive_avg_pool2d(IMAGE, output_size=(2, 0))
    with pytest.raises(ArgumentError, match="adaptive_avg_pool2d_grad: output_size is"):
        spec.adaptive_avg_pool2d_grad(ArraySpec((2, 3, 2, 0), "float32"), input_size=(7, 5))


def test_adaptive_pooling_may_enlarge():
    assert spec.adaptive_avg_pool2d(IMAGE, output_size=(9, 11)).shape == (2, 3, 9, 11)
