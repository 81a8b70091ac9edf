"""`minidl check`."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from minidl.cli.app import Load, app, run_file


@app.command(
    epilog="Examples: minidl check numpy --kernel conv2d; minidl check mine --load my_backend.py"
)
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

    run_file(load)
    report = conformance.run(backend, kernel or None, max_examples=examples)
    report = dataclasses.replace(report, load=None if load is None else str(load))
    report.print()
    if not report.ok:
        raise typer.Exit(1)
