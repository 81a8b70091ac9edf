"""Containers: Sequential and ModuleList."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Self

from minidl.errors import DTypeError, OutOfRangeError
from minidl.functional.operands import integer
from minidl.nn.module import Module


class _Container(Module):
    """Modules in an order: what Sequential and ModuleList have in common."""

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        position = len(self)
        while str(position) in self._modules:  # a slice keeps its names, such as "1" and "2"
            position += 1
        _add(type(self).__name__, self, str(position), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several modules at the end."""
        for module in modules:
            self.append(module)
        return self

    def __getitem__(self, index: int | slice) -> Any:
        """The module at a position; for a slice a container that shares its modules."""
        if isinstance(index, slice):
            return self._of(dict(list(self._modules.items())[index]))
        return self._modules[self._name(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        """Put another module in the place of one."""
        _check_layer(type(self).__name__, module)
        self._modules[self._name(index)] = module

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def _of(self, modules: dict[str, Module]) -> Any:
        raise NotImplementedError

    def _name(self, index: int) -> str:
        position = integer(type(self).__name__, "the index", index)
        names = list(self._modules)
        try:
            return names[position]
        except IndexError:
            raise OutOfRangeError(
                f"{type(self).__name__}: the index is {index}, but there are {len(names)} layers."
            ) from None


class Sequential(_Container):
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

    def _of(self, modules: dict[str, Module]) -> Sequential:
        return Sequential(modules)


class ModuleList(_Container):
    """A list of modules whose parameters are found; it has no forward of its own."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self.extend(modules)

    def _of(self, modules: dict[str, Module]) -> ModuleList:
        return ModuleList(modules.values())


def _add(container: str, module: Module, name: Any, layer: Any) -> None:
    """Register a layer, after checking that it is one and that the name is free."""
    _check_layer(container, layer)
    module._register(module._modules, name, layer, Module)


def _check_layer(container: str, layer: Any) -> None:
    if not isinstance(layer, Module):
        named = getattr(layer, "__name__", None) or repr(layer)  # a function's repr is an address
        raise DTypeError(
            f"{container}: a layer is {named} ({type(layer).__name__}), expected a Module. "
            "Wrap a function in a Module, or give an instance: nn.ReLU(), not nn.ReLU."
        )
