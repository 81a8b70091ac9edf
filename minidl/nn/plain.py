"""Layers without parameters: identity, flatten, borders, dropout, shuffles."""

from __future__ import annotations

from minidl import functional as F
from minidl.errors import ArgumentError, fail
from minidl.functional.operands import integer, number
from minidl.nn.module import Module
from minidl.tensor import Tensor
from minidl_kernels.dropout.spec import check_probability


class Identity(Module):
    """y = x: stands where a layer may be left out."""

    def forward(self, x: Tensor) -> Tensor:
        """The input itself."""
        return x


class Flatten(Module):
    """(N, C, H, W) → (N, C·H·W): joins the dimensions start_dim … end_dim.

    >>> import minidl
    >>> Flatten()(minidl.zeros(2, 3, 4, 5)).shape
    (2, 60)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.flatten`."""
        return F.flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The dimensions."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class ConstantPad2d(Module):
    """A border of `value` around images; padding is one width or (left, right, top, bottom).

    >>> import minidl
    >>> ConstantPad2d((1, 0, 0, 0), 7.0)(minidl.zeros(1, 1, 1, 2)).tolist()
    [[[[7.0, 0.0, 0.0]]]]
    """

    def __init__(self, padding: int | tuple[int, int, int, int], value: float) -> None:
        super().__init__()
        name = type(self).__name__
        widths = padding if isinstance(padding, (tuple, list)) else (padding,) * 4
        if len(widths) != 4:
            expected = "one width or (left, right, top, bottom)"
            fail(name, "padding", padding, expected, error=ArgumentError)
        self.padding = tuple(integer(name, "a width of padding", width) for width in widths)
        self.value = number(name, "value", value)

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.pad`."""
        return F.pad(x, self.padding, self.value)

    def extra_repr(self) -> str:
        """The widths and the value."""
        return f"padding={self.padding}, value={self.value}"


class ZeroPad2d(ConstantPad2d):
    """A border of zeros around images; padding is one width or (left, right, top, bottom)."""

    def __init__(self, padding: int | tuple[int, int, int, int]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The widths."""
        return f"padding={self.padding}"


# ------------------------------------------------------------ normalisation and dropout


class LocalResponseNorm(Module):
    """y_c = x_c / (k + alpha/size · Σ x_{c'}²)^beta over `size` neighbouring channels c'.

    x is (N, C, …), and y of its shape. Krizhevsky et al. 2012, section 3.3, where alpha isn't
    divided by size; PyTorch divides it. See `functional.local_response_norm`.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.local_response_norm`."""
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The constants."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class Dropout(Module):
    """In training, zeroes each element with probability p and scales the others by 1/(1 − p).

    So the mean stays what it is, and in evaluation y = x; x has any shape. Srivastava et al. 2014.
    `inplace` is there for PyTorch's sake and changes nothing, as in the activations.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.p = number(type(self).__name__, "p", p)
        check_probability(type(self).__name__, self.p)

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.dropout`."""
        return F.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class DropPath(Dropout):
    """Stochastic depth: in training, zeroes whole samples x[n] with probability p.

    The others are scaled by 1/(1 − p); in evaluation y = x. x is (N, …). For the branch of a
    residual block: x + drop_path(f(x)). Huang et al. 2016.
    """

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.drop_path`."""
        return F.drop_path(x, self.p, self.training)


class ChannelShuffle(Module):
    """Interleaves the groups' channels: (N, g·n, …) → (N, g, n, …) → (N, n, g, …) → (N, n·g, …).

    So that the next grouped convolution sees channels of every group. Zhang et al. 2018.

    >>> import minidl
    >>> ChannelShuffle(2)(minidl.arange(6.0).reshape(1, 6)).tolist()
    [[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]]
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.channel_shuffle`."""
        return F.channel_shuffle(x, self.groups)

    def extra_repr(self) -> str:
        """The groups."""
        return f"{self.groups}"
