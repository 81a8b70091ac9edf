"""Containers: Sequential and ModuleList."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from minidl.errors import DTypeError, OutOfRangeError
from minidl.nn.module import Module


class Sequential(Module):
    """Layers one after another; given as arguments, or as a dict with names.

    >>> from minidl import nn
    >>> net = Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> net[2]
    Linear(3, 2)
    """

    def __init__(self, *layers: Any) -> None:
        super().__init__()
        if len(layers) == 1 and isinstance(layers[0], dict):
            named = layers[0]
        elif len(layers) == 1 and isinstance(layers[0], (list, tuple)):
            raise DTypeError(
                f"Sequential: a layer is a {type(layers[0]).__name__}, expected a Module. "
                "Write Sequential(*layers)."
            )
        else:
            named = {str(i): layer for i, layer in enumerate(layers)}
        for name, layer in named.items():
            _add("Sequential", self, name, layer)

    def forward(self, x: Any) -> Any:
        """Each layer on the result of the one before."""
        for layer in self.children():
            x = layer(x)
        return x

    def append(self, layer: Module) -> Sequential:
        """Add a layer at the end."""
        _add("Sequential", self, str(len(self)), layer)
        return self

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Sequential(dict(list(self._modules.items())[index]))
        return _item("Sequential", self, index)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())


class ModuleList(Module):
    """A list of modules whose parameters are found; it has no forward of its own."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        for module in modules:
            self.append(module)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end."""
        _add("ModuleList", self, str(len(self)), module)
        return self

    def __getitem__(self, index: int) -> Any:
        return _item("ModuleList", self, index)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())


def _item(container: str, module: Module, index: int) -> Any:
    layers: list[Module] = list(module._modules.values())
    try:
        return layers[index]
    except IndexError:
        raise OutOfRangeError(
            f"{container}: the index is {index}, but there are {len(layers)} layers."
        ) from None


def _add(container: str, module: Module, name: Any, layer: Any) -> None:
    """Register a layer, after checking that it is one and that the name is free."""
    if not isinstance(layer, Module):
        raise DTypeError(
            f"{container}: a layer is {layer!r} ({type(layer).__name__}), expected a Module. "
            "Wrap a function in a Module, or give an instance: nn.ReLU(), not nn.ReLU."
        )
    module._register(module._modules, name, layer, Module)
