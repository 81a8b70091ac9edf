"""One run by name: model, data and recipe in; a folder with settings, figures and pictures out."""

from __future__ import annotations

import dataclasses
import itertools
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

import minidl
from minidl import backends, datasets, models
from minidl.datasets import Dataset
from minidl.errors import ArgumentError, MissingDependencyError, fail
from minidl.train import pictures
from minidl.train.progress import ProgressBar, closing_table
from minidl.train.recipes import Recipe, recipe_for
from minidl.train.trainer import Epoch, Watcher, fit, predict

DATASETS = {"mnist": datasets.MNIST, "fashion-mnist": datasets.FashionMNIST}


def run(
    model: str,
    data: str = "mnist",
    *,
    data_dir: str | None = None,
    backend: str = "numpy",
    recipe: Recipe | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    limit: int | None = None,
    threads: int = 1,
    console: Console | None = None,
) -> list[Epoch]:
    """Train a registered model and keep the run in a folder. `minidl train` calls this.

    The folder gets `config.json`, `metrics.jsonl` (a line per epoch, written as it goes),
    `curves.png` and `predictions.png`. The same seed gives the same figures, but for the times.

    Raises ArgumentError for an unknown model or data set or an unusable folder, BackendError for
    an unknown backend, DataError for bad files.

    Args:
        model: a name from `minidl.models.list()`.
        data: one of DATASETS.
        data_dir: where its files are; "bundled": the subset that comes with minidl; None: where
            `minidl.datasets` finds them.
        backend: where to compute.
        recipe: None: the model's own.
        seed: fixes the initial weights, the order of the images, and dropout.
        out: the folder; files of an earlier run in it are replaced. None: a new one in `runs/`.
        limit: use only so many training and so many test images, the first ones.
        threads: of the BLAS library that multiplies matrices. Small networks gain nothing from
            several, and on a busy machine threads that wait for one another cost a multiple.
        console: where to show it; None: standard output.

    """
    console = console or Console()
    recipe = recipe or recipe_for(model)
    where = backends.get(backend)
    training, test = (_load(data, train, data_dir, limit) for train in (True, False))
    minidl.manual_seed(seed)
    network = models.create(model, num_classes=len(training.class_names)).to(where)

    folder = _make_folder(out, f"{model}-{data}")
    config = {
        "model": model,
        "data": data,
        "training": training.source,
        "test": test.source,
        "backend": where.name,
        "seed": seed,
        "threads": threads,
        "recipe": dataclasses.asdict(recipe),
        "minidl": minidl.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    _write_json(folder / "config.json", config)

    console.print(f"{model}: {training.source}", highlight=False, markup=False, soft_wrap=True)
    with threadpool_limits(threads, "blas"):
        with ProgressBar(console, recipe.epochs, len(training)) as bar:
            journal = _Journal(folder / "metrics.jsonl")
            history = fit(network, training, test, recipe, seed=seed, watchers=[journal, bar])
        logits = predict(network, test).numpy()

    drawn = _draw(folder, history, test, logits)
    seconds = sum(epoch.seconds for epoch in history)
    speed = recipe.epochs * len(training) / seconds
    rows = {
        "test accuracy": f"{history[-1].test_accuracy:.2%} of {len(test):,} images",
        "test loss": f"{history[-1].test_loss:.4f}",
        "training time": f"{seconds:.1f} s, {speed:,.0f} images/s",
        "backend": where.name,
        "folder": str(folder),
        "pictures": drawn,
    }
    console.print(closing_table(f"{model} on {data}", rows))
    return history


class _Journal(Watcher):
    """Writes a line of JSON per epoch."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text("")

    def on_epoch(self, epoch: Epoch) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(dataclasses.asdict(epoch)) + "\n")


def _load(data: str, train: bool, data_dir: str | None, limit: int | None) -> Dataset:
    if data not in DATASETS:
        known = ", ".join(DATASETS)
        raise ArgumentError(f"train: there is no data set {data!r}. There are: {known}.")
    root = datasets.BUNDLED if data_dir == "bundled" else data_dir
    dataset: Dataset = DATASETS[data](train=train, root=root)
    if limit is None:
        return dataset
    if limit < 1:
        fail("train", "limit", limit, "at least 1", error=ArgumentError)
    return dataset.subset(np.arange(min(limit, len(dataset))), f"The first {limit:,} of them.")


def _make_folder(out: str | Path | None, name: str) -> Path:
    """`out`, or the first of runs/NAME, runs/NAME-2 … that doesn't exist; made if need be."""
    if out is None:
        numbered = (f"{name}-{n}" for n in itertools.count(2))
        candidates = (Path("runs") / each for each in itertools.chain([name], numbered))
        folder = next(each for each in candidates if not each.exists())
    else:
        folder = Path(out).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(
            f"train: the folder {folder} for the run can't be made: {error.strerror}. Name another."
        ) from error
    return folder


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")


def _draw(folder: Path, history: list[Epoch], test: Dataset, logits: np.ndarray[Any, Any]) -> str:
    """The pictures' names; or why there are none, since a finished run isn't lost for that."""
    try:
        pictures.save_curves(history, folder / "curves.png")
        pictures.save_predictions(test, logits, folder / "predictions.png")
    except MissingDependencyError as missing:
        return str(missing)
    return "curves.png, predictions.png"
