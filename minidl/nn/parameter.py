"""Parameter: a tensor that a module owns and an optimizer changes."""

from __future__ import annotations

from minidl.errors import DTypeError
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
