"""`minidl backends`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from minidl.cli.app import app


@app.command()
def backends() -> None:
    """List the backends: which work here, and how much of the contract each has."""
    from minidl.backends import capabilities, get, names

    table = Table("backend")
    table.add_column("kernels", justify="right")
    table.add_column("usable here")
    for name in names():
        try:
            get(name)
            makers = capabilities(name).values()
        except Exception as error:  # a broken optional package may raise anything
            table.add_row(name, "", Text(f"no: {error}"))
        else:
            have = sum(maker != "missing" for maker in makers)
            table.add_row(name, f"{have} of {len(makers)}", "yes")
    Console().print(table)
