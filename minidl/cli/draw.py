"""`minidl draw`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from minidl.cli.app import Load, app, run_file
from minidl.cli.summary import InputSize, ModelName, NumClasses, build, input_shape, made_for


@app.command(epilog="Examples: minidl draw lenet5; minidl draw resnet50 --depth 3 --out net.svg")
def draw(
    model: ModelName,
    size: InputSize = None,
    num_classes: NumClasses = None,
    depth: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="How many levels of modules to open. Default: as many as stay readable.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Where to. Default: MODEL.svg.")
    ] = None,
    fold: Annotated[
        bool, typer.Option("--fold/--no-fold", help="Draw equal blocks in a row once, with × 6.")
    ] = True,
    training: Annotated[
        bool, typer.Option("--training", help="As it runs in training: with auxiliary heads.")
    ] = False,
    load: Load = None,
) -> None:
    """Draw a model's graph into an SVG file, which browsers show."""
    from minidl import analysis
    from minidl.backends import use_backend

    run_file(load, model)
    shape = input_shape("draw", model, size)
    with use_backend("meta"):
        network = build(model, num_classes, shape)
    with made_for(model):
        drawing = analysis.draw(
            network, shape, depth=depth, fold=fold, training=training, name=model
        )
    path = Path(f"{model}.svg") if out is None else out
    drawing.save(path)
    nodes = len(drawing.graph.nodes())
    typer.echo(f"{path}: {nodes} boxes, opened to depth {drawing.depth}")
