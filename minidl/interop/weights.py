"""Published weights into a network, whatever they are called: `load_weights`, `export_weights`."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import numpy as np

from minidl.errors import ArgumentError, DataError, DTypeError, unknown_name
from minidl.interop.namings import OURS, Naming, namings_of
from minidl.interop.tensors import read_file
from minidl.nn import Module
from minidl.tensor import Tensor

__all__ = ["LoadedWeights", "export_weights", "find_state", "load_weights"]

_CONTAINERS = ("state_dict", "model_state_dict", "model", "net", "network", "module", "weights")
"""Where in a checkpoint the weights are, in the order tried."""

_COUNTER = "num_batches_tracked"
"""Of batch norms, which weights published before PyTorch 0.4.1 lack."""

SHOWN = 5
"""How many names of a kind a message lists."""


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

    """

    naming: str
    inside: str
    prefix: str
    loaded: int
    missing: list[str]
    unexpected: list[str]
    misshapen: list[str]
    wants: str = ""

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
    DataParallel's "module.", is left out. Counters of batches may be missing. Warns where weights
    are known to expect a model that computes otherwise than one with the same parameters.

    Raises DataError for a file that can't be read or that holds no weights, ArgumentError if they
    don't fit; the model is then what it was.

    Args:
        model: gets the values, with its own dtype and backend.
        source: a path, or what `minidl.load` returns for one.
        strict: False: load what fits, and report the rest; something must fit.

    """
    content, subject = _content(source)
    state, inside = find_state(content, subject)
    own = model.state_dict()
    named = _recognised(model, own, state, subject)
    shaped = {
        name: _shaped(named.values[name], like.shape)
        for name, like in own.items()
        if name in named.values
    }
    fitting = {name: value for name, value in shaped.items() if value.shape == own[name].shape}
    report = LoadedWeights(
        named.naming.name,
        inside,
        named.prefix,
        len(fitting),
        [name for name in own if name not in shaped and not name.endswith(_COUNTER)],
        named.unexpected,
        [f"{name} is {tuple(value.shape)}, expected {own[name].shape}"
         for name, value in shaped.items() if name not in fitting],
        named.naming.wants,
    )  # fmt: skip
    if not fitting or (strict and (report.missing or report.unexpected or report.misshapen)):
        _refuse(model, report, subject, own, shaped)
    _warn_of_another_model(model, named.naming, subject)
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


def find_state(content: Any, subject: str = "load_weights") -> tuple[Mapping[str, Any], str]:
    """The state dict in what a file holds, and the keys that led to it.

    >>> find_state({"epoch": 3, "state_dict": {"fc.bias": np.zeros(2)}})
    ({'fc.bias': array([0., 0.])}, 'state_dict')

    Raises DataError, naming `subject` and the keys there are, if there is none.
    """
    keys: list[str] = []
    while isinstance(content, Mapping):
        inner = [
            key
            for key in _CONTAINERS
            if isinstance(content.get(key), Mapping) and len(content[key])
        ]
        if not inner:
            break
        keys.append(inner[0])
        content = content[inner[0]]
    if not isinstance(content, Mapping):
        raise DataError(f"{subject}: it holds a {type(content).__name__}, not tensors by name.")
    if not any(_is_array(value) for value in content.values()):
        found = _shortened([repr(key)[:40] for key in content]) or "nothing"
        raise DataError(
            f"{subject}: it holds no tensors by name, but {found}. Give load_weights the dict "
            "that has the weights."
        )
    return content, ".".join(keys)


# ------------------------------------------------------------------------------- reading


def _content(source: Any) -> tuple[Any, str]:
    """What a source holds, and what messages call it."""
    if isinstance(source, Mapping):
        return source, "load_weights"
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
    return content, str(path)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | Tensor) or hasattr(value, "__array__")


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
                f"\n  there: {_shortened(list(state))}\n  expected: {_shortened(list(own))}"
            )
        prefix += step


def _translated(
    naming: Naming, prefix: str, own: Mapping[str, Tensor], state: Mapping[str, Any]
) -> _Named:
    ours_of, values, unexpected = naming.to_ours(), {}, []
    for name, value in state.items():
        ours = ours_of(name.removeprefix(prefix))
        if ours is None or ours not in own or ours in values or not _is_array(value):
            unexpected.append(name)
        else:
            values[ours] = value
    return _Named(naming, prefix, values, unexpected)


def _common_step(names: list[str]) -> str:
    """The first part that all names have, with its dot: "module."; "" if they differ."""
    first = {name.partition(".")[0] for name in names}
    return f"{first.pop()}." if len(first) == 1 and all("." in name for name in names) else ""


def _shaped(value: Any, shape: tuple[int, ...]) -> Any:
    """`value` as a dense layer's weights, or a convolution's, if the numbers are the same ones.

    A dense layer on a flattened map is a convolution as large as the map: (out, C·h·w) and
    (out, C, h, w).
    """
    value = value if isinstance(value, Tensor) else np.asarray(value)
    given = tuple(value.shape)
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
        f"{report.naming}.{lines}{'' if report.missing else _advice(own, shaped)}"
    )


def _advice(own: Mapping[str, Tensor], shaped: Mapping[str, Any]) -> str:
    """What to do where the numbers of classes or of the images' channels differ."""
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


def _warn_of_another_model(model: Module, naming: Naming, subject: str) -> None:
    found = {float(module.eps) for module in model.modules() if hasattr(module, "running_var")}
    if naming.eps is not None and found and naming.eps not in found:
        warnings.warn(
            f"{subject}: these weights expect batch norms with eps {naming.eps:g}, the model's "
            f"have {min(found):g}, and its padding differs: it will be less accurate. Create "
            f"{naming.wants!r}.",
            stacklevel=3,
        )


def _lines(**kinds: list[str]) -> str:
    return "".join(f"\n  {kind}: {_shortened(names)}" for kind, names in kinds.items() if names)


def _shortened(names: list[str]) -> str:
    more = len(names) - SHOWN
    shown = ", ".join(name[:100] for name in names[:SHOWN])
    return shown + (f" … and {more} more" if more > 0 else "")
