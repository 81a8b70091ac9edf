"""Losses as layers; each calls the function of its name in `minidl.functional`.

`reduction` is "mean", "sum" (both a tensor without dimensions) or "none" (one loss per sample, or
per element for MSELoss).
"""

from __future__ import annotations

from minidl import functional as F
from minidl.errors import DTypeError, fail
from minidl.functional.loss import check_reduction
from minidl.nn.module import Module
from minidl.tensor import Tensor


class CrossEntropyLoss(Module):
    """−log softmax(logits)[target]: logits (N, C) or (N, C, …), target (N,) or (N, …) of ints.

    The mean is Σ loss / Σ weight[target] over the targets that aren't `ignore_index`; `weight` is
    (C,), one for every class. With label_smoothing ε the target is (1 − ε) · one-hot + ε/C. See
    `functional.cross_entropy`.

    >>> import minidl
    >>> CrossEntropyLoss()(minidl.zeros(3, 2), minidl.tensor([0, 1, 1]))
    tensor(0.6931472)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        check_reduction(name, reduction)
        if isinstance(ignore_index, Tensor):
            fix = f"Make the loss first and then call it: {name}()(outputs, target)."
            fail(name, "ignore_index", "a Tensor", "an int", fix, error=DTypeError)
        self.register_buffer("weight", weight)
        self.ignore_index, self.reduction = ignore_index, reduction
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `functional.cross_entropy`."""
        return F.cross_entropy(
            logits, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class NLLLoss(CrossEntropyLoss):
    """−log_probabilities[target]: (N, C) or (N, C, …) and targets (N,) or (N, …).

    What `CrossEntropyLoss` does after a LogSoftmax; `weight`, `ignore_index` and the mean are as
    there. See `functional.nll_loss`.
    """

    def __init__(
        self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, ignore_index, reduction)

    def forward(self, log_probabilities: Tensor, target: Tensor) -> Tensor:
        """See `functional.nll_loss`."""
        return F.nll_loss(log_probabilities, target, self.weight, self.ignore_index, self.reduction)


class MSELoss(Module):
    """Mean of (x − target)² over all elements; x and target have one shape."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        check_reduction("MSELoss", reduction)
        self.reduction = reduction

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """See `functional.mse_loss`."""
        return F.mse_loss(x, target, self.reduction)
