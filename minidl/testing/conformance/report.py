"""What a run of the suite found: a table, and the first failing call of every kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from minidl.testing.conformance.check import ConformanceError, Deviation

if TYPE_CHECKING:
    from rich.table import Table

_COLOURS = {"pass": "green", "fail": "bold red", "missing": "dim"}


@dataclass(frozen=True)
class Row:
    """One kernel's result."""

    kernel: str
    implemented_by: str
    """The class that defines the kernel, or "missing"."""
    cases: int = 0
    error: Deviation | None = None
    """The largest of all cases that passed; None if no values were compared."""
    failure: ConformanceError | None = None

    @property
    def status(self) -> str:
        """pass, fail or missing."""
        if self.implemented_by == "missing":
            return "missing"
        return "pass" if self.failure is None else "fail"


@dataclass(frozen=True)
class Report:
    """All rows of one backend."""

    backend: str
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """Whether every kernel that the backend has is right."""
        return all(row.status != "fail" for row in self.rows)

    def table(self) -> Table:
        """The rows as a table to print with rich; "limit" is the part of the tolerance used up."""
        from rich.box import SIMPLE
        from rich.table import Table

        title = f"Conformance of the backend {self.backend!r}"
        table = Table(title=title, box=SIMPLE, pad_edge=False)
        table.add_column("kernel", no_wrap=True)
        table.add_column("by")
        table.add_column("result", no_wrap=True)
        for heading in ("calls", "error", "limit"):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(
                row.kernel,
                row.implemented_by,
                f"[{_COLOURS[row.status]}]{row.status}[/]",
                str(row.cases) if row.cases else "",
                f"{row.error.absolute:.1e}" if row.error else "",
                f"{row.error.relative:.0%}" if row.error else "",
            )
        return table

    def failures(self) -> str:
        """For every kernel that failed: what was wrong, and lines that show it again."""
        return "\n\n".join(
            f"{row.kernel}: {row.failure.message}.\n{row.failure.call.script(self.backend)}"
            for row in self.rows
            if row.failure is not None
        )

    def summary(self) -> str:
        """One line."""
        counts = dict.fromkeys(_COLOURS, 0)
        for row in self.rows:
            counts[row.status] += 1
        return (
            f"{self.backend}: {counts['pass']} kernels pass, {counts['fail']} fail, "
            f"{counts['missing']} are missing."
        )

    def print(self) -> None:
        """Table, failures, and the line that sums up, on standard output."""
        from rich.console import Console

        console = Console()
        console.print(self.table())
        if not self.ok:
            console.print(self.failures(), markup=False, highlight=False, soft_wrap=True)
        console.print(self.summary())
