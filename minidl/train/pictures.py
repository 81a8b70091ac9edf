"""Pictures of a run: its curves, and what the model sees in some test images."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.datasets import Dataset
from minidl.errors import MissingDependencyError
from minidl.files.atomic import write_atomically
from minidl.train.trainer import Epoch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMED_CLASSES = 30
"""With more classes, names and numbers could not be read."""
_RIGHT, _WRONG = "#1b7837", "#c51b1b"


def save_curves(history: Sequence[Epoch], path: Path) -> None:
    """Loss and accuracy over the epochs, on the training and on the test images."""
    figure = _figure(9, 3.4)
    figure.set_layout_engine("constrained")
    epochs = [epoch.epoch for epoch in history]
    left, right = figure.subplots(1, 2)
    for axes, quantity, scale in ((left, "loss", 1), (right, "accuracy", 100)):
        for part, marker in (("train", "o"), ("test", "s")):
            values = [scale * getattr(epoch, f"{part}_{quantity}") for epoch in history]
            axes.plot(epochs, values, marker=marker, label=part)
        axes.set_xlabel("epoch")
        axes.set_ylabel("accuracy (%)" if quantity == "accuracy" else "cross-entropy")
        axes.set_xticks(epochs[:: math.ceil(len(epochs) / 10)])
        axes.grid(alpha=0.3)
        axes.legend()
    _save(figure, path)


def save_predictions(dataset: Dataset, logits: np.ndarray[Any, Any], path: Path) -> None:
    """A grid: the first test images, then the mistakes the model was surest of.

    Above each image stands what the model says, in red with the true label where it is wrong.
    """
    columns, first_rows, wrong_rows = 10, 3, 2
    chosen = _chosen(logits, dataset.labels, columns * first_rows, columns * wrong_rows)
    names = dataset.class_names or [str(label) for label in range(logits.shape[1])]
    rows = math.ceil(len(chosen) / columns)
    height, width = _pixels(dataset.images[0]).shape[:2]
    step_x, step_y = 1.15 * width, 1.15 * height + 0.2 * width  # room for the words
    figure = _figure(columns, rows * step_y / step_x)
    # One pair of axes for all images: a pair for each takes seconds.
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for place, index in enumerate(chosen):
        row, column = divmod(place, columns)
        left, bottom = column * step_x + 0.075 * width, (row + 1) * step_y - 0.1 * height
        box = (left, left + width, bottom, bottom - height)
        axes.imshow(_pixels(dataset.images[index]), cmap="gray_r", extent=box, aspect="auto")
        predicted, label = int(logits[index].argmax()), int(dataset.labels[index])
        right = predicted == label
        axes.text(
            left + width / 2,
            bottom - 1.04 * height,
            names[label] if right else f"{names[predicted]}, is {names[label]}",
            color=_RIGHT if right else _WRONG,
            size=8 if max(map(len, names)) < 3 else 5,
            ha="center",
            va="bottom",
        )
    axes.set(xlim=(0, columns * step_x), ylim=(rows * step_y, 0))
    _save(figure, path)


def save_confusion(matrix: np.ndarray[Any, Any], class_names: Sequence[str], path: Path) -> None:
    """A confusion matrix: a row per true class, a column per answer, darker where more often.

    Shades are fractions of the row, so that rare classes show as well as frequent ones.
    """
    classes = len(matrix)
    size = min(12.0, 2.5 + 0.45 * classes)
    figure = _figure(size, size)
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="answer", ylabel="true class")
    if classes <= _NAMED_CLASSES:
        axes.set_xticks(range(classes), class_names, rotation=90 if _are_long(class_names) else 0)
        axes.set_yticks(range(classes), class_names)
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                color = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(count), color=color, size=8, ha="center", va="center")
    _save(figure, path)


def save_samples(dataset: Dataset, per_class: int, path: Path) -> None:
    """The first images of each class: a row per class, with its name."""
    rows = []
    for label in range(len(dataset.class_names)):
        images = [_pixels(image) for image in dataset.images[dataset.labels == label][:per_class]]
        images += [np.zeros_like(_pixels(dataset.images[0]))] * (per_class - len(images))
        rows.append(np.concatenate(images, axis=1))
    height, width = rows[0].shape[0], rows[0].shape[1]
    figure = _figure(8, 8 * height * len(rows) / width)
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    axes.imshow(np.concatenate(rows), cmap="gray_r")
    axes.set_xticks([])
    axes.set_yticks([(k + 0.5) * height for k in range(len(rows))], dataset.class_names)
    axes.tick_params(length=0)
    _save(figure, path)


def _are_long(names: Sequence[str]) -> bool:
    return max(map(len, names)) > 3


def _chosen(
    logits: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], first: int, wrong: int
) -> list[int]:
    """Indices of the first images, and of the mistakes with the most certain answers."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    certainty = shifted.max(axis=1) / shifted.sum(axis=1)
    mistakes = np.flatnonzero(logits.argmax(axis=1) != labels)
    surest = mistakes[np.argsort(-certainty[mistakes], kind="stable")]
    shown = list(range(min(first, len(labels))))
    return shown + [int(index) for index in surest if index >= first][:wrong]


def _pixels(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(H, W) or (C, H, W) as matplotlib shows it: (H, W) or (H, W, 3)."""
    if image.ndim == 3:
        image = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    return image


def _figure(width: float, height: float) -> Figure:
    """An empty figure. Without pyplot: no window, no state, no choice of a display."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "Drawing pictures needs matplotlib, which is not installed. "
            'Install it with: pip install "minidl[plot]"'
        ) from error
    return Figure(figsize=(width, height))


def _save(figure: Figure, path: Path) -> None:
    content = io.BytesIO()
    figure.savefig(content, dpi=100)
    write_atomically(path, content.getvalue())
