"""Published weights into a network, whatever they are called: `load_weights`, `export_weights`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

from minidl.errors import ArgumentError, DTypeError, ShapeError, fail, unknown_name
from minidl.interop.namings import OURS, namings_of
from minidl.interop.recognition import recognise
from minidl.interop.report import (
    LoadedWeights,
    MisfitError,
    explain,
    is_auxiliary,
    other_classes,
    without_heads,
)
from minidl.interop.states import find_state, shortened
from minidl.interop.tensors import read_file
from minidl.interop.values import COUNTER, converted, is_finite, shaped
from minidl.nn import Module
from minidl.tensor import Tensor

__all__ = ["LoadedWeights", "export_weights", "load_weights"]


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
    DataParallel's "module.", is left out. Counters of batches may be missing.

    Warns where published weights expect a model that computes otherwise than this one, which has
    the same parameters: another padding, eps, activation or place of the stride, or
    transform_input=True. That is known of some networks; others can't be told apart by names:
    lenet5 takes weights of lenet5_1998, resnet20 those of plain20. Warns, too, where strict is
    False, if more than the head is missing, or the weights look like another network's: by their
    blocks, or by shapes that the numbers of classes and of the images' channels don't explain. And
    of numbers that are nan or inf.

    Raises DataError for a file that can't be read or that holds no weights, DTypeError for tensors
    that NumPy can't take, such as PyTorch's of bfloat16, and for whole numbers, ArgumentError if
    they don't fit, or the model has no values; the model is then what it was.

    Args:
        model: gets the values, with its own dtype and backend.
        source: a path, or what `minidl.load` returns for one.
        strict: False: load what fits, and report the rest; half of the names must be known, and one
            weight must fit.
        file: the name of the file that a dict was read from, for warnings.

    """
    _check_arguments(model, source, strict)
    content, subject, published = _content(source)
    state, inside = find_state(content, subject)
    own = model.state_dict()
    named = recognise(model, own, state, subject)
    values = {
        name: shaped(converted(named.values[name], name, like, subject), name, like.shape)
        for name, like in own.items()
        if name in named.values
    }
    given = {name: tuple(value.shape) for name, value in values.items()}
    expected = {name: like.shape for name, like in own.items()}
    fitting = {name: value for name, value in values.items() if given[name] == expected[name]}
    file = file or subject
    doubt = named.naming.doubt(model, file) if published else ""
    missing = [name for name in own if name not in given and not name.endswith(COUNTER)]
    options = dict(named.naming.options) if doubt else {}
    if missing and all(is_auxiliary(name) for name in missing):
        options["aux_logits"] = False
    report = LoadedWeights(
        named.naming.name,
        inside,
        named.prefix,
        len(fitting),
        missing,
        named.unexpected,
        [f"{name} is {given[name]}, expected {expected[name]}"
         for name in given if name not in fitting],
        named.naming.wants,
        options,
        named.naming.note(model, file) if published else "",
    )  # fmt: skip
    advice, of_another = explain(report, given, expected, named.naming.to_theirs())
    of_model = type(model).__name__
    if not _weights(fitting) or (strict and not report.is_complete):
        raise MisfitError(
            f"{subject}: the state does not fit {of_model}, its names read as those of "
            f"{report.naming}.{report.left_out()}",
            advice,
            0 if of_another else other_classes(given, expected),
        )
    if of_another or without_heads(missing, expected):
        why = advice if of_another else ""  # no advice to do what was done
        warnings.warn(
            f"{file}: only {report.loaded} of {of_model}'s {report.total} tensors fit and are "
            f"loaded, the others keep their values.{report.left_out()}{why}",
            stacklevel=2,
        )
    if doubt:
        warnings.warn(f"{file}: {doubt}", stacklevel=2)
    broken = [name for name, value in fitting.items() if not is_finite(value)]
    if broken:
        warnings.warn(
            f"{file}: not all numbers are finite, in {shortened(broken)}: nor will be what the "
            "model computes. Perhaps the training diverged.",
            stacklevel=2,
        )
    model.load_state_dict(fitting, strict=False)
    return report


def export_weights(model: Module, naming: str = "torchvision") -> dict[str, Tensor]:
    """The state dict under published names, for `minidl.save(…, "weights.pth")`.

    >>> from minidl import models
    >>> sorted(export_weights(models.create("inception_v4"), "timm"))[0]
    'features.0.bn.bias'

    Raises ArgumentError where networks of this class have no such naming, or where this one, made
    with options of its own, has parts that nobody published, or parts of another shape.
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
        shape = known[naming].shapes.get(theirs, ())
        try:
            exported[theirs] = value.reshape(value.shape[0], *shape) if shape else value
        except ShapeError as error:
            theirs_is = "×".join(map(str, shape[1:]))
            raise ArgumentError(
                f"export_weights: {naming} has {theirs!r} on maps of {theirs_is}, where {name!r} "
                f"of this {type(model).__name__} is {value.shape}: made with options of its own, "
                "it was never published."
            ) from error
    return exported


# ------------------------------------------------------------------------------- reading


def _check_arguments(model: Any, source: Any, strict: Any) -> None:
    if not isinstance(model, Module):
        fix = ""
        if isinstance(source, Module):
            fix = "The model comes first, then the file: load_weights(model, path)."
        elif isinstance(model, str):
            fix = f"Make it first: models.create({model!r})."
        elif callable(model):
            fix = "Call it: it makes the model."
        fail("load_weights", "model", repr(model) if isinstance(model, str) else
             f"a {type(model).__name__}", "a Module", fix, error=DTypeError)  # fmt: skip
    if not isinstance(strict, bool):
        fail("load_weights", "strict", repr(strict), "True or False", error=DTypeError)


def _content(source: Any) -> tuple[Any, str, bool]:
    """What a source holds, what messages call it, and whether others may have published it."""
    if isinstance(source, Mapping):
        return source, "load_weights", True
    if not isinstance(source, str | os.PathLike):
        raise DTypeError(
            f"load_weights: the source is a {type(source).__name__}, expected a path or a dict "
            "of tensors by name."
        )
    path = os.fspath(source)
    content, metadata = read_file(path)
    if "checkpoint" in metadata:  # of minidl train: the model's tensors among the optimizer's
        prefix = "model/"
        content = {k.removeprefix(prefix): v for k, v in content.items() if k.startswith(prefix)}
        return content, str(path), False
    return content, str(path), True


def _weights(state: Mapping[str, Any]) -> int:
    """How many tensors there are; counters, which fit any network, aside."""
    return sum(not str(name).endswith(COUNTER) for name in state)
