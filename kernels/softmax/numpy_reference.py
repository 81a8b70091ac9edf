"""Softmax, log-softmax and their gradients in NumPy.

The largest element of a row is subtracted first, so that no exponential overflows. A row that
holds +inf, or nothing but −inf, has no softmax: it becomes NaN, as IEEE arithmetic has it.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from minidl_kernels.common import workspace

Array: TypeAlias = np.ndarray[Any, Any]


def softmax(x: Array, *, axis: int, out: Array | None = None) -> Array:
    """exp(x − max) / Σ exp(x − max) along `axis`.

    >>> softmax(np.array([[1000.0, 1000.0]]), axis=1)
    array([[0.5, 0.5]])
    """
    y = shifted(x, axis, out)
    np.exp(y, out=y)
    y /= np.sum(y, axis=axis, keepdims=True)
    return y


def softmax_grad(grad_output: Array, y: Array, *, axis: int, out: Array | None = None) -> Array:
    """y · (grad_output − Σ grad_output · y): the Jacobian diag(y) − y yᵀ times grad_output."""
    grad_x = workspace.empty(y.shape, y.dtype) if out is None else out
    np.multiply(grad_output, y, out=grad_x)
    inner = np.sum(grad_x, axis=axis, keepdims=True)
    np.subtract(grad_output, inner, out=grad_x)
    grad_x *= y
    return grad_x


def log_softmax(x: Array, *, axis: int, out: Array | None = None) -> Array:
    """x − max − log Σ exp(x − max) along `axis`: exact where softmax(x) underflows to 0.

    >>> log_softmax(np.array([[0.0, 1000.0]]), axis=1)
    array([[-1000.,     0.]])
    """
    y = shifted(x, axis, out)
    if y.size:
        exponentials = np.exp(y, out=workspace.empty(y.shape, y.dtype))
        y -= np.log(np.sum(exponentials, axis=axis, keepdims=True))
    return y


def log_softmax_grad(grad_output: Array, y: Array, *, axis: int, out: Array | None = None) -> Array:
    """grad_output − exp(y) · Σ grad_output."""
    grad_x: Array = workspace.empty(y.shape, y.dtype) if out is None else out
    np.exp(y, out=grad_x)
    grad_x *= np.sum(grad_output, axis=axis, keepdims=True)
    np.subtract(grad_output, grad_x, out=grad_x)
    return grad_x


def shifted(x: Array, axis: int, out: Array | None = None) -> Array:
    """x − max along `axis`; softmax_cross_entropy starts with it too."""
    y = workspace.empty(x.shape, x.dtype) if out is None else out
    if x.size:
        with np.errstate(invalid="ignore"):  # inf − inf: NaN is what we want
            np.subtract(x, np.max(x, axis=axis, keepdims=True), out=y)
    return y
