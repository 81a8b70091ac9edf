"""Published weights into a network, whatever they are called: `load_weights`, `export_weights`."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import numpy as np

from minidl.errors import ArgumentError, DTypeError, unknown_name
from minidl.interop.namings import OURS, Naming, namings_of
from minidl.interop.states import find_state, is_array, shortened
from minidl.interop.tensors import read_file
from minidl.nn import Module
from minidl.tensor import Tensor

__all__ = ["LoadedWeights", "export_weights", "load_weights"]

_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
"""What the names of auxiliary heads, which only training needs, begin with."""

_COUNTER = "num_batches_tracked"
"""Of batch norms, which weights published before PyTorch 0.4.1 lack."""


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

    def __str__(self) -> str:
        where = f" at {self.inside!r}" if self.inside else ""
        less = f", all beginning with {self.prefix!r}" if self.prefix else ""
        return f"{self.loaded} tensors{where}, named as by {self.naming}{less}" + _lines(
            missing=self.missing, unexpected=self.unexpected, misshapen=self.misshapen
        )


def load_weights(
    model: Module,
    source: str | os.PathLike[str] | Mapping[str, Any],
    strict: bool = True,
    file: str = "",
) -> LoadedWeights:
    """Copy weights into a network: a file or a state dict, in any naming known for its class.

    >>> import minidl
    >>> from minidl import models
    >>> one, other = models.create("resnet18", width=2), models.create("resnet18", width=2)
    >>> theirs = export_weights(one, "pretrainedmodels")
    >>> "last_linear.weight" in theirs
    True
    >>> print(load_weights(other, {"epoch": 90, "state_dict": theirs}))
    122 tensors at 'state_dict', named as by pretrainedmodels

    The file is one of `minidl.save`, `torch.save` (both of its formats) or a checkpoint of
    `minidl train`. Weights within a larger checkpoint are found, and a prefix of all names, such as
    DataParallel's "module.", is left out. Counters of batches may be missing. Warns where
    published weights expect a model that computes otherwise than this one, which has the same
    parameters: another padding, or transform_input=True.

    Raises DataError for a file that can't be read or that holds no weights, DTypeError for tensors
    that NumPy can't take, such as PyTorch's of bfloat16, ArgumentError if they don't fit; the model
    is then what it was.

    Args:
        model: gets the values, with its own dtype and backend.
        source: a path, or what `minidl.load` returns for one.
        strict: False: load what fits, and report the rest; something must fit.
        file: the name of the file that a dict was read from, for warnings.

    """
    content, subject, published = _content(source)
    state, inside = find_state(content, subject)
    own = model.state_dict()
    named = _recognised(model, own, state, subject)
    shaped = {
        name: _shaped(_converted(named.values[name], name, subject), name, like.shape)
        for name, like in own.items()
        if name in named.values
    }
    fitting = {name: value for name, value in shaped.items() if value.shape == own[name].shape}
    file = file or subject
    doubt = named.naming.doubt(model, file) if published else ""
    missing = [name for name in own if name not in shaped and not name.endswith(_COUNTER)]
    options = dict(named.naming.options) if doubt else {}
    if missing and all(name.startswith(_AUXILIARY) for name in missing):
        options["aux_logits"] = False
    report = LoadedWeights(
        named.naming.name,
        inside,
        named.prefix,
        len(fitting),
        missing,
        named.unexpected,
        [f"{name} is {tuple(value.shape)}, expected {own[name].shape}"
         for name, value in shaped.items() if name not in fitting],
        named.naming.wants,
        options,
    )  # fmt: skip
    if not fitting or (strict and (report.missing or report.unexpected or report.misshapen)):
        _refuse(model, report, subject, own, shaped)
    if doubt:
        warnings.warn(f"{file}: {doubt}", stacklevel=2)
    model.load_state_dict(fitting, strict=False)
    return report


def export_weights(model: Module, naming: str = "torchvision") -> dict[str, Tensor]:
    """The state dict under published names, for `minidl.save(…, "weights.pth")`.

    >>> from minidl import models
    >>> sorted(export_weights(models.create("inception_v4"), "timm"))[0]
    'features.0.bn.bias'

    Raises ArgumentError where networks of this class have no such naming, or where this one, made
    with options of its own, has parts that nobody published.
    """
    known = {each.name: each for each in (OURS, *namings_of(model))}
    if naming not in known:
        unknown_name(f"export_weights: {type(model).__name__} has no naming", naming, known)
    theirs_of = known[naming].to_theirs()
    exported = {}
    for name, value in model.state_dict().items():
        theirs = theirs_of(name)
        if theirs is None:
            raise ArgumentError(
                f"export_weights: {naming} has no name for {name!r} of this {type(model).__name__}."
            )
        shape = known[naming].shapes.get(theirs)
        exported[theirs] = value.reshape(value.shape[0], *shape) if shape else value
    return exported


# ------------------------------------------------------------------------------- reading


def _content(source: Any) -> tuple[Any, str, bool]:
    """What a source holds, what messages call it, and whether others may have published it."""
    if isinstance(source, Mapping):
        return source, "load_weights", True
    try:
        path = os.fspath(source)
    except TypeError as error:
        raise DTypeError(
            f"load_weights: the source is a {type(source).__name__}, expected a path or a dict "
            "of tensors by name."
        ) from error
    content, metadata = read_file(path)
    if "checkpoint" in metadata:  # of minidl train: the model's tensors among the optimizer's
        prefix = "model/"
        content = {k.removeprefix(prefix): v for k, v in content.items() if k.startswith(prefix)}
        return content, str(path), False
    return content, str(path), True


# --------------------------------------------------------------------------- recognising


class _Named(NamedTuple):
    """A state dict under our names."""

    naming: Naming
    prefix: str
    values: dict[str, Any]
    unexpected: list[str]


def _recognised(
    model: Module, own: Mapping[str, Tensor], state: Mapping[str, Any], subject: str
) -> _Named:
    """The state under the naming by which most of its names are the model's."""
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
) -> _Named:
    ours_of, values, unexpected = naming.to_ours(), {}, []
    for name, value in state.items():
        ours = ours_of(name.removeprefix(prefix))
        if ours is None or ours not in own or ours in values or not is_array(value):
            unexpected.append(name)
        else:
            values[ours] = value
    return _Named(naming, prefix, values, unexpected)


