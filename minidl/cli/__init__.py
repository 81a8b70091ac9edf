"""The `minidl` command: a file per subcommand, named like it.

minidl train lenet5      train a model, watch it learn, keep the figures and pictures
minidl eval PATH         measure a trained model: accuracy, and the classes it mistakes
minidl predict IMAGE…    say which digit is on a photo; with other weights, what else
minidl summary lenet5    its layers: shapes, parameters, MACs, memory, receptive fields
minidl draw lenet5       its data flow as a picture: layers, branches, shortcuts
minidl profile lenet5    where the time of a training step goes, by layer and by kernel
minidl lecture           the lecture's figures, computed again from the running networks
minidl check numpy       hold a backend against the contract
minidl models            what can be trained, and what is known of it
minidl data              what there is to train on, and where it was found
minidl backends          where it can be computed
minidl doctor            what is installed, what is missing, and the command that brings it
"""

from __future__ import annotations

import sys

from minidl.errors import MinidlError

from minidl.cli.app import app, print_error  # isort: skip
from minidl.cli import train, eval, predict, summary, draw, profile, lecture  # isort: skip
from minidl.cli import check, models, data, backends, doctor  # isort: skip
# The order is that of --help.

__all__ = ["app", "main"]


def main() -> None:
    """Run the command; an error of minidl's is one message and exit code 2, no traceback."""
    try:
        app(prog_name="minidl")
    except MinidlError as error:
        print_error(error)
        sys.exit(2)
