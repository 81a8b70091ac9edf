"""`minidl models`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from minidl.cli.app import app


@app.command()
def models() -> None:
    """List the models."""
    from minidl.models import create
    from minidl.models import list as names

    table = Table("model")
    table.add_column("parameters", justify="right")
    for name in names():
        parameters = sum(parameter.numel() for parameter in create(name).parameters())
        table.add_row(name, f"{parameters:,}")
    Console().print(table)
