"""Runs of a moment, to be continued or not."""

import io
import sys

import pytest
from rich.console import Console
from short_runs import stop_after, train

from minidl.train.interruption import Interrupted


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def stopped(tmp_path, console, monkeypatch):
    """A run that was stopped in the second of its six steps."""
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(Interrupted):
            train(tmp_path / "run", console)
    return tmp_path / "run"


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "matplotlib.figure", None)
        train(folder, Console(file=io.StringIO()))
    return folder
