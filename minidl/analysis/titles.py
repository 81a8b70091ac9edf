"""What a module's box says that it is: "Conv2d 3×3, 64", "1×1, 96 → 3×3, 128", "BasicBlock × 2"."""

from __future__ import annotations

from collections import Counter

from minidl import nn
from minidl.analysis.calls import Calls
from minidl.analysis.describe import details_of, kind_of
from minidl.analysis.trace import Call
from minidl.nn import Module

_LONGEST = 4
"""Layers in a chain that are named one by one."""
_MOST = 2
"""Classes in a row of layers or blocks that are counted."""


def model_title(model: Module, name: str | None) -> str:
    """What a model is called: many networks are of one class.

    >>> model_title(nn.Sequential(), "my_net"), model_title(nn.Sequential(), None)
    ('my_net (Sequential)', 'Sequential')
    """
    kind = type(model).__name__
    return kind if name in (None, kind) else f"{name} ({kind})"


def title_and_kind(call: Call, calls: Calls, is_open: bool) -> tuple[str, str]:
    """A convolution with its norm and activation is still a convolution.

    A closed Sequential is no more than what is in it, so that is what its box says.
    """
    name = type(call.module).__name__
    if calls.is_leaf(call):
        return _described(call.module), kind_of(call.module)
    if is_open:
        return name, "block"
    if is_convolution(call, calls):
        name = "Conv2d" if type(call.module) is nn.Sequential else name
        return f"{name} {details_of(_works(call, calls)[0])}", "convolution"
    contents = _contents(call, calls) if isinstance(call.module, nn.Sequential) else ""
    return contents or name, "block"


def is_convolution(call: Call, calls: Calls) -> bool:
    """Whether all it does is to convolve once, norms and activations aside."""
    works = _works(call, calls)
    return len(works) == 1 and kind_of(works[0]) == "convolution"


def _contents(call: Call, calls: Calls) -> str:
    """A short chain's layers one by one; of more, how many of each class; of a mixture, nothing."""
    parts = calls.made_by(call)
    works = [_works(part, calls) for part in parts]
    if all(len(some) <= 1 for some in works):
        chain = [work for some in works for work in some]
        if len(chain) <= _LONGEST:
            return " → ".join(map(_in_short, chain))
        classes = Counter(type(work).__name__ for work in chain)
    else:
        classes = Counter(type(part.module).__name__ for part in parts)
    if len(classes) > _MOST:
        return ""
    return ", ".join(f"{name} × {n}" if n > 1 else name for name, n in classes.items())


def _works(call: Call, calls: Calls) -> list[Module]:
    """The layers in it, without norms and activations."""
    leaves = [inner.module for inner in calls.below(call) if calls.is_leaf(inner)]
    return [module for module in leaves if kind_of(module) != "norm, activation"]


def _described(module: Module) -> str:
    return f"{type(module).__name__} {details_of(module)}".strip()


def _in_short(module: Module) -> str:
    """A convolution by its window and channels alone, as in the papers' figures."""
    return details_of(module) if kind_of(module) == "convolution" else _described(module)
