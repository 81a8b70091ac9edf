"""A run by name, and the folder it leaves."""

import io
import json
import sys

import numpy as np
import pytest
from rich.console import Console

import minidl
from minidl import nn
from minidl.datasets import BUNDLED
from minidl.errors import ArgumentError, BackendError, MinidlError
from minidl.files.tensor_file import read_tensors
from minidl.models import registry
from minidl.random import default_generator
from minidl.train import Epoch, Recipe, run, trial
from minidl.train.folder import new_folder
from minidl.train.progress import ProgressBar

RECIPE = Recipe(epochs=2, batch_size=32, lr=0.05)


def quiet(**options):
    return Console(file=io.StringIO(), **options)


def small_run(out, **options):
    settings = {"data_dir": "bundled", "recipe": RECIPE, "limit": 96, "console": quiet()}
    return run("lenet5", out=out, **{**settings, **options})


def metrics(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_run_folder_holds_settings_figures_and_pictures(tmp_path):
    pytest.importorskip("matplotlib", reason="the pictures need matplotlib")
    history = small_run(tmp_path / "a" / "b", seed=5)
    folder = tmp_path / "a" / "b"
    names = {"config.json", "metrics.jsonl", "times.jsonl", "last.safetensors"}
    names |= {"curves.png", "predictions.png"}
    assert {path.name for path in folder.iterdir()} == names
    config = json.loads((folder / "config.json").read_text())
    assert config["model"] == "lenet5"
    assert config["seed"] == 5
    assert config["recipe"]["batch_size"] == 32
    assert "The first 96" in config["training"]
    assert [row["test_loss"] for row in metrics(folder)] == [e.test_loss for e in history]
    for name in ("curves.png", "predictions.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_writes_identical_metrics_and_weights(tmp_path):
    for name, seed in (("first", 7), ("second", 7), ("third", 8)):
        small_run(tmp_path / name, seed=seed)
    first, second, third = (
        (tmp_path / name / "metrics.jsonl").read_bytes() for name in ("first", "second", "third")
    )
    assert first == second
    assert first != third
    arrays = [read_tensors(tmp_path / name / "last.safetensors")[0] for name in ("first", "second")]
    assert {k: v.tobytes() for k, v in arrays[0].items()} == {
        k: v.tobytes() for k, v in arrays[1].items()
    }


def test_the_times_have_a_file_of_their_own(tmp_path):
    history = small_run(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "times.jsonl").read_text().splitlines()]
    assert rows == [{"epoch": e.epoch, "seconds": e.seconds} for e in history]


def test_one_epoch_on_the_bundled_digits_learns_most_of_them(tmp_path):
    (epoch,) = small_run(tmp_path, recipe=Recipe(epochs=1, batch_size=32, lr=0.05), limit=5000)
    assert epoch.test_accuracy > 0.9


def test_an_earlier_run_in_the_folder_is_replaced_on_request(tmp_path):
    small_run(tmp_path)
    small_run(tmp_path, overwrite=True)
    assert [row["epoch"] for row in metrics(tmp_path)] == [1, 2]


def test_runs_without_a_folder_named_get_new_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(3):
        small_run(None, recipe=Recipe(epochs=1, batch_size=32, lr=0.05), limit=32)
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [
        "lenet5-mnist",
        "lenet5-mnist-2",
        "lenet5-mnist-3",
    ]


def test_a_new_folder_is_taken_at_once(tmp_path, monkeypatch):
    """Two processes that begin at the same moment don't choose the same."""
    monkeypatch.chdir(tmp_path)
    assert new_folder("a").path != new_folder("a").path
    (tmp_path / "b").write_text("a file")
    monkeypatch.setattr(
        "minidl.train.folder._numbered", lambda name: iter([tmp_path / "b" / "runs"])
    )
    with pytest.raises(ArgumentError, match="can't be made"):
        new_folder("a")


def test_output_without_a_terminal_has_a_line_per_epoch_and_no_control_characters(tmp_path):
    console = quiet(force_terminal=False)
    small_run(tmp_path, console=console)
    text = console.file.getvalue()
    assert "epoch 1/2" in text
    assert "epoch 2/2" in text
    assert "test accuracy" in text
    assert not any(character < " " and character != "\n" for character in text)


def test_output_on_a_dumb_terminal_has_no_control_characters(tmp_path):
    console = quiet(force_terminal=True, _environ={"TERM": "dumb"})
    small_run(tmp_path, console=console)
    text = console.file.getvalue()
    assert "epoch 2/2" in text
    assert not any(character < " " and character != "\n" for character in text)


def test_output_on_a_terminal_has_a_live_bar(tmp_path):
    console = quiet(force_terminal=True, force_interactive=True, width=120)
    small_run(tmp_path, console=console)
    text = console.file.getvalue()
    assert "images/s" in text
    assert "loss" in text


def test_a_run_without_matplotlib_finishes_and_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    console = quiet(width=200)
    assert small_run(tmp_path, console=console)
    assert 'pip install "minidl[plot]"' in console.file.getvalue()
    assert not (tmp_path / "curves.png").exists()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"data": "cifar"}, ArgumentError, "mnist, fashion-mnist"),
        ({"backend": "abacus"}, BackendError, "numpy"),
        ({"limit": 0}, ArgumentError, "at least 1"),
        ({"data_dir": "/nowhere"}, MinidlError, "/nowhere"),
    ],
)
def test_wrong_arguments_are_named_with_what_there_is(tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        small_run(tmp_path / "never", **options)
    assert not (tmp_path / "never").exists()


class Linear(nn.Module):
    """On the backend numba its layers compute; its loss doesn't."""

    def __init__(self, num_classes=10):
        super().__init__()
        self.fc = nn.Linear(784, num_classes)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        return self.fc(x.flatten(1))


def test_a_backend_that_cannot_train_the_model_is_refused_before_the_run(tmp_path, monkeypatch):
    monkeypatch.setitem(registry._makers, "linear", Linear)
    with pytest.raises(BackendError, match=r"'meta' knows shapes only.*with --backend;"):
        small_run(tmp_path / "never", backend="meta")
    pytest.importorskip("numba", reason="an incomplete backend is the numba backend")
    with pytest.raises(BackendError, match=r"'numba' has no kernel max_pool2d.* training lenet5"):
        small_run(tmp_path / "never", backend="numba")
    with pytest.raises(BackendError, match=r"no kernel softmax_cross_entropy.* training linear"):
        run("linear", backend="numba", data_dir="bundled", out=tmp_path / "never", console=quiet())
    assert not (tmp_path / "never").exists()


def test_trying_a_backend_changes_neither_network_nor_generator(monkeypatch):
    monkeypatch.setattr(trial, "capabilities", lambda backend: {"conv2d": "missing"})
    minidl.manual_seed(1)
    network = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.BatchNorm1d(6), nn.Linear(6, 2))
    before = {name: value.numpy().copy() for name, value in network.state_dict().items()}
    place = default_generator.get_state()
    trial.check_kernels("six", network, minidl.zeros((1, 1, 2, 3)), RECIPE)
    assert default_generator.get_state() == place
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_run_that_learned_nothing_ends_with_advice(tmp_path):
    console = quiet(width=200)
    good = Recipe(epochs=2, batch_size=8, lr=0.02, momentum=0.5)
    small_run(tmp_path / "good", console=console, recipe=good, limit=600)
    assert "guessing" not in console.file.getvalue()
    small_run(tmp_path / "bad", console=console, recipe=Recipe(epochs=1, batch_size=8, lr=0.8))
    assert "that of guessing, ln 10 = 2.30" in console.file.getvalue()
    assert "such as --lr 0.08," in console.file.getvalue()


