"""From a graph to places on paper: every frame is laid out by itself, and then is a box.

So frames never overlap, and no wire crosses a frame that it doesn't belong to. A wire enters and
leaves a frame at ports on its border. Between two layers of boxes there is a gap, in which wires
bend; elsewhere they run straight down, each in the space its box or lane keeps free.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from minidl.analysis.graph import Edge, Graph, Node
from minidl.analysis.layers import Item, Layers, Wire, layered
from minidl.analysis.lettering import text_width
from minidl.analysis.placing import place
from minidl.analysis.scene import (
    PADDING,
    SMALL,
    Box,
    Line,
    Scene,
    Text,
    box_size,
    heading_of,
    is_round,
    words_at,
)
from minidl.analysis.tables import shape_text

_STRIP = 15.0
_ARRIVAL = 9.0
"""How far above a layer wires have ended their bends: room for an arrow that points down."""


def lay_out(graph: Graph) -> Scene:
    """Places for all boxes and wires of the graph."""
    whole = _Frame(graph.root, _wires_by_frame(graph.edges))
    scene = Scene(whole.item.width, whole.item.height)
    whole.draw(scene, 0.0, 0.0, 0)
    return scene


class _Frame:
    """The layout of what is in one frame."""

    def __init__(self, node: Node, wires_of: dict[int, list[tuple[Node, Node, Edge]]]) -> None:
        self.node = node
        self.inner: dict[int, _Frame] = {}
        self.items: dict[int | tuple[str, int], Item] = {}
        self.heading = heading_of(node) if node.parent is not None else []
        edges = wires_of.get(id(node), [])
        given = {id(e.value): e for source, _, e in edges if source is node}
        taken = {id(e.value): e for _, target, e in edges if target is node}
        if self.heading:
            width = max(text.x + text.width for text in self.heading)
            height = self.heading[-1].y + 4
            self.items[-1] = Item(width, height, "heading")
        for key in given:
            self.items["in", key] = Item(role="in", exits={key: 0.0})
        for child in node.children:
            self.items[id(child)] = self._item(child, wires_of)
        for key in taken:
            self.items["out", key] = Item(role="out", entries={key: 0.0})
        self.wires = self._wires(edges)
        _set_exits(self.wires)
        _set_labels(self.items.values(), edges)
        self.layers = layered(list(self.items.values()), self.wires)
        place(self.layers)
        _set_entries(self.wires)
        self.item = self._measured(node)

    def _item(self, child: Node, wires_of: dict[int, list[tuple[Node, Node, Edge]]]) -> Item:
        if not child.children:
            return Item(*box_size(child), node=child)
        self.inner[id(child)] = frame = _Frame(child, wires_of)
        return frame.item

    def _wires(self, edges: list[tuple[Node, Node, Edge]]) -> list[Wire]:
        wires: dict[tuple[int, int, int], Wire] = {}
        for source, target, edge in edges:
            value = id(edge.value)
            a = self.items[("in", value) if source is self.node else id(source)]
            b = self.items[("out", value) if target is self.node else id(target)]
            wires.setdefault((id(a), id(b), value), Wire(a, b, value))
        return list(wires.values())

    def _measured(self, node: Node) -> Item:
        """Set y of everything; the frame's own size and ports."""
        self.tops, self.bottoms = _set_heights(self.layers)
        pad = PADDING if node.parent is not None else 0.0
        rims = [
            (cell.x - cell.left, cell.x + cell.right) for row in self.layers.rows for cell in row
        ]
        self.shift = pad - min((left for left, _ in rims), default=0.0)
        width = max(right for _, right in rims) + self.shift + pad
        item = Item(width, self.bottoms[-1], node=node)
        for key, inner in self.items.items():
            if isinstance(key, tuple):
                role, value = key
                ports = item.entries if role == "in" else item.exits
                ports[value] = inner.x + self.shift - width / 2
        if not any(isinstance(key, tuple) and key[0] == "out" for key in self.items):
            item.height += PADDING
        return item

    def draw(self, scene: Scene, x: float, y: float, depth: int) -> None:
        """Add it, its upper left corner at (x, y), and what is in it."""
        if self.node.parent is not None:
            texts = [replace(t, x=t.x + x + PADDING, y=t.y + y) for t in self.heading]
            size = (self.item.width, self.item.height)
            scene.frames.append(Box(self.node, x, y, *size, texts, depth))
        for child in self.node.children:
            item = self.items[id(child)]
            left, top = x + self.shift + item.x - item.width / 2, y + item.y
            if item.label:
                dx = max(item.exits.values(), default=0.0)
                at = left + item.width / 2 + dx + 6
                scene.labels.append(Text(at, top + item.height + 11, item.label, SMALL))
            if id(child) in self.inner:
                self.inner[id(child)].draw(scene, left, top, depth + 1)
            else:
                texts = words_at(child, left, top, item.width)
                box = Box(child, left, top, item.width, item.height, texts, depth)
                scene.boxes.append(box)
        for wire in self.wires:
            scene.lines.append(self._line(wire, x + self.shift, y))

    def _line(self, wire: Wire, x: float, y: float) -> Line:
        """Down out of the source, a bend in every gap where the x changes, down to the target."""
        source, target = wire.source, wire.target
        xs = [cell.x + x for cell in wire.cells]
        xs[0] += source.exits.get(wire.value, 0.0)
        xs[-1] += target.entries.get(wire.value, 0.0)
        start = source.y + (source.height if source.role == "box" else 0.0)
        way = list(zip(wire.cells, xs, strict=True))
        tap = not wire.longest and len(way) > 2
        if tap:  # the lane is drawn already
            way = way[-2:]
            start = self.bottoms[way[0][0].layer]
        line = Line((way[0][1], y + start), [], _is_leaf(target), tap, source.node, target.node)
        for (upper, a), (_, b) in pairwise(way):
            if abs(a - b) > 0.01:
                above, below = (
                    y + self.bottoms[upper.layer],
                    y + self.tops[upper.layer + 1] - _ARRIVAL,
                )
                middle = (above + below) / 2
                line.parts += [(a, above), (a, middle, b, middle, b, below)]
        dip = _dip(target, target.entries.get(wire.value, 0.0))
        line.parts.append((xs[-1], y + target.y + dip))
        return line


