import re

import pytest

from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.common.errors import DTypeError, ShapeError
from minidl_kernels.unfold.spec import fold, unfold


def spec(*shape, dtype="float32"):
    return ArraySpec(shape, dtype)


def raises(error, message):
    return pytest.raises(error, match=f"^{re.escape(message)}$")


GEOMETRY = {
    "kernel_size": (3, 4),
    "stride": (2, 3),
    "padding": (1, 0, 2, 1),
    "dilation": (2, 1),
}


def test_fold_returns_the_shape_unfold_came_from():
    x, columns = spec(5, 2, 11, 13), spec(5, 24, 20)  # 2·3·4 rows, 5·4 places
    assert unfold(x, **GEOMETRY) == columns
    assert fold(columns, output_size=(11, 13), **GEOMETRY) == x


def test_float64_and_an_empty_batch():
    x, columns = spec(0, 2, 5, 5, dtype="float64"), spec(0, 18, 9, dtype="float64")
    assert unfold(x, kernel_size=(3, 3)) == columns
    assert fold(columns, output_size=(5, 5), kernel_size=(3, 3)) == x


def test_unfold_errors():
    with raises(
        ShapeError,
        "unfold: x.shape is (2, 11, 13), expected 4 dimensions (N, C, H, W). "
        "Add a batch dimension with x.unsqueeze(0).",
    ):
        unfold(spec(2, 11, 13), **GEOMETRY)
    with raises(
        DTypeError,
        "unfold: x.dtype is uint8, expected float32 or float64. Convert it with x.float().",
    ):
        unfold(spec(5, 2, 11, 13, dtype="uint8"), **GEOMETRY)
    with raises(
        ShapeError,
        "unfold: the padded input is 3×3 (input 2×2, padding (1, 1, 0, 0)), expected at least the "
        "window's 4×2. Use a larger image, a smaller kernel or more padding.",
    ):
        unfold(spec(1, 1, 2, 2), kernel_size=(4, 2), padding=(1, 1, 0, 0))


def test_fold_errors():
    with raises(
        ShapeError,
        "fold: columns.shape is (24, 20), expected 3 dimensions (N, C · kh · kw, out_h · out_w). "
        "Add a batch dimension with columns.unsqueeze(0).",
    ):
        fold(spec(24, 20), output_size=(11, 13), **GEOMETRY)
    with raises(
        DTypeError,
        "fold: columns.dtype is int64, expected float32 or float64. "
        "Convert it with columns.float().",
    ):
        fold(spec(5, 24, 20, dtype="int64"), output_size=(11, 13), **GEOMETRY)
    with raises(
        ShapeError,
        "fold: columns.shape[1] is 25, expected a multiple of kh · kw = 3 · 4 = 12. "
        "Every channel has one row for each tap of the kernel.",
    ):
        fold(spec(5, 25, 20), output_size=(11, 13), **GEOMETRY)
    with raises(
        ShapeError,
        "fold: columns.shape[2] is 20, expected 9 · 10 = 90, the places of a 3×4 window in an "
        "output of 11×13. Give fold the kernel_size, stride, padding and dilation that unfold had.",
    ):
        fold(spec(5, 24, 20), output_size=(11, 13), kernel_size=(3, 4))
    with pytest.raises(ShapeError, match=r"^fold: the input is 2×2, "):
        fold(spec(5, 24, 20), output_size=(2, 2), kernel_size=(3, 4))
