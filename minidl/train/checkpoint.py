"""Checkpoints: the state of a run in one file, and models from such files.

A state is nested dicts and lists of numbers, strings and tensors, as `state_dict` methods return
them. In the file the tensors are arrays with names such as `model/conv1.weight`; the rest is JSON
with the arrays' names in their places. Numbers come back bit for bit.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minidl import models
from minidl.errors import ArgumentError, DataError, DTypeError, fail
from minidl.files.tensor_file import read_tensors, write_tensors
from minidl.interop import LoadedWeights, find_state, read_file
from minidl.nn import Module
from minidl.tensor import Tensor

__all__ = ["load_checkpoint", "load_model", "pack", "save_checkpoint", "unpack"]

Array = np.ndarray[Any, Any]

_FORMAT = 1
_ARRAY, _NUMBER = "$array", "$number"
"""Keys of the dicts that stand in JSON for an array, and for a number that JSON lacks."""


def save_checkpoint(
    path: str | os.PathLike[str], state: Mapping[str, Any], config: Mapping[str, Any]
) -> None:
    """Write a state, and the settings of the run it belongs to. The file is replaced at once.

    Raises DataError if it can't be written, DTypeError or ArgumentError for what isn't a state.
    """
    arrays, tree = pack(state)
    write_tensors(path, arrays, {"checkpoint": _FORMAT, "config": config, "state": tree})


def load_checkpoint(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The state, with NumPy arrays for its tensors, and the settings of its run.

    Raises DataError for a file that isn't a checkpoint, or is damaged.
    """
    return _checkpoint(path, *read_tensors(path))


