"""Whose names a state dict has: `recognise`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from minidl.errors import ArgumentError
from minidl.interop.namings import OURS, Naming, namings_of
from minidl.interop.states import is_array, shortened
from minidl.nn import Module
from minidl.tensor import Tensor

__all__ = ["Named", "recognise"]


class Named(NamedTuple):
    """A state dict under our names."""

    naming: Naming
    prefix: str
    values: dict[str, Any]
    unexpected: list[str]


def recognise(
    model: Module, own: Mapping[str, Tensor], state: Mapping[str, Any], subject: str
) -> Named:
    """The state under the naming by which most of its names are the model's.

    Raises ArgumentError, naming `subject`, where fewer than half of them are, by any.
    """
    state = {str(name): value for name, value in state.items()}
    published = namings_of(model)
    same = [naming for naming in published if not naming.pairs]
    namings = (*(same or (OURS,)), *(naming for naming in published if naming.pairs))
    prefix = ""
    while True:
        found = [_translated(naming, prefix, own, state) for naming in namings]
        best = max(found, key=lambda named: len(named.values))  # the first of equals
        if 2 * len(best.values) >= min(len(state), len(own)):  # a few are alike by chance
            return best
        step = _common_step([name.removeprefix(prefix) for name in state])
        if not step:
            raise ArgumentError(
                f"{subject}: {len(best.values) or 'none'} of its {len(state)} names belong to "
                f"{type(model).__name__}, by its names here or those that it was published under "
                f"({', '.join(each.name for each in namings)})."
                f"\n  there: {shortened(list(state))}\n  expected: {shortened(list(own))}"
            )
        prefix += step


def _translated(
    naming: Naming, prefix: str, own: Mapping[str, Tensor], state: Mapping[str, Any]
) -> Named:
    ours_of, values, unexpected = naming.to_ours(), {}, []
    for name, value in state.items():
        ours = ours_of(name.removeprefix(prefix))
        if ours is None or ours not in own or ours in values or not is_array(value):
            unexpected.append(name)
        else:
            values[ours] = value
    return Named(naming, prefix, values, unexpected)


def _common_step(names: list[str]) -> str:
    """The first part that all names have, with its dot: "module."; "" if they differ."""
    first = {name.partition(".")[0] for name in names}
    return f"{first.pop()}." if len(first) == 1 and all("." in name for name in names) else ""
