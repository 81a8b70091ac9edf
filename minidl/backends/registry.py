"""Backends by name: registering them, making them on first use, and choosing the default."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextvars import ContextVar
from types import TracebackType

import numpy as np

from minidl.backends.contract import Backend, kernel_names, origin
from minidl.backends.overrides import check_overrides
from minidl.errors import BackendError, unknown_name

_BUILT_IN = {
    "numpy": "minidl.backends.numpy:NumpyBackend",
    "meta": "minidl.backends.meta:MetaBackend",
    "numba": "minidl.backends.numba:NumbaBackend",
    "cuda-on-cpu": "minidl.backends.cuda_on_cpu:CudaOnCpuBackend",
}
_DEVICES = ("cpu", "cuda", "gpu", "mps")
"""Names that PyTorch's users try."""

_FASTEST_FIRST = ("numpy",)
"""What "auto" tries; a backend joins when it has every kernel."""

_classes: dict[str, type[Backend]] = {}
_instances: dict[str, Backend] = {}
_default: ContextVar[Backend | None] = ContextVar("minidl_default_backend", default=None)


def register(name: str, backend: type[Backend]) -> None:
    """Make a backend of your own known by name.

    Raises BackendError if the name is taken, or names something else (a dtype, "auto"), or if the
    class isn't a Backend, misspells a kernel, or gives one other parameters than the contract.
    """
    if not (isinstance(backend, type) and issubclass(backend, Backend)):
        raise BackendError(f"register: {backend!r} is not a subclass of minidl.backends.Backend.")
    if not isinstance(name, str) or name == "auto" or _is_dtype(name):
        raise BackendError(
            f"register: the name is {name!r}, expected a string that is neither a dtype nor "
            '"auto": x.to(name) must be unambiguous.'
        )
    if name in _BUILT_IN or name in _classes:
        raise BackendError(f"register: a backend named {name!r} exists already. Choose another.")
    check_overrides(backend)
    # A subclass, because the name belongs to this entry: the class itself may have another.
    attributes = {"name": name, "__module__": backend.__module__}
    _classes[name] = type(backend.__name__, (backend,), attributes)


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
    if isinstance(name, str) and name == "auto":
        return _first_usable()
    backend = _instances.get(name) if isinstance(name, str) else None
    # setdefault: two threads must not end up with two instances of one backend.
    return backend or _instances.setdefault(name, _backend_class(name)())


def default() -> Backend:
    """Where new tensors are made."""
    return _default.get() or get("numpy")


def agree(operation: str, backend: Backend | None, other: Backend) -> Backend:
    """`other`, unless an earlier operand of the operation lives on another `backend`."""
    if backend is not None and backend is not other:
        raise BackendError(
            f"{operation}: operands live on different backends, {backend.name!r} and "
            f'{other.name!r}. Move one of them, for example with .to("{backend.name}").'
        )
    return other


def capabilities(name: str | Backend) -> dict[str, str]:
    """For every kernel of the contract: the class that implements it, or "missing".

    >>> capabilities("numpy")["conv2d"]
    'NumpyBackend'
    """
    cls = _backend_class(name) if isinstance(name, str) and name != "auto" else type(get(name))
    table = {}
    for kernel in kernel_names():
        implementer = origin(cls, kernel)
        table[kernel] = implementer.__name__ if implementer else "missing"
    return table


class use_backend:  # noqa: N801 - reads as a function, like no_grad
    """Choose where new tensors are made: from now on, or within a `with` block.

    The choice belongs to the thread: a new thread starts with "numpy".

    >>> with use_backend("meta"):
    ...     default().name
    'meta'
    >>> default().name
    'numpy'
    """

    def __init__(self, name: str | Backend) -> None:
        self._backend = get(name)
        self._tokens = [_default.set(self._backend)]
        self._entered = False

    def __enter__(self) -> Backend:
        if self._entered:
            self._tokens.append(_default.set(self._backend))
        self._entered = True
        return self._backend

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _default.reset(self._tokens.pop())


def _is_dtype(name: str) -> bool:
    try:
        np.dtype(name)
    except (TypeError, ValueError, SyntaxError):
        return False
    return True


def _backend_class(name: str) -> type[Backend]:
    if isinstance(name, str) and name in _classes:
        return _classes[name]
    if not isinstance(name, str) or name not in _BUILT_IN:
        if isinstance(name, str) and name.split(":")[0] in _DEVICES:
            gpu = '"cupy" on an NVIDIA GPU' if "cupy" in names() else "there is none for GPUs"
            raise BackendError(
                f"There is no backend {name!r}: that is a device of PyTorch's. Here a backend says "
                f'where arrays live: "numpy" computes on the CPU, {gpu}. There are: '
                f"{', '.join(names())}."
            )
        unknown_name("There is no backend", name, names(), BackendError)
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
