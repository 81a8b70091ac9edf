import re

import pytest

from minidl_kernels.channel_shuffle.spec import channel_shuffle
from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.common.errors import ArgumentError, DTypeError, ShapeError


@pytest.mark.parametrize("shape", [(2, 6), (2, 6, 5), (0, 6, 5, 3)])
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_the_result_has_the_inputs_shape_and_dtype(shape, groups):
    x = ArraySpec(shape, "float64")
    assert channel_shuffle(x, groups=groups) == x


@pytest.mark.parametrize("groups", [0, -1, 4, 12])
def test_groups_that_do_not_divide_the_channels_are_told_which_do(groups):
    message = (
        f"channel_shuffle: groups is {groups}, expected a divisor of x.shape[1] (channels), which "
        "is 6. Use one of [1, 2, 3, 6]."
    )
    with pytest.raises(ArgumentError, match=re.escape(message)):
        channel_shuffle(ArraySpec((2, 6, 5, 3), "float32"), groups=groups)


def test_an_array_without_channels_is_refused():
    message = (
        "channel_shuffle: x.shape is (6,), expected at least 2 dimensions (N, C, …). "
        "The channels to shuffle are axis 1."
    )
    with pytest.raises(ShapeError, match=re.escape(message)):
        channel_shuffle(ArraySpec((6,), "float32"), groups=2)


def test_integers_are_refused():
    message = "channel_shuffle: x.dtype is int64, expected float32 or float64."
    with pytest.raises(DTypeError, match=re.escape(message)):
        channel_shuffle(ArraySpec((2, 6), "int64"), groups=2)
