"""Put the recorded figures between the markers of the READMEs: `python benchmarks/report.py`.

All of them into benchmarks/README.md, the conditions and the summary into the project's README.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from record import Record
from tables import Table, conditions, missed, summary, tables

HERE = Path(__file__).parent
BEGIN, END = "<!-- figures: report.py writes what follows -->", "<!-- end of the figures -->"


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


def insert(text: str, figures: str) -> str:
    """The README with the part between the markers replaced."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"README.md has no {BEGIN!r} … {END!r}.")
    return f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}"


def _rows(table: Table) -> list[str]:
    rule = ["---", *["---" if table.columns[-1] == "why" else "--:"] * (len(table.columns) - 1)]
    return [f"| {' | '.join(row)} |" for row in (table.columns, rule, *table.rows)]


def main() -> None:
    recorded = json.loads((HERE / "results" / "cpu.json").read_text())
    parts = {HERE / "README.md": markdown(recorded), HERE.parent / "README.md": brief(recorded)}
    for readme, figures in parts.items():
        old = readme.read_text()
        new = insert(old, figures)
        if "--check" in sys.argv[1:] and new != old:
            raise SystemExit(f"{readme} is not what report.py makes: run it.")
        readme.write_text(new)


if __name__ == "__main__":
    main()
