"""`minidl models`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from minidl.cli.app import Load, app, listing, run_file, screen
from minidl.errors import ArgumentError, unknown_name

if TYPE_CHECKING:
    from rich.console import Console

    from minidl.models import Card, Preprocessing


class _Row(NamedTuple):
    """What the list says about a model; its fields are what --sort takes."""

    name: str
    year: int | None
    paper: str
    input: tuple[int, int, int] | None
    parameters: int
    macs: int | None
    top1: float | None


@app.command(epilog="Examples: minidl models resnet --sort macs; minidl models lenet5")
def models(
    pattern: Annotated[
        str,
        typer.Argument(
            metavar="NAME|PATTERN", help="A model, a part of names, or a shell pattern."
        ),
    ] = "*",
    sort: Annotated[
        str, typer.Option(metavar="COLUMN", help=f"One of: {', '.join(_Row._fields)}.")
    ] = "name",
    load: Load = None,
) -> None:
    """List the models; of one, show its card and its layers."""
    from minidl.models import list as names

    run_file(load, pattern)
    if sort not in _Row._fields:
        unknown_name("models: --sort: there is no column", sort, _Row._fields)
    if pattern in names():
        _show(pattern, screen())
        return
    found = names(pattern)
    if not found:
        if set(pattern) & set("*?["):
            raise ArgumentError(f"models: no model's name matches {pattern!r}. All: minidl models.")
        unknown_name(
            "models: there is no model", pattern, names(), listed_by="The command without a name"
        )
    rows = [_row(name) for name in sorted(found, key=_by_numbers)]
    if sort == "name":
        _list(rows)
        return
    # Years and papers go up, figures down; models without a figure stand last.
    known = sorted(
        (row for row in rows if getattr(row, sort) is not None),
        key=lambda row: getattr(row, sort),
        reverse=sort not in ("paper", "year"),
    )
    _list([*known, *(row for row in rows if getattr(row, sort) is None)])


def _by_numbers(name: str) -> list[str | int]:
    """Sorts resnet18 before resnet101, whose numbers it compares."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _row(name: str) -> _Row:
    from minidl.models import card

    found = card(name)
    if found is None:
        return _Row(name, None, "", None, _parameters(name), None, None)
    paper = found.paper
    author = paper.authors.split(",")[0].split(".")[-1].split(" and ")[0].strip()
    return _Row(
        *(name, paper.year, f"{author}: {paper.title}", found.input),
        *(_parameters(name), found.macs, found.top1),
    )


def _parameters(name: str) -> int:
    """Counted on "meta", where nothing is allocated."""
    from minidl.backends import use_backend
    from minidl.models import create

    with use_backend("meta"):
        return sum(parameter.numel() for parameter in create(name).parameters())


def _list(rows: list[_Row]) -> None:
    from rich.text import Text

    table = listing("model", "year", "paper", "input", "parameters", "MACs", "top-1")
    for column in table.columns[3:]:
        column.justify = "right"
    cells = [
        [
            *(row.name, str(row.year or ""), row.paper, _sizes(row.input)),
            *(f"{row.parameters:,}", _short(row.macs)),
            "" if row.top1 is None else f"{row.top1:.1f}%",
        ]
        for row in rows
    ]
    console = screen()
    # The paper has what the others leave, for a line each.
    widths = [
        max(len(str(c.header)), *map(len, column))
        for c, column in zip(table.columns, zip(*cells, strict=True), strict=True)
    ]
    room = max(12, console.width - sum(widths) + widths[2] - 2 * len(widths))
    for row in cells:
        if room < 20:  # too little for titles
            row[2] = row[2].split(":")[0]
        texts = [Text(cell) for cell in row]
        texts[2].truncate(room, overflow="ellipsis")
        texts[2].stylize("dim")
        table.add_row(*texts)
    console.print(table)
    if any(row.top1 is not None for row in rows):
        console.print(
            "top-1: as published, of ImageNet, of CIFAR-10 for images of 32×32;\n"
            "minidl models NAME says whose, and all that is on its card",
            style="dim",
        )


def _sizes(sizes: tuple[int, ...] | None) -> str:
    return "×".join(map(str, sizes or ()))


def _short(count: int | None) -> str:
    """416520 → 417 K, as much as a table needs."""
    if count is None:
        return ""
    for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "K")):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return str(count)


def _show(name: str, console: Console) -> None:
    from minidl.models import card

    found = card(name)
    rows = {"parameters": f"{_parameters(name):,}"}
    if found is not None:
        rows = _card_rows(found, rows["parameters"])
    table: Any = listing("", "")
    table.show_header, table.box = False, None
    table.columns[0].style = "bold"
    for title, value in rows.items():
        if value:
            table.add_row(title, value)
    console.print(name, style="bold green", markup=False)
    console.print(table, markup=False)
    if found is not None:
        _print_layers(name, found.input, console)


def _card_rows(card: Card, parameters: str) -> dict[str, str]:
    paper, published = card.paper, f"{card.parameters:,}"
    top1 = "none known" if card.top1 is None else f"{card.top1} %, {card.top1_source}"
    return {
        "paper": paper.title,
        "authors": paper.authors,
        "published": f"{paper.year}; {paper.venue}",
        "lecture": paper.lecture,
        "input": f"{_sizes(card.input)}, as channels × height × width",
        "classes": f"{card.num_classes:,}",
        "parameters": parameters
        if parameters == published
        else f"{parameters} (card: {published})",
        "MACs": f"{card.macs:,}",
        "top-1": top1,
        "reference": card.reference,
        **_preparation(card.preprocessing),
        "notes": card.notes,
    }


def _preparation(asked: Preprocessing | None) -> dict[str, str]:
    """What is done to a picture, in the order of doing."""
    if asked is None:
        return {"pictures": "as they are in the data set, normalised by its mean and deviation"}
    # A deviation of 1/255 is Caffe's way: pixels from 0 to 255, of which only a mean is taken.
    scale = 255 if all(round(255 * value, 6) == 1 for value in asked.std) else 1
    pixels = f"from 0 to {scale}, less {_colours(asked.mean, scale)}"
    if scale == 1:
        pixels += f", divided by {_colours(asked.std)}"
    if len(set(asked.mean)) > 1:
        pixels += " (red, green, blue)"
    first = "blue" if asked.channel_order == "BGR" else "red"
    return {
        "pictures": f"shorter side resized to {asked.resize} pixels ({asked.interpolation}), "
        f"the middle {asked.crop}×{asked.crop} cut out",
        "pixels": pixels,
        "channels": f"{asked.channel_order}: {first} first",
    }


def _colours(values: tuple[float, ...], scale: int = 1) -> str:
    """0.5 0.5 0.5 → 0.5, where all are alike."""
    return ", ".join(f"{scale * v:.4g}" for v in (values if len(set(values)) > 1 else values[:1]))


def _print_layers(name: str, size: tuple[int, int, int], console: Console) -> None:
    from minidl.analysis import summary
    from minidl.backends import use_backend
    from minidl.models import create

    with use_backend("meta"):
        network = create(name)
    console.print(f"\n{summary(network, size, name=name)}", markup=False, soft_wrap=True)