def _common_step(names: list[str]) -> str:
    """The first part that all names have, with its dot: "module."; "" if they differ."""
    first = {name.partition(".")[0] for name in names}
    return f"{first.pop()}." if len(first) == 1 and all("." in name for name in names) else ""


def _converted(value: Any, name: str, subject: str) -> Any:
    """A tensor or an array; another library's tensor as an array, if it lets itself be read."""
    if isinstance(value, Tensor):
        return value
    try:
        return np.asarray(value)
    except (TypeError, RuntimeError, ValueError) as error:
        raise DTypeError(
            f"{subject}: {name!r} is a {type(value).__name__} that NumPy can't read: {error} Give "
            "plain float32 tensors on the CPU; of a network of PyTorch's: "
            "{name: value.detach().float().cpu() for name, value in network.state_dict().items()}."
        ) from error


def _shaped(value: Any, name: str, shape: tuple[int, ...]) -> Any:
    """`value` in `shape`, if the numbers are the same ones: of a dense layer, or a counter.

    A dense layer on a flattened map is a convolution as large as the map: (out, C·h·w) and
    (out, C, h, w). A counter may be a number or a vector of one.
    """
    given = tuple(value.shape)
    if name.endswith(_COUNTER) and math.prod(given) == math.prod(shape):
        return value.reshape(shape)
    dense_and_convolution = {len(given), len(shape)} == {2, 4} and given[0] == shape[0]
    if dense_and_convolution and math.prod(given) == math.prod(shape):
        return value.reshape(shape)
    return value


# ------------------------------------------------------------------------------ messages


def _refuse(
    model: Module,
    report: LoadedWeights,
    subject: str,
    own: Mapping[str, Tensor],
    shaped: Mapping[str, Any],
) -> NoReturn:
    lines = _lines(misshapen=report.misshapen, missing=report.missing, unexpected=report.unexpected)
    raise ArgumentError(
        f"{subject}: the state does not fit {type(model).__name__}, its names read as those of "
        f"{report.naming}.{lines}{_advice(report, own, shaped)}"
    )


def _advice(report: LoadedWeights, own: Mapping[str, Tensor], shaped: Mapping[str, Any]) -> str:
    """What to do where auxiliary heads, or the numbers of classes or images' channels, differ."""
    if "aux_logits" in report.options:
        return (
            "\nThe weights have no auxiliary heads, which only training needs: create the model "
            "with aux_logits=False."
        )
    if report.missing:
        return ""
    if report.unexpected and all(
        name.removeprefix(report.prefix).startswith(_AUXILIARY) for name in report.unexpected
    ):
        return (
            "\nThe weights have auxiliary heads, the model hasn't: leave out aux_logits=False, or "
            "load all but the heads with strict=False."
        )
    weights = [name for name, value in own.items() if value.ndim >= 2]
    if not weights:
        return ""
    first, last = weights[0], weights[-1]
    advice = ""
    if last in shaped and shaped[last].shape[0] != own[last].shape[0]:
        advice += (
            f"\nThe weights are for {shaped[last].shape[0]} classes, the model has "
            f"{own[last].shape[0]}: create it with num_classes={shaped[last].shape[0]}, or load "
            "all but the last layer with strict=False."
        )
    if first in shaped and shaped[first].ndim > 1 and own[first].shape[1] != shaped[first].shape[1]:
        advice += (
            f"\nThe weights are for images of {shaped[first].shape[1]} channels: create the model "
            f"with in_channels={shaped[first].shape[1]}."
        )
    return advice


def _lines(**kinds: list[str]) -> str:
    return "".join(f"\n  {kind}: {shortened(names)}" for kind, names in kinds.items() if names)
