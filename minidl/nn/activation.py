"""Activations as layers: formulas of every element, for tensors of any shape.

PyTorch's `inplace=True` is accepted and changes nothing: it saves memory there by overwriting the
input, and minidl never overwrites what somebody else may hold. Results and gradients are the same.
"""

from __future__ import annotations

from minidl import functional as F
from minidl.errors import DTypeError, fail
from minidl.functional.operands import integer
from minidl.nn.module import Module
from minidl.tensor import Tensor


class _Activation(Module):
    def __init__(self, inplace: bool = False) -> None:
        # Anything else is refused there: nn.ReLU(x) for nn.ReLU()(x) is a common slip.
        super().__init__(*(() if isinstance(inplace, bool) else (inplace,)))


class ReLU(_Activation):
    """max(x, 0)."""

    def forward(self, x: Tensor) -> Tensor:
        """Of x's shape; see `functional.relu`."""
        return F.relu(x)


class ReLU6(_Activation):
    """min(max(x, 0), 6)."""

    def forward(self, x: Tensor) -> Tensor:
        """Of x's shape; see `functional.relu6`."""
        return F.relu6(x)


class LeakyReLU(_Activation):
    """x where x > 0, else negative_slope · x."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        """Of x's shape; see `functional.leaky_relu`."""
        return F.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """The slope."""
        return f"negative_slope={self.negative_slope}"


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ), between 0 and 1."""

    def forward(self, x: Tensor) -> Tensor:
        """Of x's shape; see `functional.sigmoid`."""
        return F.sigmoid(x)


class Hardsigmoid(_Activation):
    """min(max(x + 3, 0), 6) / 6: a sigmoid of straight lines (MobileNetV3, §5.2).

    >>> import minidl
    >>> Hardsigmoid()(minidl.tensor([-4.0, 0.0, 4.0]))
    tensor([0. , 0.5, 1. ])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape."""
        return F.relu6(x + 3) / 6


class Tanh(Module):
    """(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ), between −1 and 1."""

    def forward(self, x: Tensor) -> Tensor:
        """Of x's shape; see `functional.tanh`."""
        return F.tanh(x)


class SiLU(_Activation):
    """x · sigmoid(x) = x / (1 + e⁻ˣ), also named swish."""

    def forward(self, x: Tensor) -> Tensor:
        """Of x's shape; see `functional.silu`."""
        return F.silu(x)


class Hardswish(_Activation):
    """x · min(max(x + 3, 0), 6) / 6."""

    def forward(self, x: Tensor) -> Tensor:
        """Of x's shape; see `functional.hardswish`."""
        return F.hardswish(x)


class Softmax(Module):
    """eˣ / Σ eˣ along `dim`: 1 for logits (N, C). The shape stays."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        name = type(self).__name__
        if dim is None:
            fail(name, "dim", None, "an int", "Use dim=1 for logits (N, C).", error=DTypeError)
        self.dim = integer(name, "dim", dim)

    def forward(self, x: Tensor) -> Tensor:
        """Of x's shape; see `functional.softmax`."""
        return F.softmax(x, self.dim)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """log softmax(x) = x − log Σ eˣ along `dim`: 1 for logits (N, C). The shape stays."""

    def forward(self, x: Tensor) -> Tensor:
        """Of x's shape; see `functional.log_softmax`."""
        return F.log_softmax(x, self.dim)
