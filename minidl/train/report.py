"""What a run ends with: a table, pictures, and advice where it learned nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from rich.console import Console

from minidl.errors import MissingDependencyError
from minidl.train import pictures
from minidl.train.data import classes
from minidl.train.folder import RunFolder
from minidl.train.progress import closing_table, loss_text
from minidl.train.recipes import Recipe
from minidl.train.trainer import Epoch, Trainer

__all__ = ["draw", "show_result"]


def show_result(
    console: Console, name: str, folder: RunFolder, trainer: Trainer, drawn: str
) -> None:
    """Print the table of the last epoch's figures, and advice if they're bad."""
    history, last = trainer.history, trainer.history[-1]
    seconds = sum(epoch.seconds for epoch in history)
    rows = {
        "test accuracy": f"{last.test_accuracy:.2%} of {len(trainer.test):,} images",
        "test loss": loss_text(last.test_loss),
        "training time": f"{seconds:.1f} s, {trainer.images_done / seconds:,.0f} images/s",
        "backend": next(trainer.model.parameters()).backend.name,
        "folder": str(folder.path),
        "pictures": drawn,
    }
    console.print(closing_table(name, rows))
    if advice := _advice(last, trainer.recipe, classes(trainer.test)):
        console.print(advice, highlight=False, markup=False, soft_wrap=True)


def _advice(last: Epoch, recipe: Recipe, number_of_classes: int) -> str:
    """What to try where the network is no better than one that knows nothing; else ""."""
    guessing = math.log(number_of_classes)
    if last.test_loss < guessing or number_of_classes < 2:
        return ""
    return (
        f"The test loss is no better than that of guessing, ln {number_of_classes} = "
        f"{guessing:.2f}: the training diverged, or has hardly begun. Try a smaller learning rate, "
        f"such as --lr {recipe.lr / 10:g}, or more epochs."
    )


def draw(folder: RunFolder, name: str, trainer: Trainer, logits: np.ndarray[Any, Any]) -> str:
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
