"""`minidl lecture`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from minidl.cli.app import app, listing, screen

if TYPE_CHECKING:
    from rich.console import Console

    from minidl.lecture import LectureTable

STYLES = {
    "exact": "green",
    "rounded": "green",
    "cut off": "cyan",
    "ambiguous": "yellow",
    "wrong": "bold red",
    "published": "dim",
}


@app.command(epilog="Examples: minidl lecture; minidl lecture complexity; minidl lecture --list")
def lecture(
    topic: Annotated[
        str | None, typer.Argument(metavar="TOPIC", help="One of those of --list. Default: all.")
    ] = None,
    topics: Annotated[bool, typer.Option("--list", help="List the topics.")] = False,
) -> None:
    """Compute the lecture's figures again from the running networks, with a verdict on each."""
    from minidl import lecture as of_lecture

    console = screen()
    found = of_lecture.tables(topic)
    if topics:
        _list(console, found)
        return
    for table in found:
        _print(console, table)
    _summarise(console, found)


def _list(console: Console, found: list[LectureTable]) -> None:
    from minidl.lecture import counted

    table = listing("topic", "slides", "")
    for each in found:
        table.add_row(each.topic, each.slide, counted(each.rows))
    console.print(table)


def _print(console: Console, found: LectureTable) -> None:
    from rich.text import Text

    from minidl.lecture import COLUMNS

    console.print(Text(found.topic, style="bold green"), Text(f"“{found.slide}”"))
    table = listing(*COLUMNS)
    table.columns[1].justify = table.columns[2].justify = "right"
    for row in found.rows:
        *cells, verdict = row.cells
        table.add_row(*map(Text, cells), Text(verdict, style=STYLES[row.kind]))
    console.print(table)
    if found.note:
        console.print(Text(found.note, style="dim"))
    console.print()


def _summarise(console: Console, found: list[LectureTable]) -> None:
    """How many of each kind; the wrong ones again."""
    from rich.text import Text

    from minidl.lecture import counted

    rows = [row for table in found for row in table.rows]
    console.print(Text(counted(rows), style="bold"))
    wrong = [row for row in rows if row.kind == "wrong"]
    if wrong:
        console.print(Text("\nwrong", style=STYLES["wrong"]))
        table = listing("figure", "on the slide", "right")
        table.columns[1].justify = table.columns[2].justify = "right"
        for row in wrong:
            table.add_row(*map(Text, row.cells[:3]))
        console.print(table)
