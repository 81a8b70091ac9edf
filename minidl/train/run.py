"""One run by name: model, data and recipe in; a folder with settings, figures and pictures out."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import platform
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

import minidl
from minidl import backends, models
from minidl.backends import Backend
from minidl.creation import zeros
from minidl.datasets import Dataset
from minidl.errors import ArgumentError, DataError, MissingDependencyError, ShapeError
from minidl.grad_mode import no_grad
from minidl.nn import Module
from minidl.train import pictures
from minidl.train.data import (
    DATASETS,
    classes,
    fingerprint,
    image_shape,
    load_data,
    short_source,
)
from minidl.train.families import differences, recipe_for
from minidl.train.folder import RunFolder, last_folder, new_folder
from minidl.train.ingredients import resized_shape
from minidl.train.interruption import Interrupted, Interruption
from minidl.train.progress import ProgressBar, closing_table, loss_text
from minidl.train.recipes import Recipe
from minidl.train.trainer import Epoch, Trainer, Watcher, predict
from minidl.train.trial import check_computes, check_kernels

__all__ = ["DATASETS", "continue_run", "run"]

_MUST_AGREE = (
    *("model", "options", "data", "limit", "fingerprint", "class_names", "mean", "std"),
    *("backend", "threads", "seed", "recipe"),
)
"""The settings that a checkpoint's figures depend on."""
_ARGUMENTS = ("model", "data", "data_dir", "backend", "seed", "limit", "threads")
"""The settings that `run` is called with again."""
_VERSIONS = ("minidl", "numpy", "python")


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
    checkpoint_every: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    console: Console | None = None,
) -> list[Epoch]:
    """Train a registered model and keep the run in a folder. `minidl train` calls this.

    What the folder gets: `RunFolder`. The same seed gives the same figures, but for the times; a
    run that was stopped or killed, and resumed, too. Ctrl-C and SIGTERM stop it after a step.

    Raises ArgumentError for an unknown model or data set, a model that can't take these images or
    an unusable folder, BackendError for an unknown backend, DataError for bad files and where
    nothing can be written, Interrupted (a KeyboardInterrupt) when it was stopped.

    Args:
        model: a name from `minidl.models.list()`.
        data: one of DATASETS, or "folder": your own images in data_dir/train/CLASS/… and
            data_dir/test/CLASS/…, resized to what the model's card says.
        data_dir: where its files are; "bundled": the subset that comes with minidl; None: where
            `minidl.datasets` finds them.
        backend: where to compute; "auto": the best there is.
        recipe: None: the model's own.
        seed: fixes the initial weights, the order of the images, augmentation and dropout.
        out: the folder. None: a new one in `runs/`. One run at a time is in a folder.
        limit: use only so many training and so many test images, the first ones.
        threads: of the BLAS library that multiplies matrices. Small networks gain nothing from
            several, and on a busy machine threads that wait for one another cost a multiple.
        checkpoint_every: save the state after so many steps; None: after half a minute. It is saved
            after each epoch anyway.
        resume: go on from the checkpoint in `out`, if there is one.
        overwrite: replace the run in `out`, finished or not; else it is an error that one is there.
        console: where to show it; None: standard output.

    """
    console = console or Console()
    recipe = recipe or recipe_for(model, data)
    where = backends.get(backend)
    check_computes(where)
    card = models.card(model)
    training, test = load_data(data, data_dir, limit, card.input if card else None)
    minidl.manual_seed(seed)
    network, options = _make_network(model, data, training, recipe, where)
    config = _normal(
        {
            "model": model,
            "options": options,
            "data": data,
            "data_dir": data_dir,
            "limit": limit,
            "training": training.source,
            "test": test.source,
            "fingerprint": [fingerprint(training), fingerprint(test)],
            "class_names": training.class_names,
            "mean": training.mean,
            "std": training.std,
            "backend": where.name,
            "seed": seed,
            "threads": threads,
            "recipe": dataclasses.asdict(recipe),
            "minidl": minidl.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        }
    )
    folder = RunFolder(Path(out).expanduser()) if out else new_folder(f"{model}-{data}")

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    trainer = Trainer(network, training, test, recipe, seed=seed)
    with folder.held():
        found = folder.load() if resume else None
        if found is None:
            folder.begin(config, overwrite)
            say(f"{model}: {short_source(training)}")
            if changes := differences(model, recipe, image_shape(training)):
                say(f"{model}, {changes}")
        else:
            _check_same_run(folder, found[1], config, say)
            trainer.load_state_dict(found[0])
            folder.restore_config(found[1])
            folder.write_history(trainer.history)
            say(_resumed(trainer))

        with threadpool_limits(threads, "blas"):
            with (
                folder.advising(),
                Interruption() as interruption,
                ProgressBar(console, recipe.epochs, len(training), trainer.images_done) as bar,
            ):
                keeper = _Keeper(trainer, folder, config, checkpoint_every)
                try:
                    trainer.run([bar, keeper, interruption])
                except Interrupted as stop:
                    keeper.save()
                    message = f"Stopped; its state is in {folder.checkpoint}. Continue with:"
                    raise Interrupted(f"{message}\n{folder.resume_command}", stop.signal) from None
            logits = predict(network, test, image_size=recipe.image_size).numpy()

        drawn = _draw(folder, f"{model} on {data}", trainer, logits)

    history = trainer.history
    seconds = sum(epoch.seconds for epoch in history)
    speed = recipe.epochs * len(training) / seconds
    rows = {
        "test accuracy": f"{history[-1].test_accuracy:.2%} of {len(test):,} images",
        "test loss": loss_text(history[-1].test_loss),
        "training time": f"{seconds:.1f} s, {speed:,.0f} images/s",
        "backend": where.name,
        "folder": str(folder.path),
        "pictures": drawn,
    }
    console.print(closing_table(f"{model} on {data}", rows))
    if hint := _hint(history[-1], recipe, classes(test)):
        say(hint)
    return history


