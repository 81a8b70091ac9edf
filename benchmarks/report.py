"""Put the recorded figures between the markers of the READMEs: `python benchmarks/report.py`.

All of them into benchmarks/README.md; the conditions of the timings and their summary, and the
accuracies, into the project's README.md. What hasn't been recorded is left empty. The curves of the
full training runs are drawn into results/full_training.png.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from curves import draw_curves
from record import Record
from tables import (
    Table,
    accuracies,
    building,
    conditions,
    missed,
    ran_on,
    summary,
    tables,
    trainings,
    zoo_steps,
)

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


def _recorded(name: str) -> Any:
    """What is in that file of results; None if there is none."""
    path = HERE / "results" / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def _section(record: Record | None, made: list[Table]) -> str:
    """Conditions and tables of a record with rows; empty without one."""
    if record is None:
        return ""
    lines = [f"Recorded by `{record['command']}`:", "", *(f"- {fact}" for fact in ran_on(record))]
    for table in made:
        lines += ["", *_rows(table)]
    return "\n".join(lines)


def insert(text: str, name: str, content: str) -> str:
    """The README with the part between the markers of that name replaced."""
    opening, closing = BEGIN.format(name), END.format(name)
    before, begin, rest = text.partition(opening)
    _, end, after = rest.partition(closing)
    if not begin or not end:
        raise SystemExit(f"README.md has no {opening!r} … {closing!r}.")
    between = f"\n\n{content}\n\n" if content else "\n\n"
    return f"{before}{opening}{between}{closing}{after}"


def _rows(table: Table) -> list[str]:
    rule = ["---", *["---" if table.columns[-1] == "why" else "--:"] * (len(table.columns) - 1)]
    return [f"| {' | '.join(row)} |" for row in (table.columns, rule, *table.rows)]


def main() -> None:
    cpu, trained = _recorded("cpu"), _recorded("full_training")
    accuracy = "\n".join(_rows(accuracies(trained))) if trained else ""
    steps, built = _recorded("zoo_steps"), _recorded("building")
    parts = {
        HERE / "README.md": {
            "figures": markdown(cpu),
            "accuracies": accuracy,
            "zoo steps": _section(steps, [zoo_steps(steps)] if steps else []),
            "building": _section(built, building(built) if built else []),
        },
        HERE.parent / "README.md": {"figures": brief(cpu), "accuracies": accuracy},
    }
    for readme, sections in parts.items():
        old = new = readme.read_text()
        for name, content in sections.items():
            new = insert(new, name, content)
        if "--check" in sys.argv[1:] and new != old:
            raise SystemExit(f"{readme} is not what report.py makes: run it.")
        readme.write_text(new)
    if trained and "--check" not in sys.argv[1:]:
        draw_curves(trainings(trained), HERE / "results" / "full_training.png")


if __name__ == "__main__":
    main()
