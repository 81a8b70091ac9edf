"""What a run of the suite found: a table, and the first failing call of every kernel."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minidl.backends.overrides import definition
from minidl.testing.conformance.check import ConformanceError, Deviation

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PARTS = ("arrays", "xp")
"""What the contract has besides kernels; each has one row."""

_COLOURS = {"pass": "green", "fail": "bold red", "missing": "dim"}
_CAPTION = "error: the largest |result − truth|; used: how much of the tolerance that is"


@dataclass(frozen=True)
class Row:
    """The result of one kernel, or of one of PARTS."""

    kernel: str
    implemented_by: str = "missing"
    """The class that defines the kernel, or "missing"."""
    inherited: bool = False
    """Whether a backend of one's own has it from one of minidl's classes."""
    required: bool = False
    """Whether it was asked for by name: then it must not be missing."""
    cases: int = 0
    """How many calls were made, those picked by hand and those drawn."""
    picked: int = 0
    picked_passed: int = 0
    """How many of the calls picked by hand there were, and how many passed."""
    error: Deviation | None = None
    """The largest of all cases that passed; None if no values were compared."""
    failure: ConformanceError | None = None

    @property
    def status(self) -> str:
        """pass, fail or missing."""
        if self.implemented_by == "missing":
            return "missing"
        return "pass" if self.failure is None else "fail"

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong: a kernel nobody asked for may be missing."""
        return self.status == "pass" or (self.status == "missing" and not self.required)

    def problem(self, backend: str, load: str | None) -> str:
        """What is wrong, and what to do about it or lines that show it again."""
        if self.failure is None:
            return (
                f"{self.kernel}: the backend {backend!r} has no such kernel. "
                f"Define it in its class:\n{definition(self.kernel)}"
            )
        return (
            f"{self.kernel}: {self.picked_passed} of {self.picked} calls picked by hand pass. "
            f"A call that fails: {self.failure.message}.\n{self.failure.call.script(backend, load)}"
        )


@dataclass(frozen=True)
class Report:
    """All rows of one backend."""

    backend: str
    rows: tuple[Row, ...]
    load: str | None = None
    """The file that registers the backend, for the lines that show a failure again."""

    @property
    def ok(self) -> bool:
        """Whether every kernel that the backend has, or that was asked for, is right."""
        return all(row.ok for row in self.rows)

    def table(self) -> Table:
        """The rows as a table to print with rich."""
        from rich.box import SIMPLE
        from rich.table import Table

        title = f"Conformance of the backend {self.backend!r}"
        table = Table(title=title, caption=_CAPTION, box=SIMPLE, pad_edge=False)
        table.add_column("kernel", no_wrap=True)
        table.add_column("by")
        table.add_column("result", no_wrap=True)
        for heading in ("calls", "error", "used"):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(
                row.kernel,
                f"{row.implemented_by}, inherited" if row.inherited else row.implemented_by,
                f"[{_COLOURS[row.status]}]{row.status}[/]",
                str(row.cases) if row.cases else "",
                f"{row.error.absolute:.1e}" if row.error else "",
                f"{row.error.relative:.0%}" if row.error else "",
            )
        return table

    def failures(self) -> str:
        """For every kernel that failed: what was wrong, and lines that show it again."""
        problems = [row.problem(self.backend, self.load) for row in self.rows if not row.ok]
        return "\n\n".join(problems)

    def summary(self) -> str:
        """One line."""
        counts = dict.fromkeys(_COLOURS, 0)
        kernels = [row for row in self.rows if row.kernel not in PARTS]
        for row in kernels:
            counts[row.status] += 1
        inherited = sum(row.inherited and row.status == "pass" for row in kernels)
        passing, fail, missing = counts.values()
        parts = [f"; {row.kernel}: {row.status}" for row in self.rows if row.kernel in PARTS]
        return (
            f"{self.backend}: {passing} {'kernel passes' if passing == 1 else 'kernels pass'}"
            f"{f' ({inherited} inherited)' if inherited else ''}, "
            f"{fail} {'fails' if fail == 1 else 'fail'}, "
            f"{missing} {'is' if missing == 1 else 'are'} missing"
            f"{''.join(parts)}."
        )

    def __str__(self) -> str:
        """What `print` prints, as plain text."""
        from rich.console import Console

        text = io.StringIO()
        self.print(Console(file=text, width=100, color_system=None))
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    def print(self, console: Console | None = None) -> None:
        """Table, failures, and the line that sums up; on standard output, unless told where."""
        from rich.console import Console

        console = console or Console()
        console.print(self.table())
        if not self.ok:
            console.print(self.failures(), markup=False, highlight=False, soft_wrap=True)
        console.print(self.summary())
