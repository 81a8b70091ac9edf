"""`minidl summary`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minidl.cli.app import Load, app, run_file
from minidl.errors import ArgumentError, MinidlError, ShapeError

if TYPE_CHECKING:
    from minidl.nn import Module

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A name from `minidl models`.")]
InputSize = Annotated[
    str | None,
    typer.Option("--input", metavar="CxHxW", help="Such as 3x224x224. Default: the model's own."),
]
NumClasses = Annotated[int | None, typer.Option(metavar="N", help="Default: the model's own.")]


@app.command(epilog="Examples: minidl summary lenet5; minidl summary resnet50 --depth 1")
def summary(
    model: ModelName,
    size: InputSize = None,
    num_classes: NumClasses = None,
    depth: Annotated[
        int | None,
        typer.Option(metavar="K", min=0, help="How deep to show the tree. Default: all of it."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it as a web page, too.")
    ] = None,
    load: Load = None,
) -> None:
    """Show a model layer by layer: shapes, parameters, MACs, memory, receptive fields."""
    from minidl import analysis
    from minidl.backends import use_backend

    run_file(load, model)
    shape = input_shape("summary", model, size)
    with use_backend("meta"):
        network = build(model, num_classes, shape)
    with made_for(model):
        try:
            result = analysis.summary(network, shape, depth=depth, name=model)
        except analysis.SummaryError as error:
            typer.echo(error.partial)
            raise
    typer.echo(result)
    if html is not None:
        page = f'<!doctype html><meta charset="utf-8"><title>{model}</title>'
        html.write_text(page + result._repr_html_(), encoding="utf-8")


def input_shape(command: str, model: str, size: str | None) -> tuple[int, ...]:
    """(3, 224, 224) from "3x224x224"; without a size, what the model's card says."""
    from minidl.models import card

    found = card(model)
    if size is None:
        if found is None:
            raise ArgumentError(
                f"{command}: {model} has no card that says its input. Give it: --input 3x224x224."
            )
        return found.input
    parts = size.replace("×", "x").split("x")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ArgumentError(
            f"{command}: --input is {size!r}, expected numbers with x between them: 3x224x224."
        )
    sizes = tuple(map(int, parts))
    if found is not None and len(sizes) < len(found.input):
        whole = (found.input[0], sizes[0], sizes[-1])  # one number: a square
        raise ArgumentError(
            f"{command}: --input is {size}, expected three numbers, for channels, height and "
            f"width. Write --input {'x'.join(map(str, whole))}."
        )
    return sizes


@contextmanager
def made_for(model: str) -> Iterator[None]:
    """Add what a model's card says of its images to a layer's complaint of their size."""
    from minidl.models import card

    try:
        yield
    except MinidlError as error:
        found = card(model)
        if found is None or not isinstance(error.__cause__ or error, ShapeError):
            raise
        size = "×".join(map(str, found.input))
        raise ArgumentError(f"{error}\n{model} was made for images of {size}.") from error


def build(model: str, num_classes: int | None, shape: tuple[int, ...]) -> Module:
    """The model for so many classes, and for images with so many channels."""
    from minidl.models import card, create

    options: dict[str, Any] = {} if num_classes is None else {"num_classes": num_classes}
    found = card(model)
    if found is not None and len(shape) >= 3 and shape[-3] != found.input[0]:
        options["in_channels"] = shape[-3]
    return create(model, **options)
