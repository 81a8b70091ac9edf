"""draw: the file, its texts, and what is refused."""

import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from mistakes import assert_explained

import minidl
from minidl import models, nn
from minidl.analysis import Drawing, draw
from minidl.errors import ArgumentError, DataError, DTypeError, MinidlError, ShapeError

SVG = "{http://www.w3.org/2000/svg}"


def lenet():
    return models.create("lenet5")


def test_it_is_one_xml_file_that_needs_nothing():
    drawing = draw(lenet(), (1, 28, 28))
    root = ET.fromstring(drawing.svg)
    assert root.tag == f"{SVG}svg"
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "g", "rect", "circle", "path", "text", "title"}
    names = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in names if name in ("id", "class", "style") or "href" in name}
    assert root.find(f"{SVG}rect").get("fill") == "#ffffff"  # readable on dark paper, too


def test_texts_and_tooltips_of_a_layer():
    root = ET.fromstring(draw(lenet(), (1, 28, 28)).svg)
    (box,) = [g for g in root.iter(f"{SVG}g") if g.get("data-path") == "conv1"]
    assert [t.text for t in box.iter(f"{SVG}text")] == [
        "conv1", "Conv2d 5×5, 6", "156 params · 118k MACs",
    ]  # fmt: skip
    assert box.find(f"{SVG}title").text.split("\n") == [
        "conv1: Conv2d 5×5, 6", "output 6×28×28", "156 parameters", "117,600 MACs",
    ]  # fmt: skip
    assert box.get("data-kind") == "convolution"
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert texts[:2] == ["LeNet5", "input 1×1×28×28 · 61,706 parameters · 416,520 MACs"]
    assert texts[-6:] == [
        *("convolution", "dense", "norm, activation", "pooling", "operation"),
        "↺ the same layer again",
    ]


def texts_of(svg, role, path):
    groups = ET.fromstring(svg).iter(f"{SVG}g")
    (found,) = [g for g in groups if (g.get("data-role"), g.get("data-path")) == (role, path)]
    return [t.text for t in found.iter(f"{SVG}text")]


def test_a_name_comes_first_and_a_number_last():
    model = nn.Sequential({"stem": nn.Conv2d(3, 4, 1), "body": nn.Sequential(nn.Conv2d(4, 5, 1))})
    svg = draw(model, (3, 4, 5), depth=2).svg
    assert texts_of(svg, "box", "stem")[:2] == ["stem", "Conv2d 1×1, 4"]
    assert texts_of(svg, "box", "body.0")[:2] == ["Conv2d 1×1, 5", "0"]
    assert texts_of(svg, "frame", "body") == ["body", "25 params · 400 MACs"]
    assert "same layer again" not in svg


def test_what_does_not_run_is_named_below_the_title():
    with minidl.backends.use_backend("meta"):
        model = models.create("googlenet")
    lines = [
        [t.text for t in ET.fromstring(svg).iter(f"{SVG}text")][:3]
        for svg in (draw(model, (3, 224, 224), depth=1, training=on).svg for on in (False, True))
    ]
    assert lines[0][2] == "doesn't run in evaluation: aux1, aux2"
    assert lines[1][2] == "input"
    many = nn.ReLU()
    for i in range(5):
        setattr(many, f"spare{i}", nn.Linear(2, 2))
    assert "evaluation: spare0, spare1, spare2, spare3, …<" in draw(many, (3, 4, 5)).svg


def test_wires_say_the_shape_where_it_changes():
    root = ET.fromstring(draw(lenet(), (1, 28, 28)).svg)
    (labels,) = [g for g in root.iter(f"{SVG}g") if g.get("data-role") == "labels"]
    assert [t.text for t in labels] == [
        *("6×28×28", "6×14×14", "16×10×10", "16×5×5", "400", "120", "84", "10"),
    ]


def test_names_are_escaped():
    nasty = 'a<b>&"c'
    layer = type(nasty, (nn.ReLU,), {})
    model = type("<Net & more>", (nn.Sequential,), {})({nasty: layer(), "'": nn.ReLU()})
    root = ET.fromstring(draw(model, (3, 4, 5)).svg)
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert texts[0] == "<Net & more>"
    assert texts.count(nasty) == 2  # the type and the name
    assert nasty in [g.get("data-path") for g in root.iter(f"{SVG}g")]


