"""Losses as layers; each calls the function of its name in `minidl.functional`."""

from __future__ import annotations

from minidl import functional as F
from minidl.errors import DTypeError, fail
from minidl.nn.module import Module
from minidl.tensor import Tensor


class CrossEntropyLoss(Module):
    """−log softmax(logits)[target]; see `functional.cross_entropy`."""

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        if isinstance(ignore_index, Tensor):
            name = type(self).__name__
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
    """−log_probabilities[target]; see `functional.nll_loss`."""

    def __init__(
        self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, ignore_index, reduction)

    def forward(self, log_probabilities: Tensor, target: Tensor) -> Tensor:
        """See `functional.nll_loss`."""
        return F.nll_loss(log_probabilities, target, self.weight, self.ignore_index, self.reduction)


class MSELoss(Module):
    """Mean squared error."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """See `functional.mse_loss`."""
        return F.mse_loss(x, target, self.reduction)
