"""The quotes are those of the slides."""

import re
from pathlib import Path

import pytest

from minidl.lecture import quotes, tables

HERE = Path(__file__).resolve()
ALL_SLIDES = HERE.parents[3] / "shared" / "lecture" / "slides.txt"
FIGURES = re.compile(r"\t|^\w+ output shape: |\$[\d \\times]+ = \d+[kM]\$|[( ](19|20)\d\d[)\]]")


@pytest.fixture(scope="module")
def slides():
    """The lines with what is quoted."""
    text = HERE.with_name("slides.txt").read_text(encoding="utf-8")
    return text.partition("\n\n")[2]


def test_the_lines_kept_here_are_the_slides_own(slides):
    if not ALL_SLIDES.exists():
        pytest.skip("the slides as a whole are not part of the repository")
    lines = [line.rstrip() for line in ALL_SLIDES.read_text(encoding="utf-8").splitlines()]
    kept, rest = slides.splitlines(), iter(lines)
    assert [line for line in kept if line not in rest] == []  # in their order
    assert [line for line in lines if FIGURES.search(line) and line not in kept] == []


@pytest.fixture(scope="module")
def quoted():
    """Every text in the data, and every text in the tables."""

    def texts(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from texts(key)
                yield from texts(inner)
        elif isinstance(value, tuple):
            for inner in value:
                yield from texts(inner)

    data = {name: value for name, value in vars(quotes).items() if name.isupper()}
    return {*texts(data), *(row.slide for table in tables() for row in table.rows)}


def digits(text):
    """The numbers in a cell, without the layout's: \\begin{bmatrix} 3 \\times 3, 64 … → 3 3 64."""
    return re.findall(r"\d[\d.,]*\d|\d", text)


def test_every_number_in_a_table_of_the_slides_is_quoted(slides, quoted):
    known = {tuple(digits(text)) for text in quoted}
    rows = [line for line in slides.splitlines() if "\t" in line]
    cells = [cell for line in rows for cell in line.split("\t") if digits(cell)]
    named = {"conv1", "conv2", "conv3", "conv4", "conv5", "Conv1", "Conv2", "Conv3-5", "Dense1"}
    figures = [c for c in cells if c not in named | {"Dense2", "3x3 Conv", "5x5 Conv"}]
    figures = [c for c in figures if "Res" not in c]
    assert len(figures) > 50
    assert [c for c in figures if tuple(digits(c)) not in known] == []


def test_every_shape_on_the_slides_is_quoted(slides, quoted):
    shapes = re.findall(r"^(\w+) output shape: (\(.*\))$", slides, re.MULTILINE)
    assert len(shapes) == 20
    data = [*quotes.VGG_SHAPES.items(), *quotes.NIN_SHAPES.items()]
    assert shapes == data


def test_every_product_of_the_last_layers_is_quoted(slides):
    products = re.findall(r"\$([\d \\times]+) = (\d+[kM])\$", slides)
    found = [(factors.replace("\\times", "×"), product) for factors, product in products]
    assert found == list(quotes.LAST_LAYERS.values())


def test_the_complexity_table_is_the_slides_own(slides):
    for name, cells in quotes.COMPLEXITY.items():
        assert "\t".join((name, *cells)).rstrip("\t") in [x.rstrip() for x in slides.splitlines()]


@pytest.mark.parametrize("year", [entry[2] for entry in quotes.PAPERS])
def test_years_are_on_the_slides(slides, year):
    assert year in slides


def test_what_is_said_of_mnist_and_alexnet_is_on_the_slides(slides):
    lines = slides.splitlines()
    for what, figure in quotes.MNIST.items():
        assert any(line.startswith(f"- {figure} ") for line in lines), what
    (table,) = tables("alexnet")
    words = {word for row in table.rows for word in row.slide.lower().split()} - {"…"}
    assert words - set(re.findall(r"\w+", slides.lower())) == set()
