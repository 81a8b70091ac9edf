"""What the catalogue says of one operation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Operation:
    """One operation.

    draw(rng) gives the float64 arrays that are differentiated and the other arguments; call(m, F,
    *tensors, **arguments) computes it, with m, F = minidl, minidl.functional or torch,
    torch.nn.functional; truth(*arrays, **arguments) computes it by plain loops.
    """

    name: str
    draw: Callable[[np.random.Generator], tuple[list[Any], dict[str, Any]]]
    call: Callable[..., Any]
    truth: Callable[..., Any]
    torch_call: Callable[..., Any] | None = None
    """How PyTorch spells it, where that differs."""

    def __str__(self) -> str:
        return self.name

    def example(self, seed: int) -> tuple[list[Any], dict[str, Any]]:
        """The arrays and arguments of one drawn configuration."""
        return self.draw(np.random.default_rng([seed, *self.name.encode()]))


def normal(*shape):
    """Draws one array of normal numbers."""
    return lambda rng: rng.normal(size=shape)


def positive(*shape):
    """Draws one array of numbers in [0.5, 2]."""
    return lambda rng: rng.uniform(0.5, 2.0, size=shape)


def away_from(kinks, *shape):
    """Draws one array of numbers in [-8, 8] that keep 0.05 from the kinks."""

    def draw(rng):
        x = rng.uniform(-8, 8, size=shape)
        for kink in kinks:
            x = np.where(np.abs(x - kink) < 0.05, kink + 0.3, x)
        return x

    return draw


def distinct(*shape):
    """Draws one array whose elements differ by at least 0.1, in random order."""
    return lambda rng: 0.1 * rng.permutation(int(np.prod(shape))).reshape(shape) - 1.0


def inputs(*makers, **arguments):
    """A `draw` with fixed arguments."""
    return lambda rng: ([maker(rng) for maker in makers], arguments)


def each(function):
    """The truth of an element-wise operation: `function` of the numbers, place by place."""

    def truth(*arrays, **arguments):
        arrays = np.broadcast_arrays(*arrays)
        result = np.empty(arrays[0].shape)
        for place in np.ndindex(result.shape):
            result[place] = function(*(float(a[place]) for a in arrays), **arguments)
        return result

    return truth


def over(function):
    """The truth of a reduction: `function` of the list of numbers along `dim`."""

    def truth(x, dim=None, keepdim=False, **arguments):
        dims = range(x.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
        dims = {d % x.ndim for d in dims}
        kept = tuple(1 if d in dims else n for d, n in enumerate(x.shape))
        numbers = {place: [] for place in np.ndindex(kept)}
        for place in np.ndindex(x.shape):
            numbers[tuple(0 if d in dims else p for d, p in enumerate(place))].append(
                float(x[place])
            )
        result = np.array([function(group, **arguments) for group in numbers.values()])
        shape = kept if keepdim else [n for d, n in enumerate(x.shape) if d not in dims]
        return result.reshape(shape)

    return truth
