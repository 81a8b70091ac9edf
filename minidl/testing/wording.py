"""How the checks' messages name functions, their inputs, and the worst elements of an array."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from minidl.function import Function

Array: TypeAlias = np.ndarray[Any, Any]


def worst_places(error: Array, count: int) -> list[tuple[int, ...]]:
    """Indices of the largest errors, the largest first.

    >>> worst_places(np.array([[0.0, 3.0], [5.0, 1.0]]), 2)
    [(1, 0), (0, 1)]
    """
    flat = np.argsort(-error, axis=None, kind="stable")[:count]
    return [tuple(map(int, np.unravel_index(k, error.shape))) for k in flat]


def index_text(place: tuple[int, ...]) -> str:
    """As one would write the index.

    >>> index_text((1, 2))
    '[1, 2]'
    """
    return f"[{', '.join(map(str, place))}]"


def function_name(function: Callable[..., Any]) -> str:
    """Its name; with the class if it is a class's method, such as `Square.apply`.

    >>> function_name(dict.fromkeys)
    'dict.fromkeys'
    """
    name = getattr(function, "__name__", type(function).__name__)
    owner = getattr(function, "__self__", None)
    return f"{owner.__name__}.{name}" if isinstance(owner, type) else name


def input_labels(function: Callable[..., Any], count: int) -> list[str]:
    """The parameters' names and the inputs' numbers; for `Square.apply`, those of forward.

    >>> input_labels(lambda x, *more: x, 2)
    ['x (input 0)', 'input 1']
    """
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type) and issubclass(owner, Function):
        function = types.MethodType(owner.forward, owner)
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # built-in functions needn't have one
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [f"{names[k]} (input {k})" if k < len(names) else f"input {k}" for k in range(count)]
