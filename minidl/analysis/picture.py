"""A profile as a picture: bars of forward and backward time, by layer and by kernel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minidl.analysis.profile_report import Cost, Profile, costliest
from minidl.analysis.tables import shape_text
from minidl.errors import MissingDependencyError

_FORWARD, _BACKWARD = "#4477aa", "#ee8866"  # told apart by colour-blind eyes and in grey


def save_profile(profile: Profile, path: Path) -> None:
    """Draw it into a PNG: a bar for each of the costliest layers and kernels."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "Drawing pictures needs matplotlib, which is not installed. "
            'Install it with: pip install "minidl[plot]"'
        ) from error
    layers, kernels = costliest(profile.layers, 28), costliest(profile.kernels, 28)
    rows = max(len(layers), len(kernels))
    figure = Figure(figsize=(13, 1.6 + 0.27 * rows), layout="constrained")
    shapes = ", ".join(map(shape_text, profile.inputs))
    figure.suptitle(
        f"{profile.model}, input {shapes}, backend {profile.backend}: "
        f"{1e3 * profile.seconds:.2f} ms a step"
    )
    names = [f"{cost.name}  {cost.type}".strip() for cost in layers]
    left, right = figure.subplots(1, 2)
    _bars(left, "by layer, in order of execution", names, layers, profile.seconds)
    _bars(right, "by kernel", [cost.name for cost in kernels], kernels, profile.seconds)
    for axes in (left, right):  # bars of one thickness
        axes.set_ylim(rows - 0.4, -0.6)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    figure.savefig(path, dpi=110)


def _bars(axes: Any, title: str, names: list[str], costs: Sequence[Cost], whole: float) -> None:
    places = range(len(costs))
    forward = [1e3 * cost.forward for cost in costs]
    backward = [1e3 * cost.backward for cost in costs]
    axes.barh(places, forward, color=_FORWARD, label="forward")
    axes.barh(places, backward, left=forward, color=_BACKWARD, label="backward")
    for place, cost in zip(places, costs, strict=True):
        share = f"{cost.seconds / whole:.0%}" if cost.seconds > 0.005 * whole else "<1%"
        axes.text(1e3 * cost.seconds, place, f" {share}", va="center", size=8, color="#444444")
    axes.set_yticks(places, names, size=9)
    axes.margins(x=0.12)
    axes.set_xlabel("ms")
    axes.set_title(title, size=10)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
