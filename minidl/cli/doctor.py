"""`minidl doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from minidl.cli.app import app, listing, screen

if TYPE_CHECKING:
    from minidl.cli.finding import Finding

_STYLES = {"ok": "green", "note": "yellow", "missing": "dim", "broken": "bold red"}


@app.command(epilog="Example: minidl doctor")
def doctor() -> None:
    """Say what is installed, what is missing, and what brings it.

    Exit code 1 if minidl can't work here at all; 0 otherwise.
    """
    from rich.text import Text

    from minidl.cli.probes import probe_all

    console = screen()
    with console.status("looking"):
        groups = probe_all()
    table = listing("", "", "")
    table.show_header, table.box, table.padding = False, None, (0, 2, 0, 0)
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    table.columns[2].overflow = "fold"
    for group in groups:
        for finding in group:
            detail = Text(finding.detail)
            if finding.fix:
                detail.append(f" → {finding.fix}", "bold")
            state = Text(finding.state, _STYLES[finding.state])
            table.add_row(Text(finding.subject), state, detail)
        if group is not groups[-1]:
            table.add_row()
    console.print(table)
    findings = [finding for group in groups for finding in group]
    console.print(f"\n{_verdict(findings)}", soft_wrap=True, markup=False)
    if any(finding.core and finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


def _verdict(findings: list[Finding]) -> str:
    broken = [finding for finding in findings if finding.state == "broken"]
    core = [finding.subject for finding in broken if finding.core]
    if core:
        return f"minidl can't work here: {', '.join(core)}."
    if broken:
        names = ", ".join(finding.subject for finding in broken)
        return f"minidl works. Broken, and needed for some things only: {names}."
    return "minidl works. What is missing is optional."
