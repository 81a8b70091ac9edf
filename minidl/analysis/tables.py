"""Tables as plain text and as HTML, and how numbers are written in them."""

from __future__ import annotations

import html
import unicodedata

WIDTH = 80
"""Of a terminal that nobody has made larger."""

LEAST = 6
"""Cells aren't cut below this."""


def count(n: int) -> str:
    """61706 → "61,706"."""
    return f"{n:,}"


def amount(n: int) -> str:
    """A count; nothing for 0."""
    return count(n) if n else ""


def rounded(n: int) -> str:
    """A count in short; nothing for 0.

    >>> rounded(0), rounded(999), rounded(117_600), rounded(4_089_284_608)
    ('', '999', '117.6 k', '4.1 G')
    """
    value, units = float(n), iter(("", " k", " M", " G", " T"))
    unit = next(units)
    while value >= 999.95 and unit != " T":
        value, unit = value / 1000, next(units)
    return f"{value:,.1f}{unit}" if unit else amount(n)


def bytes_text(n: float) -> str:
    """Bytes in the unit that fits.

    >>> bytes_text(999), bytes_text(246_824), bytes_text(1.5e9)
    ('999 B', '246.8 kB', '1.5 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if n < 999.95 or unit == "GB":
            return f"{n:.0f} B" if unit == "B" else f"{n:,.1f} {unit}"
        n /= 1000
    raise AssertionError("unreachable")


def shape_text(shape: tuple[int, ...]) -> str:
    """(1, 6, 28, 28) → "1×6×28×28"."""
    return "×".join(map(str, shape)) or "a number"


class Table:
    """Rows of text under a title; `align` has a letter, l or r, for every column.

    `elastic` is the column whose longest cells are cut where the text would be too wide.
    """

    def __init__(
        self, title: str, columns: tuple[str, ...], align: str, elastic: int | None = None
    ) -> None:
        self.title, self.columns, self.align = title, columns, align
        self.elastic = elastic
        self.rows: list[tuple[str, ...]] = []
        self.totals: list[tuple[str, ...]] = []
        self.notes: list[str] = []

    def add(self, *cells: str) -> None:
        """A row."""
        self.rows.append(cells)

    def foot(self, *cells: str) -> None:
        """A row below the line."""
        self.totals.append(cells)

    def note(self, line: str) -> None:
        """A line below the table."""
        self.notes.append(line)

    @property
    def width(self) -> int:
        """Of the rows as text, nothing cut."""
        widths = self._widths()
        return sum(widths) + 2 * (len(widths) - 1)

    def _widths(self) -> list[int]:
        everything = [self.columns, *self.rows, *self.totals]
        return [max(map(_width, column)) for column in zip(*everything, strict=True)]

    def text(self) -> str:
        """For terminals and files, in WIDTH columns if that can be done.

        >>> table = Table("A table", ("name", "n"), "lr")
        >>> table.add("one", "1")
        >>> table.foot("total", "12")
        >>> print(table.text())
        A table
        ─────────
        name    n
        ─────────
        one     1
        ─────────
        total  12
        """
        widths = self._widths()
        if self.elastic is not None and self.width > WIDTH:
            widths[self.elastic] = max(widths[self.elastic] - (self.width - WIDTH), LEAST)
        rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
        lines = [self.title, rule, self._line(self.columns, widths), rule]
        lines += [self._line(row, widths) for row in self.rows]
        if self.totals:
            lines += [rule, *(self._line(row, widths) for row in self.totals)]
        if self.notes:
            lines += [rule, *self.notes]
        return "\n".join(lines)

    def _line(self, cells: tuple[str, ...], widths: list[int]) -> str:
        padded = []
        for cell, width, side in zip(cells, widths, self.align, strict=True):
            if _width(cell) > width:
                cell = f"{cell[: width - 1]}…"
            space = " " * (width - _width(cell))
            padded.append(space + cell if side == "r" else cell + space)
        return "  ".join(padded).rstrip()

    def html(self) -> str:
        """For notebooks: one element, everything escaped, nothing fetched."""
        head = self._html_row("th", self.columns, "border-bottom:1px solid")
        body = "".join(self._html_row("td", row) for row in self.rows)
        feet = "".join(self._html_row("th", row, "border-top:1px solid") for row in self.totals)
        notes = "<br>".join(map(html.escape, self.notes))
        return (
            f"<div><b>{html.escape(self.title)}</b>"
            f'<table style="font-variant-numeric:tabular-nums"><thead>{head}</thead>'
            f"<tbody>{body}</tbody><tfoot>{feet}</tfoot></table>"
            f"<small>{notes}</small></div>"
        )

    def _html_row(self, tag: str, cells: tuple[str, ...], style: str = "") -> str:
        parts = []
        for cell, side in zip(cells, self.align, strict=True):
            name = cell.lstrip(" ")
            indent = (len(cell) - len(name)) * 0.6
            align = f"text-align:{'right' if side == 'r' else 'left'}"
            pad = f";padding-left:{indent + 0.6:.1f}em" if indent else ""
            parts.append(
                f'<{tag} style="{align}{pad};white-space:nowrap;{style}">'
                f"{html.escape(name)}</{tag}>"
            )
        return f"<tr>{''.join(parts)}</tr>"


def _width(text: str) -> int:
    """Columns it takes in a terminal."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    marks = sum(unicodedata.combining(c) > 0 for c in text)
    return len(text) + wide - marks