def test_a_long_name_is_shortened_and_whole_in_the_tooltip():
    name = "x" * 300
    root = ET.fromstring(draw(nn.Sequential({name: nn.ReLU()}), (3, 4, 5)).svg)
    assert float(root.get("width")) < 600
    assert any(t.text.startswith(f"{name}: ReLU") for t in root.iter(f"{SVG}title"))


def test_the_same_model_gives_the_same_file():
    assert draw(lenet(), (1, 28, 28)).svg == draw(lenet(), (1, 28, 28)).svg
    script = (
        "import hashlib; from minidl import models; from minidl.analysis import draw;"
        "svg = draw(models.create('resnet20'), (3, 32, 32), depth=2).svg;"
        "print(hashlib.sha256(svg.encode()).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] != b""


def test_saved_and_shown(tmp_path):
    drawing = draw(lenet(), (1, 28, 28))
    drawing.save(tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text(encoding="utf-8") == drawing.svg == drawing._repr_svg_()
    assert [p.name for p in tmp_path.iterdir()] == ["net.svg"]
    assert repr(drawing) == "Drawing(depth=1)"
    with pytest.raises(DataError, match="folder"):
        drawing.save(tmp_path / "missing" / "net.svg")


def test_a_file_of_another_format_is_refused(tmp_path):
    drawing = draw(lenet(), (1, 28, 28))
    assert_explained(
        lambda: drawing.save(tmp_path / "net.png"),
        ArgumentError,
        "draw: the file is net.png, expected a name that ends in .svg. A drawing is written as "
        "SVG, which browsers show, and print as PDF; for a PNG, convert it: rsvg-convert net.svg "
        "-o net.png.",
    )
    drawing.save(str(tmp_path / "NET.SVG"))


def test_the_model_stays_as_it_is():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    seen = []
    model.register_forward_hook(lambda *_: seen.append(1))
    before = {name: t.numpy().copy() for name, t in model.state_dict().items()}
    state = minidl.random.default_generator.get_state()
    draw(model, (3, 8, 8), training=True)
    assert seen == []
    assert model.training
    assert minidl.random.default_generator.get_state() == state
    for name, t in model.state_dict().items():
        np.testing.assert_array_equal(t.numpy(), before[name])
    assert all(p.grad is None for p in model.parameters())


def test_without_a_depth_it_is_as_deep_as_a_readable_picture():
    with minidl.backends.use_backend("meta"):
        nets = {name: models.create(name) for name in ("vgg16", "resnet18", "resnet152")}
    drawings = {name: draw(net, (3, 224, 224)) for name, net in nets.items()}
    assert {name: drawing.depth for name, drawing in drawings.items()} == {
        "vgg16": 2, "resnet18": 4, "resnet152": 2,
    }  # fmt: skip
    assert all(len(drawing.graph.nodes()) <= 64 for drawing in drawings.values())
    assert draw(nets["vgg16"], (3, 224, 224), depth=99).svg == drawings["vgg16"].svg


def test_a_layer_that_cannot_take_its_input_is_named():
    with pytest.raises(MinidlError, match=r"draw: the layer fc1, Linear\(.*\), can't take"):
        draw(lenet(), (1, 32, 32))


@pytest.mark.parametrize("depth", [-1, 1.5, True, "2"])
def test_a_depth_that_is_none_is_refused(depth):
    with pytest.raises(MinidlError, match="draw: depth"):
        draw(lenet(), (1, 28, 28), depth=depth)


def test_what_is_no_model_or_no_size_is_refused():
    with pytest.raises((DTypeError, ShapeError), match="draw"):
        draw("lenet5", (1, 28, 28))
    with pytest.raises(MinidlError, match="draw"):
        draw(lenet(), "1x28x28")


def test_a_drawing_can_be_made_of_shapes_and_tensors():
    model = nn.Linear(3, 2)
    pictures = [draw(model, size).svg for size in ((5, 3), minidl.zeros(5, 3), [(5, 3)])]
    assert len(set(pictures)) == 1
    assert isinstance(draw(model, (5, 3)), Drawing)
