"""Numbers that say how good a model is."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.errors import ArgumentError, OutOfRangeError, fail
from minidl.tensor import Tensor


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Fraction of rows whose largest logit stands at the label; the first one where they tie.

    logits (N, classes), labels (N,) of integers. Raises ShapeError if they don't fit, ArgumentError
    if N = 0.

    >>> import minidl
    >>> accuracy(minidl.tensor([[0.1, 0.9], [0.8, 0.2]]), minidl.tensor([1, 1]))
    0.5
    """
    _check("accuracy", logits, labels)
    return int((logits.detach().argmax(1) == labels).sum().item()) / len(labels)


def confusion_matrix(logits: Tensor, labels: Tensor) -> np.ndarray[Any, Any]:
    """How often each class was answered with each: int64 (classes, classes).

    Element [t, p] counts the rows whose label is t and whose largest logit is p, the first one
    where they tie. The diagonal counts the right answers. Arguments and errors are those of
    `accuracy`, and OutOfRangeError for a label that no logit belongs to.

    >>> import minidl
    >>> logits = minidl.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
    >>> confusion_matrix(logits, minidl.tensor([1, 1, 0]))
    array([[0, 1],
           [1, 1]])
    """
    _check("confusion_matrix", logits, labels)
    classes = logits.shape[1]
    truth = labels.detach().numpy()
    wrong = truth[(truth < 0) | (truth >= classes)]
    if wrong.size:
        expected = f"in 0 … {classes - 1}, one of the logits' columns"
        fail("confusion_matrix", "a label", wrong[0], expected, error=OutOfRangeError)
    answers = logits.detach().argmax(1).numpy()
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (truth, answers), 1)
    return matrix


def per_class_accuracy(matrix: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The fraction of each class that was answered right, of a confusion matrix: (classes,).

    NaN for a class without samples.

    >>> per_class_accuracy(np.array([[3, 1], [0, 2]]))
    array([0.75, 1.  ])
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        fail("per_class_accuracy", "matrix.shape", matrix.shape, "(classes, classes)")
    samples = matrix.sum(axis=1)
    right = np.full(len(matrix), np.nan)
    np.divide(matrix.diagonal(), samples, out=right, where=samples > 0)
    return right


def _check(operation: str, logits: Tensor, labels: Tensor) -> None:
    if logits.ndim != 2:
        fail(operation, "logits.shape", logits.shape, "(N, classes)")
    if labels.shape != logits.shape[:1]:
        fail(operation, "labels.shape", labels.shape, f"one label per row, {logits.shape[:1]}")
    if not len(labels):
        fail(operation, "N", 0, "at least one sample", error=ArgumentError)
