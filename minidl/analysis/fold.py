"""Equal blocks one behind the other, as one: a stage of six layers becomes "× 6"."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from minidl.analysis.calls import Calls
from minidl.analysis.describe import details_of
from minidl.analysis.graph import Edge, Graph, Node


def fold(graph: Graph, calls: Calls) -> None:
    """Replace every run of equal blocks by its first; in place.

    Blocks are equal if they call layers of the same types, arguments and sizes on the same shapes;
    each of them must use what the one before returned, and nothing else may use that.
    """
    _fold_within(graph.root, graph, _Signatures(calls))


def _fold_within(frame: Node, graph: Graph, signatures: _Signatures) -> None:
    for run in _runs(frame, graph, signatures):
        first, others = run[0], run[1:]
        first.times, first.last = len(run), run[-1].path
        first.parameters = sum(node.parameters for node in run)
        first.macs = sum(node.macs for node in run)
        gone = {id(node) for node in others}
        frame.children = [child for child in frame.children if id(child) not in gone]
        graph.edges = _joined(graph.edges, first, others)
    for child in frame.children:
        _fold_within(child, graph, signatures)


def _joined(edges: list[Edge], first: Node, others: list[Node]) -> list[Edge]:
    """What came out of the last one comes out of the same place in the first."""
    stand_in = {
        id(leaf): twin for leaf, twin in zip(others[-1].leaves(), first.leaves(), strict=True)
    }
    gone = {id(leaf) for node in others for leaf in node.leaves()}
    inside = {id(leaf) for leaf in first.leaves()}
    kept = []
    for edge in edges:
        if id(edge.target) in gone:
            continue
        if id(edge.source) in gone and id(edge.target) not in inside:
            edge = replace(edge, source=stand_in[id(edge.source)])
        kept.append(edge)
    return kept


def _runs(frame: Node, graph: Graph, signatures: _Signatures) -> list[list[Node]]:
    """The runs of two and more equal children."""
    equal = [
        (a, b)
        for a, b in pairwise(frame.children)
        if a.call is not None and b.call is not None and signatures.of(a) == signatures.of(b)
    ]
    if not equal:
        return []
    owner = {id(leaf): child for child in frame.children for leaf in child.leaves()}
    passes: dict[int, set[tuple[int, int]]] = {}
    takes: dict[int, set[tuple[int, int]]] = {}
    for edge in graph.edges:
        source, target = owner.get(id(edge.source)), owner.get(id(edge.target))
        if source is not target:
            passes.setdefault(id(source), set()).add((id(target), id(edge.value)))
            takes.setdefault(id(target), set()).add((id(source), id(edge.value)))
    runs: list[list[Node]] = []
    for a, b in equal:
        given, taken = passes.get(id(a), set()), takes.get(id(b), set())
        if len(given) != 1 or len(taken) != 1 or {n for n, _ in given} != {id(b)}:
            continue
        if {n for n, _ in taken} != {id(a)}:
            continue
        if runs and runs[-1][-1] is a:
            runs[-1].append(b)
        else:
            runs.append([a, b])
    return runs


class _Signatures:
    """What two blocks must have in common to be drawn as one."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.known: dict[int, Any] = {}

    def of(self, node: Node) -> Any:
        """Types, arguments and sizes of the layers, their shapes and costs."""
        call = node.call
        assert call is not None, "operations aren't folded"
        if id(call) not in self.known:
            self.known[id(call)] = tuple(
                (
                    type(c.module).__name__,
                    c.path.removeprefix(call.path),
                    details_of(c.module),
                    c.inputs,
                    c.output,
                    c.macs,
                    self.calls.rows[self.calls.position[id(c)]].again,
                    tuple(p.shape for p in c.module._parameters.values() if p is not None),
                )
                for c in self.calls.below(call)
            )
        return self.known[id(call)]