def _is_leaf(item: Item) -> bool:
    return item.node is not None and not item.node.children


def _dip(item: Item, dx: float) -> float:
    """How far below its top a circle's border is, dx beside its centre."""
    if not _is_leaf(item) or not is_round(item.node):
        return 0.0
    radius = item.width / 2
    return float(radius - (radius**2 - dx**2) ** 0.5)


def _set_labels(items: Iterable[Item], edges: list[tuple[Node, Node, Edge]]) -> None:
    """The shape beside what leaves a box, where nothing of that shape enters."""
    entering: dict[int, set[tuple[int, ...]]] = {}
    leaving: dict[int, set[tuple[int, ...]]] = {}
    for source, target, edge in edges:
        entering.setdefault(id(target), set()).add(edge.shape[1:])
        leaving.setdefault(id(source), set()).add(edge.shape[1:])
    for item in items:
        node = item.node
        if node is None or node.children or node.kind == "io" or id(node) not in leaving:
            continue
        shapes = leaving[id(node)]
        if not shapes <= entering.get(id(node), set()):
            item.label = ", ".join(shape_text(shape) for shape in sorted(shapes))
            item.label_width = text_width(item.label, SMALL)
            item.strip = _STRIP


def _set_exits(wires: list[Wire]) -> None:
    """Different results of one box leave it side by side."""
    results: dict[int, dict[int, Item]] = {}
    for wire in wires:
        if _is_leaf(wire.source):
            results.setdefault(id(wire.source), {})[wire.value] = wire.source
    for values in results.values():
        for i, (value, item) in enumerate(values.items()):
            share = (i + 1) / (len(values) + 1) - 0.5
            item.exits[value] = share * item.width


