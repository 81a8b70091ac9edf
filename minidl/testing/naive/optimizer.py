"""Optimizer steps, one number at a time, in place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minidl.testing.naive.windows import Array


def _numbers(
    params: Sequence[Array], grads: Sequence[Array], grad_scale: Any
) -> Iterator[tuple[int, tuple[int, ...], float, float]]:
    """Array number, place, parameter and scaled gradient of every number there is."""
    for k, (param, grad) in enumerate(zip(params, grads, strict=True)):
        for place in np.ndindex(param.shape):
            yield k, place, float(param[place]), float(grad_scale) * float(grad[place])


def sgd_step(
    params: Sequence[Array],
    grads: Sequence[Array],
    momentum_buffers: Sequence[Array],
    *,
    lr: Any,
    step: Any,
    grad_scale: Any = 1.0,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
) -> None:
    """Stochastic gradient descent with momentum, as PyTorch's SGD."""
    for k, place, p, g in _numbers(params, grads, grad_scale):
        g += weight_decay * p
        d = g
        if momentum != 0:
            b = g if step == 1 else momentum * momentum_buffers[k][place] + (1 - dampening) * g
            momentum_buffers[k][place] = b
            d = g + momentum * b if nesterov else b
        params[k][place] = p - float(lr) * d


def adam_step(
    params: Sequence[Array],
    grads: Sequence[Array],
    exp_avgs: Sequence[Array],
    exp_avg_sqs: Sequence[Array],
    *,
    lr: Any,
    step: Any,
    grad_scale: Any = 1.0,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float = 0.0,
    decoupled: bool = False,
) -> None:
    """Adam, or AdamW with `decoupled`."""
    for k, place, p, g in _numbers(params, grads, grad_scale):
        if decoupled:
            p *= 1 - float(lr) * weight_decay
        else:
            g += weight_decay * p
        m = beta1 * exp_avgs[k][place] + (1 - beta1) * g
        v = beta2 * exp_avg_sqs[k][place] + (1 - beta2) * g * g
        exp_avgs[k][place], exp_avg_sqs[k][place] = m, v
        m_hat, v_hat = m / (1 - beta1 ** int(step)), v / (1 - beta2 ** int(step))
        params[k][place] = p - float(lr) * m_hat / (math.sqrt(v_hat) + eps)


def rmsprop_step(
    params: Sequence[Array],
    grads: Sequence[Array],
    square_avgs: Sequence[Array],
    momentum_buffers: Sequence[Array],
    grad_avgs: Sequence[Array],
    *,
    lr: Any,
    step: Any,
    grad_scale: Any = 1.0,
    alpha: float,
    eps: float,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    centered: bool = False,
) -> None:
    """RMSprop, as PyTorch's."""
    for k, place, p, g in _numbers(params, grads, grad_scale):
        g += weight_decay * p
        u = square_avgs[k][place] = alpha * square_avgs[k][place] + (1 - alpha) * g * g
        if centered:
            a = grad_avgs[k][place] = alpha * grad_avgs[k][place] + (1 - alpha) * g
            u -= a * a
        d = g / (math.sqrt(u) + eps)
        if momentum != 0:
            d = momentum_buffers[k][place] = momentum * momentum_buffers[k][place] + d
        params[k][place] = p - float(lr) * d


def lerp_step(
    targets: Sequence[Array], sources: Sequence[Array], *, weight: Any, scales: Sequence[float]
) -> None:
    """Move every target a part of the way to its scaled source."""
    for target, source, scale in zip(targets, sources, scales, strict=True):
        for place in np.ndindex(target.shape):
            t = float(target[place])
            target[place] = t + float(weight) * (scale * float(source[place]) - t)


def global_norm(arrays: Sequence[Array]) -> Array:
    """The Euclidean length of all numbers together."""
    squares = [float(array[place]) ** 2 for array in arrays for place in np.ndindex(array.shape)]
    return np.array(math.sqrt(math.fsum(squares)))
