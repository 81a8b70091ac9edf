"""`minidl train`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from minidl.cli.app import Load, app, run_file
from minidl.errors import ArgumentError


@app.command(epilog="Example: minidl train lenet5 --data-dir bundled --epochs 3 --out runs/first")
def train(
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="A name from `minidl models`.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="mnist, fashion-mnist, cifar10, or folder: your own images in DIR/train/CLASS/… "
            "and DIR/test/CLASS/…. Default: mnist."
        ),
    ] = None,
    data_dir: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Where the files are; 'bundled' means the images that come with minidl. Default: "
            "the first of these that has them: $MINIDL_DATA, the operating system's "
            "data set package, the cache, the bundled images.",
        ),
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(help="A name from `minidl backends`, or auto. Default: numpy."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Default: the model's recipe.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Default: the model's recipe.")] = None,
    lr: Annotated[float | None, typer.Option(help="Default: the model's recipe.")] = None,
    seed: Annotated[int | None, typer.Option(help="Fixes the run. Default: 0.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The run's folder. Default: a new one in runs."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue the run in --out DIR exactly where it was stopped or killed. Without "
            "--out: the last run of this model and data.",
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace the run that is in --out DIR, finished or not. Without, it stays, and "
            "this is an error.",
        ),
    ] = False,
    checkpoint_every: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="STEPS",
            help="Save the state after so many steps, besides each epoch. Default: every 30 s.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", help="Only the first N training and N test images."),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, help="For matrix products; small networks gain from one only. Default: 1."
        ),
    ] = None,
    as_published: Annotated[
        bool,
        typer.Option(
            "--as-published",
            help="The network as it was published, on images of its size. Default for the data "
            "sets of small images: a thin variant, on images as small as it takes.",
        ),
    ] = False,
    load: Load = None,
) -> None:
    """Train a model: a progress bar, a table, and a folder with figures and pictures.

    Ctrl-C stops after the current step; --resume continues as if nothing had happened.
    """
    from minidl import train as training
    from minidl.train.interruption import Interrupted

    if resume and overwrite:
        raise ArgumentError("train: --resume continues a run, --overwrite replaces it. Choose one.")
    run_file(load, model)
    recipe = _given(epochs=epochs, batch_size=batch_size, lr=lr)
    if as_published and model is not None:
        published = training.as_published(training.recipe_for(model), model)
        recipe |= {"options": published.options, "image_size": published.image_size}
    settings = _given(
        data=data, data_dir=data_dir, backend=backend, seed=seed, limit=limit, threads=threads
    )
    try:
        if resume:
            training.continue_run(
                out, model, recipe=recipe, checkpoint_every=checkpoint_every, **settings
            )
        elif model is None:
            raise ArgumentError("train: which model? Name one from `minidl models`.")
        else:
            training.run(
                model,
                recipe=dataclasses.replace(training.recipe_for(model, data or "mnist"), **recipe),
                out=out,
                overwrite=overwrite,
                checkpoint_every=checkpoint_every,
                **settings,
            )
    except Interrupted as stop:
        typer.echo(f"{stop} --load {load}" if load else str(stop), err=True)
        raise typer.Exit(128 + stop.signal) from None


def _given(**options: Any) -> dict[str, Any]:
    """Those that were said."""
    return {name: value for name, value in options.items() if value is not None}
