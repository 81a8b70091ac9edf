"""summary of networks with branches: receptive fields worked out by hand, and the page."""

from html.parser import HTMLParser

import pytest

import minidl
from minidl import models
from minidl.analysis import summary


def on_meta(name):
    with minidl.backends.use_backend("meta"):
        return models.create(name)


def grown(start, steps):
    """Receptive fields by the formula: r + Σ (k − 1) · j, after each of (name, [(k, j), …])."""
    field, found = start, {}
    for name, windows in steps:
        field += sum((k - 1) * jump for k, jump in windows)
        found[name] = (field, field)
    return found


def fields(name):
    table = summary(on_meta(name), models.card(name).input)
    return {row.path: row.receptive_field for row in table.rows}


def test_googlenet_sees_what_its_widest_branches_see():
    """Its 5×5 branches have 3×3 windows, as torchvision's."""
    expected = grown(1, [
        ("conv1", [(7, 1)]), ("maxpool1", [(3, 2)]), ("conv3", [(3, 4)]), ("maxpool2", [(3, 4)]),
        ("inception3a", [(3, 8)]), ("inception3b", [(3, 8)]), ("maxpool3", [(3, 8)]),
        *((f"inception4{letter}", [(3, 16)]) for letter in "abcde"),
        ("maxpool4", [(2, 16)]), ("inception5a", [(3, 32)]), ("inception5b", [(3, 32)]),
    ])  # fmt: skip
    assert expected["inception5b"] == (379, 379)
    seen = fields("googlenet")
    assert {path: seen[path] for path in expected} == expected


def test_inception_v3_sees_what_its_deepest_branches_see():
    """Two 7×1 and two 1×7 in a row see 13 in both directions; so do 3×3, 1×3 and 3×1: 5."""
    expected = grown(1, [
        ("Conv2d_1a_3x3", [(3, 1)]), ("Conv2d_2a_3x3", [(3, 2)]), ("Conv2d_2b_3x3", [(3, 2)]),
        ("maxpool1", [(3, 2)]), ("Conv2d_4a_3x3", [(3, 4)]), ("maxpool2", [(3, 4)]),
        *((f"Mixed_5{letter}", [(3, 8), (3, 8)]) for letter in "bcd"),
        ("Mixed_6a", [(3, 8), (3, 8)]),
        *((f"Mixed_6{letter}", [(7, 16), (7, 16)]) for letter in "bcde"),
        ("Mixed_7a", [(7, 16), (3, 16)]),
        ("Mixed_7b", [(3, 32), (3, 32)]), ("Mixed_7c", [(3, 32), (3, 32)]),
    ])  # fmt: skip
    assert expected["Mixed_7c"] == (1311, 1311)
    seen = fields("inception_v3")
    assert {path: seen[path] for path in expected} == expected


def test_densenet121_sees_what_its_longest_way_sees():
    expected = grown(1, [
        ("features.conv0", [(7, 1)]), ("features.pool0", [(3, 2)]),
        ("features.denseblock1", 6 * [(3, 4)]), ("features.transition1", [(2, 4)]),
        ("features.denseblock2", 12 * [(3, 8)]), ("features.transition2", [(2, 8)]),
        ("features.denseblock3", 24 * [(3, 16)]), ("features.transition3", [(2, 16)]),
        ("features.denseblock4", 16 * [(3, 32)]),
    ])  # fmt: skip
    assert expected["features.denseblock4"] == (2071, 2071)
    seen = fields("densenet121")
    assert {path: seen[path] for path in expected} == expected


class Cells(HTMLParser):
    """The table's rows, as tuples of text."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.open = [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.open = tag in ("td", "th")

    def handle_endtag(self, tag):
        self.open = False

    def handle_data(self, text):
        if self.open:
            self.rows[-1][-1] += text


@pytest.mark.parametrize("name", ["lenet5", "googlenet", "densenet121"])
def test_the_page_has_the_cells_of_the_text(name):
    table = summary(on_meta(name), models.card(name).input)
    page = Cells(table._repr_html_()).rows
    text = table.table().text().splitlines()
    rules = [i for i, line in enumerate(text) if set(line) == {"─"}]
    lines = [text[2], *text[rules[1] + 1 : rules[2]], text[rules[2] + 1]]
    assert len(page) == len(lines) == len(table.rows) + 2
    for cells, line in zip(page, lines, strict=True):
        type_, rest = cells[1], [cells[0], *cells[2:]]
        words = line.split()
        for word in " ".join(rest).split():  # the types may be cut to fit
            assert word in words, (cells, line)
        assert type_[:4] in line
