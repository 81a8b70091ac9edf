"""The `minidl` command.

minidl train lenet5      train a model, watch it learn, keep the figures and pictures
minidl check numpy       hold a backend against the contract
minidl models            what can be trained
minidl backends          where it can be computed
"""

from __future__ import annotations

import dataclasses
import runpy
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import minidl
from minidl.errors import ArgumentError, MinidlError

app = typer.Typer(
    help="minidl: a deep-learning framework to be read, run and trusted.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Load = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A Python file to run first, one that registers your own."),
]


def main() -> None:
    """Run the command; an error of minidl's is one message and exit code 2, no traceback."""
    try:
        app(prog_name="minidl")
    except MinidlError as error:
        console = Console(stderr=True)
        console.print(
            f"minidl: {error}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        sys.exit(2)


@app.command()
def train(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A name from `minidl models`.")],
    data: Annotated[str, typer.Option(help="mnist or fashion-mnist.")] = "mnist",
    data_dir: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Where the files are; 'bundled' means the images that come with minidl. Default: "
            "$MINIDL_DATA, the system's package, the cache, the bundled images, in this order.",
        ),
    ] = None,
    backend: Annotated[str, typer.Option(help="A name from `minidl backends`.")] = "numpy",
    epochs: Annotated[int | None, typer.Option(help="Default: the model's recipe.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Default: the model's recipe.")] = None,
    lr: Annotated[float | None, typer.Option(help="Default: the model's recipe.")] = None,
    seed: Annotated[int, typer.Option(help="Fixes the run.")] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The run's folder. Default: runs/….")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", help="Only the first N training and N test images."),
    ] = None,
    threads: Annotated[
        int, typer.Option(min=1, help="For matrix products; small networks gain from one only.")
    ] = 1,
    load: Load = None,
) -> None:
    """Train a model: a progress bar, a table, and a folder with figures and pictures."""
    from minidl.train import recipe_for, run

    _run_file(load)
    given = {"epochs": epochs, "batch_size": batch_size, "lr": lr}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    run(
        model,
        data,
        data_dir=data_dir,
        backend=backend,
        recipe=dataclasses.replace(recipe_for(model), **changes),
        seed=seed,
        out=out,
        limit=limit,
        threads=threads,
    )


@app.command()
def check(
    backend: Annotated[
        str, typer.Argument(metavar="BACKEND", help="A name from `minidl backends`.")
    ],
    kernel: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this kernel; may be repeated.")
    ] = None,
    examples: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Random cases per kernel, beside the fixed ones."),
    ] = 25,
    load: Load = None,
) -> None:
    """Run the conformance suite on a backend; exit code 1 if a kernel is wrong."""
    from minidl.testing import conformance

    _run_file(load)
    report = conformance.run(backend, kernel or None, max_examples=examples)
    report = dataclasses.replace(report, load=None if load is None else str(load))
    report.print()
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def models() -> None:
    """List the models."""
    from minidl.models import create
    from minidl.models import list as names

    table = Table("model")
    table.add_column("parameters", justify="right")
    for name in names():
        parameters = sum(parameter.numel() for parameter in create(name).parameters())
        table.add_row(name, f"{parameters:,}")
    Console().print(table)


@app.command()
def backends() -> None:
    """List the backends: which work here, and how much of the contract each has."""
    from minidl.backends import capabilities, get, names

    table = Table("backend")
    table.add_column("kernels", justify="right")
    table.add_column("usable here")
    for name in names():
        try:
            get(name)
            makers = capabilities(name).values()
        except Exception as error:  # a broken optional package may raise anything
            table.add_row(name, "", Text(f"no: {error}"))
        else:
            have = sum(maker != "missing" for maker in makers)
            table.add_row(name, f"{have} of {len(makers)}", "yes")
    Console().print(table)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"minidl {minidl.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


def _run_file(path: Path | None) -> None:
    """Run a Python file for what it registers; of an error in it, show its own lines only."""
    if path is None:
        return
    if path.suffix != ".py" or not path.is_file():
        raise ArgumentError(f"--load: {path} is not a Python file.")
    try:
        runpy.run_path(str(path))
    except Exception as error:
        report = traceback.TracebackException.from_exception(error)
        frames = [frame for frame in report.stack if frame.filename == str(path)]
        report.stack = traceback.StackSummary.from_list(frames)
        text = "".join(report.format(chain=False)).rstrip()
        raise ArgumentError(f"--load: {path} could not be run.\n{text}") from error
