"""Batch normalisation with a fused residual and activation, and its gradient, in NumPy.

`normalisation.py` holds what they share: the slabs of channels, and the pre-activation.
"""

from __future__ import annotations

import numpy as np

from minidl_kernels.activation.numpy_reference import FUSED, quiet
from minidl_kernels.batch_norm.normalisation import Normalisation
from minidl_kernels.bias_activation.channels import Array, flat_space, sum_per_channel
from minidl_kernels.common import workspace


@quiet
def batch_norm(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    eps: float,
    residual: Array | None = None,
    activation: str | None = None,
    out: Array | None = None,
) -> tuple[Array, Array, Array]:
    """activation((x − mean_c)/√(var_c + eps) · weight_c + bias_c + residual), and mean, var.

    Ioffe & Szegedy 2015, algorithm 1. The variance takes a second pass, over the centred values,
    so that nothing cancels.

    >>> y, mean, var = batch_norm(np.array([[1.0], [3.0]]), eps=0.0)
    >>> y.tolist(), mean, var
    ([[-1.0], [1.0]], array([2.]), array([1.]))
    """
    y = workspace.empty(x.shape, x.dtype) if out is None else out
    mean, var = np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    norm = Normalisation(x, mean, var, weight, bias, residual, eps)
    for c in norm.slabs():
        mean[c] = sum_per_channel(norm.x[:, c]) / norm.count
        squares = norm.centred(c)
        np.square(squares, out=squares)
        var[c] = sum_per_channel(squares) / norm.count
        _write(norm, activation, c, y)
    return y, mean, var


@quiet
def batch_norm_inference(
    x: Array,
    mean: Array,
    var: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    eps: float,
    residual: Array | None = None,
    activation: str | None = None,
    out: Array | None = None,
) -> Array:
    """The same formula with given statistics."""
    y = workspace.empty(x.shape, x.dtype) if out is None else out
    norm = Normalisation(x, mean, var, weight, bias, residual, eps)
    for c in norm.slabs():
        _write(norm, activation, c, y)
    return y


def _write(norm: Normalisation, activation: str | None, c: slice, y: Array) -> None:
    """Fill the channels c of y."""
    y = y.reshape(norm.x.shape)[:, c]  # a view (N, C, S)
    if activation is None:
        norm.pre_activation(c, out=y)
    elif FUSED[activation].saved == "y":  # works in place
        FUSED[activation].forward(norm.pre_activation(c, out=y), out=y)
    else:
        FUSED[activation].forward(norm.pre_activation(c), out=y)


@quiet
def batch_norm_grad(
    grad_output: Array,
    x: Array,
    mean: Array,
    var: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    eps: float,
    residual: Array | None = None,
    activation: str | None = None,
    training: bool,
    needs: tuple[bool, bool, bool, bool] = (True, True, True, True),
    out: Array | None = None,
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """Gradients in (x, weight, bias, residual).

    With g = grad_output · slope of the activation, x̂ = (x − mean)/√(var + eps), and sums and
    means per channel:

        grad_residual = g,    grad_bias = Σ g,    grad_weight = Σ g·x̂,
        grad_x = weight/√(var + eps) · (g − mean(g) − x̂ · mean(g·x̂))    in training,
        grad_x = weight/√(var + eps) · g                                with constant mean and var.
    """
    needs_x, needs_weight, needs_bias, needs_residual = needs
    if not any(needs):
        return None, None, None, None
    grad_x = grad_weight = grad_bias = grad_residual = None
    if needs_x:
        grad_x = workspace.empty(x.shape, x.dtype) if out is None else out
    if needs_weight:
        grad_weight = np.empty(x.shape[1], x.dtype)
    if needs_bias:
        grad_bias = np.empty(x.shape[1], x.dtype)
    if needs_residual and residual is not None:
        grad_residual = workspace.empty(x.shape, x.dtype)

    norm = Normalisation(x, mean, var, weight, bias, residual, eps)
    grad_output = flat_space(grad_output)
    for c in norm.slabs():
        g = _through_activation(norm, activation, c, grad_output[:, c])
        if grad_residual is not None:
            grad_residual.reshape(norm.x.shape)[:, c] = g
        if grad_bias is not None or (grad_x is not None and training):
            g_sum = sum_per_channel(g)
        if grad_weight is not None or (grad_x is not None and training):
            centred = norm.centred(c)
            products = np.multiply(g, centred, out=workspace.empty(g.shape, g.dtype))
            gx_sum = sum_per_channel(products) * norm.inverse_std(c)  # Σ g·x̂
        if grad_bias is not None:
            grad_bias[c] = g_sum
        if grad_weight is not None:
            grad_weight[c] = gx_sum
        if grad_x is not None:
            gx = grad_x.reshape(norm.x.shape)[:, c]
            if training:
                centred *= norm.vector(norm.inverse_std(c) * gx_sum / norm.count)
                centred += norm.vector(g_sum / norm.count)
                g = np.subtract(g, centred, out=gx)
            np.multiply(g, norm.scale(c), out=gx)
    return grad_x, grad_weight, grad_bias, grad_residual


def _through_activation(
    norm: Normalisation, activation: str | None, c: slice, grad_output: Array
) -> Array:
    """The gradient in the pre-activation, which is recomputed."""
    if activation is None:
        return grad_output
    fused = FUSED[activation]
    saved = norm.pre_activation(c)
    if fused.saved == "y":
        saved = fused.forward(saved, out=saved)
    return fused.grad(grad_output, saved)
