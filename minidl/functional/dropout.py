"""Dropout and stochastic depth: masks that are recomputed, never stored."""

from __future__ import annotations

from typing import Any

from minidl.backends import Array
from minidl.errors import DTypeError, fail
from minidl.function import Function
from minidl.functional.operands import float_tensor, number
from minidl.random import Generator, default_generator
from minidl.tensor import Tensor
from minidl_kernels.dropout import spec


class Dropout(Function):
    """Linear with a fixed mask: its gradient is the same call on the gradient."""

    kernel = "dropout"

    def forward(self, x: Array, **place: Any) -> Array:
        self.place = place
        return getattr(self.backend, self.kernel)(x, **place)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = type(self).apply(grad_output, **self.place)
        return result


class DropPath(Dropout):
    """Dropout of whole samples."""

    kernel = "drop_path"


def dropout(
    x: Tensor, p: float = 0.5, training: bool = True, generator: Generator | None = None
) -> Tensor:
    """Zero each element with probability p, scale the others by 1/(1 − p) (Srivastava et al. 2014).

    Unchanged when not training. The mask depends only on the generator's seed and how many random
    calls came before: it is the same, bit for bit, on every backend.
    """
    return _drop(Dropout, spec.dropout, x, p, training, generator)


def drop_path(
    x: Tensor, p: float = 0.0, training: bool = True, generator: Generator | None = None
) -> Tensor:
    """Stochastic depth: zero whole samples x[n] with probability p (Huang et al. 2016)."""
    return _drop(DropPath, spec.drop_path, x, p, training, generator)


def _drop(
    function: type[Dropout],
    check: Any,
    x: Tensor,
    p: float,
    training: bool,
    generator: Generator | None,
) -> Tensor:
    x = float_tensor(function.kernel, "x", x)
    source = default_generator if generator is None else generator
    if not isinstance(source, Generator):
        fail(
            function.kernel,
            "generator",
            f"a {type(source).__name__}",
            "a minidl.Generator",
            error=DTypeError,
        )
    p = number(function.kernel, "p", p)
    check(x, p=p, **source.get_state())
    if not training or p == 0:
        return x
    result: Tensor = function.apply(x, p=p, **source.next(), base=None)
    return result