def load_model(
    path: str | os.PathLike[str],
    model: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[Module, dict[str, Any]]:
    """A registered model with the weights of a file, in evaluation mode, and the file's settings.

    From a checkpoint of `minidl train` or the folder of its run, whose settings say which model it
    is. Where weights were averaged in training, it gets the averages. Or from any file that
    `models.load_weights` takes; then `model` names the model and `options` are its maker's. Others
    are what the weights want: transform_input=True, aux_logits=False where they lack the heads, or
    another model that computes as they expect. Settings say which.

    >>> import tempfile
    >>> import minidl
    >>> network = minidl.models.create("lenet5", num_classes=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     minidl.save(network.state_dict(), f"{folder}/three.safetensors")
    ...     loaded, config = load_model(f"{folder}/three.safetensors", "lenet5", {"num_classes": 3})
    >>> config
    {'model': 'lenet5', 'options': {'num_classes': 3}}

    Raises DataError for a file that can't be read and for a folder without a checkpoint,
    ArgumentError for a file of another model, or of one that isn't registered.
    """
    path = _file(Path(path))
    arrays, metadata = read_file(path)
    if "checkpoint" in metadata:
        state, config = _checkpoint(path, arrays, metadata)
        if not (isinstance(config.get("model"), str) and isinstance(config.get("options"), dict)):
            raise DataError(f"{path} is a checkpoint that doesn't say of which model.")
        if model not in (None, config["model"]):
            fail("load_model", "model", repr(model), f"{config['model']!r}, which {path} is of",
                 error=ArgumentError)  # fmt: skip
        if config["model"] not in models.list():
            raise ArgumentError(
                f"{path} is of {config['model']}, a model of your own. Run the file that registers "
                "it first: --load FILE, as when it was trained."
            )
    elif model is None:
        raise ArgumentError(
            f"load_model: {path} holds weights only, and doesn't say of which model. Name it."
        )
    else:
        weights, _ = find_state(arrays, str(path))
        network, config = _as_published(path, model, dict(options or {}), weights)
        return network.eval(), config
    network = _with_weights(path, config, state.get("model", {}))
    if state.get("average") is not None:
        _take_averages(network, state["average"]["averages"])
    return network.eval(), config


def _file(path: Path) -> Path:
    """The file to read: of a run's folder, its newest checkpoint."""
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.safetensors"), key=lambda file: file.stat().st_mtime)
    if not found:
        raise DataError(
            f"{path} holds no checkpoint (*.safetensors). Name the folder of a run of minidl train."
        )
    return found[-1]


def _with_weights(path: Path, config: Mapping[str, Any], weights: Any) -> Module:
    """The model that a checkpoint says, as it was trained."""
    network = models.create(config["model"], **config["options"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what published weights may expect
        _load(network, path, config["model"], weights)
    return network


def _as_published(
    path: Path, model: str, options: Mapping[str, Any], weights: Any
) -> tuple[Module, dict[str, Any]]:
    """The model with a file's weights, made as these want it; options that are given stay."""
    network = models.create(model, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is put right below
        found = _load(network, path, model, weights, strict=False)
    wanted, wanted_options = found.wants or model, {**found.options, **options}
    if (wanted, wanted_options) != (model, options):
        network = models.create(wanted, **wanted_options)
    _load(network, path, model, weights)
    return network, {"model": wanted, "options": wanted_options}


def _load(
    network: Module, path: Path, name: str, weights: Any, strict: bool = True
) -> LoadedWeights:
    try:
        return models.load_weights(network, weights, strict, file=str(path))
    except (ArgumentError, DTypeError) as error:
        raise ArgumentError(f"{path} is not of {name}. {error}") from error


def _checkpoint(
    path: str | os.PathLike[str], arrays: dict[str, Array], metadata: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    if "checkpoint" not in metadata:
        raise DataError(f"{path} is no checkpoint of minidl's: it holds tensors only.")
    if metadata["checkpoint"] != _FORMAT:
        raise DataError(
            f"{path} is a checkpoint of format {metadata['checkpoint']}; this version of minidl "
            f"reads format {_FORMAT}."
        )
    try:
        state = unpack(arrays, metadata["state"])
        config = metadata["config"]
        if isinstance(state, dict) and isinstance(config, dict):
            return state, config
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is not a checkpoint: its parts don't belong together.") from error
    raise DataError(f"{path} is not a checkpoint: its state or config is not a table.")


def _take_averages(network: Module, averages: list[Array]) -> None:
    """Averages stand in the order of the parameters; buffers are never averaged."""
    names = [name for name, _ in network.named_parameters()]
    network.load_state_dict(dict(zip(names, averages, strict=True)), strict=False)


def pack(state: Any) -> tuple[dict[str, Array], Any]:
    """A state as (arrays by name, what JSON can say).

    >>> pack({"step": 3, "buffers": [np.zeros(2)]})
    ({'buffers/0': array([0., 0.])}, {'step': 3, 'buffers': [{'$array': 'buffers/0'}]})

    Raises DTypeError for what is neither a dict, list, tensor, array, number, string nor None.
    """
    arrays: dict[str, Array] = {}
    return arrays, _packed(state, "", arrays)


def unpack(arrays: Mapping[str, Array], tree: Any) -> Any:
    """The state again; tensors are arrays now, tuples lists."""
    if isinstance(tree, list):
        return [unpack(arrays, each) for each in tree]
    if not isinstance(tree, dict):
        return tree
    if _ARRAY in tree:
        return arrays[tree[_ARRAY]]
    if _NUMBER in tree:
        return float(tree[_NUMBER])
    return {key: unpack(arrays, value) for key, value in tree.items()}


def _packed(value: Any, place: str, arrays: dict[str, Array]) -> Any:
    if isinstance(value, Tensor):
        value = value.detach().numpy()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        arrays[place] = value
        return {_ARRAY: place}
    if isinstance(value, Mapping):
        _check_keys(value, place)
        return {key: _packed(each, _join(place, key), arrays) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_packed(each, _join(place, i), arrays) for i, each in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        return {_NUMBER: repr(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    fail("pack", place or "the state", f"a {type(value).__name__}",
         "a dict, list, tensor, array, number, string or None", error=DTypeError)  # fmt: skip


def _check_keys(value: Mapping[Any, Any], place: str) -> None:
    for key in value:
        if not isinstance(key, str) or key in (_ARRAY, _NUMBER) or "/" in key:
            fail("pack", f"a key of {place or 'the state'}", repr(key),
                 f"a string without /, other than {_ARRAY} and {_NUMBER}",
                 error=ArgumentError)  # fmt: skip


def _join(place: str, key: str | int) -> str:
    return f"{place}/{key}" if place else str(key)
