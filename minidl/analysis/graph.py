"""A network as a graph: boxes for modules and operations, edges for the tensors between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from minidl import nn
from minidl.analysis.calls import Calls
from minidl.analysis.describe import costs_text, operation_title
from minidl.analysis.flow import Flow, Step, Value
from minidl.analysis.titles import is_convolution, title_and_kind
from minidl.analysis.trace import Call

AGAIN = "↺"
"""Marks a layer that was called before."""


@dataclass(eq=False)
class Node:
    """A box: one call of a module, an operation outside of the boxes, an input or an output.

    One with `children` is a frame around them.
    """

    title: str
    kind: str
    """One of `describe.KINDS`."""
    path: str = ""
    """The module's path; of an operation, that of the module in whose forward it happens."""
    name: str = ""
    """The path seen from the frame; "" for an operation."""
    output: tuple[int, ...] = ()
    parameters: int = 0
    macs: int = 0
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    times: int = 1
    """How many equal blocks, one behind the other, it stands for."""
    last: str = ""
    """The path of the last of them, if several."""
    call: Call | None = field(default=None, repr=False)

    @property
    def costs(self) -> str:
        """Parameters and MACs in short, of all it stands for."""
        return costs_text(self.parameters, self.macs)

    def above(self) -> Iterator[Node]:
        """Itself and the frames around it, inside out."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent

    def leaves(self) -> Iterator[Node]:
        """The boxes in it that are no frames, in order of execution."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


@dataclass(frozen=True)
class Edge:
    """A tensor on its way from one box to another, neither of them a frame."""

    source: Node
    target: Node
    value: Value = field(repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's."""
        return self.value.shape


@dataclass(eq=False)
class Graph:
    """Boxes in order of execution below one root, which isn't drawn; and edges between leaves."""

    root: Node
    edges: list[Edge]

    def nodes(self) -> list[Node]:
        """The boxes that are no frames."""
        return list(self.root.leaves()) if self.root.children else []


def build_graph(flow: Flow, calls: Calls, depth: int) -> Graph:
    """The graph whose boxes are the calls `depth` levels below the model, and leaves above."""
    return _Builder(flow, calls, depth).graph()


class _Builder:
    def __init__(self, flow: Flow, calls: Calls, depth: int) -> None:
        self.flow, self.calls, self.depth = flow, calls, depth
        self.root = Node("", "block")
        self.meetings = {id(step.call) for step in flow.steps if len(set(step.inputs)) > 1}
        self.of_call: dict[int, Node] = {}
        self.of_step: dict[int, Node] = {}
        self.closed: dict[int, Call | None] = {}
        self.edges: dict[tuple[int, int, int], Edge] = {}

    def graph(self) -> Graph:
        """Go through the steps, in order; every box is made when the first of it happens."""
        for step in self.flow.steps:
            if not self._is_transparent(step):
                node = self.of_step[id(step)] = self._node_of_step(step)
                for value in step.inputs:
                    self._connect(value, node)
        for name, value in self.flow.outputs:
            title = f"output {name}".strip()
            self._connect(value, self._add(Node(title, "io", output=value.shape)))
        edges = list(self.edges.values())
        return Graph(self.root, _without_dead_ends(self.root, edges))

    def _closed(self, call: Call) -> Call | None:
        """The outermost call around this one that is shown as a box; None if all are frames."""
        if id(call) not in self.closed:
            above = self._closed(call.parent) if call.parent is not None else None
            self.closed[id(call)] = above or (None if self._is_open(call) else call)
        return self.closed[id(call)]

    def _is_open(self, call: Call) -> bool:
        if self.calls.is_leaf(call):
            return False
        depth = self.calls.rows[self.calls.position[id(call)]].depth
        return depth < self.depth or self._hides_a_meeting(call)

    def _hides_a_meeting(self, call: Call) -> bool:
        """Whether it would look like a convolution, but adds a shortcut to what it convolves."""
        return id(call) in self.meetings and is_convolution(call, self.calls)

    def _is_transparent(self, step: Step) -> bool:
        """Whether what goes in comes out, and no box is needed to say so."""
        if step.operation or step.call is None:
            return False
        box = self._closed(step.call)
        return box is None or (
            box is step.call and type(box.module) in (nn.Identity, nn.Sequential)
        )

    def _connect(self, value: Value, target: Node) -> None:
        while self._is_transparent(value.step):
            value = value.step.inputs[0]
        source = self.of_step[id(value.step)]
        if source is not target:
            key = (id(source), id(target), id(value))
            self.edges.setdefault(key, Edge(source, target, value))

    def _node_of_step(self, step: Step) -> Node:
        if step.call is None:
            return self._add(Node("input", "io", output=step.shape))
        box = self._closed(step.call)
        if box is not None:
            return self._node_of_call(box)
        title = operation_title(step.operation, [v.shape for v in step.inputs], step.shape)
        node = Node(title, "operation", step.call.path, output=step.shape, macs=step.macs)
        return self._add(node, self._node_of_call(step.call))

    def _node_of_call(self, call: Call) -> Node:
        """Its box, or its frame; the model's own frame is the root."""
        if call.parent is None and self._is_open(call):
            return self.root
        if id(call) not in self.of_call:
            i = self.calls.position[id(call)]
            row = self.calls.rows[i]
            title, kind = title_and_kind(call, self.calls, self._is_open(call))
            node = Node(
                title=f"{title} {AGAIN}" if row.again else title,
                kind=kind,
                path=call.path,
                name=row.name if call.path else "",
                output=call.output or (),
                parameters=self.calls.parameters[i],
                macs=self.calls.macs[i],
                call=call,
            )
            parent = self.root if call.parent is None else self._node_of_call(call.parent)
            self.of_call[id(call)] = self._add(node, parent)
        return self.of_call[id(call)]

    def _add(self, node: Node, parent: Node | None = None) -> Node:
        node.parent = parent or self.root
        node.parent.children.append(node)
        return node


def _without_dead_ends(root: Node, edges: list[Edge]) -> list[Edge]:
    """Remove operations on constants alone, and those whose results nobody uses."""
    operations = [node for node in root.leaves() if node.kind == "operation"]
    for node in operations:  # in order of execution: a constant's users come after it
        if not any(edge.target is node for edge in edges):
            edges = _remove(node, edges)
    for node in reversed(operations):
        if not any(edge.source is node for edge in edges):
            edges = _remove(node, edges)
    return edges


def _remove(node: Node, edges: list[Edge]) -> list[Edge]:
    for inner in list(node.above()):
        if inner.children or inner.parent is None:  # a frame goes when it is empty
            break
        if any(inner is child for child in inner.parent.children):
            inner.parent.children = [c for c in inner.parent.children if c is not inner]
    return [edge for edge in edges if edge.source is not node and edge.target is not node]
