"""What --help shows."""

import pytest

from minidl.cli import app

COMMANDS = [info.callback.__name__ for info in app.registered_commands]


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_flags_are_shown_without_a_value(minidl, command):
    code, out, _ = minidl(*[command] if command else [], "--help")
    assert code == 0
    assert "--help" in out
    assert "<bool>" not in out


def test_options_with_a_value_still_show_it(minidl):
    out = minidl("train", "--help")[1]
    (line,) = (line for line in out.splitlines() if " --seed " in line)
    assert "<int>" in line or "INTEGER" in line


@pytest.mark.parametrize("command", ["train", "eval", "check", "summary", "profile", "predict"])
def test_commands_show_an_example(minidl, command):
    out = minidl(command, "--help")[1]
    assert f"minidl {command} " in out.split("Example", 1)[1]
