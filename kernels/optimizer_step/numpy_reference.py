"""Optimizer steps in NumPy, in place, in PyTorch's order of operations.

Every step goes through the arrays in blocks so small that the temporaries of the formulas stay in
the cache: each array is read from memory once and written once, and no memory is needed. The
coefficients are Python floats; as weak scalars they leave float32 arrays float32.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

BLOCK = 1 << 14
"""Elements of a block: 64 KB in float32."""

quiet = np.errstate(all="ignore")


@quiet
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
    """Stochastic gradient descent with momentum (Sutskever et al. 2013).

        g = grad_scale · grad + weight_decay · p
        b = g at step 1, later momentum · b + (1 − dampening) · g
        p −= lr · (g + momentum · b with nesterov, b, or g without momentum)

    >>> p = np.array([1.0, 2.0])
    >>> sgd_step([p], [np.array([1.0, -1.0])], [], lr=0.5, step=1)
    >>> p
    array([0.5, 2.5])
    """
    lr, step, grad_scale = float(lr), int(step), float(grad_scale)
    for p, grad, b in blocks(params, grads, momentum_buffers):
        g = _gradient(grad, p, grad_scale, weight_decay)
        if momentum == 0:
            p -= lr * g
            continue
        if step == 1:
            b[...] = g
        else:
            b *= momentum
            b += (1 - dampening) * g
        p -= lr * (g + momentum * b if nesterov else b)


@quiet
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
    """Adam (Kingma & Ba 2015, algorithm 1), and AdamW (Loshchilov & Hutter 2019) if `decoupled`.

        m = β₁·m + (1 − β₁)·g        v = β₂·v + (1 − β₂)·g²
        p −= lr · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + eps)

    First g += weight_decay · p, or with `decoupled` p ·= 1 − lr · weight_decay.
    """
    lr, step, grad_scale = float(lr), int(step), float(grad_scale)
    step_size = lr / (1 - beta1**step)
    root_of_correction = math.sqrt(1 - beta2**step)
    for p, grad, m, v in blocks(params, grads, exp_avgs, exp_avg_sqs):
        if decoupled and weight_decay != 0:
            p *= 1 - lr * weight_decay
        g = _gradient(grad, p, grad_scale, 0.0 if decoupled else weight_decay)
        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * g * g
        denominator = np.sqrt(v)
        denominator /= root_of_correction
        denominator += eps
        p -= step_size * (m / denominator)


@quiet
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
    """RMSprop (Tieleman & Hinton 2012), `centered` as in Graves 2013, with momentum as in PyTorch.

    g = grad_scale · grad + weight_decay · p
    v = α·v + (1 − α)·g²,        centered also a = α·a + (1 − α)·g
    d = g / (√v + eps),          centered √(v − a²) in place of √v
    p −= lr · d,                 with momentum b = momentum · b + d in place of d
    """
    lr, grad_scale = float(lr), float(grad_scale)
    for p, grad, v, b, a in blocks(params, grads, square_avgs, momentum_buffers, grad_avgs):
        g = _gradient(grad, p, grad_scale, weight_decay)
        v *= alpha
        v += (1 - alpha) * g * g
        denominator = np.sqrt(_variance(v, a, g, alpha) if centered else v)
        denominator += eps
        direction = g / denominator
        if momentum != 0:
            b *= momentum
            b += direction
            direction = b
        p -= lr * direction


@quiet
def lerp_step(
    targets: Sequence[Array],
    sources: Sequence[Array],
    *,
    weight: Any,
    scales: Sequence[float],
) -> None:
    """t += weight · (scale · s − t), for running statistics and moving averages.

    >>> t = np.array([1.0])
    >>> lerp_step([t], [np.array([4.0])], weight=0.5, scales=[2.0])
    >>> t
    array([4.5])
    """
    weight = float(weight)
    for target, source, scale in zip(targets, sources, scales, strict=True):
        for t, s in blocks([target], [source]):
            t += weight * (float(scale) * s - t)


@quiet
def global_norm(arrays: Sequence[Array]) -> Array:
    """√Σ‖a‖² over all arrays, accumulated in float64: what clipping by the global norm needs.

    >>> global_norm([np.array([3.0]), np.array([[4.0]])])
    array(5.)
    """
    total = 0.0
    for (a,) in blocks(arrays):
        total += float(np.square(a, dtype=np.float64).sum())
    return np.array(math.sqrt(total))


def blocks(*lists: Sequence[Array]) -> Iterator[tuple[Any, ...]]:
    """Walk through parallel lists of arrays, yielding views of the same few elements of each.

    Views, so that writing into them writes into the arrays, whatever their strides. An empty list
    stands for state that isn't used, and yields None.
    """
    for i in range(len(lists[0])):
        arrays: list[Any] = [members[i] if len(members) else None for members in lists]
        if all(a is None or a.flags.c_contiguous for a in arrays):
            arrays = [None if a is None else a.reshape(-1) for a in arrays]
        length, *inner = arrays[0].shape
        rows = max(1, BLOCK // max(1, math.prod(inner)))
        for start in range(0, length, rows):
            yield tuple(None if a is None else a[start : start + rows] for a in arrays)


def _gradient(grad: Array, p: Array, grad_scale: float, weight_decay: float) -> Array:
    """grad_scale · grad + weight_decay · p; may be `grad` itself, so never write into it."""
    g = grad if grad_scale == 1 else grad_scale * grad
    return g if weight_decay == 0 else g + weight_decay * p


def _variance(v: Array, a: Array, g: Array, alpha: float) -> Array:
    """E[g²] − E[g]², after its second mean `a` has moved on; rounding mustn't make it negative."""
    a += (1 - alpha) * (g - a)
    return np.asarray(np.maximum(v - a * a, 0))
