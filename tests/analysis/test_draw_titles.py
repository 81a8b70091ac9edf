"""draw: what boxes say that they are."""

import pytest
from drawn_edges import Formula, conv, edges_of

import minidl
from minidl import models, nn
from minidl.analysis import draw


class Norm(nn.Sequential):
    """A Sequential with a name of its own."""


@pytest.mark.parametrize(
    ("block", "title"),
    [
        (nn.Sequential(conv(), nn.BatchNorm2d(4), nn.ReLU()), "Conv2d 3×3, 4"),
        (nn.Sequential(conv(), nn.ReLU(), nn.Conv2d(4, 4, 1, groups=4)),
         "3×3, 4 → 1×1, 4, depthwise"),
        (nn.Sequential(nn.MaxPool2d(2), conv()), "MaxPool2d 2×2, /2 → 3×3, 4"),
        (nn.Sequential(*(conv() for _ in range(5)), nn.MaxPool2d(2)), "Conv2d × 5, MaxPool2d"),
        (nn.Sequential(*(nn.Sequential(conv(), nn.MaxPool2d(1)) for _ in range(3))),
         "Sequential × 3"),
        (Norm(conv(), conv()), "3×3, 4 → 3×3, 4"),
        (Norm(conv(), conv(), conv(), nn.MaxPool2d(1), nn.AvgPool2d(1)), "Norm"),
        (nn.Sequential(nn.ReLU(), nn.Tanh()), "Sequential"),
        (Formula(lambda m, x: m.a(m.b(x)), a=conv(), b=conv()), "Formula"),
    ],
)  # fmt: skip
def test_a_closed_sequential_says_what_is_in_it(block, title):
    model = nn.Sequential({"block": block, "end": nn.Flatten()})
    node = draw(model, (4, 8, 8), depth=1).graph.nodes()[1]
    assert (node.path, node.title) == ("block", title)


def test_outputs_have_the_names_of_their_fields_and_keys():
    with minidl.backends.use_backend("meta"):
        model = models.create("googlenet")
    outputs = [n.title for n in draw(model, (3, 224, 224), training=True).graph.nodes()]
    assert [title for title in outputs if title.startswith("output")] == [
        "output logits", "output auxiliary[0]", "output auxiliary[1]",
    ]  # fmt: skip
    model = Formula(lambda m, x: {"a": m.a(x), "b": (x * 2, [x + 1])}, a=nn.ReLU())
    assert [target for _, target in edges_of(model, (4, 8, 9)) if "out" in target] == [
        "output a", "output b[0]", "output b[1][0]",
    ]  # fmt: skip
    model = Formula(lambda m, x: (m.a(x), {"b": x * 2}), a=nn.ReLU())
    assert [target for _, target in edges_of(model, (4, 8, 9)) if "out" in target] == [
        "output", "output b",
    ]  # fmt: skip


def test_an_addition_inside_of_what_looks_like_a_convolution_is_shown():
    """The residual that ConvBNAct adds before its activation."""
    block = models.blocks.ConvBNAct(4, 4, 3, padding=1)
    model = Formula(lambda m, x: m.b(m.a(x), residual=x), a=conv(), b=block)
    assert edges_of(model, (4, 8, 9)) == [
        ("input", "a"), ("a", "b.conv"), ("b.conv", "b.bn"), ("b.bn", "+"), ("input", "+"),
        ("+", "b.act"), ("b.act", "output"),
    ]  # fmt: skip
    plain = Formula(lambda m, x: m.b(m.a(x)), a=conv(), b=block)
    assert edges_of(plain, (4, 8, 9)) == [("input", "a"), ("a", "b"), ("b", "output")]
    assert draw(plain, (4, 8, 9), depth=1).graph.nodes()[2].title == "ConvBNAct 3×3, 4"
