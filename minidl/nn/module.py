"""Module: parameters, buffers and children in a tree, found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from minidl import naming
from minidl.errors import ArgumentError, DTypeError, fail
from minidl.functional.moving import is_backend
from minidl.functional.operands import checked_dtype
from minidl.nn.hooks import Hooked
from minidl.nn.parameter import Parameter, forget_gradients
from minidl.nn.tree import Tree
from minidl.tensor import Tensor


class Module(Hooked, Tree):
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
        self.__dict__.update(
            _parameters={}, _buffers={}, _modules={}, _not_saved=set(), training=True
        )

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
        self._check_list(name, value)
        self.__dict__[name] = value

    def _check_list(self, name: str, value: Any) -> None:
        """Refuse modules in a plain list, whose parameters would silently not be trained."""
        if not isinstance(value, (list, tuple, dict)):
            return
        found = value.values() if isinstance(value, dict) else value
        layers = {v for v in found if isinstance(v, Module)}
        if layers and not layers <= set(self.modules()):
            raise DTypeError(
                f"{type(self).__name__}: {name!r} is a {type(value).__name__} of modules, whose "
                "parameters would not be found. Use nn.ModuleList(layers), or "
                "nn.Sequential(*layers) to run one after another."
            )

    def _check_kind(self, name: str, value: Any, kind: type[Any]) -> None:
        if value is not None and not isinstance(value, kind):
            raise DTypeError(
                f"{type(self).__name__}: {name!r} is a {type(value).__name__}, expected a "
                f"{kind.__name__} or None. To make it something else, first del module.{name}."
            )

    def __getattr__(self, name: str) -> Any:
        for table in _TABLES:
            found = self.__dict__.get(table, {})
            if name in found:
                return found[name]
        if name in _TABLES:
            raise ArgumentError(
                f"{type(self).__name__}: super().__init__() was not called. Call it at the "
                "beginning of __init__."
            )
        naming.missing_name(type(self).__name__, name, lambda: dir(self), naming.MODULE)

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *self._parameters, *self._buffers, *self._modules]

    def __delattr__(self, name: str) -> None:
        for table in (self._parameters, self._buffers, self._modules, self.__dict__):
            if name in table:
                del table[name]
                self._not_saved.discard(name)
                return
        naming.missing_name(type(self).__name__, name, lambda: dir(self), {})

    def register_buffer(self, name: str, value: Tensor | None, persistent: bool = True) -> None:
        """Own a tensor that is state but not trained, such as running statistics.

        One that is not persistent moves with the module, but is no part of `state_dict`.
        """
        self._register(self._buffers, name, value, Tensor)
        (self._not_saved.discard if persistent else self._not_saved.add)(name)

    def register_parameter(self, name: str, value: Parameter | None) -> None:
        """Own a parameter, or None where a layer has none (bias=False)."""
        self._register(self._parameters, name, value, Parameter)

    def register_module(self, name: str, module: Module | None) -> None:
        """Own a module under a name that is known only at run time; as `add_module`."""
        self._register(self._modules, name, module, Module)

    add_module = register_module

    def _register(self, table: dict[str, Any], name: str, value: Any, kind: type[Any]) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise ArgumentError(
                f"{type(self).__name__}: the name is {name!r}, expected one without dots."
            )
        if name not in table and hasattr(self, name):
            raise ArgumentError(f"{type(self).__name__}: there is an attribute {name!r} already.")
        self._check_kind(name, value, kind)
        table[name] = value

    # ------------------------------------------------------------- modes and moving

    def train(self, mode: bool = True) -> Module:
        """Training mode, here and below: dropout drops, batch norm uses the batch."""
        if not isinstance(mode, bool):
            fail("train", "mode", repr(mode), "True or False", error=DTypeError)
        for module in self.modules():
            module.__dict__["training"] = mode
        return self

    def eval(self) -> Module:
        """Evaluation mode."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters; with set_to_none=False they become zeros."""
        forget_gradients(self.parameters(), set_to_none)

    def requires_grad_(self, value: bool = True) -> Module:
        """Set requires_grad of all parameters; False freezes them."""
        for parameter in self.parameters():
            parameter.requires_grad = value
        return self

    def to(self, *targets: Any, **pytorchs: Any) -> Module:
        """Move to a backend, a floating dtype, or both; in place, so an optimizer keeps up.

        Gradients of what was moved are forgotten.

        >>> from minidl import nn
        >>> nn.Linear(2, 2).to("float64").weight.dtype.name
        'float64'
        """
        naming.refuse_arguments("to", pytorchs, self.to, naming.MOVING)
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
        if not callable(function):
            got, wanted = f"a {type(function).__name__}", "a function of a Module"
            fail("apply", "function", got, wanted, error=DTypeError)
        for module in reversed(list(self.modules())):
            function(module)
        return self

    # ------------------------------------------------------------------------ repr

    def extra_repr(self) -> str:
        """What stands between the parentheses of the repr."""
        return ""

    def __repr__(self) -> str:
        lines = [
            f"({name}): {module!r}".replace("\n", "\n  ") for name, module in self._modules.items()
        ]
        extra = self.extra_repr()
        if not lines:
            return f"{type(self).__name__}({extra})"
        inner = "".join(f"\n  {line}" for line in ([extra] if extra else []) + lines)
        return f"{type(self).__name__}({inner}\n)"


_TABLES = ("_parameters", "_buffers", "_modules")
