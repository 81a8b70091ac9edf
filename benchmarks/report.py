"""Put the recorded figures between the markers of the READMEs: `python benchmarks/report.py`.

All of them into benchmarks/README.md; the conditions of the timings and their summary, and the
accuracies, into the project's README.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from record import Record
from tables import Table, accuracies, conditions, missed, summary, tables

HERE = Path(__file__).parent
BEGIN, END = "<!-- {}: report.py writes what follows -->", "<!-- end of the {} -->"


def markdown(record: Record) -> str:
    """Conditions, summary, misses and all tables."""
    lines = _conditions(record)
    for table in [summary(record), missed(record), *tables(record)]:
        if table.rows:
            lines += ["", f"### {table.title}", "", *_rows(table)]
    return "\n".join(lines)


def brief(record: Record) -> str:
    """Summary and conditions."""
    return "\n".join([*_rows(summary(record)), "", *_conditions(record)])


def _conditions(record: Record) -> list[str]:
    return [
        f"Recorded by `{record['command']}`:",
        "",
        *(f"- {condition}" for condition in conditions(record)),
    ]


def insert(text: str, name: str, content: str) -> str:
    """The README with the part between the markers of that name replaced."""
    opening, closing = BEGIN.format(name), END.format(name)
    before, begin, rest = text.partition(opening)
    _, end, after = rest.partition(closing)
    if not begin or not end:
        raise SystemExit(f"README.md has no {opening!r} … {closing!r}.")
    return f"{before}{opening}\n\n{content}\n\n{closing}{after}"


def _rows(table: Table) -> list[str]:
    rule = ["---", *["---" if table.columns[-1] == "why" else "--:"] * (len(table.columns) - 1)]
    return [f"| {' | '.join(row)} |" for row in (table.columns, rule, *table.rows)]


def main() -> None:
    recorded = json.loads((HERE / "results" / "cpu.json").read_text())
    trained = json.loads((HERE / "results" / "full_training.json").read_text())
    table = "\n".join(_rows(accuracies(trained)))
    figures = {HERE / "README.md": markdown(recorded), HERE.parent / "README.md": brief(recorded)}
    for readme, timings in figures.items():
        old = readme.read_text()
        new = insert(insert(old, "figures", timings), "accuracies", table)
        if "--check" in sys.argv[1:] and new != old:
            raise SystemExit(f"{readme} is not what report.py makes: run it.")
        readme.write_text(new)


if __name__ == "__main__":
    main()
