"""Whose names a state dict has: `recognise`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from minidl.errors import ArgumentError
from minidl.interop.namings import OURS, Naming, namings_of
from minidl.interop.states import shortened
from minidl.nn import Module
from minidl.tensor import Tensor

__all__ = ["Named", "recognise"]

_DEPTH = 4
"""How many parts a prefix has, at most: "module._orig_mod." has two."""

_AVERAGES = "n_averaged"
"""A number that torch.optim.swa_utils.AveragedModel has beside its network, at "module."."""


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

    A prefix that most names have is left out, and the other names are then unexpected: of a network
    within a larger one. The counter of PyTorch's AveragedModel is no weight.

    Raises ArgumentError, naming `subject`, where fewer than half of them are, by any.
    """
    names = {str(name): value for name, value in state.items()}
    state = {name: value for name, value in names.items() if not name.endswith(_AVERAGES)}
    published = namings_of(model)
    same = [naming for naming in published if not naming.pairs]
    namings = (*(same or (OURS,)), *(naming for naming in published if naming.pairs))
    tried: list[Named] = []
    for prefix in _prefixes(list(state)):
        found = [_translated(naming, prefix, own, state) for naming in namings]
        tried.append(max(found, key=_known))  # the first of equals
        if 2 * _known(tried[-1]) >= min(len(state), len(own)):  # a few are alike by chance
            return tried[-1]
    raise ArgumentError(
        f"{subject}: {max(map(_known, tried)) or 'none'} of its {len(state)} names belong to "
        f"{type(model).__name__}, by its names here or those that it was published under "
        f"({', '.join(each.name for each in namings)})."
        f"\n  there: {shortened(list(state))}\n  expected: {shortened(list(own))}"
    )


def _known(named: Named) -> int:
    return len(named.values)


def _translated(
    naming: Naming, prefix: str, own: Mapping[str, Tensor], state: Mapping[str, Any]
) -> Named:
    ours_of, values, unexpected = naming.to_ours(), {}, []
    for name, value in state.items():
        ours = ours_of(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if ours is None or ours not in own or ours in values:
            unexpected.append(name)
        else:
            values[ours] = value
    return Named(naming, prefix, values, unexpected)


def _prefixes(names: list[str]) -> Iterator[str]:
    """No prefix; then, a few parts deep, what more than half of the names have: "module."."""
    prefix, most = "", len(names) // 2
    for _ in range(_DEPTH):
        yield prefix
        parts = (name[len(prefix) :].partition(".") for name in names if name.startswith(prefix))
        counts = Counter(first for first, dot, _ in parts if dot)
        step, count = max(counts.items(), key=itemgetter(1), default=("", 0))
        if count <= most:
            return
        prefix += f"{step}."
    yield prefix
