"""Containers: Sequential and ModuleList."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from minidl.errors import DTypeError
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
        else:
            named = {str(i): layer for i, layer in enumerate(layers)}
        for name, layer in named.items():
            _check("Sequential", layer)
            setattr(self, name, layer)

    def forward(self, x: Any) -> Any:
        """Each layer on the result of the one before."""
        for layer in self.children():
            x = layer(x)
        return x

    def append(self, layer: Module) -> Sequential:
        """Add a layer at the end."""
        setattr(self, str(len(self)), _check("Sequential", layer))
        return self

    def __getitem__(self, index: int | slice) -> Any:
        layers = list(self._modules.items())
        if isinstance(index, slice):
            return Sequential(dict(layers[index]))
        return layers[index][1]

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
        setattr(self, str(len(self)), _check("ModuleList", module))
        return self

    def __getitem__(self, index: int) -> Module:
        module: Module = list(self._modules.values())[index]
        return module

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())


def _check(container: str, layer: Any) -> Module:
    if not isinstance(layer, Module):
        raise DTypeError(
            f"{container}: a layer is {layer!r} ({type(layer).__name__}), expected a Module. "
            "Wrap a function in a Module, or give an instance: nn.ReLU(), not nn.ReLU."
        )
    return layer
