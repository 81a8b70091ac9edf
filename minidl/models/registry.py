"""Models by name."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from typing import Any

from minidl.errors import ArgumentError
from minidl.nn import Module

_makers: dict[str, Callable[..., Module]] = {}


def register(maker: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: make a function that builds a model known by its name.

    Raises ArgumentError if the name is taken.
    """
    name = maker.__name__
    if name in _makers:
        raise ArgumentError(f"register: a model named {name!r} exists already.")
    _makers[name] = maker
    return maker


def create(name: str, **options: Any) -> Module:
    """Build a model by name; options such as num_classes and in_channels go to its maker.

    >>> type(create("lenet5", num_classes=3)).__name__
    'LeNet5'
    """
    if name not in _makers:
        raise ArgumentError(f"create: there is no model {name!r}. There are: {', '.join(_makers)}.")
    return _makers[name](**options)


def names(pattern: str = "*") -> list[str]:
    """Names of the registered models that match a shell pattern.

    >>> names("lenet*")
    ['lenet5', 'lenet5_1998']
    """
    return sorted(fnmatch.filter(_makers, pattern))
