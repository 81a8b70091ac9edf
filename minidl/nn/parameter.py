"""Parameter: a tensor that a module owns and an optimizer changes."""

from __future__ import annotations

from collections.abc import Iterable

from minidl.errors import DTypeError, fail
from minidl.tensor import Tensor


class Parameter(Tensor):
    """A leaf tensor that requires a gradient; assigned to a Module, it is found by `parameters()`.

    >>> import minidl
    >>> Parameter(minidl.zeros(2)).requires_grad
    True
    """

    __slots__ = ()

    def __new__(cls, data: Tensor, requires_grad: bool = True) -> Parameter:
        """Wrap the array of `data`, sharing its memory."""
        if not isinstance(data, Tensor):
            raise DTypeError(f"Parameter: data is a {type(data).__name__}, expected a Tensor.")
        self = cls._wrap(data._array, data.backend, data._storage)
        self.requires_grad = requires_grad
        return self  # type: ignore[return-value]

    def __init__(self, data: Tensor, requires_grad: bool = True) -> None:
        """Nothing is left to do: __new__ made it."""

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


def forget_gradients(parameters: Iterable[Tensor], set_to_none: bool) -> None:
    """What zero_grad() does, a module's and an optimizer's: no gradients, or gradients of zero."""
    if not isinstance(set_to_none, bool):
        got = repr(set_to_none)
        fail("zero_grad", "set_to_none", got, "True or False", error=DTypeError)
    for p in parameters:
        p.grad = None if set_to_none or p.grad is None else p.new_zeros(p.shape)
