"""Watching a model run: which layer, and which operation of the backend, without touching it.

    model ──▶ its twin, on a watched backend ──▶ Watcher.enter, .operation, .leave

The twin is a copy of the module tree whose tensors live on a copy of the backend that reports
every call. What is measured is therefore what the framework itself asks the backend for, whether a
layer asks or a formula inside some `forward`. The model keeps its backend, its values, gradients,
hooks and mode.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from minidl.backends import Array, Backend, use_backend
from minidl.backends.contract import XP_FUNCTIONS, kernel_names
from minidl.function import Function
from minidl.nn import Module, Parameter
from minidl.random import default_generator
from minidl.tensor import Tensor

VIEWS = ("reshape", "transpose", "broadcast_to", "flip", "index")
"""Operations that may return a view: no new memory."""
_ARRAYS = ("copy", "copy_into", "index", "index_add", "zeros", "full")


class Watcher:
    """What is told of a run. Subclasses note down what they want to know."""

    def enter(self, path: str, module: Module, inputs: tuple[Any, ...]) -> None:
        """A module's forward begins."""

    def leave(self, output: Any) -> None:
        """It returned `output`: that of the last `enter` not yet left."""

    def failed(self, error: Exception) -> None:
        """It raised. The innermost module is the first to say so."""

    def operation(
        self, name: str, function: Callable[..., Any], args: Any, options: dict[str, Any]
    ) -> Any:
        """The backend's `name` is called; the result is what this returns."""
        return function(*args, **options)


def watched(backend: Backend, watcher: Watcher) -> Backend:
    """A backend that does what `backend` does, each operation through `watcher.operation`."""
    twin = copy.copy(backend)  # an instance like it, so that attributes can be put in its place
    observed = functools.partial(_observed, watcher)
    for name in (*kernel_names(), *_ARRAYS):
        twin.__dict__[name] = observed(name, getattr(backend, name))
    functions = {name: observed(name, getattr(backend.xp, name)) for name in XP_FUNCTIONS}
    twin.__dict__["xp"] = backend.xp.extended(**functions)
    return twin


def _observed(watcher: Watcher, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        return watcher.operation(name, function, args, options)

    return call


def twin_of(
    model: Module, backend: Backend, array: Callable[[Tensor], Array], watcher: Watcher
) -> Module:
    """A copy of the tree with tensors on `backend`, whose forwards tell `watcher`.

    `array` says what stands in for a tensor's array, so nothing is copied that needn't be. Shared
    modules and tensors are shared in the copy, too; hooks stay behind.
    """
    memo: dict[int, Any] = {}
    for module in model.modules():
        memo[id(module._hooks)] = None
        for tensor in _tensors_of(module):
            if id(tensor) not in memo:
                memo[id(tensor)] = _stand_in(tensor, backend, array(tensor))
    twin = copy.deepcopy(model, memo)
    for path, module in twin.named_modules():
        module.__dict__["forward"] = _watched_forward(path, module, watcher)
    return twin


def _tensors_of(module: Module) -> Iterator[Tensor]:
    """Parameters, buffers, and tensors that are plain attributes, alone or in a container."""
    yield from (t for t in module._parameters.values() if t is not None)
    yield from (t for t in module._buffers.values() if t is not None)
    yield from tensors_in(list(vars(module).values()))


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors in nested tuples, lists and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))


def _stand_in(tensor: Tensor, backend: Backend, array: Array) -> Tensor:
    kind = Parameter if isinstance(tensor, Parameter) else Tensor
    stand_in = kind._wrap(array, backend)
    stand_in._requires_grad = tensor._requires_grad
    return stand_in


def _watched_forward(path: str, module: Module, watcher: Watcher) -> Callable[..., Any]:
    forward = module.forward

    def watched_forward(*inputs: Any, **options: Any) -> Any:
        watcher.enter(path, module, inputs)
        try:
            output = forward(*inputs, **options)
        except Exception as error:
            watcher.failed(error)
            raise
        watcher.leave(output)
        return output

    return watched_forward


@contextmanager
def running_on(backend: Backend) -> Iterator[None]:
    """Make new tensors on `backend`, and put the random numbers back when it is over."""
    state = default_generator.get_state()
    try:
        with use_backend(backend):
            yield
    finally:
        default_generator.set_state(state)


def graph_of(outputs: Any) -> list[Function]:
    """Every node of the graph behind the tensors in `outputs`."""
    found: dict[int, Function] = {}
    stack: list[Any] = [t.grad_fn for t in tensors_in(outputs)]
    while stack:
        node = stack.pop()
        if isinstance(node, Function) and id(node) not in found:
            found[id(node)] = node
            stack += [edge.target for edge in node._edges if edge is not None]
    return list(found.values())
