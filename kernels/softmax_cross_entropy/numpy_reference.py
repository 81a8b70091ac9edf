"""Softmax and cross-entropy in one, in NumPy.

The loss needs no probability, only log Σ exp: −log p_c = log Σ exp(scores) − scores_c, where
scores = logits − max. A term whose factor is 0 is left out, so its logit may be −inf.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minidl_kernels.common import workspace
from minidl_kernels.softmax.numpy_reference import shifted, softmax

Array: TypeAlias = np.ndarray[Any, Any]


def softmax_cross_entropy(
    logits: Array,
    target: Array,
    class_weight: Array | None = None,
    *,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    out: Array | None = None,
) -> Array:
    """(1 − ε)·w_t·(−log p_t) + ε/C · Σ_c w_c·(−log p_c) of every sample; see the contract.

    >>> softmax_cross_entropy(np.array([[0.0, 0.0], [0.0, 1000.0]]), np.array([1, 0]))
    array([6.93147181e-01, 1.00000000e+03])
    """
    terms = _terms(logits, target, class_weight, label_smoothing, ignore_index)
    scores = shifted(logits, axis=1)
    own_scores = np.take_along_axis(scores, terms.position, axis=1)[:, 0]
    weighted_scores = _weighted_sum(scores, class_weight) if label_smoothing else None
    log_sum = np.log(np.sum(np.exp(scores, out=scores), axis=1))

    loss = workspace.empty(target.shape, logits.dtype) if out is None else out
    loss.fill(0)
    np.multiply(terms.factor, log_sum - own_scores, out=loss, where=terms.factor != 0)
    if weighted_scores is not None:
        classes = logits.shape[1]
        weights = classes if class_weight is None else np.sum(class_weight)
        loss += label_smoothing / classes * (weights * log_sum - weighted_scores)
    loss[terms.ignored] = 0
    loss[terms.invalid] = np.nan
    return loss


def softmax_cross_entropy_grad(
    grad_output: Array,
    logits: Array,
    target: Array,
    class_weight: Array | None = None,
    *,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    out: Array | None = None,
) -> Array:
    """grad_output · ((1 − ε)·w_t·(p_c − [c = t]) + ε/C · (p_c · Σ w − w_c))."""
    terms = _terms(logits, target, class_weight, label_smoothing, ignore_index)
    classes = logits.shape[1]
    smoothing = label_smoothing / classes
    weights = classes if class_weight is None else np.sum(class_weight)

    grad_logits = softmax(logits, axis=1, out=out)
    grad_logits *= (grad_output * (terms.factor + smoothing * weights))[:, None]
    own = np.take_along_axis(grad_logits, terms.position, axis=1)
    own -= (grad_output * terms.factor)[:, None]
    np.put_along_axis(grad_logits, terms.position, own, axis=1)
    if label_smoothing:
        weight = np.ones(classes, logits.dtype) if class_weight is None else class_weight
        # (C,) → (C, 1, …), to stand against (N, C, …)
        weight = weight.reshape(-1, *(1,) * (logits.ndim - 2))
        grad_logits -= smoothing * grad_output[:, None] * weight
    absent = terms.ignored if label_smoothing else terms.ignored | (terms.factor == 0)
    np.copyto(grad_logits, 0, where=absent[:, None])
    np.copyto(grad_logits, np.nan, where=terms.invalid[:, None])
    return grad_logits


class _Terms(NamedTuple):
    """What the target says about each sample."""

    position: Array  # (N, 1, …) the target; 0 where it is no class
    factor: Array  # (N, …) (1 − ε)·w_t
    ignored: Array  # (N, …) target == ignore_index
    invalid: Array  # (N, …) neither ignored nor a class


def _terms(
    logits: Array,
    target: Array,
    class_weight: Array | None,
    label_smoothing: float,
    ignore_index: int,
) -> _Terms:
    ignored = target == ignore_index
    is_class = (target >= 0) & (target < logits.shape[1])
    position = np.where(is_class, target, 0)
    if class_weight is None:
        factor = np.full(target.shape, 1 - label_smoothing, logits.dtype)
    else:
        factor = (1 - label_smoothing) * class_weight[position]
    return _Terms(position[:, None], factor, ignored, ~(ignored | is_class))


def _weighted_sum(scores: Array, class_weight: Array | None) -> Array:
    """Σ_c w_c · scores_c over the classes whose weight isn't 0: (N, C, …) → (N, …)."""
    if class_weight is None:
        total: Array = np.sum(scores, axis=1)
        return total
    if not class_weight.all():
        used = class_weight != 0
        scores, class_weight = scores[:, used], class_weight[used]
    weighted: Array = np.einsum("nc...,c->n...", scores, class_weight)
    return weighted
