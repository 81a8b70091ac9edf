"""Batch normalisation as compiled CPU loops: one thread takes a channel from start to end.

While a thread works on a channel, the channel stays in its cache: the statistics, the
normalisation, the residual and the activation together read and write main memory once. A
channel's elements are rows: x is viewed as (N, C, S) with S = H·W, and row (n, c) is contiguous.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from minidl_kernels.common.numba_loops import compiled, compiled_sum, parallel_loops, readable

ACTIVATIONS = {None: 0, "relu": 1, "relu6": 2, "silu": 3, "hardswish": 4, "sigmoid": 5}
NONE, RELU, RELU6, SILU, HARDSWISH, SIGMOID = ACTIVATIONS.values()


def batch_norm(
    x: Any,
    weight: Any = None,
    bias: Any = None,
    *,
    eps: float,
    residual: Any = None,
    activation: str | None = None,
    out: Any = None,
) -> tuple[Any, Any, Any]:
    """activation((x − mean)/√(var + eps) · weight + bias + residual); y, mean, var."""
    mean, var = np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    y, rows = _result(x, out)
    _forward(
        _rows(x),
        *_affine(x, weight, bias),
        _rows(x[:0] if residual is None else residual),
        ACTIVATIONS[activation],
        float(eps),
        True,
        rows,
        mean,
        var,
    )
    _leave_rows(rows, y)
    return y, mean, var


def batch_norm_inference(
    x: Any,
    mean: Any,
    var: Any,
    weight: Any = None,
    bias: Any = None,
    *,
    eps: float,
    residual: Any = None,
    activation: str | None = None,
    out: Any = None,
) -> Any:
    """The same formula with given statistics; returns y."""
    y, rows = _result(x, out)
    _forward(
        _rows(x),
        *_affine(x, weight, bias),
        _rows(x[:0] if residual is None else residual),
        ACTIVATIONS[activation],
        float(eps),
        False,
        rows,
        np.array(mean, order="C"),
        np.array(var, order="C"),
    )
    _leave_rows(rows, y)
    return y


def batch_norm_grad(
    grad_output: Any,
    x: Any,
    mean: Any,
    var: Any,
    weight: Any = None,
    bias: Any = None,
    *,
    eps: float,
    residual: Any = None,
    activation: str | None = None,
    training: bool,
    needs: tuple[bool, bool, bool, bool] = (True, True, True, True),
    out: Any = None,
) -> tuple[Any, Any, Any, Any]:
    """Gradients in (x, weight, bias, residual), None where not needed.

    With z the pre-activation, x̂ = (x − mean)/√(var + eps), M the elements of a channel and
    g = grad_output · activation'(z), which is the residual's gradient:

        grad_bias = Σ g,   grad_weight = Σ g·x̂,
        grad_x = weight/√(var + eps) · (g − Σ g/M − x̂ · Σ g·x̂/M)   (training)
        grad_x = weight/√(var + eps) · g                            (else)
    """
    grad_x, rows = _result(x, out if needs[0] else None)
    grad_residual, residual_rows = _result(x if needs[3] and residual is not None else x[:0])
    grad_weight, grad_bias = np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    _backward(
        _rows(grad_output),
        _rows(x),
        readable(mean),
        readable(var),
        *_affine(x, weight, bias),
        _rows(x[:0] if residual is None else residual),
        ACTIVATIONS[activation],
        float(eps),
        training,
        needs[0],
        rows,
        residual_rows,
        grad_weight,
        grad_bias,
    )
    _leave_rows(rows, grad_x)
    _leave_rows(residual_rows, grad_residual)
    return (
        grad_x if needs[0] else None,
        grad_weight if needs[1] else None,
        grad_bias if needs[2] else None,
        grad_residual if needs[3] and residual is not None else None,
    )


# ------------------------------------------------------------- arrays as the loops want them


def _rows(x: Any) -> Any:
    """(N, C, …) as (N, C, S). A matrix (N, C) has rows of one element: transpose it (1, C, N)."""
    if x.ndim == 2:
        return readable(x.T)[None]
    return readable(x).reshape(*x.shape[:2], math.prod(x.shape[2:]))


def _result(x: Any, out: Any = None) -> tuple[Any, Any]:
    """An array of x's shape and dtype, and the rows to fill: unless it is a matrix, its memory."""
    result = np.empty(x.shape, x.dtype) if out is None else out
    if x.ndim == 2:
        return result, np.empty((1, x.shape[1], x.shape[0]), x.dtype)
    return result, result.reshape(*x.shape[:2], math.prod(x.shape[2:]))


def _leave_rows(rows: Any, result: Any) -> None:
    """Bring filled rows back into the result's layout, where they are not its own memory."""
    if result.ndim == 2:
        np.copyto(result, rows[0].T)


def _affine(x: Any, weight: Any, bias: Any) -> tuple[Any, Any]:
    """Weight and bias (C,), ones and zeros for None."""
    weight = np.ones(x.shape[1], x.dtype) if weight is None else weight
    bias = np.zeros(x.shape[1], x.dtype) if bias is None else bias
    return readable(weight), readable(bias)


# ------------------------------------------------------------------------ compiled: channels


@parallel_loops
def _forward(
    x: Any,
    weight: Any,
    bias: Any,
    residual: Any,
    activation: int,
    eps: float,
    training: bool,
    y: Any,
    mean: Any,
    var: Any,
) -> None:
    N, C, S = x.shape
    for c in numba.prange(C):
        if training:
            exact_mean = 0.0  # float64, whatever x is
            for n in range(N):
                exact_mean += _sum(x[n, c])
            exact_mean /= N * S
            squares = 0.0
            for n in range(N):
                squares += _sum_of_squares(x[n, c], exact_mean)
            mean[c] = exact_mean
            var[c] = squares / (N * S)
        scale = weight[c] / math.sqrt(var[c] + eps)
        for n in range(N):
            _normalise(x[n, c], mean[c], x.dtype.type(scale), bias[c], y[n, c])
            if residual.size > 0:
                _add(residual[n, c], y[n, c])
            _activate(y[n, c], activation)


