"""Local response normalisation in NumPy: `size` shifted additions along the channel axis."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from minidl_kernels.common import workspace

Array: TypeAlias = np.ndarray[Any, Any]


def local_response_norm(
    x: Array, *, size: int, alpha: float, beta: float, k: float, out: Array | None = None
) -> Array:
    """Divide x by (k + alpha/size · Σ x²)^beta, the sum over `size` neighbouring channels.

    >>> local_response_norm(np.array([[3.0, 4.0]]), size=2, alpha=2.0, beta=0.5, k=0.0)
    array([[1. , 0.8]])
    """
    y = workspace.empty(x.shape, x.dtype) if out is None else out
    scale = _scale(x, size, alpha, k)
    np.power(scale, -beta, out=y)
    y *= x
    return y


def local_response_norm_grad(
    grad_output: Array,
    x: Array,
    *,
    size: int,
    alpha: float,
    beta: float,
    k: float,
    out: Array | None = None,
) -> Array:
    """grad_output_c · s_c^−β − 2αβ/size · x_c · Σ_{c'} grad_output_{c'} · x_{c'} · s_{c'}^(−β−1).

    c' runs over the channels whose window holds c: the forward window, mirrored.
    """
    grad_x = workspace.empty(x.shape, x.dtype) if out is None else out
    scale = _scale(x, size, alpha, k)
    np.power(scale, -beta, out=grad_x)
    grad_x *= grad_output  # g · s^−β
    through_scale = np.divide(grad_x, scale, out=scale)
    through_scale *= x  # g · x · s^(−β−1)
    sums = _channel_window_sums(through_scale, (size - 1) // 2, size // 2)
    sums *= x
    sums *= 2 * alpha * beta / size
    grad_x -= sums
    return grad_x


def _scale(x: Array, size: int, alpha: float, k: float) -> Array:
    """s = k + alpha/size · Σ x²."""
    squares = np.square(x, out=workspace.empty(x.shape, x.dtype))
    scale = _channel_window_sums(squares, size // 2, (size - 1) // 2)
    scale *= alpha / size
    scale += k
    return scale


def _channel_window_sums(x: Array, before: int, after: int) -> Array:
    """Sum over the channels c − before … c + after that exist, for every c."""
    channels = x.shape[1]
    sums = workspace.empty(x.shape, x.dtype)
    np.copyto(sums, x)
    for shift in range(1, min(before, channels - 1) + 1):
        sums[:, shift:] += x[:, :-shift]
    for shift in range(1, min(after, channels - 1) + 1):
        sums[:, :-shift] += x[:, shift:]
    return sums
