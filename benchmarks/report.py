"""Put the recorded figures into README.md, between its markers: `python benchmarks/report.py`."""

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
    lines = [f"Recorded by `{record['command']}`:", ""]
    lines += [f"- {condition}" for condition in conditions(record)]
    for table in [summary(record), missed(record), *tables(record)]:
        if table.rows:
            lines += ["", f"### {table.title}", "", *_rows(table)]
    return "\n".join(lines)


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
    readme = HERE / "README.md"
    old = readme.read_text()
    new = insert(old, markdown(recorded))
    if "--check" in sys.argv[1:]:
        raise SystemExit(0 if new == old else "README.md is not what report.py makes: run it.")
    readme.write_text(new)


if __name__ == "__main__":
    main()
