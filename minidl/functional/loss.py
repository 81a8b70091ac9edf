"""Losses: cross-entropy, negative log-likelihood, mean squared error."""

from __future__ import annotations

from typing import Any

from minidl.backends import Array
from minidl.composed import GradientOf
from minidl.errors import ArgumentError, fail
from minidl.function import Function
from minidl.functional.elementwise import where
from minidl.functional.indexing import gather_along
from minidl.functional.operands import (
    as_tensor,
    binary_operands,
    float_tensor,
    integer,
    number,
    optional_tensor,
)
from minidl.functional.reductions import mean, sum
from minidl.functional.shape import reshape, squeeze, unsqueeze
from minidl.functional.softmax import log_softmax
from minidl.tensor import Tensor
from minidl_kernels.softmax_cross_entropy import spec


class SoftmaxCrossEntropy(Function):
    """Loss of every sample; only the logits are kept."""

    def forward(
        self, logits: Array, target: Array, class_weight: Array | None, **params: Any
    ) -> Array:
        self.params = params
        self.save_for_backward(logits, target, class_weight)
        return self.backend.softmax_cross_entropy(logits, target, class_weight, **params)

    def backward(self, grad_output: Tensor) -> tuple[Tensor, None, None]:
        grad = SoftmaxCrossEntropyGrad.apply(grad_output, *self.saved_tensors, **self.params)
        return grad, None, None


class SoftmaxCrossEntropyGrad(GradientOf):
    """The gradient in the logits, one kernel call."""

    def forward(
        self, g: Array, logits: Array, target: Array, class_weight: Array | None, **params: Any
    ) -> Array:
        self.params = params
        self.save_for_backward(g, logits, target, class_weight)
        return self.backend.softmax_cross_entropy_grad(g, logits, target, class_weight, **params)

    def formula(self, logits: Tensor, target: Tensor, class_weight: Tensor | None) -> Tensor:
        smoothing, ignore_index = self.params["label_smoothing"], self.params["ignore_index"]
        classes = logits.shape[1]
        loss = -log_softmax(logits, 1)  # (N, C, …): −log p
        if class_weight is not None:
            loss = loss * reshape(class_weight, (1, classes, *[1] * (logits.ndim - 2)))
        used = target != ignore_index
        place = unsqueeze(where(used, target, 0).long(), 1)
        true_class = squeeze(gather_along(loss, place, 1), 1)
        mixed = true_class * (1 - smoothing) + sum(loss, 1) * (smoothing / classes)
        return where(used, mixed, 0.0)


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−log softmax(logits)[target], the loss of classification.

    Parameters
    ----------
    logits : (N, C) or (N, C, …), before the softmax
    target : (N,) or (N, …), integers in [0, C)
    weight : (C,), a weight per class, optional
    ignore_index : targets with this value count for nothing
    reduction : "mean" (over what isn't ignored, by weight), "sum" or "none"
    label_smoothing : ε in [0, 1]: the target is mixed with the uniform distribution
        (Szegedy et al. 2016, §7)

    >>> import minidl
    >>> cross_entropy(minidl.zeros(1, 2), minidl.tensor([1]))
    tensor(0.6931472)

    """
    name = "cross_entropy"
    logits, target = as_tensor(name, "logits", logits), as_tensor(name, "target", target)
    weight = _class_weight(name, weight)
    check_reduction(name, reduction)
    params: dict[str, Any] = {
        "label_smoothing": float(number(name, "label_smoothing", label_smoothing)),
        "ignore_index": integer(name, "ignore_index", ignore_index),
    }
    spec.check_losses(name, logits, target, weight, params["label_smoothing"])
    _check_range(name, target, logits.shape[1], ignore_index)
    losses: Tensor = SoftmaxCrossEntropy.apply(logits, target, weight, **params)
    return _reduce(losses, target, weight, ignore_index, reduction)


def nll_loss(
    log_probabilities: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """−log_probabilities[target]: cross-entropy for those who applied log_softmax themselves.

    log_probabilities (N, C) or (N, C, …), target (N,) or (N, …) of integers.
    """
    name = "nll_loss"
    x, target = (
        as_tensor(name, "log_probabilities", log_probabilities),
        as_tensor(name, "target", target),
    )
    weight = _class_weight(name, weight)
    check_reduction(name, reduction)
    ignore_index = integer(name, "ignore_index", ignore_index)
    spec.check_losses(name, x, target, weight)
    _check_range(name, target, x.shape[1], ignore_index)
    used = target != ignore_index
    place = where(used, target, 0).long()
    losses = -squeeze(gather_along(x, unsqueeze(place, 1), 1), 1)
    if weight is not None:
        losses = losses * weight[place]
    return _reduce(where(used, losses, 0.0), target, weight, ignore_index, reduction)


def mse_loss(x: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Mean of (x − target)²; both of one shape. reduction "mean", "sum" or "none"."""
    x = float_tensor("mse_loss", "x", x)
    target = as_tensor("mse_loss", "target", target, x)
    check_reduction("mse_loss", reduction)
    if x.shape != target.shape:
        fail(
            "mse_loss",
            "target.shape",
            target.shape,
            f"x's {x.shape}",
            "Broadcasting here is nearly always a mistake: reshape one of them.",
        )
    x, target = binary_operands("mse_loss", x, target)
    difference = x - target
    losses: Tensor = difference * difference
    if reduction == "none":
        return losses
    return mean(losses) if reduction == "mean" else sum(losses)


def _class_weight(name: str, given: Any) -> Tensor | None:
    """The weights per class, which the loss isn't differentiated in."""
    weight = optional_tensor(name, "weight", given)
    if weight is not None and weight.requires_grad:
        fail(
            name,
            "weight",
            "a tensor that requires a gradient",
            "a constant",
            "The loss isn't differentiated in it: use weight.detach().",
            error=ArgumentError,
        )
    return weight


def check_reduction(name: str, reduction: str) -> None:
    """Raise unless `reduction` is one that the losses know."""
    if not isinstance(reduction, str) or reduction not in ("mean", "sum", "none"):
        fail(name, "reduction", repr(reduction), '"mean", "sum" or "none"', error=ArgumentError)


def _check_range(name: str, target: Tensor, classes: int, ignore_index: int) -> None:
    """Labels outside [0, C) are an error where looking costs nothing: on the CPU."""
    if target.backend.memory != "cpu" or target.numel() == 0:
        return
    xp, array = target.backend.xp, target._array
    used = xp.where(xp.not_equal(array, ignore_index), array, 0)
    spec.check_target_range(name, int(xp.min(used)), int(xp.max(used)), classes, ignore_index)


def _reduce(
    losses: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str
) -> Tensor:
    """Mean over the samples that count, each by its class's weight; or the sum; or as it is."""
    if reduction == "none":
        return losses
    total = sum(losses)
    if reduction == "sum":
        return total
    used = target != ignore_index
    if weight is None:
        count = sum(used).astype(losses.dtype)
    else:
        count = sum(where(used, weight[where(used, target, 0).long()], 0.0))
    return total / count
