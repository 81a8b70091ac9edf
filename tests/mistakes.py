"""What every message about a mistake must be, wherever its table is."""

import re

import pytest

from minidl.errors import MinidlError

NUMPYS_WORDS = re.compile(
    "broadcast together|could not be broadcast|broadcast input array|shape mismatch|not aligned|"
    "cannot reshape array|inhomogeneous|truth value of an array|setting an array element|ufunc|"
    "must match exactly|matmul: Input operand|array dimensions|<object|0x[0-9a-f]{6}"
)
"""What NumPy says where arrays don't fit, and addresses of objects, which help nobody."""


def assert_explained(act, error, sentence, cause=False):
    """`act` raises this error of minidl's own, with this sentence in our words."""
    with pytest.raises(error) as caught:
        act()
    raised = caught.value
    assert isinstance(raised, MinidlError)
    assert str(raised) == sentence
    assert not NUMPYS_WORDS.search(sentence)
    assert (raised.__cause__ is not None) == cause
    assert raised.__cause__ is not None or raised.__suppress_context__ or not raised.__context__
