"""Continuing a run: what is there, what isn't, and what belongs to another run."""

import errno
import json
import os
import shutil
import signal
import sys

import numpy as np
import pytest
from PIL import Image
from short_runs import RECIPE, SETTINGS, result, stop_after, train

from minidl import nn
from minidl.datasets import Dataset
from minidl.errors import ArgumentError, DataError
from minidl.files.tensor_file import read_tensors, write_tensors
from minidl.models import registry
from minidl.train import Recipe, continue_run, recipe_for, run
from minidl.train.data import DATASETS
from minidl.train.interruption import Interrupted, Interruption


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)


def test_a_signal_ends_the_run_after_its_step_and_says_how_to_continue(
    tmp_path, console, monkeypatch
):
    stop_after(monkeypatch, 2, signal.SIGTERM)
    with pytest.raises(Interrupted, match=r"minidl train --resume --out .*run") as raised:
        train(tmp_path / "run", console)
    assert raised.value.signal == signal.SIGTERM
    assert isinstance(raised.value, KeyboardInterrupt)


def test_a_stopped_run_continues_to_the_same_result(stopped, unbroken, console):
    continue_run(stopped, console=console)
    assert "Continues in epoch 1 of 2, after 32 images." in console.file.getvalue()
    assert result(stopped) == result(unbroken)


def test_the_same_settings_may_be_given_again(stopped, unbroken, console):
    continue_run(
        stopped, "lenet5", recipe={"epochs": 2}, backend="numpy", **SETTINGS, console=console
    )
    assert result(stopped) == result(unbroken)


def test_lines_written_after_the_checkpoint_are_written_anew(stopped, unbroken, console):
    (stopped / "metrics.jsonl").write_text('{"epoch": 1}\n{"epoch": 2}\n{"epo')
    continue_run(stopped, console=console)
    assert result(stopped) == result(unbroken)


def test_a_finished_run_says_so_and_stays(tmp_path, unbroken, console):
    folder = tmp_path / "run"
    shutil.copytree(unbroken, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    history = continue_run(folder, console=console)
    assert len(history) == 2
    assert "This run has finished: all 2 epochs are done." in console.file.getvalue()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_without_a_checkpoint_it_starts_from_the_beginning(stopped, unbroken, console):
    (stopped / "last.safetensors").unlink()
    continue_run(stopped, console=console)
    assert result(stopped) == result(unbroken)


def test_where_no_run_began_one_begins(tmp_path, unbroken, console):
    changes = {"epochs": 2, "batch_size": 16, "lr": 0.05, "weight_decay": 0.0}
    changes |= {"augmentation": (), "image_size": None}
    continue_run(tmp_path / "run", "lenet5", recipe=changes, **SETTINGS, console=console)
    assert "a new run begins there" in console.file.getvalue()
    assert result(tmp_path / "run") == result(unbroken)


def test_a_name_that_may_be_misspelt_is_pointed_out(stopped, tmp_path, console):
    continue_run(tmp_path / "rum", "lenet5", recipe={"epochs": 1}, **SETTINGS, console=console)
    assert f"There is no folder {tmp_path / 'rum'}: a new run begins" in console.file.getvalue()
    assert f"Did you mean {stopped}?" in console.file.getvalue()


def test_a_misspelt_folder_is_answered_with_the_one_that_was_meant(stopped, tmp_path, console):
    with pytest.raises(ArgumentError, match=f"no run in .*rum.* Did you mean {stopped}\\?"):
        continue_run(tmp_path / "rum", console=console)
    assert not (tmp_path / "rum").exists()


def test_without_a_folder_the_last_run_of_that_model_continues(tmp_path, monkeypatch, console):
    monkeypatch.chdir(tmp_path)
    train(None, console)
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(Interrupted):
            train(None, console)
    continue_run(None, "lenet5", console=console)
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [
        "lenet5-mnist",
        "lenet5-mnist-2",
    ]
    assert (tmp_path / "runs/lenet5-mnist-2/metrics.jsonl").read_text().count("\n") == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "lenet5_1998"}, "its model is 'lenet5', not 'lenet5_1998'"),
        ({"data": "fashion-mnist"}, "its data is 'mnist', not 'fashion-mnist'"),
        ({"seed": 5}, "its seed is 4, not 5"),
        ({"limit": 40}, "its limit is 48, not 40"),
        ({"backend": "meta"}, "its backend is 'numpy', not 'meta'"),
        ({"recipe": {"epochs": 3}}, "its epochs is 2, not 3"),
        ({"recipe": {"lr": 0.1}}, r"its lr is 0\.05, not 0\.1"),
    ],
)
def test_other_settings_are_refused_by_name(stopped, console, given, message):
    before = (stopped / "last.safetensors").read_bytes()
    with pytest.raises(ArgumentError, match=message):
        continue_run(stopped, console=console, **given)
    assert (stopped / "last.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 5}, "its seed is 4, not 5"),
        ({"recipe": Recipe(epochs=2, batch_size=16, lr=0.01)}, r"its lr is 0\.05, not 0\.01"),
        ({"data": "fashion-mnist"}, "its data is 'mnist'"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(stopped, tmp_path, console, changes, message):
    """Its file was put into the folder of this one."""
    with pytest.raises(ArgumentError, match=message):
        train(stopped, console, resume=True, **changes)


def test_a_checkpoint_of_another_model_is_refused(stopped, console):
    with pytest.raises(ArgumentError, match="its model is 'lenet5', not 'lenet5_1998'"):
        run("lenet5_1998", out=stopped, recipe=RECIPE, resume=True, console=console, **SETTINGS)


def test_other_images_of_the_same_name_are_refused(stopped, console, monkeypatch):
    """For example where the full set is found today, and the bundled one was when it began."""
    reversed_mnist = DATASETS["mnist"]

    def other(train, root):
        dataset = reversed_mnist(train=train, root=root)
        return dataset.subset(list(range(len(dataset)))[::-1], "Reversed.")

    monkeypatch.setitem(DATASETS, "mnist", other)
    with pytest.raises(ArgumentError, match="began with other images or labels"):
        continue_run(stopped, console=console)


@pytest.mark.parametrize("level", [3, -3], ids=["brighter", "darker"])
def test_other_pixels_in_the_same_files_are_refused(tmp_path, console, monkeypatch, level):
    """The labels, the names and the number of images stay."""
    images = tmp_path / "images"
    rng = np.random.default_rng(0)
    files = [images / part / name / "1.png" for part in ("train", "test") for name in "ab"]
    for file in files:
        file.parent.mkdir(parents=True)
        Image.fromarray(rng.integers(10, 240, (28, 28), dtype=np.uint8)).save(file)
    settings = {"data": "folder", "data_dir": str(images), "limit": None}
    with monkeypatch.context() as patch:
        stop_after(patch, 1)
        with pytest.raises(Interrupted):
            train(tmp_path / "run", console, **settings)
    file = files[-1]  # a test image: mean and deviation of the training images stay too
    Image.fromarray(np.asarray(Image.open(file)) + np.uint8(level % 256)).save(file)
    with pytest.raises(ArgumentError, match="began with other images or labels"):
        continue_run(tmp_path / "run", console=console)


def test_a_truncated_checkpoint_is_an_error_that_says_what_to_do(stopped, console):
    path = stopped / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"nothing can be continued\. To begin anew: --overwrite"):
        continue_run(stopped, console=console)


def test_other_versions_are_allowed_and_named(stopped, console):
    path = stopped / "last.safetensors"
    arrays, metadata = read_tensors(path)
    metadata["config"]["numpy"] = "1.99"
    write_tensors(path, arrays, metadata)
    continue_run(stopped, console=console)
    assert "numpy 1.99 → " in console.file.getvalue()


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 10**5, '{"model": "lenet5"}', "\udcff"])
def test_settings_that_cannot_be_read_are_an_error(stopped, console, text):
    (stopped / "last.safetensors").unlink()  # that has them too
    (stopped / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=r"config\.json"):
        continue_run(stopped, console=console)


