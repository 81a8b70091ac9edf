"""The application that every command file adds its command to, and what several commands share."""

from __future__ import annotations

import runpy
import traceback
from pathlib import Path
from typing import Annotated

import typer

import minidl
from minidl.errors import ArgumentError

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
"""The option --load; a command that has it calls `run_file` first."""


def run_file(path: Path | None) -> None:
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
