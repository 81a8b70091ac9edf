"""Containers: Sequential, ModuleList and ModuleDict."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Self

from minidl.errors import ArgumentError, DTypeError, OutOfRangeError, fail, unknown_name
from minidl.functional.operands import integer
from minidl.nn.module import Module


class _Container(Module):
    """Modules in an order: what Sequential and ModuleList have in common."""

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        _add(type(self).__name__, self, self._free_name(), module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before the one at a position, as a list does.

        >>> from minidl import nn
        >>> nn.Sequential(nn.Linear(2, 2), nn.Softmax(1)).insert(1, nn.ReLU())[1]
        ReLU()
        """
        position = integer(type(self).__name__, "the index", index)
        name = self._free_name()
        _add(type(self).__name__, self, name, module)
        items = list(self._modules.items())
        items.insert(position, items.pop())
        self._rename(items)
        return self

    def pop(self, index: int) -> Module:
        """Take the module at a position out."""
        module = self._modules.pop(self._name(index))
        self._rename(list(self._modules.items()))
        return module  # type: ignore[no-any-return]

    def _free_name(self) -> str:
        """A number that no module has: a slice keeps its names, such as "1" and "2"."""
        position = len(self)
        while str(position) in self._modules:
            position += 1
        return str(position)

    def _rename(self, items: list[tuple[str, Module]]) -> None:
        """Put the modules into this order; numbers are counted anew, other names stay."""
        if all(name.isdecimal() for name, _ in items):
            items = [(str(i), module) for i, (_, module) in enumerate(items)]
        self._modules.clear()
        self._modules.update(items)

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several modules at the end."""
        name = type(self).__name__
        if isinstance(modules, Module) or not isinstance(modules, Iterable):
            got = f"a {type(modules).__name__}"
            fail(name, "modules", got, "a list of Modules", f"{name}([…]).", error=DTypeError)
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

    def __delitem__(self, index: int | slice) -> None:
        """Take out the module at a position, or a slice of them."""
        names = list(self._modules)
        for name in names[index] if isinstance(index, slice) else [self._name(index)]:
            del self._modules[name]
        self._rename(list(self._modules.items()))

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
    Linear(in_features=3, out_features=2, bias=True)
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
    """A list of modules whose parameters are found; it has no forward of its own.

    >>> from minidl import nn
    >>> layers = ModuleList(nn.Linear(4, 4) for _ in range(3))
    >>> del layers[0]
    >>> len(layers)
    2
    """

    _no_forward = "Run its layers in a loop, or use nn.Sequential, which runs one after another."

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self.extend(modules)

    def _of(self, modules: dict[str, Module]) -> ModuleList:
        return ModuleList(modules.values())


class ModuleDict(Module):
    """A dict of modules whose parameters are found; it has no forward of its own.

    >>> from minidl import nn
    >>> heads = ModuleDict({"digit": nn.Linear(84, 10), "parity": nn.Linear(84, 2)})
    >>> heads["parity"]
    Linear(in_features=84, out_features=2, bias=True)
    >>> list(heads)
    ['digit', 'parity']
    """

    _no_forward = "Call one of its modules: modules[name](x)."

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        self.update({} if modules is None else modules)

    def update(self, modules: Mapping[str, Module]) -> None:
        """Add several modules, replacing those of the same names."""
        if not isinstance(modules, Mapping):
            got = f"a {type(modules).__name__}"
            fail("ModuleDict", "modules", got, "a dict of Modules", error=DTypeError)
        for name, module in modules.items():
            self[name] = module

    def __getitem__(self, name: str) -> Any:
        if name not in self._modules:
            unknown_name("ModuleDict: there is no module", name, self._modules, _MissingKeyError)
        return self._modules[name]

    def __setitem__(self, name: str, module: Module) -> None:
        _add("ModuleDict", self, name, module)

    def __delitem__(self, name: str) -> None:
        _ = self[name]
        del self._modules[name]

    def pop(self, name: str) -> Module:
        """Take a module out."""
        module: Module = self[name]
        del self[name]
        return module

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def keys(self) -> KeysView[str]:
        """The names, in the order in which they came."""
        return self._modules.keys()

    def values(self) -> ValuesView[Module]:
        """The modules."""
        return self._modules.values()

    def items(self) -> ItemsView[str, Module]:
        """Names and modules."""
        return self._modules.items()


class _MissingKeyError(ArgumentError, KeyError):
    """A ModuleDict has no such module."""

    __str__ = Exception.__str__  # KeyError's shows the repr


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
