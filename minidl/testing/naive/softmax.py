"""Softmax, log-softmax, softmax cross-entropy and their gradients, one row at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.testing.naive.windows import Array, Place


def _rows(x: Array, axis: int) -> Iterator[tuple[Any, ...]]:
    """Indices that pick one row along `axis` each: x[index] is one-dimensional."""
    axis %= x.ndim
    for place in np.ndindex(*x.shape[:axis], *x.shape[axis + 1 :]):
        yield (*place[:axis], slice(None), *place[axis:])


def _log_softmax(row: Array) -> list[float]:
    """Log p of one row: x − max − log Σ exp(x − max)."""
    values = [float(value) for value in row]
    largest = max(values)
    if largest == -math.inf:  # −inf − (−inf): nothing is probable
        return [math.nan] * len(values)
    log_sum = math.log(math.fsum(math.exp(value - largest) for value in values))
    return [value - largest - log_sum for value in values]


def softmax(x: Array, *, axis: int) -> Array:
    """Every row's exponentials over their sum."""
    y = np.zeros(x.shape)
    for row in _rows(x, axis):
        y[row] = [math.exp(log_p) for log_p in _log_softmax(x[row])]
    return y


def softmax_grad(grad_output: Array, y: Array, *, axis: int) -> Array:
    """Σ_b grad_output[b] · ∂y[b]/∂x[a], where ∂y[b]/∂x[a] = y[b] · ([a = b] − y[a])."""
    grad_x = np.zeros(y.shape)
    for row in _rows(y, axis):
        grad, p = grad_output[row], y[row]
        for a, b in np.ndindex(len(p), len(p)):
            grad_x[row][a] += float(grad[b]) * float(p[b]) * ((a == b) - float(p[a]))
    return grad_x


def log_softmax(x: Array, *, axis: int) -> Array:
    """Every row's logarithms of softmax."""
    y = np.zeros(x.shape)
    for row in _rows(x, axis):
        y[row] = _log_softmax(x[row])
    return y


def log_softmax_grad(grad_output: Array, y: Array, *, axis: int) -> Array:
    """Σ_b grad_output[b] · ∂y[b]/∂x[a], where ∂y[b]/∂x[a] = [a = b] − exp(y[a])."""
    grad_x = np.zeros(y.shape)
    for row in _rows(y, axis):
        grad, log_p = grad_output[row], y[row]
        for a, b in np.ndindex(len(log_p), len(log_p)):
            grad_x[row][a] += float(grad[b]) * ((a == b) - math.exp(float(log_p[a])))
    return grad_x


def _loss_terms(
    target: int, classes: int, class_weight: Array | None, label_smoothing: float
) -> list[float]:
    """The factor of −log p_c in one sample's loss, for every class c."""
    weights = [1.0 if class_weight is None else float(class_weight[c]) for c in range(classes)]
    return [
        (1 - label_smoothing) * weights[c] * (c == target) + label_smoothing / classes * weights[c]
        for c in range(classes)
    ]


def _samples(logits: Array) -> Iterator[tuple[Place, tuple[Any, ...]]]:
    """(n, …) and the index of its row of logits (N, C, …)."""
    for row in _rows(logits, 1):
        yield (row[0], *row[2:]), row


def softmax_cross_entropy(
    logits: Array,
    target: Array,
    class_weight: Array | None = None,
    *,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
) -> Array:
    """−log of the probability of the right class, weighted and smoothed, for every sample."""
    loss = np.zeros(target.shape)
    classes = logits.shape[1]
    for sample, row in _samples(logits):
        label = int(target[sample])
        if label == ignore_index:
            continue
        if not 0 <= label < classes:
            loss[sample] = math.nan
            continue
        factors = _loss_terms(label, classes, class_weight, label_smoothing)
        log_p = _log_softmax(logits[row])
        loss[sample] = sum(-f * lp for f, lp in zip(factors, log_p, strict=True) if f != 0)
    return loss


def softmax_cross_entropy_grad(
    grad_output: Array,
    logits: Array,
    target: Array,
    class_weight: Array | None = None,
    *,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
) -> Array:
    """Σ_c factor_c · ∂(−log p_c)/∂logit_a, where ∂(−log p_c)/∂logit_a = p_a − [a = c]."""
    grad_logits = np.zeros(logits.shape)
    classes = logits.shape[1]
    for sample, row in _samples(logits):
        label, grad = int(target[sample]), float(grad_output[sample])
        if label == ignore_index:
            continue
        if not 0 <= label < classes:
            grad_logits[row] = math.nan
            continue
        factors = _loss_terms(label, classes, class_weight, label_smoothing)
        p = [math.exp(lp) for lp in _log_softmax(logits[row])]
        for a, c in np.ndindex(classes, classes):
            grad_logits[row][a] += grad * factors[c] * (p[a] - (a == c))
    return grad_logits
