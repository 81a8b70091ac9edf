"""Finding the weights in what a file holds: `find_state`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np

from minidl.errors import DataError
from minidl.files.pickle_values import printable
from minidl.tensor import Tensor

__all__ = ["find_state", "is_array", "shortened"]

_AVERAGED = ("state_dict_ema", "model_ema", "ema_state_dict", "ema")
_CONTAINERS = (
    *_AVERAGED,  # first: accuracies are published of the averages
    *("state_dict", "model_state_dict", "model", "net", "network", "module", "weights"),
)
"""Where in a checkpoint the weights are, in the order tried."""

_DEPTH = 4
"""How many dicts within one another are looked through, at most."""

SHOWN = 5
"""How many names of a kind a message lists."""


def find_state(content: Any, subject: str = "load_weights") -> tuple[Mapping[str, Any], str]:
    """The state dict in what a file holds, and the keys that led to it.

    Of a checkpoint that also has averaged weights, such as timm's "state_dict_ema", these, unless
    they are fewer.

    >>> find_state({"epoch": 3, "state_dict": {"fc.bias": np.zeros(2)}})
    ({'fc.bias': array([0., 0.])}, 'state_dict')

    Raises DataError, naming `subject` and the keys there are, if there is none.
    """
    if not isinstance(content, Mapping):
        raise DataError(f"{subject}: it holds a {type(content).__name__}, not tensors by name.")
    found = _way(content, set())
    if found is None:
        _refuse(content, subject)
    for key in found.keys:
        content = content[key]
    return content, ".".join(found.keys)


def is_array(value: Any) -> bool:
    """Whether it is a tensor, of minidl's or another library, or an array."""
    return isinstance(value, np.ndarray | Tensor) or hasattr(value, "__array__")


def shortened(names: list[str]) -> str:
    """The first few of the names, and how many more there are."""
    more = len(names) - SHOWN
    shown = ", ".join(printable(name[:100]) for name in names[:SHOWN])
    return shown + (f" … and {more} more" if more > 0 else "")


class _Way(NamedTuple):
    """The keys that lead to tensors by name, and how many of these are more than a number."""

    keys: list[str]
    weights: int


def _way(content: Any, seen: set[int], depth: int = _DEPTH) -> _Way | None:
    """The way to most tensors, single numbers aside; None if no known keys lead to any.

    `seen` has the ids of all dicts looked through: none is a second time.
    """
    if not isinstance(content, Mapping) or not depth or id(content) in seen:
        return None
    seen.add(id(content))
    inside = ((key, _way(content.get(key), seen, depth - 1)) for key in _CONTAINERS)
    ways = [_Way([key, *way.keys], way.weights) for key, way in inside if way is not None]
    if ways:
        return max(ways, key=lambda way: way.weights)  # the first of equals
    arrays = [value for value in content.values() if is_array(value)]
    weights = sum(getattr(value, "ndim", 1) > 0 for value in arrays)
    # Numbers beside other dicts are an accuracy, a count of averages …, not weights.
    plain = weights or not any(isinstance(value, Mapping) for value in content.values())
    return _Way([], weights) if arrays and plain else None


def _refuse(content: Mapping[Any, Any], subject: str) -> NoReturn:
    found = shortened([repr(key)[:40] for key in content]) or "nothing"
    seen: set[int] = set()
    elsewhere = [repr(key)[:40] for key, value in content.items() if _way(value, seen) is not None]
    lists = [key for key, value in content.items() if isinstance(value, list)]
    advice = (
        f"{lists[0]!r} is a list: make tensors of lists, with minidl.tensor(values)."
        if lists and not elsewhere
        else f"There are some at {shortened(elsewhere)}: give load_weights that dict, "
        f"minidl.load(path)[{elsewhere[0]}]."
        if elsewhere
        else "Give load_weights the dict that has the weights."
    )
    raise DataError(
        f"{subject}: it holds no tensors by name, but {found}; nor has it any at "
        f"{', '.join(map(repr, _CONTAINERS))}, where checkpoints have them. {advice}"
    )