def continue_run(
    out: str | Path | None = None,
    model: str | None = None,
    *,
    recipe: Mapping[str, Any] | None = None,
    checkpoint_every: int | None = None,
    console: Console | None = None,
    **settings: Any,
) -> list[Epoch]:
    """Go on with the run in a folder, with the settings it began with. `minidl train --resume`.

    What is given must agree with them, but for `data_dir`, which may have moved. Where no run has
    begun, one begins, if a model is given.

    Raises what `run` does, and ArgumentError naming the setting that differs.

    Args:
        out: the folder. None: the last one in `runs/` of this model and data.
        model: as it was given to `run`; may be left out.
        recipe: values that differ from the model's recipe, such as {"epochs": 3}.
        checkpoint_every, console: as in `run`.
        settings: others of `run`'s.

    """
    console = console or Console()
    if out is None and model is None:
        raise ArgumentError("train: --resume needs the run's folder, --out DIR, or its model.")
    data = settings.get("data", "mnist")
    folder = last_folder(f"{model}-{data}") if out is None else RunFolder(Path(out).expanduser())
    common: dict[str, Any] = {
        "out": folder.path,
        "checkpoint_every": checkpoint_every,
        "resume": True,
        "console": console,
    }
    config = folder.read_config()
    if config is None:
        if model is None:
            raise ArgumentError(
                f"train: there is no run in {folder.path}: it has no config.json. Name the run's "
                "folder, or a model to begin with."
            )
        console.print(_nothing_to_continue(folder.path), style="bold", soft_wrap=True)
        changed = dataclasses.replace(recipe_for(model, data), **(recipe or {}))
        return run(model, recipe=changed, **settings, **common)
    try:
        began_with = {key: config[key] for key in _ARGUMENTS}
        its_recipe = Recipe(**config["recipe"])
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{folder.config} lacks settings that this version of minidl writes: {error}."
        ) from error
    if "backend" in settings:
        settings["backend"] = backends.get(settings["backend"]).name
    if began_with["model"] not in models.list():
        raise ArgumentError(
            f"train: the run in {folder.path} trains {began_with['model']}, a model of your own. "
            "Run the file that registers it first: --load FILE, as when the run began."
        )
    began_with["data_dir"] = settings.pop("data_dir", began_with["data_dir"])
    model = model or began_with["model"]
    _check_agrees(folder, config, {**settings, "model": model, "recipe": recipe or {}})
    return run(**began_with, recipe=its_recipe, **common)


def _nothing_to_continue(path: Path) -> str:
    """What is said before a run begins that was to be continued; perhaps the name is misspelt."""
    anew = "a new run begins there, at its first epoch"
    if path.exists():
        return f"Nothing to continue in {path}: {anew}."
    others = [found.parent.name for found in path.parent.glob("*/last.safetensors")]
    near = difflib.get_close_matches(path.name, others, n=1)
    meant = f" Did you mean {path.parent / near[0]}? Then stop this one." if near else ""
    return f"There is no folder {path}: {anew}.{meant}"


class _Keeper(Watcher):
    """Writes the checkpoint and the figures."""

    def __init__(
        self, trainer: Trainer, folder: RunFolder, config: dict[str, Any], every: int | None
    ) -> None:
        self.trainer, self.folder, self.config = trainer, folder, config
        self.every = every
        self.steps, self.pause, self.last = 0, 30.0, time.monotonic()

    def on_step(self, epoch: int, images: int, loss: float, accuracy: float) -> None:
        self.steps += 1
        due = time.monotonic() - self.last > self.pause
        if due if self.every is None else self.steps >= self.every:
            self.save()

    def on_epoch(self, epoch: Epoch) -> None:
        self.save()  # first: figures without a checkpoint could be of any run
        self.folder.write_history(self.trainer.history)

    def save(self) -> None:
        began = time.monotonic()
        self.folder.save(self.trainer.state_dict(), self.config)
        self.steps, self.last = 0, time.monotonic()
        self.pause = max(30.0, 20 * (self.last - began))  # a twentieth of the time at most


