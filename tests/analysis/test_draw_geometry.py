"""draw: nothing overlaps, nothing is crossed, nothing is cut off; read from the SVG itself."""

import itertools
import random
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

import numpy as np
import pytest

import minidl
from minidl import models
from minidl.analysis import draw
from minidl.analysis.flow import Value
from minidl.analysis.graph import Edge, Graph, Node
from minidl.analysis.layout import lay_out
from minidl.analysis.lettering import text_width
from minidl.analysis.svg import to_svg

SVG = "{http://www.w3.org/2000/svg}"
FAMILIES = (
    *("lenet5", "alexnet", "vgg16", "nin", "googlenet", "inception_v3", "inception_v4"),
    *("resnet18", "resnet50", "seresnet18", "preact_resnet18", "densenet121", "mobilenet_v2"),
    *("shufflenet_v1_g3", "shufflenet_v2_x1_0", "efficientnet_b0"),
)


@dataclass
class Picture:
    """Rectangles as rows (left, top, right, bottom); wires as polylines; all in one system."""

    size: tuple[float, float]
    boxes: np.ndarray
    frames: np.ndarray
    wires: list[np.ndarray]
    in_boxes: list[tuple[int, np.ndarray, str]] = field(default_factory=list)
    in_frames: list[tuple[int, np.ndarray, str]] = field(default_factory=list)
    labels: list[np.ndarray] = field(default_factory=list)
    round_boxes: set[int] = field(default_factory=set)


def read(svg):
    root = ET.fromstring(svg)
    _, _, width, height = map(float, root.get("viewBox").split())
    main = root.findall(f"{SVG}g")[1]
    x, y = map(float, re.findall(r"[-\d.]+", main.get("transform")))
    moved = np.array([x, y, x, y])
    picture = Picture((width, height), np.empty((0, 4)), np.empty((0, 4)), [])
    found = {"box": [], "frame": []}
    for group in main.iter(f"{SVG}g"):
        role = group.get("data-role")
        if role in found:
            circle = group.find(f"{SVG}circle")
            shapes = [rect_of(r) for r in group.findall(f"{SVG}rect")] or [disc_of(circle)]
            at = len(found[role])
            if circle is not None:
                picture.round_boxes.add(at)
            found[role].append(shapes[0] + moved)  # the outermost comes first
            texts = picture.in_boxes if role == "box" else picture.in_frames
            texts += [(at, text_of(t) + moved, t.text) for t in group.iter(f"{SVG}text")]
        elif role == "labels":
            picture.labels += [text_of(t) + moved for t in group]
    picture.boxes = np.array(found["box"]).reshape(-1, 4)
    picture.frames = np.array(found["frame"]).reshape(-1, 4)
    for path in main.iter(f"{SVG}path"):
        if path.get("data-role") == "wire":
            picture.wires.append(points_of(path.get("d")) + moved[:2])
    return picture


def rect_of(rect):
    x, y, w, h = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
    return np.array([x, y, x + w, y + h])


def disc_of(circle):
    x, y, r = (float(circle.get(name)) for name in ("cx", "cy", "r"))
    return np.array([x - r, y - r, x + r, y + r])


def text_of(text):
    """The rectangle that a text takes."""
    x, y, size = (float(text.get(name)) for name in ("x", "y", "font-size"))
    width = text_width(text.text, size, text.get("font-weight") == "bold")
    x -= {"middle": width / 2, "end": width}.get(text.get("text-anchor"), 0.0)
    return np.array([x, y - 0.76 * size, x + width, y + 0.24 * size])


def points_of(path):
    """M, V and C, which is all there is, as points no farther apart than it takes."""
    points = []
    for command, rest in re.findall(r"([MVC])([^MVC]*)", path):
        numbers = list(map(float, rest.split()))
        if command == "M":
            points.append(numbers)
        elif command == "V":
            start = points[-1]
            steps = max(2, int(abs(numbers[0] - start[1]) / 4))
            points += [[start[0], y] for y in np.linspace(start[1], numbers[0], steps)]
        else:
            p = np.array([points[-1], numbers[:2], numbers[2:4], numbers[4:]])
            t = np.linspace(0, 1, 49)[1:, None]
            weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3])
            points += (weights @ p).tolist()
    return np.array(points)


def inside(points, rects, by=0.6):
    """(P, R): whether a point lies in a rectangle, at least `by` from its border."""
    x, y = points[:, :1], points[:, 1:]
    left, top, right, bottom = rects.T
    return (x > left + by) & (x < right - by) & (y > top + by) & (y < bottom - by)


def overlap(a, b, by=0.2):
    """(A, B): whether two rectangles overlap."""
    a = a[:, None, :]
    return (
        (a[..., 0] < b[:, 2] - by)
        & (a[..., 2] > b[:, 0] + by)
        & (a[..., 1] < b[:, 3] - by)
        & (a[..., 3] > b[:, 1] + by)
    )


