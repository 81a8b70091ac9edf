"""Runs of a moment, and what they leave; the fixtures `stopped` and `unbroken` are such."""

import signal

from minidl.files.tensor_file import read_tensors
from minidl.train import Recipe, run
from minidl.train.keeper import Keeper

RECIPE = Recipe(epochs=2, batch_size=16, lr=0.05)
SETTINGS = {"data_dir": "bundled", "limit": 48, "seed": 4}


def train(folder, console, **changes):
    options = {**SETTINGS, "recipe": RECIPE, "checkpoint_every": 1, **changes}
    return run("lenet5", out=folder, console=console, **options)


def stop_after(monkeypatch, saves, number=signal.SIGINT):
    """A signal comes while the n-th checkpoint is written."""
    save, calls = Keeper.save, []

    def counted(self):
        calls.append(self)
        if len(calls) == saves:
            signal.raise_signal(number)
        save(self)

    monkeypatch.setattr(Keeper, "save", counted)


def result(folder):
    arrays, _ = read_tensors(folder / "last.safetensors")
    metrics = (folder / "metrics.jsonl").read_text()
    return {name: array.tobytes() for name, array in arrays.items()}, metrics


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}
