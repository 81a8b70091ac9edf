"""The application that every command file adds its command to, and what several commands share."""

from __future__ import annotations

import os
import re
import runpy
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from typer.core import TyperCommand, TyperGroup

import minidl
from minidl.errors import ArgumentError, MinidlError, unknown_name

if TYPE_CHECKING:
    from minidl.datasets import Dataset

_Function = TypeVar("_Function", bound=Callable[..., Any])


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> Any:
        return _without_type_of_flags(super().get_params(ctx))


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> Any:
        return _without_type_of_flags(super().get_params(ctx))


def _without_type_of_flags(parameters: Any) -> Any:
    """Typer shows <bool> behind --resume, as if a value had to follow."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters


class _App(typer.Typer):
    def command(self, *names: Any, **options: Any) -> Callable[[_Function], _Function]:
        """Typer's, whose help shows flags as flags."""
        return super().command(*names, **{"cls": _Command, **options})


app = _App(
    cls=_Group,
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


def run_file(path: Path | None, model: str | None = None) -> None:
    """Run a Python file for what it registers; of an error in it, show its own lines only.

    A `model` that it defines must be among that.
    """
    if path is None:
        return
    if path.suffix != ".py" or not path.is_file():
        raise ArgumentError(f"--load: {path} is not a Python file.")
    try:
        defined = runpy.run_path(str(path))
    except Exception as error:
        report = traceback.TracebackException.from_exception(error)
        frames = [frame for frame in report.stack if frame.filename == str(path)]
        report.stack = traceback.StackSummary.from_list(frames)
        text = "".join(report.format(chain=False)).rstrip()
        raise ArgumentError(f"--load: {path} could not be run.\n{text}") from error
    if model is not None and model in defined:
        from minidl import models

        if model not in models.list():
            raise ArgumentError(
                f"--load: {model} is in {path}, but not registered. Write above it, after "
                "`from minidl import models`:\n    @models.register"
            )


def screen() -> Console:
    """Where a command prints: as wide as the terminal; a pipe is wide enough for all."""
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(width=200 if piped else None, highlight=False)


def listing(*columns: str) -> Table:
    """A table of what there is, a line each."""
    return Table(*columns, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)


def open_data(command: str, name: str, train: bool, data_dir: str | None) -> Dataset:
    """The part of a data set; `data_dir` may be "bundled"."""
    from minidl.datasets import BUNDLED
    from minidl.train.data import DATASETS, FOLDER

    if name not in DATASETS:
        unknown_name(f"{command}: there is no data set", name, (*DATASETS, FOLDER))
    root = BUNDLED if data_dir == "bundled" else data_dir
    dataset: Dataset = DATASETS[name](train=train, root=root)
    return dataset


_PYTHONS = re.compile(r"(card|create|load_model|Recipe|as_dataset): ")
"""Python's names that the library's messages begin with; to a command's user they say nothing."""


def print_error(error: MinidlError) -> None:
    """One message on standard error."""
    console = Console(stderr=True)
    start = _PYTHONS.match(str(error))
    message = str(error)[start.end() if start else 0 :]
    console.print(f"minidl: {message}", style="red", markup=False, highlight=False, soft_wrap=True)


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