def check(svg):
    """All that must hold of a picture."""
    picture = read(svg)
    boxes, frames = picture.boxes, picture.frames
    everything = np.vstack([boxes, frames])
    assert (everything[:, :2] >= 0).all()
    assert (everything[:, 2:] <= picture.size).all()
    assert not np.triu(overlap(boxes, boxes), 1).any(), "boxes overlap"
    check_frames(picture)
    check_texts(picture)
    check_wires(picture)
    return picture


def check_frames(picture):
    """A box or a frame lies in another frame as a whole, or outside."""
    frames = picture.frames
    for rects in (picture.boxes, frames):
        contained = (
            (rects[:, None, 0] >= frames[:, 0] - 0.2)
            & (rects[:, None, 1] >= frames[:, 1] - 0.2)
            & (rects[:, None, 2] <= frames[:, 2] + 0.2)
            & (rects[:, None, 3] <= frames[:, 3] + 0.2)
        )
        touching = overlap(rects, frames)
        if rects is frames:
            contained = contained | contained.T
        assert (contained | ~touching).all(), "a border is crossed by a border"


def check_texts(picture):
    for texts, rects in ((picture.in_boxes, picture.boxes), (picture.in_frames, picture.frames)):
        for at, rect, text in texts:
            box = rects[at]
            fits = (rect[:2] >= box[:2] - 0.2).all() and (rect[2:] <= box[2:] + 0.2).all()
            assert fits, f"{text!r} does not fit its box"
        for (at, a, first), (other, b, second) in itertools.pairwise(texts):
            both = overlap(a[None], b[None]).any()
            assert at != other or not both, f"{first!r} and {second!r} overlap"
    headings = np.array([rect for _, rect, _ in picture.in_frames]).reshape(-1, 4)
    labels = np.array(picture.labels).reshape(-1, 4)
    for free in (headings, labels):
        assert not overlap(free, picture.boxes).any(), "a text lies on a box"
        assert not np.triu(overlap(free, free), 1).any(), "texts overlap"
        for wire in picture.wires:
            assert not inside(wire, free, 0.5).any(), "a wire runs through a text"
    assert (labels[:, 2] <= picture.size[0]).all()


def check_wires(picture):
    rectangular = [i for i in range(len(picture.boxes)) if i not in picture.round_boxes]
    rects = picture.boxes[rectangular]
    discs = picture.boxes[sorted(picture.round_boxes)]
    centres, radii = (discs[:, :2] + discs[:, 2:]) / 2, (discs[:, 2] - discs[:, 0]) / 2
    for wire in picture.wires:
        assert (np.diff(wire[:, 1]) >= -0.2).all(), "a wire runs upwards"
        assert not inside(wire, rects).any(), "a wire runs through a box"
        far = np.linalg.norm(wire[:, None] - centres, axis=2) > radii - 1
        assert far.all(), "a wire runs through a circle"
        within = inside(wire[1:-1], picture.frames)
        for column in within.T:
            middle = column[5:-5]  # near its ends it may touch the border it enters by
            assert middle.all() or not middle.any(), "a wire crosses the border of a frame"


@pytest.mark.parametrize("name", models.list())
def test_every_registered_model_is_drawn_without_overlaps(name):
    card = models.card(name)
    with minidl.backends.use_backend("meta"):
        model = models.create(name)
    drawing = draw(model, card.input if card else (3, 224, 224))
    picture = check(drawing.svg)
    assert len(picture.boxes) == len(drawing.graph.nodes())
    assert len(picture.wires) >= len(drawing.graph.edges)


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("name", [name for name in FAMILIES if name in models.list()])
def test_shallow_and_deep_pictures_of_every_family(name, depth):
    with minidl.backends.use_backend("meta"):
        model = models.create(name)
    check(draw(model, models.card(name).input, depth=depth).svg)


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("name", ["googlenet", "googlenet_2014", "inception_v3"])
def test_pictures_with_auxiliary_heads(name, depth):
    with minidl.backends.use_backend("meta"):
        model = models.create(name)
    check(draw(model, models.card(name).input, depth=depth, training=True).svg)


