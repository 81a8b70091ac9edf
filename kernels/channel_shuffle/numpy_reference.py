"""Channel shuffle in NumPy: one copy between two views."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from minidl_kernels.common import workspace

Array: TypeAlias = np.ndarray[Any, Any]


def channel_shuffle(x: Array, *, groups: int, out: Array | None = None) -> Array:
    """(N, g·n, …) → reshape (N, g, n, …) → swap g and n → (N, n·g, …) (Zhang et al. 2018).

    >>> channel_shuffle(np.array([[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]), groups=2)
    array([[0., 3., 1., 4., 2., 5.]])
    """
    batch, channels, *size = x.shape
    per_group = channels // groups
    y = workspace.empty(x.shape, x.dtype) if out is None else out
    # Splitting an axis never copies, so both sides are views: (N, n, g, …) ← (N, g, n, …)
    y.reshape(batch, per_group, groups, *size)[...] = x.reshape(
        batch, groups, per_group, *size
    ).swapaxes(1, 2)
    return y
