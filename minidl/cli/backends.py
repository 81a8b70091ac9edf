"""`minidl backends`."""

from __future__ import annotations

from rich.text import Text

from minidl.cli.app import app, listing, screen


@app.command(epilog="Example: minidl backends")
def backends() -> None:
    """List the backends: which work here, and what each has."""
    from minidl.backends import capabilities, get, names

    table = listing("backend", "kernels", "usable here")
    table.columns[1].justify = "right"
    for name in names():
        try:
            get(name)
            makers = capabilities(name).values()
        except Exception as error:  # a broken optional package may raise anything
            table.add_row(name, "", Text(f"no: {error}"))
        else:
            have = sum(maker != "missing" for maker in makers)
            table.add_row(name, f"{have} of {len(makers)}", "yes")
    screen().print(table)
