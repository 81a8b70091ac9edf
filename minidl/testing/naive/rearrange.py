"""Channel shuffle, one channel at a time."""

from __future__ import annotations

import numpy as np

from minidl.testing.naive.windows import Array


def channel_shuffle(x: Array, *, groups: int) -> Array:
    """Deal the channels out: channel k of group g goes to place k·groups + g."""
    y = np.zeros(x.shape)
    group_size = x.shape[1] // groups
    for group, k in np.ndindex(groups, group_size):
        y[:, k * groups + group] = x[:, group * group_size + k]
    return y
