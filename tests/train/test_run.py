"""A run by name, and the folder it leaves."""

import io
import json
import sys

import numpy as np
import pytest
from rich.console import Console

from minidl.datasets import Dataset
from minidl.errors import ArgumentError, BackendError, MinidlError
from minidl.files.tensor_file import read_tensors
from minidl.train import Recipe, pictures, run

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


def test_an_unknown_model_is_named_with_those_there_are(tmp_path):
    with pytest.raises(ArgumentError, match=r"Did you mean lenet5\?"):
        run("lenet6", data_dir="bundled", out=tmp_path / "never", console=quiet())
    assert not (tmp_path / "never").exists()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="can't be made"):
        small_run(tmp_path / "file")


def test_prediction_grid_shows_the_first_images_then_the_surest_mistakes():
    labels = np.array([0, 0, 0, 0, 1, 1])
    logits = np.array([[1, 0], [0, 1], [0, 3], [2, 0], [9, 0], [0, 9]], float)
    #       right, a mistake that is shown anyway, a mistake, right, the surest mistake, right
    assert pictures._chosen(logits, labels, first=2, wrong=5) == [0, 1, 4, 2]
    assert pictures._chosen(logits, labels, first=2, wrong=1) == [0, 1, 4]


def test_predictions_of_colour_images_can_be_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="the pictures need matplotlib")
    images = np.random.default_rng(0).integers(0, 256, (12, 3, 8, 6), dtype=np.uint8)
    data = Dataset(images, np.arange(12) % 3)
    pictures.save_predictions(data, np.eye(3)[np.zeros(12, int)], tmp_path / "colour.png")
    matplotlib_image = pytest.importorskip("matplotlib.image")
    drawn = matplotlib_image.imread(tmp_path / "colour.png")[..., :3]
    assert (drawn.max(axis=2) - drawn.min(axis=2)).max() > 0.3  # colours were drawn
