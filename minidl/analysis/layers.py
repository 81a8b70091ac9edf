"""Boxes in layers, after Sugiyama, Tagawa, Toda 1981, "Methods for visual understanding of
hierarchical system structures", IEEE Transactions on Systems, Man, and Cybernetics 11(2).

    wires ──▶ a layer for every box ──▶ lanes for wires that pass layers ──▶ an order in every layer

All wires point downwards. A wire that passes layers runs in a lane: a place it has in each of them,
which keeps it off the boxes. Wires that carry the same tensor share their lane.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

LANE = 7.0
"""Half of the space that a lane keeps free."""


@dataclass(eq=False)
class Item:
    """What has a place in a layer: a box, a frame, a port of the frame around, a heading."""

    width: float = 0.0
    height: float = 0.0
    role: str = "box"
    """Or "in" and "out", for ports; or "heading"."""
    node: Any = None
    label: str = ""
    """Written beside the wire that leaves it."""
    label_width: float = 0.0
    strip: float = 0.0
    """The height that is kept free below it for the label."""
    entries: dict[int, float] = field(default_factory=dict)
    """Where a value goes in, seen from the centre, if that is given; by the value's id."""
    exits: dict[int, float] = field(default_factory=dict)
    """Where it comes out."""
    x: float = 0.0
    """The centre."""
    y: float = 0.0
    """The top."""
    layer: int = 0


@dataclass(eq=False)
class Wire:
    """A value on its way from one item to another."""

    source: Item
    target: Item
    value: int
    """Its id."""
    cells: list[Cell] = field(default_factory=list)
    """From the source's through those of the lane to the target's."""
    longest: bool = True
    """Of those that share its lane."""


@dataclass(eq=False)
class Cell:
    """A place in a layer, of an item or of a lane."""

    layer: int
    left: float
    right: float
    """What it keeps free on both sides of its x."""
    item: Item | None = None
    index: int = 0
    """How many are left of it in its layer."""
    ups: list[Cell] = field(default_factory=list)
    downs: list[Cell] = field(default_factory=list)
    x: float = 0.0
    dx: float = 0.0
    """How far from its column's x it is: ports needn't be in the middle of a frame."""


@dataclass
class Layers:
    """The cells of every layer from left to right, and what runs between them."""

    rows: list[list[Cell]]
    wires: list[Wire]


def layered(items: list[Item], wires: list[Wire]) -> Layers:
    """Layers for items given in an order in which every wire points forwards."""
    _assign(items, wires)
    layers = _with_lanes(items, wires)
    _sort(layers.rows)
    return layers


def _assign(items: list[Item], wires: list[Wire]) -> None:
    """Every item one below the lowest of those it depends on."""
    above: dict[int, list[Item]] = {}
    below: dict[int, list[Item]] = {}
    for wire in wires:
        above.setdefault(id(wire.target), []).append(wire.source)
        below.setdefault(id(wire.source), []).append(wire.target)
    first = 1 if any(item.role != "box" for item in items) else 0
    for item in items:
        least = first if item.role in ("box", "out") else 0
        item.layer = max([least, *(a.layer + 1 for a in above.get(id(item), ()))])
    for item in items:  # what depends on nothing goes to where it is used
        if item.role == "box" and id(item) not in above and id(item) in below:
            item.layer = max(first, min(b.layer for b in below[id(item)]) - 1)
    last = max(item.layer for item in items if item.role != "out") + 1
    for item in items:
        if item.role == "out":
            item.layer = last


def _with_lanes(items: list[Item], wires: list[Wire]) -> Layers:
    rows: list[list[Cell]] = [[] for _ in range(max(item.layer for item in items) + 1)]
    cell_of: dict[int, Cell] = {}
    for item in items:
        right = max(item.width / 2, *(6 + dx + item.label_width for dx in _exits(item)))
        cell_of[id(item)] = cell = Cell(item.layer, item.width / 2, right, item)
        rows[item.layer].append(cell)
    lanes: dict[tuple[int, int], list[Cell]] = {}
    for wire in sorted(wires, key=lambda w: w.source.layer - w.target.layer):  # longest first
        source, target = cell_of[id(wire.source)], cell_of[id(wire.target)]
        wire.longest = (id(wire.source), wire.value) not in lanes
        lane = lanes.setdefault((id(wire.source), wire.value), [])
        for layer in range(source.layer + 1 + len(lane), target.layer):
            cell = Cell(layer, LANE, LANE)
            _connect(lane[-1] if lane else source, cell)
            lane.append(cell)
            rows[layer].append(cell)
        wire.cells = [source, *lane[: target.layer - source.layer - 1], target]
        _connect(wire.cells[-2], target)
    return Layers(rows, wires)


def _exits(item: Item) -> Iterable[float]:
    return item.exits.values() if item.label and item.exits else (0.0,)


def _connect(upper: Cell, lower: Cell) -> None:
    if lower not in upper.downs:
        upper.downs.append(lower)
        lower.ups.append(upper)


# --------------------------------------------------------------------------------- order


def _sort(rows: list[list[Cell]], sweeps: int = 10) -> None:
    """Order every layer by the barycentres of its neighbours, down and up; keep the best."""
    for row in rows:
        row.sort(key=lambda cell: cell.item is None)  # lanes to the right, where nothing else says
        _number(row)
    best, fewest = [list(row) for row in rows], _crossings(rows)
    for sweep in range(sweeps):
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            row.sort(key=lambda cell: _barycentre(cell, cell.ups if downwards else cell.downs))
            _number(row)
        crossings = _crossings(rows)
        if crossings < fewest or (sweep == 0 and crossings == fewest):
            best, fewest = [list(row) for row in rows], crossings
        if fewest == 0:
            break
    for row, cells in zip(rows, best, strict=True):
        row[:] = cells
        _number(row)


def _barycentre(cell: Cell, neighbours: list[Cell]) -> float:
    if cell.item is not None and cell.item.role == "heading":
        return -1.0
    if not neighbours:
        return float(cell.index)
    return sum(n.index for n in neighbours) / len(neighbours)


def _number(row: list[Cell]) -> None:
    for index, cell in enumerate(row):
        cell.index = index


def _crossings(rows: list[list[Cell]]) -> int:
    total = 0
    for row in rows:
        seen: list[int] = []  # where the lines so far end, sorted
        for cell in row:
            ends = sorted(lower.index for lower in cell.downs)
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total
