"""Pictures: matplotlib where it is installed, and a profile's bars of forward and backward time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minidl.analysis.profile_report import ITSELF, Cost, Profile, costliest
from minidl.analysis.tables import bytes_text, shape_text
from minidl.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FORWARD, _BACKWARD = "#4477aa", "#ee8866"  # told apart by colour-blind eyes and in grey
_QUIET = "#666666"
_MOST = 20
_ROW = 0.25
"""Inches."""


def empty_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches. Without pyplot: no window, no state, no choice of a display."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "Drawing pictures needs matplotlib, which is not installed. "
            'Install it with: pip install "minidl[plot]"'
        ) from error
    return Figure(figsize=(width, height))


def save_profile(profile: Profile, path: Path) -> None:
    """Draw it into a PNG: a bar for each of the costliest layers and kernels, on one scale."""
    layers, kernels = costliest(profile.layers, _MOST), costliest(profile.kernels, _MOST)
    rows = len(layers) + len(kernels)
    height = 2.4 + _ROW * rows
    figure = empty_figure(9, height)
    figure.set_layout_engine("constrained", h_pad=0.12, rect=(0.01, 0, 0.97, 1 - 0.72 / height))
    upper, lower = figure.subplots(
        2, 1, sharex=True, height_ratios=[len(layers) + 1, len(kernels) + 1]
    )
    names = [_layer_name(cost) for cost in layers]
    _bars(upper, "By layer, in order of execution", names, layers, profile.seconds)
    _bars(lower, "By kernel", [cost.name for cost in kernels], kernels, profile.seconds)
    upper.tick_params(axis="x", length=0)
    lower.set_xlabel("milliseconds")
    _head(figure, profile, height)
    figure.savefig(path, dpi=120)


def _head(figure: Figure, profile: Profile, height: float) -> None:
    """Title, what was measured, and the colours' meaning."""
    shapes = ", ".join(map(shape_text, profile.inputs))
    facts = [f"input {shapes}", f"backend {profile.backend}"]
    facts.append(f"fastest of {len(profile.walls)} steps for every layer")
    if profile.peak_bytes is not None:
        facts.append(f"peak {bytes_text(profile.peak_bytes)}")
    title = f"{profile.model}: {1e3 * profile.seconds:,.2f} ms a step"
    figure.text(0.02, 1 - 0.18 / height, title, size=14, weight="bold", va="top")
    figure.text(0.02, 1 - 0.48 / height, ", ".join(facts), size=9, color=_QUIET, va="top")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        [f"{label} {1e3 * t:,.2f} ms" for label, t in zip(labels, _phases(profile), strict=True)],
        loc="upper right",
        bbox_to_anchor=(0.985, 1 - 0.12 / height),
        frameon=False,
        fontsize=9,
        borderaxespad=0,
        handlelength=1,
        handleheight=1,
    )


def _phases(profile: Profile) -> tuple[float, float]:
    return profile.forward, profile.backward


def _layer_name(cost: Cost) -> str:
    if not cost.name:
        return f"{cost.type} {ITSELF}"
    return f"{cost.name}  {cost.type}".strip()


def _bars(axes: Any, title: str, names: list[str], costs: Sequence[Cost], whole: float) -> None:
    places = range(len(costs))
    forward = [1e3 * cost.forward for cost in costs]
    backward = [1e3 * cost.backward for cost in costs]
    axes.barh(places, forward, 0.72, color=_FORWARD, label="forward")
    axes.barh(places, backward, 0.72, left=forward, color=_BACKWARD, label="backward")
    for place, cost in zip(places, costs, strict=True):
        share = f"{cost.seconds / whole:.0%}" if cost.seconds > 0.005 * whole else "<1%"
        axes.text(1e3 * cost.seconds, place, f" {share}", va="center", size=8, color=_QUIET)
    axes.set_yticks(places, names, size=9)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(costs) - 0.4, -0.6)  # bars of one thickness in both
    axes.margins(x=0.08)
    axes.set_title(title, size=10, loc="left", weight="bold")
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
