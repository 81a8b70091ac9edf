"""ReLU as compiled CPU loops: one read, one write, on all threads."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from minidl_kernels.common.numba_loops import parallel_loops, readable


def relu(x: Any, *, out: Any = None) -> Any:
    """max(x, 0); NaN stays NaN."""
    y = np.empty(x.shape, x.dtype) if out is None else out
    _relu(readable(x).reshape(-1), y.reshape(-1))
    return y


def relu_grad(grad_output: Any, y: Any, *, out: Any = None) -> Any:
    """0 where y ≤ 0, else grad_output."""
    grad_x = np.empty(y.shape, y.dtype) if out is None else out
    _relu_grad(readable(grad_output).reshape(-1), readable(y).reshape(-1), grad_x.reshape(-1))
    return grad_x


@parallel_loops
def _relu(x: Any, y: Any) -> None:
    zero = x.dtype.type(0)
    for i in numba.prange(x.size):
        y[i] = zero if x[i] <= 0 else x[i]  # NaN ≤ 0 is false, so NaN passes


@parallel_loops
def _relu_grad(grad_output: Any, y: Any, grad_x: Any) -> None:
    zero = y.dtype.type(0)
    for i in numba.prange(y.size):
        grad_x[i] = zero if y[i] <= 0 else grad_output[i]
