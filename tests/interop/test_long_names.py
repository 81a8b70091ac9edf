"""Names from elsewhere may have any number of parts; what they cost grows with their length."""

import numpy as np
import pytest
from interop.published import arrays, thin

from minidl.errors import ArgumentError
from minidl.interop import namings, recognition
from minidl.models import load_weights


class Counting(dict):
    """A table that counts how often it is asked."""

    asked = 0

    def __contains__(self, key):
        self.asked += 1
        return super().__contains__(key)


def test_a_name_is_compared_to_as_many_parts_as_the_longest_of_the_table():
    table = Counting({"a": "x", "a.b.c": "y"})
    translate = namings._translator(table)
    rest = ".d" * 1_000
    assert translate("a.b" + rest) == "x.b" + rest
    assert translate("a.b.c" + rest) == "y" + rest
    assert translate("b" + rest) is None
    assert table.asked <= 9


def test_only_a_few_prefixes_are_tried(monkeypatch):
    prefixes = []
    translated = recognition._translated

    def counted(naming, prefix, own, state):
        prefixes.append(prefix)
        return translated(naming, prefix, own, state)

    monkeypatch.setattr(recognition, "_translated", counted)
    state = {"a." * 20 + name: value for name, value in thin().state_dict().items()}
    with pytest.raises(ArgumentError, match="none of its 122 names belong to ResNet"):
        load_weights(thin(), state)
    assert sorted(set(prefixes)) == ["a." * count for count in range(5)]


def test_what_is_said_of_long_names_is_short():
    names = {"a." * 1_000 + str(number): np.ones(1) for number in range(9)}
    with pytest.raises(ArgumentError) as caught:
        load_weights(thin(), names)
    assert len(str(caught.value)) < 2000


def test_names_that_a_terminal_would_obey_are_shown_as_literals():
    state = {"\x1b[2J\x1b]0;title\x07": np.ones(1), "\u202e": np.ones(1), "\ud800": np.ones(1)}
    with pytest.raises(ArgumentError) as caught:
        load_weights(thin(), state)
    shown = r"'\x1b[2J\x1b]0;title\x07', '\u202e', '\ud800'"
    assert str(caught.value).splitlines()[1] == f"  there: {shown}"
    report = load_weights(thin(), {**arrays(thin()), **state}, strict=False)
    assert str(report).splitlines()[1:] == [f"  unexpected: {shown}"]
