"""What is drawn, and how much room the words in a box take."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from minidl.analysis.describe import is_sign
from minidl.analysis.graph import Node
from minidl.analysis.lettering import shortened, text_width
from minidl.analysis.tables import shape_text

TITLE, MIDDLE, SMALL = 12.0, 11.0, 10.0
"""Sizes of letters."""
OUTLINE = 3.0
"""Around what stands for several: a second border this far outside."""
PADDING = 10.0
"""Between a border and what is inside."""
_SPACE = 10.0


@dataclass
class Text:
    """A line of text; y is its baseline."""

    x: float
    y: float
    text: str
    size: float
    bold: bool = False
    anchor: str = "start"
    """What x is: where the text begins ("start"), its "middle" or its "end"."""

    @property
    def width(self) -> float:
        """At most."""
        return text_width(self.text, self.size, self.bold)


@dataclass
class Box:
    """A node's place: its upper left corner and its size."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    texts: list[Text]
    depth: int = 0
    """How many frames are around it."""


@dataclass
class Line:
    """A wire: where it begins, then points to go straight to, or (two handles and an end) bends."""

    start: tuple[float, float]
    parts: list[tuple[float, ...]]
    arrow: bool
    """Whether it ends at a box; at the border of a frame it goes on."""
    tap: bool
    """Whether it branches off another that carries the same tensor, and is longer."""
    source: Node | None
    target: Node | None


@dataclass
class Scene:
    """Everything that is drawn, in pixels."""

    width: float = 0.0
    height: float = 0.0
    frames: list[Box] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    labels: list[Text] = field(default_factory=list)


def span(node: Node) -> str:
    """Its name; of several blocks the first and the last."""
    name = node.name
    if node.times > 1:
        name += f"–{node.last.rpartition('.')[2]}"
    return shortened(name, 30)


def lettering_of(node: Node) -> tuple[str, str]:
    """The name in the code, and what it is; the other way round where the name is a number only."""
    times = f" × {node.times}" if node.times > 1 else ""
    name, what = span(node), shortened(node.title, 48)
    if node.name[:1].isdigit() or not name:
        return what + times, name
    return name + times, what


def sizes_text(shape: tuple[int, ...]) -> str:
    """C×H×W: without the batch, which is first."""
    return shape_text(shape[1:] if len(shape) > 1 else shape)


def is_round(node: Node) -> bool:
    """Whether it is a sign in a circle."""
    return node.kind == "operation" and is_sign(node.title)


def box_size(node: Node) -> tuple[float, float]:
    """Width and height of the box around its words, or of the circle."""
    if is_round(node):
        return 22.0, 22.0
    title, *rest = words(node)
    beside = sum(_SPACE + text.width for text in rest if text.anchor == "end")
    width = max(title.width + beside, *(text.width for text in (title, *rest))) + 2 * PADDING
    rim = 2 * OUTLINE if node.times > 1 else 0.0
    return width + rim, max(text.y for text in (title, *rest)) + 8 + rim


def words(node: Node) -> list[Text]:
    """What is in a box: the name on the left, what it is on the right, the costs below."""
    if is_round(node):
        return [Text(0.0, 16.5, node.title, 16.0, anchor="middle")]
    title, beside = lettering_of(node)
    if node.kind == "io":
        beside = sizes_text(node.output)
    texts = [Text(0.0, 16.0, title, TITLE, True, "start" if beside else "middle")]
    if beside:
        size = SMALL if beside == span(node) else MIDDLE
        texts.append(Text(0.0, 16.0, beside, size, anchor="end"))
    if node.costs:
        texts.append(Text(0.0, 30.0, node.costs, SMALL, anchor="start" if beside else "middle"))
    return texts


def words_at(node: Node, left: float, top: float, width: float) -> list[Text]:
    """The words of a box, where the box is."""
    rim = OUTLINE if node.times > 1 else 0.0
    inset = rim + PADDING
    xs = {"start": left + inset, "middle": left + width / 2, "end": left + width - inset}
    return [replace(text, x=xs[text.anchor], y=text.y + top + rim) for text in words(node)]


def heading_of(node: Node) -> list[Text]:
    """The lines at the upper left of a frame, which need no word that it is a Sequential."""
    title, beside = lettering_of(node)
    texts = [Text(0.0, 15.0, title, MIDDLE, bold=True)]
    if beside and not beside.endswith("Sequential"):
        texts.append(Text(texts[0].width + 8, 15.0, beside, SMALL))
    if node.costs:
        texts.append(Text(0.0, 27.0, node.costs, SMALL - 1))
    return texts
