"""== of a tensor: element by element with what it can be compared with, identity with the rest."""

import numpy as np
import pytest

import minidl


@pytest.mark.parametrize("other", [None, "a", {}, object(), slice(None)])
def test_a_tensor_equals_nothing_that_is_no_number(other):
    x = minidl.ones(2)
    assert (x == other) is False
    assert (other == x) is False
    assert (x != other) is True
    assert x not in [other]
    assert x in [other, x]


@pytest.mark.parametrize("other", [1, 1.0, True, np.float32(1), np.ones(2, np.float32)])
def test_comparisons_with_numbers_are_element_by_element(other):
    x = minidl.tensor([1.0, 2.0])
    assert (x == other).tolist() == [True, False]
    assert (x != other).tolist() == [False, True]
