"""The `minidl` command: a file per subcommand, named like it.

minidl train lenet5      train a model, watch it learn, keep the figures and pictures
minidl check numpy       hold a backend against the contract
minidl models            what can be trained
minidl backends          where it can be computed
"""

from __future__ import annotations

import sys

from rich.console import Console

from minidl.errors import MinidlError

from minidl.cli.app import app  # isort: skip
from minidl.cli import train, check, models, backends  # isort: skip - the order of --help

__all__ = ["app", "main"]


def main() -> None:
    """Run the command; an error of minidl's is one message and exit code 2, no traceback."""
    try:
        app(prog_name="minidl")
    except MinidlError as error:
        console = Console(stderr=True)
        console.print(
            f"minidl: {error}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        sys.exit(2)
