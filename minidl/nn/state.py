"""Loading a state: which of its values belong where, and what to say when they don't."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from minidl.errors import ArgumentError, DTypeError
from minidl.functional.moving import host_array
from minidl.grad_mode import no_grad
from minidl.tensor import Tensor

SHOWN = 5
"""How many names of a kind a message lists."""


class LoadedKeys(NamedTuple):
    """Names that a module has and the state lacks, and the other way round."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def load(module: str, own: dict[str, Tensor], state: Any, strict: bool) -> LoadedKeys:
    """Copy the values of `state` into the tensors of `own` by name; see Module.load_state_dict."""
    if not isinstance(state, Mapping):
        raise DTypeError(
            f"load_state_dict: the state is a {type(state).__name__}, expected a dict from "
            "names to tensors or arrays."
        )
    values = {name: _value(name, state[name], t) for name, t in own.items() if name in state}
    misshapen = [
        f"{name} is {value.shape}, expected {own[name].shape}"
        for name, value in values.items()
        if value.shape != own[name].shape
    ]
    keys = LoadedKeys(
        [name for name in own if name not in state],
        [str(name) for name in state if name not in own],
    )
    wrong = {"misshapen": misshapen}
    if strict:
        wrong |= {"missing": keys.missing_keys, "unexpected": keys.unexpected_keys}
    lines = [f"\n  {kind}: {_shortened(names)}" for kind, names in wrong.items() if names]
    if lines:
        advice = "" if values else _prefix_advice(list(own), [str(name) for name in state])
        of_modules = any("." in name for name in keys.unexpected_keys)
        if keys.missing_keys and of_modules and not advice:
            advice = (
                "\nNames under which weights were published elsewhere are read by "
                "minidl.models.load_weights(module, path)."
            )
        raise ArgumentError(
            f"load_state_dict: the state does not fit {module}.{''.join(lines)}{advice}"
        )
    with no_grad():
        for name, value in values.items():
            own[name].copy_(value)
    return keys


def _value(name: str, given: Any, like: Tensor) -> Tensor:
    """A value to load, where the tensor it replaces lives and with its dtype."""
    if not isinstance(given, Tensor):
        return like.new_tensor(host_array(f"load_state_dict: {name}", given))
    return given.detach().to(like.backend, like.dtype)


def _shortened(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" … and {more} more" if more > 0 else "")


def _prefix_advice(own: list[str], given: list[str]) -> str:
    """What to do where no name fits, but all would with a prefix less, or with one more."""
    if prefix := _common_prefix(given, own):
        return (
            f'\nEvery name begins with "{prefix}"'
            + (", which PyTorch's DataParallel adds" if prefix == "module." else "")
            + f'. Remove it: {{name.removeprefix("{prefix}"): value for name, value in '
            "state.items()}."
        )
    if prefix := _common_prefix(own, given):
        return (
            f'\nEvery name lacks "{prefix}" at its beginning. Load the state into '
            f"module.{prefix[:-1]}."
        )
    return ""


def _common_prefix(longer: list[str], shorter: Iterable[str]) -> str:
    """The prefix of all of `longer` without which they are among `shorter`; "" if there is none."""
    known = set(shorter)
    if not longer:
        return ""
    parts = longer[0].split(".")
    for n in range(1, len(parts)):
        prefix = ".".join(parts[:n]) + "."
        if all(name.startswith(prefix) for name in longer) and known.intersection(
            name.removeprefix(prefix) for name in longer
        ):
            return prefix
    return ""
