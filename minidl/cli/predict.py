"""`minidl predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minidl.cli.app import Load, app, listing, print_error, run_file, screen
from minidl.errors import ArgumentError, DataError, MinidlError, unknown_name

if TYPE_CHECKING:
    from minidl.train.photos import Preparation


@app.command(epilog="Example: minidl predict photo.jpg --show seen.png")
def predict(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE", help="PNG, JPEG, … of any size.")
    ],
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="A run's folder or weights, PyTorch's too. Default: LeNet-5 for digits.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="For a weights file that doesn't say of which model."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="… nor of which data set: one of `minidl data`."),
    ] = None,
    top: Annotated[int, typer.Option(metavar="K", min=1, help="How many answers to show.")] = 3,
    show: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a picture of what the network saw.")
    ] = None,
    backend: Annotated[str, typer.Option(help="A name from `minidl backends`.")] = "numpy",
    load: Load = None,
) -> None:
    """Say which digit is on a photo or scan; with other weights, what else."""
    import numpy as np

    from minidl.datasets.digit import doubts
    from minidl.files.images import read_image
    from minidl.train.data import DATASETS, FOLDER
    from minidl.train.photos import preparation, probabilities
    from minidl.train.trained import SHIPPED, trained

    run_file(load)
    if data is not None and data not in (*DATASETS, FOLDER):
        unknown_name("predict: there is no data set", data, DATASETS)
    if weights is None and model is not None:
        raise ArgumentError(
            f"predict: minidl comes with weights of lenet5 for digits only. Name a file with "
            f"those of {model}: --weights FILE."
        )
    found = trained(weights or SHIPPED, model, data, backend)
    if data not in (None, found.data):
        raise ArgumentError(
            f"predict: --data {data}: {weights or 'the network that comes with minidl'} was "
            f"trained on {found.data}. Leave --data out."
        )
    prepare = preparation(found)
    console = screen()
    console.print(f"{found}; {prepare.description}.", soft_wrap=True, markup=False)

    names: list[str] = []
    doubtful: list[str] = []
    seen, mistakes = [], []
    for image in images:
        try:
            pixels = read_image(image, channels=prepare.channels)
            seen.append(_prepared(image, pixels, prepare))
            names.append(str(image))
            if found.data == "mnist":
                doubtful += [f"{image}: {doubt}." for doubt in doubts(pixels)]
        except DataError as error:
            mistakes.append(error)
    if seen:
        batch = np.stack(seen)  # (N, C, h, w) in [0, 1]
        answers = probabilities(found.network, prepare.normalized(batch))
        console.print(_table(names, answers, found.class_names, top))
        for doubt in doubtful:
            console.print(f"Doubtful: {doubt}", style="yellow", markup=False, soft_wrap=True)
        if show is not None:
            _write_seen(batch, show)
    for mistake in mistakes:
        print_error(mistake)
    if mistakes:
        raise typer.Exit(2)


def _prepared(path: Path, pixels: Any, prepare: Preparation) -> Any:
    try:
        return prepare.pixels(pixels)
    except MinidlError as error:
        raise DataError(f"{path}: {error}") from error


def _table(names: list[str], answers: Any, class_names: tuple[str, ...], top: int) -> Any:
    from rich.text import Text

    table = listing("file", "answer", "confidence", "then")
    table.columns[0].overflow = "fold"
    table.columns[2].justify = "right"
    for name, row in zip(names, answers, strict=True):
        best = row.argsort()[::-1][:top]
        words = [class_names[k] if class_names else f"class {k}" for k in best]
        others = zip(words[1:], row[best[1:]], strict=True)
        then = ", ".join(f"{word} {_percent(share)}" for word, share in others)
        table.add_row(Text(name), Text(words[0], "bold"), _percent(row[best[0]]), Text(then, "dim"))
    return table


def _percent(share: float) -> str:
    """Rounded, but never to none or all."""
    return "<0.1%" if share < 0.0005 else ">99.9%" if share >= 0.9995 else f"{share:.1%}"


def _write_seen(batch: Any, path: Path) -> None:
    """The pictures as the network saw them, side by side; small ones enlarged."""
    import numpy as np
    from PIL import Image

    batch = np.pad(batch, [(0, 0), (0, 0), (1, 1), (1, 1)], constant_values=0.5)
    strip = np.concatenate(list(batch), axis=2).transpose(1, 2, 0)  # (h, N·w, C)
    pixels = np.rint(255 * strip).astype(np.uint8)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    factor = max(1, 224 // batch.shape[2])
    image = image.resize((factor * image.width, factor * image.height), Image.Resampling.NEAREST)
    try:
        image.save(path)
    except (OSError, ValueError) as error:  # no folder; no format of that name
        raise ArgumentError(f"predict: --show: {path} can't be written: {error}.") from error