def _make_network(
    model: str, data: str, training: Dataset, recipe: Recipe, where: Backend
) -> tuple[Module, dict[str, Any]]:
    """The model for these images and classes, tried on one; and the options it was made with."""
    shape = resized_shape(recipe.image_size, image_shape(training))
    options = {**recipe.options, "num_classes": classes(training), "in_channels": shape[0]}
    try:
        network = models.create(model, **options)
    except TypeError as error:
        if not re.search(r"(keyword argument|has no option) 'in_channels'", str(error)):
            raise
        del options["in_channels"]
        network = models.create(model, **options)
    network.to(where).eval()
    image = zeros((1, *shape), backend=where)
    try:
        check_kernels(model, network, image, recipe)
        with no_grad():
            network(image)
    except ShapeError as error:
        card = models.card(model)
        made_for = f"{model} was made for images of {card.input}. " if card else ""
        raise ArgumentError(
            f"train: {model} can't take the images of {data}, {shape}. {made_for}Choose other data "
            f"or another model.\nIn the network: {error}"
        ) from error
    return network, options


def _normal(config: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from JSON, so that the two can be compared."""
    found: dict[str, Any] = json.loads(json.dumps(config))
    return found


def _check_same_run(
    folder: RunFolder, saved: Mapping[str, Any], config: Mapping[str, Any], say: Any
) -> None:
    """Raise if the checkpoint is of another run; say so if only the versions differ."""
    _check_agrees(folder, saved, {key: config[key] for key in _MUST_AGREE if key != "fingerprint"})
    if saved.get("fingerprint") != config["fingerprint"]:
        raise ArgumentError(
            f"train: the run in {folder.path} began with other images or labels. Then it had: "
            f"{saved.get('training')} Now: {config['training']} Continue it with those it began "
            "with, or begin anew with --overwrite."
        )
    changed = [key for key in _VERSIONS if saved.get(key) != config[key]]
    if changed:
        versions = ", ".join(f"{key} {saved.get(key)} → {config[key]}" for key in changed)
        say(f"Versions changed since this run began, so its last bits may too: {versions}.")


def _check_agrees(folder: RunFolder, saved: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    for key, value in given.items():
        there = saved.get(key)
        if isinstance(there, dict) and isinstance(value, dict):
            _check_agrees(folder, there, value)
        elif there != value:
            raise ArgumentError(
                f"train: the run in {folder.path} is another one: its {key} is {there!r}, not "
                f"{value!r}. Leave that setting out, or name another folder."
            )


def _resumed(trainer: Trainer) -> str:
    done, epochs = len(trainer.history), trainer.recipe.epochs
    if done == epochs:
        return f"This run has finished: all {epochs} epochs are done."
    return f"Continues in epoch {done + 1} of {epochs}, after {trainer.so_far.images:,} images."


def _hint(last: Epoch, recipe: Recipe, number_of_classes: int) -> str:
    """What to try where the network is no better than one that knows nothing; else ""."""
    guessing = math.log(number_of_classes)
    if last.test_loss < guessing or number_of_classes < 2:
        return ""
    return (
        f"The test loss is no better than that of guessing, ln {number_of_classes} = "
        f"{guessing:.2f}: the training diverged, or has hardly begun. Try a smaller learning rate, "
        f"such as --lr {recipe.lr / 10:g}, or more epochs."
    )


def _draw(folder: RunFolder, name: str, trainer: Trainer, logits: np.ndarray[Any, Any]) -> str:
    """The pictures' names; or why there are none, since a finished run isn't lost for that."""
    history, test = trainer.history, trainer.test
    epochs = "1 epoch" if len(history) == 1 else f"{len(history)} epochs"
    share = f"{history[-1].test_accuracy:.2%} of {len(test):,} test images"
    title = f"{name}: {share} right after {epochs}"
    try:
        pictures.save_curves(history, folder.curves, title, _how_measured(trainer.recipe))
        pictures.save_predictions(test, logits, folder.predictions, title)
    except MissingDependencyError as missing:
        return str(missing)
    return f"{folder.curves.name}, {folder.predictions.name}"


def _how_measured(recipe: Recipe) -> str:
    """Why the test figures may be better than the training's."""
    changed = ", ".join(recipe.augmentation)
    return (
        "Train: the mean over the epoch, while the network learns"
        + (f", on images changed at random ({changed}). " if changed else ". ")
        + "Test: after the epoch, on images as they are"
        + (", with averaged weights." if recipe.ema_decay is not None else ".")
    )
