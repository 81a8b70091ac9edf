"""`minidl train`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from minidl.cli.app import Load, app, run_file


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

    run_file(load)
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
