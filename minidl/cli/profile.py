"""`minidl profile`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from minidl.cli.app import Load, app, run_file
from minidl.cli.summary import InputSize, ModelName, NumClasses, build, input_shape, made_for
from minidl.errors import ArgumentError


@app.command(epilog="Examples: minidl profile lenet5 --batch 64 --out lenet5-profile")
def profile(
    model: ModelName,
    size: InputSize = None,
    num_classes: NumClasses = None,
    backend: Annotated[str, typer.Option(help="A name from `minidl backends`.")] = "numpy",
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Images in a batch.")] = 32,
    steps: Annotated[int, typer.Option(metavar="K", min=1, help="Steps to time.")] = 10,
    forward_only: Annotated[
        bool, typer.Option("--forward-only", help="Evaluate: no backward pass.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder for profile.txt and profile.png (matplotlib)."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="For matrix products.")] = 1,
    load: Load = None,
) -> None:
    """Time a training step by layer and by kernel."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

    from minidl import analysis, backends

    run_file(load, model)
    shape = input_shape("profile", model, size)
    if len(shape) != 3:
        raise ArgumentError(
            f"profile: --input has {len(shape)} numbers, expected three, for one image: 3x224x224. "
            "The batch is --batch."
        )
    network = build(model, num_classes, shape).to(backends.get(backend)).train(not forward_only)
    with made_for(model), threadpool_limits(threads, "blas"):
        report = analysis.profile(
            network, (batch, *shape), steps=steps, backward=not forward_only, name=model
        )
    typer.echo(report)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "profile.txt").write_text(f"{report}\n", encoding="utf-8")
        report.save_picture(out / "profile.png")
