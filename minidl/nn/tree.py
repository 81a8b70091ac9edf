"""The tree of modules: everything in it is found by name, saved and loaded by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from minidl.errors import unknown_name
from minidl.naming import PyTorchs, refuse_arguments
from minidl.nn.parameter import Parameter
from minidl.nn.state import LoadedKeys, load
from minidl.tensor import Tensor

if TYPE_CHECKING:
    from minidl.nn.module import Module


class Tree:
    """What a `Module` knows of what is below it; names are joined by dots, as in PyTorch."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _not_saved: set[str]
    """Names of the buffers that are not part of the state."""

    # --------------------------------------------------------------------- modules

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below, with their names."""
        return ((name, module) for name, module in self._modules.items() if module is not None)

    def children(self) -> Iterator[Module]:
        """The modules directly below."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """All modules from here down with dotted names: each once, or under each of its names."""
        seen: set[int] = set()
        for name, module in self._walk(prefix):
            if id(module) not in seen or not remove_duplicate:
                seen.add(id(module))
                yield name, module

    def modules(self) -> Iterator[Module]:
        """All modules from here down."""
        return (module for _, module in self.named_modules())

    def _walk(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """All modules from here down, parents first; a shared one under each of its names."""
        stack = [(prefix, cast("Module", self))]
        while stack:
            name, module = stack.pop()
            yield name, module
            children = [(_join(name, below), child) for below, child in module.named_children()]
            stack += reversed(children)

    # ------------------------------------------------------------------ its tensors

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters below with dotted names, shared ones once; or this module's own only.

        With remove_duplicate=False shared ones stand under each of their names.
        """
        return self._find("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters below."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers below with dotted names; or this module's own only."""
        return self._find("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers below."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _find(
        self, table: str, prefix: str, recurse: bool, once: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix, once) if recurse else [(prefix, self)]:
            for name, value in getattr(module, table).items():
                if value is not None and not (once and id(value) in seen):
                    seen.add(id(value))
                    yield _join(path, name), value

    # ---------------------------------------------------------------- one, by its name

    def get_submodule(self, target: str) -> Module:
        """The module with this dotted name; this one for "".

        >>> from minidl import nn
        >>> nn.Sequential(nn.Sequential(nn.ReLU())).get_submodule("0.0")
        ReLU()
        """
        return cast("Module", self._get("get_submodule", target, dict(self._walk())))

    def get_parameter(self, target: str) -> Parameter:
        """The parameter with this dotted name.

        >>> from minidl import nn
        >>> nn.Sequential(nn.Linear(4, 3)).get_parameter("0.weight").shape
        (3, 4)
        """
        found = dict(self.named_parameters(remove_duplicate=False))
        return cast(Parameter, self._get("get_parameter", target, found))

    def get_buffer(self, target: str) -> Tensor:
        """The buffer with this dotted name.

        >>> from minidl import nn
        >>> nn.Sequential(nn.BatchNorm2d(2)).get_buffer("0.running_mean")
        tensor([0., 0.])
        """
        found = dict(self.named_buffers(remove_duplicate=False))
        return cast(Tensor, self._get("get_buffer", target, found))

    def _get(self, operation: str, target: str, found: dict[str, Any]) -> Any:
        if target in found:
            return found[target]
        kind = operation.removeprefix("get_")
        unknown_name(
            f"{operation}: {type(self).__name__} has no {kind}", target, filter(None, found)
        )

    # ------------------------------------------------------------------------ state

    def state_dict(self, **pytorchs: Any) -> dict[str, Tensor]:
        """Parameters and buffers by name, detached; they share memory with the module.

        What is shared stands under each of its names, as in PyTorch.
        """
        refuse_arguments("state_dict", pytorchs, self.state_dict, _STATE_DICT)
        return {
            _join(prefix, name): value.detach()
            for prefix, module in self._walk()
            for table in (module._parameters, module._buffers)
            for name, value in table.items()
            if value is not None and not (table is module._buffers and name in module._not_saved)
        }

    def load_state_dict(self, state: dict[str, Any], strict: bool = True) -> LoadedKeys:
        """Copy values in by name. All is checked before anything is changed.

        Returns the names that were missing and unexpected, both empty if `strict`. Raises
        ArgumentError listing missing, unexpected and misshapen names; with strict=False missing
        and unexpected ones are passed over, misshapen ones never.

        >>> from minidl import nn
        >>> layer = nn.Linear(2, 1)
        >>> layer.load_state_dict({"weight": [[1.0, 2.0]]}, strict=False)
        LoadedKeys(missing_keys=['bias'], unexpected_keys=[])
        >>> layer.weight.tolist()
        [[1.0, 2.0]]
        """
        return load(type(self).__name__, self.state_dict(), state, strict)


_STATE_DICT: PyTorchs = {
    "prefix": ("", 'Write {"net." + name: value for name, value in module.state_dict().items()}'),
    "destination": (None, "A new dict is returned: update your own with it"),
    "keep_vars": (False, "Use dict(module.named_parameters())"),
}


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