def random_graph(dice):
    """Boxes in nested frames; any later box may use any earlier one's result."""
    root = Node("", "block")
    frames, leaves, edges = [root], [], []
    for i in range(dice.randint(1, 14)):
        action = dice.random()
        if action < 0.25 and len(frames) < 4:
            frames.append(Node("Frame" * dice.randint(1, 3), "block", name=f"f{i}"))
            frames[-1].parent = frames[-2]
            frames[-2].children.append(frames[-1])
        elif action < 0.4 and len(frames) > 1 and frames[-1].children:
            frames.pop()
        title, kind = dice.choice(
            [("+", "operation"), ("Layer" * dice.randint(1, 5), "dense"), ("flatten", "operation")]
        )
        times = dice.choice([1, 1, 1, 12]) if kind == "dense" else 1
        node = Node(title, kind, name="n" * dice.randint(0, 9), times=times, parameters=i)
        node.parent = frames[-1]
        frames[-1].children.append(node)
        given = [Value(None, (1, dice.randint(1, 999))) for _ in range(dice.choice([1, 1, 2]))]
        for source, values in dice.sample(leaves, min(len(leaves), dice.choice([0, 1, 1, 2, 5]))):
            edges.append(Edge(source, node, dice.choice(values)))
        leaves.append((node, given))
    return Graph(root, edges)


def test_random_graphs_are_drawn_without_overlaps():
    dice = random.Random(0)
    for _ in range(150):
        graph = random_graph(dice)
        check(to_svg(lay_out(graph), "title", "subtitle"))


def test_a_chain_is_a_straight_line():
    with minidl.backends.use_backend("meta"):
        model = models.create("vgg16")
    picture = read(draw(model, (3, 224, 224), depth=2).svg)
    assert np.ptp(np.concatenate([wire[:, 0] for wire in picture.wires])) < 0.11


def test_branches_stand_side_by_side():
    with minidl.backends.use_backend("meta"):
        model = models.create("googlenet")
    scene = draw(model, (3, 224, 224), depth=2).scene
    branches = [box for box in scene.boxes if box.node.path.startswith("inception3a.branch")]
    assert len(branches) == 4
    assert len({box.y + box.height / 2 for box in branches}) == 1
    assert [box.node.name for box in sorted(branches, key=lambda box: box.x)] == [
        *("branch1", "branch2", "branch3", "branch4"),
    ]


def test_letters_are_estimated_at_least_as_wide_as_dejavu_sans_draws_them():
    matplotlib = pytest.importorskip("matplotlib")
    fonts = pytest.importorskip("PIL.ImageFont")
    folder = f"{matplotlib.get_data_path()}/fonts/ttf"
    texts = [
        "Conv2d 7×7, 64, /2",
        "49.9M params · 118G MACs",
        "inception_3b",
        "12345×67890",
        "ReLU ↺",
    ]
    for name in FAMILIES[:8]:
        with minidl.backends.use_backend("meta"):
            drawing = draw(models.create(name), models.card(name).input)
        texts += [t.text for box in drawing.scene.boxes for t in box.texts]
    for file, bold in (("DejaVuSans.ttf", False), ("DejaVuSans-Bold.ttf", True)):
        font = fonts.truetype(f"{folder}/{file}", 100)
        for text in texts:
            real, estimated = font.getlength(text) / 100, text_width(text, 1.0, bold)
            assert real <= estimated <= 1.6 * real + 0.6, (text, bold, real, estimated)


def test_the_checks_above_notice_a_box_a_wire_a_label_out_of_place():
    with minidl.backends.use_backend("meta"):
        scene = draw(models.create("resnet18"), (3, 224, 224), depth=3).scene
    check(to_svg(scene, "", ""))
    for things, name, by in (
        *((scene.boxes, "x", 60), (scene.boxes, "y", -25), (scene.frames, "x", 30)),
        *((scene.labels, "y", -12), (scene.labels, "x", -40)),
    ):
        thing = things[len(things) // 2]
        setattr(thing, name, getattr(thing, name) + by)
        with pytest.raises(AssertionError):
            check(to_svg(scene, "", ""))
        setattr(thing, name, getattr(thing, name) - by)
    line = max(scene.lines, key=lambda line: len(line.parts))
    line.parts = line.parts[-1:]  # straight through the boxes
    line.start = (line.parts[-1][0], line.start[1])
    with pytest.raises(AssertionError, match="through a box"):
        check(to_svg(scene, "", ""))


def test_one_tensor_has_one_lane_and_two_tensors_have_two():
    root = Node("", "block")
    a, b, c, d = root.children = [Node("Layer", "dense", parent=root) for _ in "abcd"]
    one, two = Value(None, (1, 5)), Value(None, (1, 5))
    chain = [Edge(a, b, one), Edge(b, c, Value(None, (1, 3))), Edge(c, d, Value(None, (1, 3)))]
    shared = lay_out(Graph(root, [*chain, Edge(a, c, one), Edge(a, d, one)]))
    assert [line.tap for line in shared.lines] == [False, False, False, True, False]
    apart = lay_out(Graph(root, [*chain, Edge(a, c, two), Edge(a, d, one)]))
    assert [line.tap for line in apart.lines] == [False] * 5
    assert apart.lines[3].start != apart.lines[4].start
