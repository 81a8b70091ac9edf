"""Pictures of a run: its curves, what the model sees in some test images, what it mistakes."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.analysis.picture import empty_figure
from minidl.datasets import Dataset
from minidl.files.atomic import write_atomically
from minidl.train.trainer import Epoch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]

_NAMED_CLASSES = 30
"""With more classes, names and numbers could not be read."""
_RIGHT, _WRONG, _QUIET = "#1b7837", "#c51b1b", "#666666"
PARTS = {"train": "#7f9fc4", "test": "#d1560f"}
"""Whose figures a curve shows, and its colour."""


def save_curves(history: Sequence[Epoch], path: Path, title: str = "", note: str = "") -> None:
    """Loss and accuracy over the epochs, on the training and on the test images.

    After one epoch, which makes no curve, they are bars. The note is written below.
    """
    figure = empty_figure(9, 3.9)
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.08)
    draw = _draw_curve if len(history) > 1 else _draw_bars
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        draw(axes, history, quantity)
        axes.set_title("cross-entropy" if quantity == "loss" else "accuracy", loc="left", size=10)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, x=0.012, ha="left", weight="bold", size=12)
    if note:
        figure.supxlabel(note, x=0.012, ha="left", size=8, color=_QUIET)
    _save(figure, path)


def _draw_curve(axes: Axes, history: Sequence[Epoch], quantity: str) -> None:
    """A line for each part, with its name and its last value at its end."""
    epochs = [epoch.epoch for epoch in history]
    last = {}
    for part, color in PARTS.items():
        values = [getattr(epoch, f"{part}_{quantity}") for epoch in history]
        axes.plot(epochs, values, color=color, marker="o", markersize=4, clip_on=False, zorder=3)
        last[part] = values[-1]
    low, high = axes.get_ylim()
    if quantity == "loss":
        axes.set_ylim(0, high)
    else:
        axes.set_ylim(max(0, low), 1)
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    apart = 0.07 * (axes.get_ylim()[1] - axes.get_ylim()[0])  # else the words would overlap
    upper, lower = sorted(last, key=lambda part: -last[part])
    push = max(0.0, apart - (last[upper] - last[lower])) / 2
    for part, y in ((upper, last[upper] + push), (lower, last[lower] - push)):
        axes.annotate(
            f"{part} {_figure_text(last[part], quantity)}",
            *((epochs[-1], y), (6, 0)),
            textcoords="offset points",
            color=PARTS[part],
            va="center",
            annotation_clip=False,
        )
    axes.set_xlabel("epoch")
    axes.set_xlim(epochs[0], epochs[-1])
    axes.set_xticks(epochs[:: math.ceil(len(epochs) / 10)])
    axes.grid(alpha=0.25)


def _draw_bars(axes: Axes, history: Sequence[Epoch], quantity: str) -> None:
    for place, (part, color) in enumerate(PARTS.items()):
        value = getattr(history[-1], f"{part}_{quantity}")
        axes.barh(place, value, color=color, height=0.6)
        axes.annotate(
            _figure_text(value, quantity),
            *((value, place), (6, 0)),
            textcoords="offset points",
            va="center",
        )
    axes.set_yticks(range(len(PARTS)), list(PARTS))
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 1 if quantity == "accuracy" else None)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)


def _figure_text(value: float, quantity: str) -> str:
    return f"{value:.2%}" if quantity == "accuracy" else f"{value:.3g}"


def save_predictions(dataset: Dataset, logits: Array, path: Path, title: str = "") -> None:
    """A grid: the first test images, then the mistakes the model was surest of.

    Above each image stands what the model says, in green; where it is wrong in red, with what the
    image is.
    """
    names = dataset.class_names or [str(label) for label in range(logits.shape[1])]
    short = max(map(len, names)) < 3
    columns, size = (10, 10) if short else (7, 9)
    first = list(range(min(3 * columns, len(dataset))))
    height, width = _pixels(dataset.images[0]).shape[:2]
    words = 0.26 * width if short else 0.34 * width  # a line of words, or two
    step_x, step_y = 1.15 * width, height + words + 0.1 * width
    sections = [
        ("The first test images", first),
        (
            "The mistakes it was surest of",
            _surest_mistakes(logits, dataset.labels, first)[: 2 * columns],
        ),
    ]
    heading = 0.5 * width
    bottom = sum(
        heading + math.ceil(len(chosen) / columns) * step_y for _, chosen in sections if chosen
    )
    top = -0.45 * width if title else 0.0
    figure = empty_figure(10, 10 * (bottom - top) / (columns * step_x))
    # One pair of axes for all images: a pair for each takes seconds.
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    left_edge = 0.075 * width
    axes.text(left_edge, 0.0, title, size=13, weight="bold", va="bottom")
    colors, y = _colors(dataset.images), 0.0
    for words_above, chosen in sections:
        if not chosen:
            continue
        y += heading
        axes.text(left_edge, y - 0.1 * width, words_above, size=11, color=_QUIET, va="bottom")
        for place, index in enumerate(chosen):
            row, column = divmod(place, columns)
            left, above = column * step_x + left_edge, y + row * step_y + words
            box = (left, left + width, above + height, above)
            axes.imshow(_pixels(dataset.images[index]), cmap=colors, extent=box, aspect="auto")
            answer, truth = names[logits[index].argmax()], names[dataset.labels[index]]
            right = answer == truth
            between = ", " if short else "\n"
            axes.text(
                left + width / 2,
                above - 0.03 * height,
                truth if right else f"said {answer}{between}is {truth}",
                color=_RIGHT if right else _WRONG,
                size=size,
                ha="center",
                va="bottom",
            )
        y += math.ceil(len(chosen) / columns) * step_y
    axes.set(xlim=(0, columns * step_x), ylim=(bottom, top))
    _save(figure, path)


def save_confusion(matrix: Array, class_names: Sequence[str], path: Path, title: str = "") -> None:
    """A confusion matrix: a row per true class, a column per answer, darker where more often.

    Shades are fractions of the row, so that rare classes show as well as frequent ones: blue for
    the right answers, red for the mistakes, which have a scale of their own; else they'd be white.
    """
    classes = len(matrix)
    size = min(12.0, max(6.5, 3 + 0.5 * classes))  # at least as wide as the title
    figure = empty_figure(size, size)
    figure.set_layout_engine("constrained", h_pad=0.08)
    axes = figure.add_subplot()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    diagonal = np.eye(classes, dtype=bool)
    most = max(float(shares[~diagonal].max(initial=0)), 1e-9)
    for cells, cmap, full in ((diagonal, "Blues", 1.0), (~diagonal, "Reds", most)):
        shown = np.ma.masked_where(~cells | (matrix == 0), shares)
        axes.imshow(shown, cmap=cmap, vmin=0, vmax=full * 1.25)  # never black
    axes.set_xlabel("answer of the network")
    axes.set_ylabel("true class")
    named = classes <= _NAMED_CLASSES
    if named:
        axes.set_xticks(range(classes), class_names, rotation=90 if _are_long(class_names) else 0)
        axes.set_yticks(range(classes), class_names)
        axes.tick_params(length=0)
        axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
        axes.grid(which="minor", color="#dddddd", linewidth=0.6)
        axes.tick_params(which="minor", length=0)
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                dark = shares[row, column] > 0.6 * (1.0 if row == column else most)
                axes.text(column, row, f"{count:,}", color="white" if dark else "black",
                          size=9, ha="center", va="center")  # fmt: skip
    axes.spines[:].set_color("#dddddd")
    what = "Blue: right answers. Red: mistakes, the darkest being " + (
        f"{most:.1%} of a class." if matrix[~diagonal].any() else "none."
    )
    axes.set_title(what, size=9, color=_QUIET, loc="left")
    figure.suptitle(title, x=0.02, ha="left", weight="bold", size=12)
    _save(figure, path)


def save_samples(dataset: Dataset, per_class: int, path: Path) -> None:
    """The first images of each class: a row per class, with its name."""
    rows = []
    for label in range(len(dataset.class_names)):
        images = [_pixels(image) for image in dataset.images[dataset.labels == label][:per_class]]
        images += [np.zeros_like(_pixels(dataset.images[0]))] * (per_class - len(images))
        rows.append(np.concatenate(images, axis=1))
    height, width = rows[0].shape[0], rows[0].shape[1]
    figure = empty_figure(8, 8 * height * len(rows) / width)
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    axes.imshow(np.concatenate(rows), cmap=_colors(dataset.images))
    axes.set_xticks([])
    axes.set_yticks([(k + 0.5) * height for k in range(len(rows))], dataset.class_names)
    axes.tick_params(length=0)
    _save(figure, path)


def _are_long(names: Sequence[str]) -> bool:
    return max(map(len, names)) > 3


def _surest_mistakes(logits: Array, labels: Array, shown: Sequence[int]) -> list[int]:
    """Indices of the mistakes, but those shown anyway, the most certain answers first."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    certainty = shifted.max(axis=1) / shifted.sum(axis=1)
    mistakes = np.flatnonzero(logits.argmax(axis=1) != labels)
    surest = mistakes[np.argsort(-certainty[mistakes], kind="stable")]
    return [int(index) for index in surest if index not in shown]


def _colors(images: Array) -> str:
    """The colour map of grey images: as they are, or ink on paper where they're bright on nothing.

    MNIST's and Fashion-MNIST's stand on a background of zeros, which would be black.
    """
    some = images[:100].reshape(-1, *images.shape[-2:])  # (N·C, H, W)
    edges = (some[:, 0], some[:, -1], some[:, :, 0], some[:, :, -1])
    border = np.concatenate([edge.ravel() for edge in edges])
    return "gray_r" if np.median(border) == 0 else "gray"


def _pixels(image: Array) -> Array:
    """(H, W) or (C, H, W) as matplotlib shows it: (H, W) or (H, W, 3)."""
    if image.ndim == 3:
        image = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    return image


def _save(figure: Figure, path: Path) -> None:
    content = io.BytesIO()
    figure.savefig(content, dpi=120)
    write_atomically(path, content.getvalue())
