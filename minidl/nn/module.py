"""Module: parameters, buffers and children in a tree, found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from minidl.errors import ArgumentError, DTypeError
from minidl.functional.moving import is_backend
from minidl.functional.operands import checked_dtype
from minidl.grad_mode import no_grad
from minidl.nn.hooks import Hooked
from minidl.nn.parameter import Parameter
from minidl.tensor import Tensor


class Module(Hooked):
    """Base of every layer and network; subclasses write `forward`.

    What is assigned in `__init__` is found again: a Parameter by `parameters()`, a Module by
    `children()`, a tensor given to `register_buffer` by `buffers()`. Names are the attributes'
    names, joined by dots down the tree, as in PyTorch.

    >>> import minidl
    >>> from minidl import nn
    >>> class Twice(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layer = nn.Linear(3, 3)
    ...
    ...     def forward(self, x):
    ...         return self.layer(self.layer(x))
    >>> [name for name, _ in Twice().named_parameters()]
    ['layer.weight', 'layer.bias']
    """

    training: bool

    def __init__(self, *arguments: Any, **options: Any) -> None:
        if arguments or options:
            name = type(self).__name__
            given = ", ".join([*(f"a {type(a).__name__}" for a in arguments), *options])
            raise DTypeError(
                f"{name}: the arguments are {given}, expected none. Make the module first and then "
                f"call it with tensors: {name}()(x)."
            )
        # Straight into __dict__: __setattr__ below needs them.
        self.__dict__.update(_parameters={}, _buffers={}, _modules={}, training=True)

    # ------------------------------------------------------------------ attributes

    def __setattr__(self, name: str, value: Any) -> None:
        if "_parameters" not in self.__dict__:
            raise ArgumentError(
                f"{type(self).__name__}: call super().__init__() before assigning {name!r}."
            )
        tables = (self._parameters, self._buffers, self._modules)
        kind: type[Any]
        for kind, table in ((Parameter, self._parameters), (Module, self._modules)):
            if isinstance(value, kind):
                for other in (self.__dict__, *tables):
                    if other is not table:
                        other.pop(name, None)
                table[name] = value
                return
        for table, kind in zip(tables, (Parameter, Tensor, Module), strict=True):
            if name in table:
                self._check_kind(name, value, kind)
                table[name] = value
                return
        self.__dict__[name] = value

    def _check_kind(self, name: str, value: Any, kind: type[Any]) -> None:
        if value is not None and not isinstance(value, kind):
            raise DTypeError(
                f"{type(self).__name__}: {name!r} is a {type(value).__name__}, expected a "
                f"{kind.__name__} or None. To make it something else, first del module.{name}."
            )

    def __getattr__(self, name: str) -> Any:
        for table in ("_parameters", "_buffers", "_modules"):
            found = self.__dict__.get(table, {})
            if name in found:
                return found[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")

    def __delattr__(self, name: str) -> None:
        for table in (self._parameters, self._buffers, self._modules, self.__dict__):
            if name in table:
                del table[name]
                return
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")

    def register_buffer(self, name: str, value: Tensor | None) -> None:
        """Own a tensor that is state but not trained, such as running statistics."""
        self._register(self._buffers, name, value, Tensor)

    def register_parameter(self, name: str, value: Parameter | None) -> None:
        """Own a parameter, or None where a layer has none (bias=False)."""
        self._register(self._parameters, name, value, Parameter)

    def _register(self, table: dict[str, Any], name: str, value: Any, kind: type[Any]) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise ArgumentError(
                f"{type(self).__name__}: the name is {name!r}, expected one without dots."
            )
        if name not in table and hasattr(self, name):
            raise ArgumentError(f"{type(self).__name__}: there is an attribute {name!r} already.")
        self._check_kind(name, value, kind)
        table[name] = value

    # -------------------------------------------------------------------- the tree

    def children(self) -> Iterator[Module]:
        """The modules directly below."""
        return (module for module in self._modules.values() if module is not None)

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """All modules from here down, each once, with dotted names."""
        seen: set[int] = set()
        for name, module in self._walk(prefix):
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def _walk(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """All modules from here down, parents first; a shared one under each of its names."""
        stack = [(prefix, self)]
        while stack:
            name, module = stack.pop()
            yield name, module
            stack += [
                (_join(name, child_name), child)
                for child_name, child in reversed(module._modules.items())
                if child is not None
            ]

    def modules(self) -> Iterator[Module]:
        """All modules from here down."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """All parameters below with dotted names; shared ones once."""
        return self._named("_parameters")

    def parameters(self) -> Iterator[Parameter]:
        """All parameters below."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """All buffers below with dotted names."""
        return self._named("_buffers")

    def buffers(self) -> Iterator[Tensor]:
        """All buffers below."""
        return (buffer for _, buffer in self.named_buffers())

    def _named(self, table: str) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for prefix, module in self.named_modules():
            for name, value in getattr(module, table).items():
                if value is not None and id(value) not in seen:
                    seen.add(id(value))
                    yield _join(prefix, name), value

    # ----------------------------------------------------------------------- state

    def state_dict(self) -> dict[str, Tensor]:
        """Parameters and buffers by name, detached; they share memory with the module.

        What is shared stands under each of its names, as in PyTorch.
        """
        return {
            _join(prefix, name): value.detach()
            for prefix, module in self._walk()
            for table in (module._parameters, module._buffers)
            for name, value in table.items()
            if value is not None
        }

    def load_state_dict(self, state: dict[str, Any], strict: bool = True) -> None:
        """Copy values in by name. All is checked before anything is changed.

        Raises ArgumentError listing missing, unexpected and misshapen names; with strict=False
        missing and unexpected ones are passed over.
        """
        if not isinstance(state, Mapping):
            raise DTypeError(
                f"load_state_dict: the state is a {type(state).__name__}, expected a dict from "
                "names to tensors or arrays."
            )
        own = self.state_dict()
        values = {name: _value(name, state[name], t) for name, t in own.items() if name in state}
        wrong = {
            "misshapen": [
                f"{name} is {value.shape}, expected {own[name].shape}"
                for name, value in values.items()
                if value.shape != own[name].shape
            ]
        }
        if strict:
            wrong["missing"] = [name for name in own if name not in state]
            wrong["unexpected"] = [str(name) for name in state if name not in own]
        lines = [f"  {kind}: {', '.join(names)}" for kind, names in wrong.items() if names]
        if lines:
            raise ArgumentError(
                f"load_state_dict: the state does not fit {type(self).__name__}.\n"
                + "\n".join(lines)
            )
        with no_grad():
            for name, value in values.items():
                own[name].copy_(value)

    def train(self, mode: bool = True) -> Module:
        """Training mode, here and below: dropout drops, batch norm uses the batch."""
        for module in self.modules():
            module.__dict__["training"] = mode
        return self

    def eval(self) -> Module:
        """Evaluation mode."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def requires_grad_(self, value: bool = True) -> Module:
        """Set requires_grad of all parameters; False freezes them."""
        for parameter in self.parameters():
            parameter.requires_grad = value
        return self

    def to(self, *targets: Any) -> Module:
        """Move to a backend, a floating dtype, or both; in place, so an optimizer keeps up.

        Gradients of what was moved are forgotten.

        >>> from minidl import nn
        >>> nn.Linear(2, 2).to("float64").weight.dtype.name
        'float64'
        """
        for target in targets:
            if not is_backend(target) and checked_dtype("to", target).kind != "f":
                raise DTypeError(
                    f"to: the target is {target!r}, expected a backend or a floating dtype: "
                    "parameters need gradients."
                )
        for tensor in (*self.parameters(), *self.buffers()):
            floating = tensor.dtype.kind == "f"
            moved = tensor.detach().to(*(t for t in targets if floating or is_backend(t)))
            if moved._array is not tensor._array or moved.backend is not tensor.backend:
                tensor._array, tensor._storage = moved._array, moved._storage
                tensor.backend = moved.backend
                tensor.grad = None
        return self

    def float(self) -> Module:
        """All floating parameters and buffers to float32."""
        return self.to("float32")

    def double(self) -> Module:
        """All floating parameters and buffers to float64."""
        return self.to("float64")

    def apply(self, function: Callable[[Module], Any]) -> Module:
        """Call `function` on every module below, then on this one."""
        for module in reversed(list(self.modules())):
            function(module)
        return self

    # ------------------------------------------------------------------------ repr

    def extra_repr(self) -> str:
        """What stands between the parentheses of the repr."""
        return ""

    def __repr__(self) -> str:
        lines = [
            f"({name}): {module!r}".replace("\n", "\n  ")
            for name, module in self._modules.items()
            if module is not None
        ]
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        inner = "\n".join(f"  {line}" for line in lines)
        return f"{type(self).__name__}({self.extra_repr()}\n{inner}\n)"


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _value(name: str, given: Any, like: Tensor) -> Tensor:
    """A value to load, where the tensor it replaces lives and with its dtype."""
    if not isinstance(given, Tensor):
        return like.new_tensor(given)
    return given.detach().to(like.backend, like.dtype)