def test_lines_fit_into_80_columns_whatever_the_loss():
    console = quiet(width=80)
    bar = ProgressBar(console, 100, 60_000)
    bar.on_epoch(Epoch(100, 0.1, 1.4526214239893012e19, 1.0, 2.345e30, 1.0, 12345.6))
    bar.on_epoch(Epoch(7, 0.1, 0.12345, 0.5, 0.2, 0.09, 12.34))
    first, second = console.file.getvalue().splitlines()
    assert len(first) <= 80
    assert "train loss 1.5e+19" in first
    assert second == "epoch   7/100  train loss 0.1235, 50.00%  test loss 0.2000,  9.00%  12.3 s"


def test_the_path_of_bundled_images_is_not_shown(tmp_path):
    console = quiet(width=200)
    small_run(tmp_path, console=console)
    header = console.file.getvalue().splitlines()[0]
    assert header.endswith("10,000 training images, bundled with minidl. The first 96 of them.")
    assert str(BUNDLED) in json.loads((tmp_path / "config.json").read_text())["training"]


def test_an_unknown_model_is_named_with_those_there_are(tmp_path):
    with pytest.raises(ArgumentError, match=r"Did you mean lenet5\?"):
        run("lenet6", data_dir="bundled", out=tmp_path / "never", console=quiet())
    assert not (tmp_path / "never").exists()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="can't be made"):
        small_run(tmp_path / "file")
