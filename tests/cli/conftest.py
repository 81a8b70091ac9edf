"""The `minidl` command, called as a shell does but for the process."""

import sys

import pytest

from minidl.cli import main


@pytest.fixture
def minidl(monkeypatch, capsys):
    """Call it: (exit code, standard output, standard error)."""

    def call(*arguments, columns=160):
        monkeypatch.setattr(sys, "argv", ["minidl", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "dumb")
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, captured.err

    return call


@pytest.fixture
def no_data_but_the_bundled(monkeypatch, tmp_path):
    """Nothing on the machine that runs the tests decides what they find."""
    from minidl.datasets import FashionMNIST

    monkeypatch.delenv("MINIDL_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(FashionMNIST, "system_folder", str(tmp_path / "no system package"))
