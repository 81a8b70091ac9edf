"""A run's folder: what is replaced in it, on request, and who else may be at work there."""

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys

import pytest
from short_runs import contents, result, train

from minidl.errors import ArgumentError
from minidl.files.tensor_file import read_tensors, write_tensors
from minidl.train import continue_run, lock
from minidl.train.folder import RunFolder


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)


def test_a_run_that_is_not_finished_is_not_overwritten(stopped, console):
    before = {path.name: path.read_bytes() for path in stopped.iterdir()}
    with pytest.raises(ArgumentError, match=r"0 of 2 epochs are done. Continue it with: minidl"):
        train(stopped, console)
    assert {path.name: path.read_bytes() for path in stopped.iterdir()} == before


@pytest.mark.parametrize("damage", ["damaged", "cut off", "of another format"])
def test_a_checkpoint_that_cannot_be_read_is_overwritten_only_on_request(
    stopped, unbroken, console, damage
):
    path = stopped / "last.safetensors"
    if damage == "of another format":
        arrays, metadata = read_tensors(path)
        write_tensors(path, arrays, {**metadata, "checkpoint": 2})
    else:
        path.write_bytes(b"damaged" if damage == "damaged" else path.read_bytes()[:-1])
    before = contents(stopped)
    with pytest.raises(ArgumentError, match=r"(?s)there is a run in .*or replace it: --overwrite"):
        train(stopped, console)
    assert contents(stopped) == before
    train(stopped, console, overwrite=True)
    assert result(stopped) == result(unbroken)


def test_a_finished_run_is_replaced_only_on_request(unbroken, tmp_path, console):
    folder = tmp_path / "run"
    shutil.copytree(unbroken, folder)
    (folder / "notes.txt").write_text("mine")
    (folder / ".download.7.partial").write_text("mine too")
    before = contents(folder)
    with pytest.raises(ArgumentError, match=r"has finished: 2 epochs of lenet5.*\n.*--overwrite"):
        train(folder, console, seed=5)
    assert contents(folder) == before
    train(folder, console, seed=5, overwrite=True)
    assert result(folder) != result(unbroken)
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / ".download.7.partial").read_text() == "mine too"


def test_an_unfinished_run_is_replaced_on_request(stopped, unbroken, console):
    train(stopped, console, overwrite=True)
    assert result(stopped) == result(unbroken)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.json", '{"compilerOptions": {}}'),
        ("config.json", "[1, 2]"),
        ("metrics.jsonl", '{"epoch": 1}'),
        ("last.safetensors", "somebody else's"),
        ("curves.png", "a picture"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_files_that_may_not_be_a_runs_are_never_touched(tmp_path, console, name, text, overwrite):
    (tmp_path / name).write_text(text)
    with pytest.raises(ArgumentError, match="may not be a run's"):
        train(tmp_path, console, overwrite=overwrite)
    assert contents(tmp_path) == {name: text.encode()}


def test_figures_whose_checkpoint_is_gone_are_kept(unbroken, tmp_path, console):
    folder = tmp_path / "run"
    shutil.copytree(unbroken, folder)
    (folder / "last.safetensors").unlink()
    before = contents(folder)
    for resume in (False, True):
        with pytest.raises(ArgumentError, match=r"metrics\.jsonl, times\.jsonl of a run without"):
            train(folder, console, resume=resume)
    assert contents(folder) == before


def test_replacing_a_run_happens_at_once(unbroken, tmp_path, monkeypatch):
    """Killed before any of its steps, the earlier run stands or the new one has begun."""
    monkeypatch.undo()
    new = {**json.loads((unbroken / "config.json").read_text()), "seed": 3}

    class Killed(BaseException):
        pass

    stands = []
    for kill_at in range(1, 30):
        folder = tmp_path / str(kill_at)
        shutil.copytree(unbroken, folder)
        calls = []

        def counted(original, *arguments, calls=calls, kill_at=kill_at, **options):
            calls.append(original)
            if len(calls) == kill_at:
                raise Killed
            return original(*arguments, **options)

        with monkeypatch.context() as patch:
            for name in ("replace", "unlink"):
                patch.setattr(os, name, functools.partial(counted, getattr(os, name)))
            with contextlib.suppress(Killed):
                RunFolder(folder).begin(new, overwrite=True)
        after = RunFolder(folder)
        config, found = after.read_config(), after.load()
        stands.append(found is not None)
        if found is not None:
            assert config["seed"] == found[1]["seed"] == 4
            assert result(folder) == result(unbroken)
        else:
            assert config["seed"] == 3
            after.begin(new)  # nothing is lost any more: no request is needed
            assert "replaces" not in (folder / "config.json").read_text()
        if len(calls) < kill_at:
            break
    assert stands[0]
    assert stands == sorted(stands, reverse=True)
    assert len(stands) > 7


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_settings_that_are_gone_are_read_from_the_checkpoint(stopped, unbroken, console, text):
    config = stopped / "config.json"
    whole = config.read_text()
    config.unlink()
    if text is not None:
        config.write_text(text)
    continue_run(stopped, console=console)
    assert json.loads(config.read_text()) == json.loads(whole)
    assert result(stopped) == result(unbroken)


def test_two_runs_in_one_folder_are_refused(stopped, console):
    before = contents(stopped)
    with RunFolder(stopped).held():
        (stopped / ".last.safetensors.1.partial").write_text("being written")
        for options in ({}, {"resume": True}, {"overwrite": True}):
            with pytest.raises(ArgumentError, match=f"another run is under way.*{os.getpid()}"):
                train(stopped, console, **options)
        assert (stopped / ".last.safetensors.1.partial").exists()
        (stopped / ".last.safetensors.1.partial").unlink()
    assert contents(stopped) == before


def test_a_killed_process_leaves_its_folder_open(stopped, unbroken, console):
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from minidl.train.folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).held():\n"
        "    print('held', flush=True)\n"
        "    signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, stopped], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ArgumentError, match=f"process {process.pid}"):
            continue_run(stopped, console=console)
        process.kill()
    continue_run(stopped, console=console)
    assert result(stopped) == result(unbroken)
    assert not (stopped / ".running").exists()


def test_where_folders_cannot_be_locked_runs_are_not_refused(
    stopped, unbroken, console, monkeypatch
):
    monkeypatch.setattr(lock, "fcntl", None)
    (stopped / ".last.safetensors.1.partial").write_text("perhaps being written")
    continue_run(stopped, console=console)
    assert (stopped / ".last.safetensors.1.partial").exists()
    assert result(stopped)[1] == result(unbroken)[1]
