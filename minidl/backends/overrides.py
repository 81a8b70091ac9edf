"""What a class of one's own defines, held against the names and signatures of the contract.

A misspelt kernel would never be called, and one with other parameters fails in the middle of a
training run; `register` refuses both.
"""

from __future__ import annotations

import difflib
import inspect
from typing import Any

from minidl.backends.contract import Backend, kernel_names
from minidl.errors import BackendError


def is_built_in(cls: type) -> bool:
    """Whether a class is minidl's own."""
    return cls.__module__.partition(".")[0] == "minidl"


def definition(kernel: str) -> str:
    """The line that begins the kernel's definition in a class.

    >>> definition("leaky_relu")
    'def leaky_relu(self, x, *, negative_slope, out=None):'
    """
    signature = inspect.signature(getattr(Backend, kernel))
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return f"def {kernel}{inspect.Signature(bare)}:"


def check_overrides(backend: type[Backend]) -> None:
    """Raise BackendError for a kernel with other parameters, and for a name that is nearly one."""
    for cls in backend.__mro__:
        if is_built_in(cls):
            continue
        for name, member in vars(cls).items():
            if name in kernel_names():
                _check_signature(cls, name, member)
            elif callable(getattr(cls, name)) and not (
                name.startswith("_") or hasattr(Backend, name)
            ):
                _check_name(cls, name)


def _check_name(cls: type, name: str) -> None:
    meant = difflib.get_close_matches(name.lower(), kernel_names(), n=1, cutoff=0.8)
    if meant:
        raise BackendError(
            f"register: {cls.__name__}.{name} is no kernel of the contract; did you mean "
            f"{meant[0]}? Prefix helpers with _."
        )


def _check_signature(cls: type, kernel: str, member: Any) -> None:
    """Bind a call in which every argument is its parameter's name: each must arrive there."""
    contract = list(inspect.signature(getattr(Backend, kernel)).parameters.values())[1:]
    try:
        # Without `self`, if there is one: from an instance.
        signature = inspect.signature(getattr(member, "__get__", lambda *_: member)(object(), cls))
    except (TypeError, ValueError):  # compiled: nothing to read
        return
    required = [p for p in contract if p.default is p.empty]
    if hasattr(member, "is_kernel") or all(_fits(signature, p) for p in (contract, required)):
        return
    raise BackendError(
        f"register: {cls.__name__}.{kernel} takes {signature}, which differs from the contract. "
        f"Expected: {definition(kernel)}"
    )


def _fits(signature: inspect.Signature, parameters: list[inspect.Parameter]) -> bool:
    by_position = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
    by_name = {p.name: p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    try:
        bound = signature.bind(*by_position, **by_name).arguments
    except TypeError:
        return False
    return all(value == name for name, value in bound.items() if isinstance(value, str))
