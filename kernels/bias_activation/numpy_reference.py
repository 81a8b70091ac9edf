"""Bias and activation in one call, and the sum over everything but the channels, in NumPy."""

from __future__ import annotations

import numpy as np

from minidl_kernels.activation.numpy_reference import FUSED, quiet
from minidl_kernels.bias_activation.channels import (
    Array,
    flat_space,
    per_channel,
    sum_per_channel,
)
from minidl_kernels.common import workspace


@quiet
def bias_activation(
    x: Array,
    bias: Array,
    *,
    activation: str | None = None,
    out: Array | None = None,
) -> Array:
    """activation(x + bias), bias (C,) along axis 1 of x (N, C, …).

    >>> bias_activation(np.array([[1.0, 2.0]]), np.array([-3.0, 3.0]), activation="relu")
    array([[0., 5.]])
    """
    out = workspace.empty(x.shape, x.dtype) if out is None else out
    if activation is None:
        return _add_bias(x, bias, out)
    fused = FUSED[activation]
    shifted = out if fused.saved == "y" else workspace.empty(x.shape, x.dtype)
    return fused.forward(_add_bias(x, bias, shifted), out=out)


@quiet
def bias_activation_grad(
    grad_output: Array,
    saved: Array | None,
    bias: Array,
    *,
    activation: str | None = None,
    needs: tuple[bool, bool] = (True, True),
    out: Array | None = None,
) -> tuple[Array | None, Array | None]:
    """(grad_x, grad_bias): grad_output times the activation's slope, and its sum per channel."""
    if not any(needs):
        return None, None
    if saved is None or activation is None:  # the slope is 1
        grad_bias = channel_sum(grad_output) if needs[1] else None
        return _copy(grad_output, out) if needs[0] else None, grad_bias
    fused = FUSED[activation]
    if fused.saved == "x":  # then the slope follows from x + bias
        saved = _add_bias(saved, bias, workspace.empty(saved.shape, saved.dtype))
    grad_x = fused.grad(grad_output, saved, out=out if needs[0] else None)
    return grad_x if needs[0] else None, channel_sum(grad_x) if needs[1] else None


@quiet
def channel_sum(x: Array, *, out: Array | None = None) -> Array:
    """Sum over every axis but 1: (N, C, …) → (C,).

    >>> channel_sum(np.ones((2, 3, 4, 5)))
    array([40., 40., 40.])
    """
    out = workspace.empty(x.shape[1:2], x.dtype) if out is None else out
    out[:] = sum_per_channel(flat_space(x))
    return out


def _add_bias(x: Array, bias: Array, out: Array) -> Array:
    flat = flat_space(x)
    flat_out = out.reshape(flat.shape)  # a view: out is contiguous
    np.add(flat, per_channel(bias, flat.shape[2]), out=flat_out)
    return out


def _copy(x: Array, out: Array | None) -> Array:
    out = workspace.empty(x.shape, x.dtype) if out is None else out
    out[...] = x
    return out
