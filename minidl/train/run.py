"""One run by name: model, data and recipe in; a folder with settings, figures and pictures out."""

from __future__ import annotations

import dataclasses
import difflib
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

import minidl
from minidl import backends, models
from minidl.errors import ArgumentError, DataError
from minidl.train.agreement import check_agrees, check_same_run, normal
from minidl.train.data import (
    DATASETS,
    fingerprint,
    image_shape,
    load_data,
    short_source,
)
from minidl.train.families import differences, recipe_for
from minidl.train.folder import RunFolder, last_folder, new_folder
from minidl.train.interruption import Interrupted, Interruption
from minidl.train.keeper import Keeper
from minidl.train.network import make_network
from minidl.train.progress import ProgressBar
from minidl.train.recipes import Recipe
from minidl.train.report import draw, show_result
from minidl.train.trainer import Epoch, Trainer, predict
from minidl.train.trial import check_computes

__all__ = ["DATASETS", "continue_run", "run"]

_ARGUMENTS = ("model", "data", "data_dir", "backend", "seed", "limit", "threads")
"""The settings that `run` is called with again."""


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
    network, options = make_network(model, data, training, recipe, where)
    config = normal(
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
            if trainer.images_per_epoch < len(training):
                say(_one_left_out(len(training), recipe.batch_size))
        else:
            check_same_run(folder, found[1], config, say)
            trainer.load_state_dict(found[0])
            folder.restore_config(found[1])
            folder.write_history(trainer.history)
            say(_resumed(trainer))

        with threadpool_limits(threads, "blas"):
            with (
                folder.advising(),
                Interruption() as interruption,
                ProgressBar(
                    console, recipe.epochs, trainer.images_per_epoch, trainer.images_done
                ) as bar,
            ):
                keeper = Keeper(trainer, folder, config, checkpoint_every)
                try:
                    trainer.run([bar, keeper, interruption])
                except Interrupted as stop:
                    keeper.save()
                    message = f"Stopped; its state is in {folder.checkpoint}. Continue with:"
                    raise Interrupted(f"{message}\n{folder.resume_command}", stop.signal) from None
            logits = predict(network, test, image_size=recipe.image_size).numpy()

        drawn = draw(folder, f"{model} on {data}", trainer, logits)

    show_result(console, f"{model} on {data}", folder, trainer, drawn)
    return trainer.history


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
                f"train: there is no run in {folder.path}: it has no config.json."
                f"{_meant(folder.path)} Name the run's folder, or a model to begin with."
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
    check_agrees(folder, config, {**settings, "model": model, "recipe": recipe or {}})
    return run(**began_with, recipe=its_recipe, **common)


def _nothing_to_continue(path: Path) -> str:
    """What is said before a run begins that was to be continued; perhaps the name is misspelt."""
    anew = "a new run begins there, at its first epoch"
    if path.exists():
        return f"Nothing to continue in {path}: {anew}."
    meant = _meant(path)
    return f"There is no folder {path}: {anew}.{meant}{' Then stop this one.' if meant else ''}"


def _meant(path: Path) -> str:
    """A question for the run beside `path` with the most similar name, if any is."""
    others = [found.parent.name for found in path.parent.glob("*/last.safetensors")]
    near = difflib.get_close_matches(path.name, others, n=1)
    return f" Did you mean {path.parent / near[0]}?" if near else ""


def _one_left_out(images: int, batch_size: int) -> str:
    return (
        f"{images:,} images in batches of {batch_size} leave a single one over, of which batch "
        "norm can't learn: each epoch does without one, another one each time."
    )


def _resumed(trainer: Trainer) -> str:
    done, epochs = len(trainer.history), trainer.recipe.epochs
    if done == epochs:
        return f"This run has finished: all {epochs} epochs are done."
    return f"Continues in epoch {done + 1} of {epochs}, after {trainer.so_far.images:,} images."
