"""The figures of a run: a dictionary that goes into JSON as it is, and what is worked out from it.

    {"date", "command", "rounds", "seconds", "others": cores, "machine": {…},
     "overrides": {…}, "threads", "minidl": {…}, "torch": {…} or null, "cases": [case, …]}

A case is {"group", "name", "part", "minidl": [seconds per round], "torch": [seconds per round]};
without "torch" where there was no PyTorch, and with "missing": why in place of both where the
backend has no such kernel.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from typing import Any, NamedTuple

from cases import GROUPS, find

Record = dict[str, Any]
Case = dict[str, Any]


class Miss(NamedTuple):
    """A case beyond its group's target."""

    case: Case
    ratio: float
    target: float
    reason: str


def seconds(case: Case, library: str) -> float | None:
    """Median over the rounds."""
    times = case.get(library)
    return statistics.median(times) if times else None


def ratios(case: Case) -> list[float]:
    """minidl's time over PyTorch's, round by round: what slows the machine down slows both."""
    if not case.get("minidl") or not case.get("torch"):
        return []
    return [ours / theirs for ours, theirs in zip(case["minidl"], case["torch"], strict=True)]


def ratio(case: Case) -> float | None:
    """The median of `ratios`."""
    return statistics.median(ratios(case)) if ratios(case) else None


def geometric_mean(cases: Iterable[Case]) -> float | None:
    """Geometric mean of the cases' ratios."""
    logs = [math.log(r) for r in map(ratio, cases) if r is not None]
    return math.exp(statistics.fmean(logs)) if logs else None


def in_group(record: Record, group: str, part: str | None = None) -> list[Case]:
    """The cases of a group, or of one part of it."""
    return [c for c in record["cases"] if c["group"] == group and part in (None, c["part"])]


def misses(record: Record) -> list[Miss]:
    """Cases slower than their group's target allows, the slowest first."""
    found = []
    for case in record["cases"]:
        target, layer = GROUPS[case["group"]].target, find(case["group"], case["name"])
        measured = ratio(case)
        if target and measured and measured > target and layer.has_target:
            reason = layer.why_slow if record["minidl"]["backend"] == "numpy" else ""
            found.append(Miss(case, measured, target, reason))
    return sorted(found, key=lambda miss: -miss.ratio)
