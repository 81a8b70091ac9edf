"""Backends by name: registering them, making them on first use, and choosing the default."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextvars import ContextVar
from types import TracebackType

from minidl.backends.contract import Backend, kernel_names, origin
from minidl.errors import BackendError

_BUILT_IN = {
    "numpy": "minidl.backends.numpy:NumpyBackend",
    "meta": "minidl.backends.meta:MetaBackend",
    "numba": "minidl.backends.numba:NumbaBackend",
    "cuda-on-cpu": "minidl.backends.cuda_on_cpu:CudaOnCpuBackend",
}
_FASTEST_FIRST = ("numpy",)
"""What "auto" tries; a backend joins when it has every kernel."""

_classes: dict[str, type[Backend]] = {}
_instances: dict[str, Backend] = {}
_default: ContextVar[str] = ContextVar("minidl_default_backend", default="numpy")


def register(name: str, backend: type[Backend]) -> None:
    """Make a backend of your own known by name.

    Raises BackendError if the name is taken or the class isn't a Backend.
    """
    if not (isinstance(backend, type) and issubclass(backend, Backend)):
        raise BackendError(f"register: {backend!r} is not a subclass of minidl.backends.Backend.")
    if name in _BUILT_IN or name in _classes:
        raise BackendError(f"register: a backend named {name!r} exists already. Choose another.")
    backend.name = name
    _classes[name] = backend


def names() -> list[str]:
    """Names of all registered backends, usable here or not."""
    return [*_BUILT_IN, *_classes]


def get(name: str | Backend) -> Backend:
    """The backend of that name; made, and its packages imported, on first use.

    >>> get("numpy").name
    'numpy'
    """
    if isinstance(name, Backend):
        return name
    if name == "auto":
        return _first_usable()
    if name not in _instances:
        _instances[name] = _backend_class(name)()
    return _instances[name]


def default() -> Backend:
    """Where new tensors are made."""
    return get(_default.get())


def capabilities(name: str | Backend) -> dict[str, str]:
    """For every kernel of the contract: the class that implements it, or "missing".

    >>> capabilities("numpy")["conv2d"]
    'NumpyBackend'
    """
    cls = type(name) if isinstance(name, Backend) else _backend_class(name)
    table = {}
    for kernel in kernel_names():
        implementer = origin(cls, kernel)
        table[kernel] = implementer.__name__ if implementer else "missing"
    return table


class use_backend:  # noqa: N801 - reads as a function, like no_grad
    """Choose where new tensors are made: from now on, or within a `with` block.

    >>> with use_backend("meta"):
    ...     default().name
    'meta'
    >>> default().name
    'numpy'
    """

    def __init__(self, name: str) -> None:
        self._token = _default.set(get(name).name)

    def __enter__(self) -> Backend:
        return default()

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _default.reset(self._token)


def _backend_class(name: str) -> type[Backend]:
    if name in _classes:
        return _classes[name]
    if name not in _BUILT_IN:
        raise BackendError(f"There is no backend {name!r}. There are: {', '.join(names())}.")
    module, attribute = _BUILT_IN[name].split(":")
    backend: type[Backend] = getattr(importlib.import_module(module), attribute)
    return backend


def _first_usable() -> Backend:
    return next(_usable())


def _usable() -> Iterator[Backend]:
    for name in _FASTEST_FIRST:
        try:
            yield get(name)
        except (ImportError, BackendError):
            continue
