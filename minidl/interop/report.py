"""What `load_weights` did, and what it says where weights and a network don't fit together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from minidl.errors import ArgumentError
from minidl.interop.states import shortened

__all__ = [
    "LoadedWeights",
    "MisfitError",
    "explain",
    "is_auxiliary",
    "other_classes",
    "without_heads",
]

_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
"""What the names of auxiliary heads, which only training needs, begin with."""

Shapes = Mapping[str, tuple[int, ...]]
"""By our names of the tensors, in the network's order."""


@dataclass(frozen=True)
class LoadedWeights:
    """What `load_weights` did.

    Attributes:
        naming: whose names the weights had: "minidl", "torchvision", "timm" …
        inside: the keys that led to them within a larger checkpoint: "state_dict"; else "".
        prefix: what every name began with besides: "module." by PyTorch's DataParallel; else "".
        loaded: how many tensors were copied.
        missing: our names that the weights lack; their values are what they were.
        unexpected: their names that the model lacks.
        misshapen: our names, with both shapes, of tensors that were left out.
        wants: the name of the model in minidl that computes as these weights expect, where another
            has the same parameters; else "".
        options: those that the weights want their model to be made with, and this one wasn't:
            {"transform_input": True}.
        note: what to know of weights of these names, whose model no name tells; else "".

    """

    naming: str
    inside: str
    prefix: str
    loaded: int
    missing: list[str]
    unexpected: list[str]
    misshapen: list[str]
    wants: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether the model got all that it has, and the weights hold nothing else."""
        return not (self.missing or self.unexpected or self.misshapen)

    @property
    def total(self) -> int:
        """How many tensors the model has; less counters of batches that the weights lack."""
        return self.loaded + len(self.missing) + len(self.misshapen)

    def __str__(self) -> str:
        of_all = f" of {self.total}" if self.total > self.loaded else ""
        where = f" at {self.inside!r}" if self.inside else ""
        less = f", all beginning with {self.prefix!r}" if self.prefix else ""
        summary = f"{self.loaded}{of_all} tensors{where}, named as by {self.naming}{less}"
        return summary + self.left_out() + (f"\n  note: {self.note}" if self.note else "")

    def left_out(self) -> str:
        """A line for each kind of tensor that wasn't loaded."""
        kinds = {
            "missing": self.missing,
            "unexpected": self.unexpected,
            "misshapen": self.misshapen,
        }
        return "".join(f"\n  {kind}: {shortened(names)}" for kind, names in kinds.items() if names)


class MisfitError(ArgumentError):
    """Weights don't fit a network.

    Attributes:
        advice: the lines at the end of the message on what to do, in Python.
        classes: the number of classes that the weights are for, if that is what differs; else 0.

    """

    def __init__(self, facts: str, advice: str, classes: int) -> None:
        super().__init__(facts + advice)
        self.advice, self.classes = advice, classes


def is_auxiliary(name: str) -> bool:
    """Whether a tensor is an auxiliary head's."""
    return name.startswith(_AUXILIARY)