@pytest.mark.parametrize(
    ("given", "message"),
    [({}, "--out DIR"), ({"out": "nowhere"}, "there is no run in nowhere")],
)
def test_nothing_to_continue_is_an_error(tmp_path, monkeypatch, console, given, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match=message):
        continue_run(**given, console=console)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_stops_the_run_and_keeps_the_last_checkpoint(
    tmp_path, console, monkeypatch, unbroken, call
):
    original, kept = getattr(os, call), []
    path = tmp_path / "run" / "last.safetensors"

    def until_full(*arguments):
        if path.exists():
            kept.append(path.read_bytes())
        if len(kept) > 3:  # in the midst of a later checkpoint
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, until_full)
        with pytest.raises(
            DataError, match=r"the disk is full.*checkpoint before is kept.*--resume"
        ):
            train(path.parent, console)
    assert path.read_bytes() == kept[-1]
    continue_run(path.parent, console=console)
    assert result(path.parent) == result(unbroken)


def test_a_read_only_folder_is_an_error_before_the_training(tmp_path, console, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DataError, match=r"config\.json can't be written: .*read-only"):
        train(tmp_path, console)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into read-only folders")
def test_a_real_read_only_folder_is_an_error(tmp_path, console):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(DataError, match="may not be written"):
            train(tmp_path, console)
    finally:
        tmp_path.chmod(0o700)


def test_a_model_for_other_images_is_an_error_that_says_for_which(tmp_path, console, monkeypatch):
    def for_large_images(num_classes=10, in_channels=1):
        return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * 64 * 64, num_classes))

    monkeypatch.setitem(registry._makers, "for_large_images", for_large_images)
    with pytest.raises(ArgumentError, match=r"can't take the images of mnist, \(1, 28, 28\)"):
        run("for_large_images", out=tmp_path / "run", console=console, **SETTINGS)
    assert not (tmp_path / "run").exists()


def test_the_card_says_which_images_a_model_is_for(tmp_path, console, monkeypatch):
    def squares(train, root):
        return Dataset(np.zeros((4, 3, 9, 9), np.uint8), np.arange(4) % 2)

    monkeypatch.setitem(DATASETS, "squares", squares)
    with pytest.raises(ArgumentError, match=r"lenet5 was made for images of \(1, 28, 28\)"):
        run("lenet5", "squares", recipe=RECIPE, out=tmp_path / "run", console=console)


def test_the_settings_name_everything_that_the_figures_depend_on(unbroken):
    config = json.loads((unbroken / "config.json").read_text())
    assert config["options"] == {"num_classes": 10, "in_channels": 1}
    assert config["recipe"]["augmentation"] == []
    assert Recipe(**config["recipe"]) == RECIPE
    assert recipe_for("lenet5") != RECIPE


def test_signals_are_handled_as_before_once_the_run_is_over(unbroken):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interruption():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_second_signal_acts_as_it_would_without():
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(Interrupted):
            interruption.check()
