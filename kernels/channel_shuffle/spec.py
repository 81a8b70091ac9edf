"""What channel_shuffle accepts and returns: pure Python, no arrays.

(N, groups·n, …) → reshape (N, groups, n, …) → swap → (N, n·groups, …): output channel
j·groups + g is input channel g·n + j.
"""

from __future__ import annotations

from typing import Any

from minidl_kernels.common.array_spec import ArraySpec, HasShape, check_same_float
from minidl_kernels.common.errors import ArgumentError, fail


def channel_shuffle(x: HasShape, *, groups: int, out: Any = None) -> ArraySpec:
    """Shape of channel_shuffle's result: that of x; raises where groups doesn't divide C.

    >>> channel_shuffle(ArraySpec((8, 24, 56, 56), "float32"), groups=3)
    ArraySpec((8, 24, 56, 56), float32)
    """
    check_same_float("channel_shuffle", x=x)
    if len(x.shape) < 2:
        fail(
            "channel_shuffle",
            "x.shape",
            tuple(x.shape),
            "at least 2 dimensions (N, C, …)",
            "The channels to shuffle are axis 1.",
        )
    channels = x.shape[1]
    if groups < 1 or channels % groups:
        fail(
            "channel_shuffle",
            "groups",
            groups,
            f"a divisor of x.shape[1] (channels), which is {channels}",
            f"Use one of {[g for g in range(1, channels + 1) if channels % g == 0]}.",
            error=ArgumentError,
        )
    return ArraySpec(x.shape, x.dtype)
