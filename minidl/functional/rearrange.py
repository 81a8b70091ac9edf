"""Channel shuffle."""

from __future__ import annotations

from minidl.backends import Array
from minidl.function import Function
from minidl.functional.operands import as_tensor, integer
from minidl.tensor import Tensor
from minidl_kernels.channel_shuffle import spec


class ChannelShuffle(Function):
    """A permutation; shuffling with C/groups groups undoes it."""

    def forward(self, x: Array, *, groups: int) -> Array:
        self.inverse = x.shape[1] // groups
        return self.backend.channel_shuffle(x, groups=groups)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = ChannelShuffle.apply(grad_output, groups=self.inverse)
        return result


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Interleave the groups' channels: (N, g·n, …) → reshape (N, g, n, …) → swap → (N, n·g, …).

    So that the next grouped convolution sees channels of every group (Zhang et al. 2018, §3.1).

    >>> import minidl
    >>> channel_shuffle(minidl.arange(6.0).reshape(1, 6), groups=2).tolist()
    [[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]]
    """
    x = as_tensor("channel_shuffle", "x", x)
    groups = integer("channel_shuffle", "groups", groups)
    spec.channel_shuffle(x, groups=groups)
    result: Tensor = ChannelShuffle.apply(x, groups=groups)
    return result
