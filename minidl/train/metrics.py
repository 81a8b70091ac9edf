"""Numbers that say how good a model is."""

from __future__ import annotations

from minidl.errors import ArgumentError, fail
from minidl.tensor import Tensor


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Fraction of rows whose largest logit stands at the label; the first one where they tie.

    logits (N, classes), labels (N,) of integers. Raises ShapeError if they don't fit, ArgumentError
    if N = 0.

    >>> import minidl
    >>> accuracy(minidl.tensor([[0.1, 0.9], [0.8, 0.2]]), minidl.tensor([1, 1]))
    0.5
    """
    if logits.ndim != 2:
        fail("accuracy", "logits.shape", logits.shape, "(N, classes)")
    if labels.shape != logits.shape[:1]:
        fail("accuracy", "labels.shape", labels.shape, f"one label per row, {logits.shape[:1]}")
    if not len(labels):
        fail("accuracy", "N", 0, "at least one sample", error=ArgumentError)
    return int((logits.detach().argmax(1) == labels).sum().item()) / len(labels)
