"""`minidl data`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minidl.cli.app import app, listing, open_data, print_error, screen
from minidl.errors import ArgumentError, DataError

if TYPE_CHECKING:
    from minidl.datasets import Dataset

_LICENSES = {"mnist": "CC BY-SA 3.0", "fashion-mnist": "MIT", "cifar10": "none stated"}
_FOLDERS_SHAPE = (3, 64, 64)
"""What one's own images, which may be of different sizes, are shown as."""
_PER_CLASS = 10
"""Samples of each class in the picture."""


@app.command(epilog="Examples: minidl data; minidl data mnist --picture digits.png")
def data(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="A data set; folder: your own images, in --data-dir DIR."
        ),
    ] = None,
    data_dir: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Look in this folder only; 'bundled': what comes with minidl."
        ),
    ] = None,
    fetch: Annotated[
        bool,
        typer.Option("--fetch", help="Download the full set to the cache, if it isn't found."),
    ] = False,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw some training images of each class."),
    ] = None,
) -> None:
    """List the data sets and where they are; of one, its classes.

    Exit code 2 if the files of one are there but can't be read.
    """
    from minidl.train.data import DATASETS, FOLDER

    if name is None:
        if fetch or picture is not None:
            option = "--fetch" if fetch else "--picture"
            known = ", ".join(DATASETS if fetch else (*DATASETS, FOLDER))
            raise ArgumentError(f"data: {option} needs the name of a data set: {known}.")
        _list(list(DATASETS), data_dir)
        return
    if picture is not None and picture.suffix.lower() != ".png":
        raise ArgumentError(f"data: --picture: {picture} must be named .png, which it will be.")
    if fetch:
        _fetch(name, data_dir)
    _show(name, data_dir, picture)


def _list(names: list[str], data_dir: str | None) -> None:
    from rich.text import Text

    from minidl.datasets.places import MissingFilesError

    console = screen()
    errors: dict[str, DataError] = {}  # by message: a wrong MINIDL_DATA is the same for all
    table = listing("data set", "images", "train", "test", "classes", "license", "found in")
    for column in table.columns[2:5]:
        column.justify = "right"
    with console.status("reading"):
        for name in names:
            license_ = _LICENSES.get(name, "")
            try:
                training, test = (
                    open_data("data", name, train, data_dir) for train in (True, False)
                )
            except MissingFilesError:
                missing = Text(f"not found: minidl data {name} --fetch", "yellow")
                table.add_row(Text(name), "", "", "", "", license_, missing)
                continue
            except DataError as error:
                table.add_row(Text(name), "", "", "", "", license_, Text("see below", "red"))
                errors.setdefault(str(error).partition(": ")[2] or str(error), error)
                continue
            table.add_row(
                *(Text(name), _size(training), f"{len(training):,}", f"{len(test):,}"),
                *(str(len(training.class_names)), license_, Text(_place(training))),
            )
    console.print(table)
    console.print("minidl data NAME says in which folder", style="dim")
    for mistake in errors.values():
        print_error(mistake)
    if errors:
        raise typer.Exit(2)


def _show(name: str, data_dir: str | None, picture: Path | None) -> None:
    import numpy as np
    from rich.text import Text

    console = screen()
    training, test = _parts(name, data_dir)
    for part in (training, test):
        console.print(part.source, markup=False, soft_wrap=True)
    console.print(f"{_size(training)} pixels; {_about(name)}\n")
    table = listing("class", "name", "train", "test")
    for column in (table.columns[0], *table.columns[2:]):
        column.justify = "right"
    classes = len(training.class_names)
    counts = [np.bincount(part.labels, minlength=classes).tolist() for part in (training, test)]
    for k, class_name in enumerate(training.class_names):
        table.add_row(str(k), Text(class_name), *(f"{count[k]:,}" for count in counts))
    console.print(table)
    if picture is not None:
        from minidl.train.pictures import save_samples

        save_samples(training, _PER_CLASS, picture)
        console.print(f"Picture: {picture}", markup=False, soft_wrap=True)


def _parts(name: str, data_dir: str | None) -> tuple[Dataset, Dataset]:
    from minidl.train.data import FOLDER, load_data

    if name == FOLDER and data_dir is not None:
        return load_data(FOLDER, data_dir, shape=_FOLDERS_SHAPE)
    if name == FOLDER:
        raise ArgumentError(
            "data: folder needs --data-dir DIR, with your images in DIR/train/CLASS/… and "
            "DIR/test/CLASS/…"
        )
    training, test = (open_data("data", name, train, data_dir) for train in (True, False))
    return training, test


def _fetch(name: str, data_dir: str | None) -> None:
    from minidl.train.data import DATASETS, FOLDER

    if data_dir is not None:
        raise ArgumentError("data: --fetch downloads to the cache: leave out --data-dir.")
    if name == FOLDER:
        raise ArgumentError("data: your own images can't be fetched: leave out --fetch.")
    if name in DATASETS:
        with screen().status(f"fetching {name}"):
            for train in (True, False):
                DATASETS[name](train=train, download=True)


def _about(name: str) -> str:
    if name in _LICENSES:
        return f"license: {_LICENSES[name]}"
    return "shown at this size only here: training resizes to what the model takes"


def _size(dataset: Dataset) -> str:
    """Such as 28×28 grey, or 32×32 colour."""
    shape = dataset.images.shape[1:]
    kind = "colour" if len(shape) == 3 and shape[0] == 3 else "grey"
    return f"{shape[-1]}×{shape[-2]} {kind}"


def _place(dataset: Dataset) -> str:
    """What `source` says of the place, after "from", without the folder."""
    place = dataset.source.partition(", from ")[2].split(" (")[0].rstrip(".")
    return place.replace("the subset bundled with minidl", "bundled")
