"""draw: a network as a picture of its data flow, without any program to be installed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minidl.analysis.calls import Calls
from minidl.analysis.flow import Flow
from minidl.analysis.fold import fold as fold_blocks
from minidl.analysis.graph import Graph, build_graph
from minidl.analysis.layout import lay_out
from minidl.analysis.rows import rows_of
from minidl.analysis.scene import Scene
from minidl.analysis.svg import to_svg
from minidl.analysis.tables import count, shape_text
from minidl.analysis.titles import model_title
from minidl.analysis.trace import input_specs
from minidl.errors import ArgumentError, MinidlError, fail
from minidl.files.atomic import write_atomically
from minidl.nn import Module
from minidl_kernels.common.array_spec import ArraySpec

_IDLE = 4
"""Modules that don't run which are named."""
_ENOUGH = 64
"""Boxes in a picture of which nobody said how deep it shall go."""


@dataclass(frozen=True)
class Drawing:
    """A picture of a network: `save` it, or let a notebook show it."""

    svg: str = field(repr=False)
    """The picture, as the text of an SVG file."""
    graph: Graph = field(repr=False)
    """What it shows: boxes, and the tensors that flow between them."""
    scene: Scene = field(repr=False)
    """Where it shows it."""
    depth: int = 0
    """How many levels of modules are open."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it into a file, whole or not at all. Raises ArgumentError if it isn't an .svg."""
        if Path(path).suffix.lower() != ".svg":
            fail(
                "draw",
                "the file",
                Path(path).name,
                "a name that ends in .svg",
                "A drawing is written as SVG, which browsers show, and print as PDF; for a PNG, "
                "convert it: rsvg-convert net.svg -o net.png.",
                error=ArgumentError,
            )
        write_atomically(path, self.svg)

    def _repr_svg_(self) -> str:
        return self.svg


def draw(
    model: Module,
    input_size: Any = None,
    *,
    depth: int | None = None,
    fold: bool = True,
    training: bool = False,
    name: str | None = None,
) -> Drawing:
    """The network's graph: modules as boxes, tensors as the wires between them, from top to bottom.

    The wires are what one forward pass on the backend "meta" really passes on, so shortcuts,
    branches and what a `forward` computes between its layers (+, ×, concat, flatten) are there
    without being declared. The model stays as it is. The same model gives the same file, byte for
    byte.

    Parameters
    ----------
    model : a Module, on any backend
    input_size : (C, H, W) for one image, or a whole shape such as (N, C, H, W) or (N, features); or
        a tensor; or a list of these, for a model with several inputs
    depth : how many levels of modules to open. 1 shows what the model's own forward calls; 2 opens
        those into frames and shows what they call. None: as deep as a readable picture goes.
    fold : whether equal blocks one behind the other are drawn once, with "× 6"
    training : whether to run in training mode, in which networks have auxiliary heads. One image
        is joined by a second there, since batch norm needs more than one value; costs stay those
        of one.
    name : for the title, such as the one it was created by; the class stands there in any case

    Raises
    ------
    MinidlError : when a layer can't take its input; it says which

    >>> from minidl import models
    >>> drawing = draw(models.create("lenet5"), (1, 28, 28))
    >>> [node.title for node in drawing.graph.nodes()][:4]
    ['input', 'Conv2d 5×5, 6', 'ReLU', 'MaxPool2d 2×2, /2']
    >>> drawing.svg[:5]
    '<svg '

    """
    inputs = input_specs("draw", model, input_size)
    if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
        fail("draw", "depth", repr(depth), "a number of levels, 0 or more", error=ArgumentError)
    flow = _flow(model, inputs, training)
    rows = rows_of(model, flow)
    calls = Calls(flow, rows)
    depth, graph = _graph(flow, calls, depth, fold)
    scene = lay_out(graph)
    parameters, macs = sum(row.parameters for row in rows), sum(row.macs for row in rows)
    shapes = ", ".join(shape_text(x.shape) for x in inputs)
    subtitle = f"input {shapes} · {count(parameters)} parameters · {count(macs)} MACs"
    idle = [row.path for row in rows if row.status == "not run"]
    if idle:
        more = ", …" if len(idle) > _IDLE else ""
        mode = "training" if training else "evaluation"
        subtitle += f"\ndoesn't run in {mode}: {', '.join(idle[:_IDLE])}{more}"
    return Drawing(to_svg(scene, model_title(model, name), subtitle), graph, scene, depth)


def _flow(model: Module, inputs: list[ArraySpec], training: bool) -> Flow:
    """The pass that is drawn."""
    alone = training and all(x.shape[:1] == (1,) for x in inputs)
    given = [ArraySpec((2, *x.shape[1:]), x.dtype) for x in inputs] if alone else inputs
    flow = Flow(model, given, training)
    if flow.error is not None:
        raise MinidlError(flow.refusal("draw")) from flow.error
    if alone:
        for call in flow.calls:
            call.macs //= 2
        for step in flow.steps:
            step.macs //= 2
    return flow


def _graph(flow: Flow, calls: Calls, depth: int | None, fold: bool) -> tuple[int, Graph]:
    """The graph at a depth, or at the greatest that has few enough boxes."""

    def at(depth: int) -> Graph:
        graph = build_graph(flow, calls, depth)
        if fold:
            fold_blocks(graph, calls)
        return graph

    if depth is not None:
        return depth, at(depth)
    deepest = max(row.depth for row in calls.rows)
    best = (1, at(1))
    for deeper in range(2, deepest + 1):
        graph = at(deeper)
        if len(graph.nodes()) > _ENOUGH:
            break
        best = (deeper, graph)
    return best
