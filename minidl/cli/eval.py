"""`minidl eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minidl.cli.app import Load, app, listing, open_data, run_file, screen
from minidl.errors import ArgumentError

if TYPE_CHECKING:
    from rich.table import Table

    from minidl.datasets import Dataset

_MATRIX_LIMIT = 12
"""With more classes than these, the table of all of them would be wider than a terminal."""
_SHOWN = 10
"""How many classes or mistakes a list names."""


@app.command(epilog="Example: minidl eval runs/lenet5-mnist --out report")
def eval(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A run's folder, its checkpoint, or weights.")
    ],
    data: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A name from `minidl data`. Default: as it was trained."),
    ] = None,
    data_dir: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where its files are, or 'bundled'. Default: as trained."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="For a weights file that doesn't say of which model."),
    ] = None,
    backend: Annotated[str, typer.Option(help="A name from `minidl backends`.")] = "numpy",
    batch_size: Annotated[
        int, typer.Option(min=1, help="Images at once: more memory, hardly faster.")
    ] = 250,
    threads: Annotated[int, typer.Option(min=1, help="For matrix products.")] = 1,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder to write confusion.png to.")
    ] = None,
    load: Load = None,
) -> None:
    """Measure a trained model: loss, accuracy, and which classes it mistakes for each other."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

    from minidl.creation import tensor
    from minidl.functional import cross_entropy
    from minidl.train.data import short_source
    from minidl.train.metrics import accuracy, confusion_matrix
    from minidl.train.trained import trained
    from minidl.train.trainer import predict

    run_file(load)
    found = trained(path, model, data if model else None, backend)
    if data is None and found.data is None:
        raise ArgumentError(f"eval: {path} doesn't say what it was trained on. Add --data NAME.")
    data = data or str(found.data)
    if data_dir is None and data == found.data:
        data_dir = found.config.get("data_dir")
    test = _test_part(data, data_dir, found.model)

    console = screen()
    console.print(f"{found}: {path}", soft_wrap=True, markup=False)
    console.print(short_source(test), soft_wrap=True, markup=False)
    with threadpool_limits(threads, "blas"), console.status("evaluating"):
        logits = predict(found.network, test, batch_size=batch_size, image_size=found.image_size)
    if test.class_names and logits.shape[1] != len(test.class_names):
        raise ArgumentError(
            f"eval: the model distinguishes {logits.shape[1]} classes, {data} has "
            f"{len(test.class_names)}. Name the data it was trained on with --data."
        )
    labels = tensor(test.labels, dtype="int64", backend=logits.backend)
    loss, share = cross_entropy(logits, labels).item(), accuracy(logits, labels)
    matrix = confusion_matrix(logits, labels)
    names = test.class_names or tuple(str(label) for label in range(len(matrix)))

    right = f"{matrix.diagonal().sum():,} of {len(test):,} images"
    console.print(f"\ntest loss      {loss:.4f}\ntest accuracy  {share:.2%}, {right}\n")
    if len(matrix) <= _MATRIX_LIMIT:
        console.print("Answers (columns) to the images of each class (rows)")
        console.print(_matrix_table(matrix, names))
    else:
        console.print(f"The worst of {len(matrix):,} classes")
        console.print(_worst_table(matrix, names))
    if mistakes := _mistakes(matrix, names):
        console.print(f"Most often: {mistakes}.", soft_wrap=True, markup=False)
    if out is not None:
        title = f"{found.model} on {data}: {share:.2%} of {len(test):,} test images right"
        console.print(f"Picture: {_draw(matrix, names, out, title)}", soft_wrap=True, markup=False)


def _test_part(data: str, data_dir: str | None, model: str) -> Dataset:
    from minidl.models import card
    from minidl.train.data import FOLDER, load_data

    if data != FOLDER:
        return open_data("eval", data, False, data_dir)
    found = card(model)  # its input's size is what `minidl train` made the images
    return load_data(data, data_dir, shape=found.input if found else None)[1]


def _matrix_table(matrix: Any, names: tuple[str, ...]) -> Table:
    """A row for each true class; the columns are the answers, with their first letters."""
    from rich.text import Text

    from minidl.train.metrics import per_class_accuracy

    heads = names if max(map(len, names)) <= 4 else tuple(map(str, range(len(names))))
    table = listing("class", *heads, "right")
    for column in table.columns[1:]:
        column.justify = "right"
        column.no_wrap = True
    for k, (row, share) in enumerate(zip(matrix, per_class_accuracy(matrix), strict=True)):
        name = names[k] if heads is names else f"{k} {names[k]}"
        cells = [
            Text(f"{n:,}" if n else "·", "bold green" if k == j else "red" if n else "dim")
            for j, n in enumerate(row.tolist())
        ]
        table.add_row(Text(name), *cells, _percent(share))
    return table


def _worst_table(matrix: Any, names: tuple[str, ...]) -> Table:
    """The classes that are recognised worst, where there are too many for all."""
    import numpy as np
    from rich.text import Text

    from minidl.train.metrics import per_class_accuracy

    shares = per_class_accuracy(matrix)
    table = listing("class", "images", "right")
    for column in table.columns[1:]:
        column.justify = "right"
    for k in np.argsort(shares, kind="stable")[:_SHOWN]:  # NaN, a class without images, is last
        table.add_row(Text(names[k]), f"{matrix[k].sum():,}", _percent(shares[k]))
    return table


def _percent(share: float) -> str:
    return "–" if share != share else f"{share:.1%}"


def _mistakes(matrix: Any, names: tuple[str, ...]) -> str:
    """The three most frequent mistakes."""
    import numpy as np

    wrong = matrix * (1 - np.eye(len(matrix), dtype=int))
    most = np.argsort(-wrong, axis=None, kind="stable")[:3]
    pairs = [divmod(int(flat), len(matrix)) for flat in most if wrong.flat[flat]]
    return ", ".join(f"{names[t]} taken for {names[p]} ({wrong[t, p]}×)" for t, p in pairs)


def _draw(matrix: Any, names: tuple[str, ...], folder: Path, title: str) -> Path:
    from minidl.train.pictures import save_confusion

    picture = folder / "confusion.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_confusion(matrix, names, picture, title)
    except OSError as error:
        raise ArgumentError(
            f"eval: --out: {picture} can't be written: {error.strerror}."
        ) from error
    return picture
