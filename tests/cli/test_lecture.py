"""`minidl lecture`."""

import re

import pytest

from minidl.lecture import TOPICS, counted, tables


@pytest.mark.parametrize("columns", [80, 160])
def test_all_tables_fit_and_the_wrong_ones_come_last(minidl, columns):
    code, out, err = minidl("lecture", columns=columns)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= columns
    plain = re.sub(r"\s+", " ", out)
    assert counted([row for table in tables() for row in table.rows]) in plain
    _, last = plain.rsplit(" wrong figure on the slide right ", 1)
    assert "LeNet, Dense1: parameters 0.48M 48,120" in last
    assert "AlexNet, Increase: FLOP 250x 2,420" in last
    assert out.index("mnist “MNIST”") < out.index("complexity “Complexity”") < out.index("papers “")


def test_one_topic(minidl):
    code, out, _ = minidl("lecture", "last-layers")
    assert code == 0
    assert re.search(r"VGG: first dense layer +102M +102,760,448  cut off", out)
    assert "Complexity" not in out
    assert out.rstrip().endswith(
        "8 figures: 6 exact, 1 rounded, 1 cut off"
    )  # no list of wrong ones


def test_list(minidl):
    code, out, _ = minidl("lecture", "--list")
    assert code == 0
    names = [line.split()[0] for line in out.splitlines()[2:]]
    assert names == list(TOPICS)
    assert "26 figures: 2 exact, 4 rounded, 3 cut off, 7 ambiguous, 10 wrong" in out


def test_unknown_topic(minidl):
    code, _, err = minidl("lecture", "complexty")
    assert code == 2
    assert "Did you mean complexity?" in err
