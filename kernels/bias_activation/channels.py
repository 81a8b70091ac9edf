"""Images as (N, C, S): all axes behind the channels are one, S. Shared with batch_norm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

SHORT_ROW = 256
"""Rows of fewer elements are too short for NumPy's inner loop: its overhead would dominate."""


def flat_space(x: Array) -> Array:
    """x (N, C, …) as (N, C, S) with contiguous rows; copies only where the strides demand it."""
    return np.ascontiguousarray(x).reshape(*x.shape[:2], math.prod(x.shape[2:]))


def per_channel(vector: Array, space: int) -> Array:
    """A vector (C,) in a shape that broadcasts against (N, C, S).

    That is (C, 1), or (C, S) where rows are short, so that NumPy can treat C · S as one axis.

    >>> per_channel(np.array([1.0, 2.0]), space=3)
    array([[1., 1., 1.],
           [2., 2., 2.]])
    """
    if space >= SHORT_ROW:
        return vector[:, None]
    return np.repeat(vector, space).reshape(len(vector), space)


def sum_per_channel(x: Array) -> Array:
    """x (N, C, S) → (C,) in float64.

    Long rows are summed first, pairwise in their own precision (the rounding error grows with
    log S, not with S); everything else is summed in float64.
    """
    if x.shape[2] < SHORT_ROW:
        partial = x.sum(axis=0, dtype=np.float64)  # (C, S)
        return np.asarray(partial.sum(axis=1))
    return np.asarray(x.sum(axis=2).sum(axis=0, dtype=np.float64))