def explain(
    report: LoadedWeights,
    given: Shapes,
    expected: Shapes,
    theirs_of: Callable[[str], str | None],
) -> tuple[str, bool]:
    """Lines on what to do where something is left out, and whether it is the wrong network.

    The numbers of classes and of images' channels, the head and the auxiliary heads may differ in
    one and the same network; where other shapes or blocks do, the weights are of another one.

    Args:
        report: what was left out.
        given: shapes of the weights that have a name of the model's.
        expected: shapes of all that the model has.
        theirs_of: our name of a tensor → theirs.

    >>> expected = {"conv.weight": (6, 1, 5, 5), "fc.weight": (10, 84)}
    >>> given = {"conv.weight": (8, 1, 5, 5), "fc.weight": (10, 84)}
    >>> report = LoadedWeights("minidl", "", "", 1, [], [], ["conv.weight is …"])
    >>> explain(report, given, expected, str)[1]
    True

    """
    wrong = [name for name in given if given[name] != expected[name]]
    head, channels = _other_classes(wrong, given, expected), _other_channels(given, expected)
    if any(name not in (*head, channels) for name in wrong):
        advice = "another network, or of one made with other options, such as its width"
        return f"\nThese are the weights of {advice}.", True
    if lacking := _blocks(without_heads(report.missing, expected), given):
        return _of_another(f"they lack {shortened(lacking)}, which this model has"), True
    wanted = [theirs_of(name) or name for name in expected]
    unexpected = [name.removeprefix(report.prefix) for name in report.unexpected]
    known = [theirs_of(name) or name for name in given]
    surplus = _blocks(without_heads(unexpected, wanted), known)
    if any("." in block for block in surplus):  # others are beside the network: a projector
        return _of_another(f"they have {shortened(surplus)}, which this model lacks"), True
    sentences = []
    if "aux_logits" in report.options:
        sentences.append(
            "The weights have no auxiliary heads, which only training needs: create the model with "
            "aux_logits=False."
        )
    elif report.unexpected and all(
        is_auxiliary(name.removeprefix(report.prefix)) for name in report.unexpected
    ):
        sentences.append(
            "The weights have auxiliary heads, the model hasn't: leave out aux_logits=False, or "
            "load all but the heads with strict=False."
        )
    elif report.missing or report.unexpected:
        sentences.append("If that is what you want, load what fits with strict=False.")
    if head:
        theirs, ours = given[head[-1]][0], expected[head[-1]][0]
        layers = ", ".join(dict.fromkeys(name.rpartition(".")[0] for name in head))
        sentences.append(
            f"The weights are for {theirs} classes, the model has {ours}. Create it with "
            f"num_classes={theirs}; or, to train it for {ours} classes, load all but {layers} with "
            "strict=False."
        )
    if channels:
        theirs = given[channels][1]
        sentences.append(
            f"The weights are for images of {theirs} channels: create the model with "
            f"in_channels={theirs}."
        )
    return "".join(f"\n{sentence}" for sentence in sentences), False


def without_heads(names: Iterable[str], all_names: Iterable[str]) -> list[str]:
    """The names but those of the auxiliary heads and of the head, which has the last weight."""
    last = [name for name in all_names if name.endswith(".weight")][-1:]
    head = last[0].partition(".")[0] + "." if last else ""
    return [n for n in names if not is_auxiliary(n) and not (head and n.startswith(head))]


def _of_another(why: str) -> str:
    return f"\nThese are the weights of another network: {why}."


def _blocks(names: Iterable[str], others: Iterable[str]) -> list[str]:
    """The outermost modules of `names` that have none of the `others`.

    >>> _blocks(["stage1.0.bias", "stage1.1.conv.bias", "fc.bias"], ["stage1.0.weight"])
    ['stage1.1', 'fc']
    """
    there = {module for name in others for module in _modules(name)}
    outermost = (next((m for m in _modules(name) if m not in there), "") for name in names)
    return [module for module in dict.fromkeys(outermost) if module]


def _modules(name: str) -> list[str]:
    """Those that a tensor is in, from the outside: "a.b.weight" → "a", "a.b"."""
    return list(accumulate(name.split(".")[:-1], "{}.{}".format))


def other_classes(given: Shapes, expected: Shapes) -> int:
    """How many classes weights of this network are for, if for others than it has; else 0."""
    head = _other_classes([n for n in given if given[n] != expected[n]], given, expected)
    return given[head[-1]][0] if head else 0


def _other_classes(wrong: list[str], given: Shapes, expected: Shapes) -> list[str]:
    """The last layer's tensors, and others with a row per class, if these are other classes."""
    weights = [name for name, shape in expected.items() if len(shape) >= 2]
    if not weights or weights[-1] not in wrong:
        return []
    theirs, ours = given[weights[-1]][:1], expected[weights[-1]][:1]
    return [
        n for n in wrong if theirs != ours and (given[n][:1], expected[n][:1]) == (theirs, ours)
    ]


def _other_channels(given: Shapes, expected: Shapes) -> str:
    """The first convolution, if the images' channels are all in which it differs; or ""."""
    first = next((name for name, shape in expected.items() if len(shape) >= 2), "")
    theirs, ours = given.get(first, ()), expected.get(first, ())
    if len(theirs) != 4 or len(ours) != 4:
        return ""
    but_channels = theirs[:1] + theirs[2:], ours[:1] + ours[2:]
    return first if theirs[1] != ours[1] and but_channels[0] == but_channels[1] else ""