@parallel_loops
def _backward(
    grad_output: Any,
    x: Any,
    mean: Any,
    var: Any,
    weight: Any,
    bias: Any,
    residual: Any,
    activation: int,
    eps: float,
    training: bool,
    needs_x: bool,
    grad_x: Any,
    grad_residual: Any,
    grad_weight: Any,
    grad_bias: Any,
) -> None:
    N, C, S = x.shape
    for c in numba.prange(C):
        inverse_std = 1 / math.sqrt(var[c] + eps)
        scale = weight[c] / math.sqrt(var[c] + eps)
        sum_g, sum_g_x = 0.0, 0.0
        for n in range(N):
            g = grad_x[
                n, c
            ]  # first the pre-activation, exactly as in _forward; then g; then grad_x
            if activation != NONE:
                _normalise(x[n, c], mean[c], x.dtype.type(scale), bias[c], g)
                if residual.size > 0:
                    _add(residual[n, c], g)
            _activation_grad(grad_output[n, c], g, activation)
            sum_g += _sum(g)
            sum_g_x += _sum_of_products(g, x[n, c], mean[c])
            if grad_residual.size > 0:
                _copy(g, grad_residual[n, c])
        grad_bias[c] = sum_g
        grad_weight[c] = sum_g_x * inverse_std
        if needs_x:
            shift, slope = 0.0, 0.0
            if training:
                shift = sum_g / (N * S)
                slope = sum_g_x * inverse_std * inverse_std / (N * S)
            for n in range(N):
                _grad_x(x[n, c], mean[c], scale, shift, slope, grad_x[n, c])


# ---------------------------------------------------------------- compiled: rows of a channel


@compiled_sum
def _sum(x: Any) -> Any:
    total = 0.0
    for i in range(x.size):
        total += x[i]
    return total


@compiled_sum
def _sum_of_squares(x: Any, mean: Any) -> Any:
    """Σ (x − mean)²: subtracting first is what keeps a variance from cancelling."""
    total = 0.0
    for i in range(x.size):
        total += (x[i] - mean) * (x[i] - mean)
    return total


@compiled_sum
def _sum_of_products(g: Any, x: Any, mean: Any) -> Any:
    """Σ g · (x − mean)."""
    total = 0.0
    for i in range(x.size):
        total += np.float64(g[i]) * (x[i] - mean)
    return total


@compiled
def _normalise(x: Any, mean: Any, scale: Any, bias: Any, y: Any) -> None:
    for i in range(x.size):
        y[i] = (x[i] - mean) * scale + bias


@compiled
def _copy(x: Any, y: Any) -> None:
    for i in range(x.size):
        y[i] = x[i]


@compiled
def _add(x: Any, y: Any) -> None:
    for i in range(x.size):
        y[i] += x[i]


@compiled
def _grad_x(x: Any, mean: Any, scale: Any, shift: Any, slope: Any, g: Any) -> None:
    """g = scale · (g − shift − (x − mean) · slope)."""
    for i in range(x.size):
        g[i] = scale * (g[i] - shift - (x[i] - mean) * slope)


@compiled
def _activate(z: Any, activation: int) -> None:
    """z = activation(z). NaN falls through every comparison and stays NaN."""
    T = z.dtype.type
    if activation == RELU:
        for i in range(z.size):
            z[i] = T(0) if z[i] <= 0 else z[i]
    elif activation == RELU6:
        for i in range(z.size):
            z[i] = T(0) if z[i] <= 0 else (T(6) if z[i] >= 6 else z[i])
    elif activation == SILU:
        for i in range(z.size):
            z[i] = z[i] * _sigmoid(z[i])
    elif activation == HARDSWISH:
        for i in range(z.size):
            z[i] = T(0) if z[i] <= -3 else (z[i] if z[i] >= 3 else z[i] * (z[i] + T(3)) / T(6))
    elif activation == SIGMOID:
        for i in range(z.size):
            z[i] = _sigmoid(z[i])


@compiled
def _activation_grad(grad_output: Any, z: Any, activation: int) -> None:
    """z = grad_output · activation'(z), which without activation is grad_output."""
    T = z.dtype.type
    if activation == NONE:
        _copy(grad_output, z)
    elif activation == RELU:
        for i in range(z.size):
            z[i] = T(0) if z[i] <= 0 else grad_output[i]
    elif activation == RELU6:
        for i in range(z.size):
            z[i] = T(0) if z[i] <= 0 or z[i] >= 6 else grad_output[i]
    elif activation == SILU:
        for i in range(z.size):
            s = _sigmoid(z[i])
            z[i] = grad_output[i] * s * (T(1) + z[i] * (T(1) - s))
    elif activation == HARDSWISH:
        for i in range(z.size):
            between = grad_output[i] * (T(2) * z[i] + T(3)) / T(6)
            z[i] = T(0) if z[i] <= -3 else (grad_output[i] if z[i] >= 3 else between)
    elif activation == SIGMOID:
        for i in range(z.size):
            s = _sigmoid(z[i])
            z[i] = grad_output[i] * s * (T(1) - s)


@compiled
def _sigmoid(z: Any) -> Any:
    """1 / (1 + exp(−z)); where exp overflows to infinity, the quotient is the right 0."""
    T = type(z)
    return T(1) / (T(1) + np.exp(-z))