def _set_entries(wires: list[Wire]) -> None:
    """Where wires enter a box: straight from above if they can, at its rim if from aside."""
    of_target: dict[int, list[Wire]] = {}
    for wire in wires:
        if _is_leaf(wire.target):
            of_target.setdefault(id(wire.target), []).append(wire)
    for incoming in of_target.values():
        target = incoming[0].target
        if len(incoming) == 1:
            target.entries[incoming[0].value] = 0.0
            continue
        reach = 7.0 if is_round(target.node) else target.width / 2 - 9
        offsets = {id(w): _source_x(w) - target.x for w in incoming}
        incoming.sort(key=lambda w: offsets[id(w)])
        step = min(8.0, 2 * reach / len(incoming))
        places = [max(-reach, min(reach, offsets[id(w)])) for w in incoming]
        for i in range(1, len(places)):  # apart from one another, from the left and from the right
            places[i] = max(places[i], places[i - 1] + step)
        places[-1] = min(places[-1], reach)
        for i in range(len(places) - 2, -1, -1):
            places[i] = min(places[i], places[i + 1] - step)
        for wire, dx in zip(incoming, places, strict=True):
            target.entries[wire.value] = dx


def _source_x(wire: Wire) -> float:
    cell = wire.cells[-2]
    return cell.x + (wire.source.exits.get(wire.value, 0.0) if len(wire.cells) == 2 else 0.0)


def _set_heights(layers: Layers) -> tuple[list[float], list[float]]:
    """Tops and bottoms of the layers; items stand in the middle of theirs."""
    tops, bottoms = [], []
    top = 0.0
    for row in layers.rows:
        items = [cell.item for cell in row if cell.item is not None]
        height = max((item.height + item.strip for item in items), default=0.0)
        for item in items:
            item.y = top + (height - item.height - item.strip) / 2
            if item.role == "in":
                item.y = top
        tops.append(top)
        bottoms.append(top + height)
        lowest = max((item.y + item.height for item in items), default=top + height)
        top += height + _gap(layers, len(tops) - 1, top + height - lowest)
    return tops, bottoms


def _gap(layers: Layers, layer: int, strip: float) -> float:
    """Between a layer and the next: more where wires go far to the side, less below labels."""
    aside = 0.0
    for wire in layers.wires:
        place = layer - wire.cells[0].layer
        if 0 <= place < len(wire.cells) - 1:
            a, b = wire.cells[place : place + 2]
            exits, entries = wire.source.exits, wire.target.entries
            start = a.x + (exits.get(wire.value, 0.0) if a.item is wire.source else 0.0)
            end = b.x + (entries.get(wire.value, 0.0) if b.item is wire.target else 0.0)
            aside = max(aside, abs(start - end))
    return max(18.0 - strip, 11.0) if aside < 0.01 else min(28.0 + 0.06 * aside, 52.0)


def _wires_by_frame(edges: list[Edge]) -> dict[int, list[tuple[Node, Node, Edge]]]:
    """For every frame what runs in it, from child to child; the frame itself stands for outside."""
    found: dict[int, list[tuple[Node, Node, Edge]]] = {}
    for edge in edges:
        sources, targets = list(edge.source.above()), list(edge.target.above())
        around = {id(node) for node in targets}
        common = next(node for node in sources if id(node) in around)
        up = sources[: sources.index(common)]
        down = targets[: targets.index(common)]
        for node, frame in pairwise(up):
            found.setdefault(id(frame), []).append((node, frame, edge))
        found.setdefault(id(common), []).append((up[-1], down[-1], edge))
        for node, frame in pairwise(down):
            found.setdefault(id(frame), []).append((frame, node, edge))
    return found
