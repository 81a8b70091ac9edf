"""draw: equal blocks one behind the other are drawn once."""

import pytest
from drawn_edges import Formula, called, conv

from minidl import nn
from minidl.analysis import draw


def test_equal_blocks_in_a_row_are_one():
    block = nn.Sequential
    model = nn.Sequential(*(block(conv(), nn.ReLU()) for _ in range(4)), nn.MaxPool2d(2))
    drawing = draw(model, (4, 8, 8), depth=1)
    assert [(n.title, n.times) for n in drawing.graph.nodes()][1:-1] == [
        ("Conv2d 3×3, 4", 4), ("MaxPool2d 2×2, /2", 1),
    ]  # fmt: skip
    folded = drawing.graph.nodes()[1]
    assert (folded.path, folded.last, folded.parameters, folded.macs) == (
        "0", "3", 4 * 148, 4 * 64 * 36 * 4,
    )  # fmt: skip
    opened = draw(model, (4, 8, 8), depth=2).graph
    assert [(called(e.source), called(e.target)) for e in opened.edges] == [
        ("input", "0.0"), ("0.0", "0.1"), ("0.1", "4"), ("4", "output"),
    ]  # fmt: skip
    assert [frame.times for frame in opened.root.children] == [1, 4, 1, 1]


@pytest.mark.parametrize(
    "other",
    [
        nn.Sequential(nn.Conv2d(4, 4, 3, padding=2, dilation=2), nn.ReLU()),
        nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.ReLU()),
        nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Tanh()),
        nn.Sequential(nn.Conv2d(4, 4, 5, padding=2), nn.ReLU()),
    ],
)
def test_different_blocks_are_not_folded(other):
    model = nn.Sequential(nn.Sequential(conv(), nn.ReLU()), other)
    assert len(draw(model, (4, 8, 8), depth=1).graph.nodes()) == 4


def test_blocks_whose_results_are_used_elsewhere_are_not_folded():
    def formula(m, x):
        y = m.b(m.a(x))
        return y + m.c(y)

    model = Formula(formula, a=conv(), b=conv(), c=conv())
    assert [n.times for n in draw(model, (4, 8, 8)).graph.nodes()] == [1, 2, 1, 1, 1]
    assert [(called(e.source), called(e.target)) for e in draw(model, (4, 8, 8)).graph.edges] == [
        ("input", "a"), ("a", "c"), ("a", "+"), ("c", "+"), ("+", "output"),
    ]  # fmt: skip


def test_folding_can_be_left():
    model = nn.Sequential(conv(), conv(), conv())
    assert len(draw(model, (4, 8, 8), fold=False).graph.nodes()) == 5
    assert len(draw(model, (4, 8, 8)).graph.nodes()) == 3
