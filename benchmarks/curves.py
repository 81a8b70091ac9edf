"""The curves of the full training runs, a panel for each model and data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minidl.analysis.picture import empty_figure
from minidl.train.pictures import PARTS

COLUMNS = 3


def draw_curves(groups: dict[tuple[str, str], list[dict[str, Any]]], path: Path) -> None:
    """Accuracy over the epochs, on training and test images, a line for every seed.

    Every panel has its own axes of epochs; that of accuracy begins where the lowest curve does.
    """
    rows = -(-len(groups) // COLUMNS)
    figure = empty_figure(11, 3.1 * rows)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, ((model, data), runs) in zip(panels, groups.items(), strict=False):
        for part, color in PARTS.items():
            for run in runs:
                accuracy = run["curves"][f"{part}_accuracy"]
                epochs = range(1, len(accuracy) + 1)
                axes.plot(epochs, accuracy, color=color, linewidth=1.2, marker="o", markersize=2.5)
        mean = sum(run["test_accuracy"] for run in runs) / len(runs)
        axes.set_title(f"{model}, {data}", loc="left", size=10, weight="bold")
        corner = {"transform": axes.transAxes, "ha": "right", "va": "bottom", "size": 9}
        axes.text(0.99, 0.03, f"test {mean:.2%}", color=PARTS["test"], **corner)
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        axes.set_xlabel("epoch", size=9)
        axes.set_xticks(epochs)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    note = "blue: training images, as augmented, during the epoch; orange: test images after it; "
    figure.supxlabel(f"{note}a line for every seed", x=0.01, ha="left", size=8, color="#666666")
    figure.savefig(path, dpi=110, metadata={"Software": None})
