"""Horizontal places: lanes straight, a chain of boxes in one line, nothing over anything.

    x[right neighbour] − x[left neighbour] ≥ what both keep free            within a layer

A column is a chain of boxes, or all the cells of a lane; it has one x. The columns move in turns
towards those they are wired to. Columns of less weight are pushed aside; those of the same or more
stay. (The priority method of Sugiyama, Tagawa, Toda 1981, with whole columns in the place of single
points; that they are straight is from Brandes & Köpf 2001, "Fast and simple horizontal coordinate
assignment", where it is shown that an order remains if no two of them cross.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

from minidl.analysis.layers import Cell, Layers, Wire

_GAP = 18.0
"""Between two boxes."""


@dataclass(eq=False)
class _Column:
    cells: list[Cell]
    x: float = 0.0
    weight: float = 0.0
    """Of the heaviest wire."""
    lefts: list[tuple[_Column, float]] = field(default_factory=list)
    """Its left neighbours and how far away they are at least."""
    rights: list[tuple[_Column, float]] = field(default_factory=list)
    ups: list[tuple[_Column, float, float]] = field(default_factory=list)
    """What it is wired to above: the column, where it would like to be from there, the weight."""
    downs: list[tuple[_Column, float, float]] = field(default_factory=list)


def place(layers: Layers) -> None:
    """Set x of every cell, and of the items; the leftmost border is at 0."""
    column_of = _columns(layers)
    columns = _in_order(layers, column_of)
    for wire in layers.wires:
        _pull(wire, column_of)
    for column in columns:
        if any(cell.item is not None and cell.item.role == "heading" for cell in column.cells):
            column.weight = math.inf
    for column in columns:  # as far left as it goes
        column.x = max([other.x + gap for other, gap in column.lefts], default=0.0)
    for sweep in range(12):
        _move(columns, upwards=sweep % 2 == 1)
    _line_up_ports(layers, column_of)
    left = min(c.x + cell.dx - cell.left for c in columns for cell in c.cells)
    for column in columns:
        for cell in column.cells:
            cell.x = column.x + cell.dx - left
            if cell.item is not None:
                cell.item.x = cell.x


def _columns(layers: Layers) -> dict[int, _Column]:
    """A column for every chain and lane; where two cross, one of them is broken."""
    straight = {
        (id(upper), id(lower)): _exit(wire, upper) - _entry(wire, lower)
        for wire in layers.wires
        for upper, lower in pairwise(wire.cells)
        if _belong_together(upper, lower)
    }
    column_of: dict[int, _Column] = {}
    for row in layers.rows:
        last = -1
        for cell in row:
            upper = cell.ups[0] if cell.ups else None
            if upper is not None and upper.index > last and (id(upper), id(cell)) in straight:
                last = upper.index
                column = column_of[id(upper)]
                cell.dx = upper.dx + straight[id(upper), id(cell)]
                column.cells.append(cell)
            else:
                column = _Column([cell])
            column_of[id(cell)] = column
    return column_of


def _belong_together(upper: Cell, lower: Cell) -> bool:
    """Whether they are neighbours in a lane, or in a chain."""
    if upper.item is None and lower.item is None:
        return True
    return len(upper.downs) == len(lower.ups) == 1


def _exit(wire: Wire, cell: Cell) -> float:
    return cell.item.exits.get(wire.value, 0.0) if cell.item is not None else 0.0


def _entry(wire: Wire, cell: Cell) -> float:
    return cell.item.entries.get(wire.value, 0.0) if cell.item is not None else 0.0


def _in_order(layers: Layers, column_of: dict[int, _Column]) -> list[_Column]:
    """The columns, each after its left neighbours, which it is told."""
    for row in layers.rows:
        for a, b in pairwise(row):
            left, right = column_of[id(a)], column_of[id(b)]
            boxes = (a.item is not None) + (b.item is not None)
            gap = a.right + b.left + _GAP * boxes / 2 + a.dx - b.dx
            left.rights.append((right, gap))
            right.lefts.append((left, gap))
    ordered: list[_Column] = []
    waiting = {id(column): len(column.lefts) for column in column_of.values()}
    distinct = {id(column): column for column in column_of.values()}
    ready = [column for column in distinct.values() if not column.lefts]
    while ready:
        column = ready.pop()
        ordered.append(column)
        for right, _ in column.rights:
            waiting[id(right)] -= 1
            if waiting[id(right)] == 0:
                ready.append(right)
    assert len(ordered) == len(distinct), "lanes that cross were broken"
    return ordered


def _pull(wire: Wire, column_of: dict[int, _Column]) -> None:
    """Wires pull at both ends; those that pass layers beside a chain of boxes, less than these."""
    passes = len(wire.cells) > 2
    branches = len(wire.cells[0].downs) > 1
    for upper, lower in pairwise(wire.cells):
        a, b = column_of[id(upper)], column_of[id(lower)]
        if a is b:
            continue
        weight = 1.0 if passes and branches else 4.0
        dx = upper.dx + _exit(wire, upper) - lower.dx - _entry(wire, lower)
        a.downs.append((b, -dx, weight))
        b.ups.append((a, dx, weight))
        a.weight, b.weight = max(a.weight, weight), max(b.weight, weight)


def _move(columns: list[_Column], upwards: bool) -> None:
    by_layer = sorted(columns, key=lambda c: c.cells[0].layer, reverse=upwards)
    layers: list[list[_Column]] = []
    for column in by_layer:
        if layers and layers[-1][0].cells[0].layer == column.cells[0].layer:
            layers[-1].append(column)
        else:
            layers.append([column])
    for layer in layers:
        for column in sorted(layer, key=lambda c: -c.weight):
            wires = column.downs if upwards else column.ups
            if wires:
                _go(column, _wish(wires))


def _line_up_ports(layers: Layers, column_of: dict[int, _Column]) -> None:
    """Let a frame with one way in and one way out lie on one line with what is around it."""
    ports = [c for row in layers.rows for c in row if c.item and c.item.role in ("in", "out")]
    if [cell.item.role for cell in ports if cell.item] == ["in", "out"]:
        (entry, a), (leaving, b) = [(cell, column_of[id(cell)]) for cell in ports]
        if a is not b:
            _go(b, a.x + entry.dx - leaving.dx)
            _go(a, b.x + leaving.dx - entry.dx)


def _wish(wires: list[tuple[_Column, float, float]]) -> float:
    """The middle of where the heaviest wires would have it."""
    heaviest = max(weight for *_, weight in wires)
    places = sorted(other.x + dx for other, dx, weight in wires if weight == heaviest)
    middle = len(places) // 2
    return places[middle] if len(places) % 2 else (places[middle - 1] + places[middle]) / 2


def _go(column: _Column, x: float) -> None:
    """Move as near to x as the neighbours let it."""
    if x > column.x:
        _push(column, min(x, _limit(column, column.weight, {}, 1)), 1)
    elif x < column.x:
        _push(column, max(x, -_limit(column, column.weight, {}, -1)), -1)


def _limit(column: _Column, weight: float, known: dict[int, float], side: int) -> float:
    """How far to the right (side 1) or left (−1) it can go, pushing those that weigh less.

    On the left everything is mirrored: the result is −x.
    """
    if id(column) not in known:
        known[id(column)] = min(
            (
                (side * other.x if other.weight >= weight else _limit(other, weight, known, side))
                - gap
                for other, gap in (column.rights if side > 0 else column.lefts)
            ),
            default=math.inf,
        )
    return known[id(column)]


def _push(column: _Column, x: float, side: int) -> None:
    """Put it at x, and those in the way farther to that side."""
    column.x = x
    for other, gap in column.rights if side > 0 else column.lefts:
        if side * (other.x - x) < gap - 1e-9:
            _push(other, x + side * gap, side)
