"""Rows and tables: a figure of a slide, what it is, and the verdict on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minidl.analysis.tables import Table
from minidl.lecture.verdicts import KINDS, Reading, Verdict, judge

__all__ = ["COLUMNS", "LectureTable", "Row", "counted", "holds", "row", "tally", "unknown"]

COLUMNS = ("figure", "on the slide", "computed", "verdict")


@dataclass(frozen=True)
class Row:
    """One figure."""

    what: str
    slide: str
    verdict: Verdict
    note: str = ""

    @property
    def kind(self) -> str:
        """One of `verdicts.KINDS`."""
        return self.verdict.kind

    @property
    def value(self) -> Any:
        """What was computed, None if nothing was."""
        return None if self.verdict.reading is None else self.verdict.reading.value

    @property
    def computed(self) -> str:
        """That as text."""
        return "–" if self.verdict.reading is None else str(self.verdict.reading)

    @property
    def explanation(self) -> str:
        """The verdict in words: under which convention, why, and what else there is to say."""
        verdict, convention = self.verdict, self.verdict.reading and self.verdict.reading.convention
        parts = [verdict.kind]
        if verdict.kind == "published":
            parts = ["not computed: published"]
        elif verdict.kind == "ambiguous":
            how = "" if verdict.remark == "exact" else f", {verdict.remark}"
            parts = [f"ambiguous: holds for {convention}{how}"]
        elif verdict.kind == "wrong":
            words = f"wrong: {verdict.remark}" if verdict.remark else "wrong"
            parts = [f"{words} (computed: {convention})" if convention else words]
        if verdict.kind == "published" and verdict.remark:
            parts.append(verdict.remark)
        return "; ".join(filter(None, (*parts, self.note)))

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Texts for COLUMNS."""
        return self.what, self.slide, self.computed, self.explanation


def row(
    what: str,
    slide: str,
    *readings: tuple[str, Any] | Reading,
    causes: Sequence[Reading] = (),
    note: str = "",
) -> Row:
    """A figure and its readings, (convention, value) each, the literal one first.

    >>> row("dense layer: parameters", "48k", ("with biases", 48_120), ("weights", 48_000)).cells
    ('dense layer: parameters', '48k', '48,120', 'rounded')
    """
    told = [r if isinstance(r, Reading) else Reading(*r) for r in readings]
    return Row(what, slide, judge(slide, told, causes), note)


def holds(what: str, slide: str, true: Any, computed: str, note: str = "") -> Row:
    """A statement that is true or not, and what was found.

    >>> holds("AlexNet is deeper than LeNet", "deeper", 8 > 5, "8 and 5 layers").cells[2:]
    ('8 and 5 layers', 'exact')
    """
    return Row(what, slide, judge(slide, [Reading("", bool(true), computed)]), note)


def unknown(what: str, slide: str, why: str = "") -> Row:
    """A figure that nothing here can compute."""
    return Row(what, slide, judge(slide, [], unknown=why))


@dataclass(frozen=True)
class LectureTable:
    """All figures of a topic; print it, or show it in a notebook."""

    topic: str
    slide: str
    """The slide's heading, or several."""
    rows: tuple[Row, ...]
    note: str = ""

    @property
    def title(self) -> str:
        """For above the table."""
        return f"{self.topic}: “{self.slide}”"

    def _table(self) -> Table:
        table = Table(self.title, COLUMNS, "lrrl")
        for each in self.rows:
            table.add(*each.cells)
        table.note(counted(self.rows))
        if self.note:
            table.note(self.note)
        return table

    def __str__(self) -> str:
        return self._table().text()

    def _repr_html_(self) -> str:
        return self._table().html()


def tally(rows: Sequence[Row]) -> dict[str, int]:
    """How many there are of each kind, in the order of KINDS."""
    found = Counter(each.kind for each in rows)
    return {kind: found[kind] for kind in KINDS}


def counted(rows: Sequence[Row]) -> str:
    """The same as a sentence.

    >>> counted([holds("", "", True, ""), holds("", "", False, "")])
    '2 figures: 1 exact, 1 wrong'
    """
    words = {**{kind: kind for kind in KINDS}, "published": "not computed"}
    parts = [f"{n} {words[kind]}" for kind, n in tally(rows).items() if n]
    return f"{len(rows)} figures: {', '.join(parts)}"
