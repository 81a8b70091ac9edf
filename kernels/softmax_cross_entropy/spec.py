"""What softmax_cross_entropy and its gradient accept and return: pure Python, no arrays.

    loss = (1 − ε)·w_t·(−log p_t) + ε/C · Σ_c w_c·(−log p_c),   p = softmax(logits, axis=1)

logits (N, C, …), integer target (N, …), class_weight (C,) → one loss per sample (N, …).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl_kernels.common.array_spec import (
    FLOATS,
    ArraySpec,
    HasShape,
    check_same_float,
    check_shape,
)
from minidl_kernels.common.errors import ArgumentError, DTypeError, fail

TARGET_DTYPES = (np.dtype(np.int32), np.dtype(np.int64))


def softmax_cross_entropy(
    logits: HasShape,
    target: HasShape,
    class_weight: HasShape | None = None,
    *,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    out: Any = None,
) -> ArraySpec:
    """Shape of the losses: that of target.

    >>> softmax_cross_entropy(ArraySpec((64, 10), "float32"), ArraySpec((64,), "int64"))
    ArraySpec((64,), float32)
    """
    return check_losses("softmax_cross_entropy", logits, target, class_weight, label_smoothing)


def softmax_cross_entropy_grad(
    grad_output: HasShape,
    logits: HasShape,
    target: HasShape,
    class_weight: HasShape | None = None,
    *,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    out: Any = None,
) -> ArraySpec:
    """Shape of the gradient in logits."""
    name = "softmax_cross_entropy_grad"
    check_same_float(name, logits=logits, grad_output=grad_output)
    losses = check_losses(name, logits, target, class_weight, label_smoothing)
    check_shape(name, "grad_output", grad_output, losses.shape)
    return ArraySpec(logits.shape, logits.dtype)


def check_target_range(
    operation: str, smallest: int, largest: int, classes: int, ignore_index: int = -100
) -> None:
    """Raise unless all targets, from the smallest to the largest one, are classes.

    It takes the extremes of those that aren't ignore_index. The kernels can't raise (on a GPU
    nobody looks at the data in time), they answer NaN; who has the data at hand asks here first.

    >>> check_target_range("cross_entropy", smallest=0, largest=9, classes=10)
    """
    if smallest >= 0 and largest < classes:
        return
    if smallest < 0:
        wrong, fix = smallest, "Mark samples to be left out with ignore_index."
    elif smallest > 0 and largest == classes:
        wrong, fix = largest, "Classes count from 0: subtract 1 if yours count from 1."
    else:
        wrong, fix = largest, "Does the network's last layer have one output per class?"
    fail(
        operation,
        "a target",
        wrong,
        f"a class from 0 to {classes - 1} (logits.shape[1] is {classes}), or ignore_index "
        f"({ignore_index})",
        fix,
        error=ArgumentError,
    )


def check_losses(
    operation: str,
    logits: HasShape,
    target: HasShape,
    class_weight: HasShape | None = None,
    label_smoothing: float = 0.0,
) -> ArraySpec:
    """Spec of the losses; raises in the name of `operation`, which is what the user called.

    >>> check_losses("nll_loss", ArraySpec((64, 10), "float32"), ArraySpec((64,), "int64"))
    ArraySpec((64,), float32)
    """
    if logits.dtype in TARGET_DTYPES and target.dtype in FLOATS:
        fail(
            operation,
            "the first argument's dtype",
            np.dtype(logits.dtype).name,
            "float32 or float64",
            f"{operation} takes (logits, target), in this order.",
            error=DTypeError,
        )
    check_same_float(operation, logits=logits, class_weight=class_weight)
    if len(logits.shape) < 2:
        fail(
            operation,
            "logits.shape",
            tuple(logits.shape),
            "at least 2 dimensions (N, C, …)",
            "One sample's scores become a batch with logits.unsqueeze(0).",
        )
    if logits.shape[1] < 1:
        fail(operation, "logits.shape[1] (classes)", 0, "at least 1")
    if target.dtype not in TARGET_DTYPES:
        fail(
            operation,
            "target.dtype",
            np.dtype(target.dtype).name,
            "int32 or int64, the number of each sample's class",
            "Convert class numbers with target.long(), one-hot rows with target.argmax(1).",
            error=DTypeError,
        )
    expected = (logits.shape[0], *logits.shape[2:])
    if tuple(target.shape) != expected:
        fail(
            operation,
            "target.shape",
            tuple(target.shape),
            f"{expected}: one class for each sample of logits {tuple(logits.shape)}, whose axis 1 "
            "are the classes",
            _shape_advice(tuple(logits.shape), tuple(target.shape)),
        )
    if class_weight is not None:
        check_shape(operation, "class_weight", class_weight, (logits.shape[1],))
    if not 0 <= label_smoothing <= 1:
        fail(
            operation,
            "label_smoothing",
            label_smoothing,
            "a number from 0 to 1",
            "It is the share of the loss that is spread over all classes; 0.1 is usual.",
            error=ArgumentError,
        )
    return ArraySpec(expected, logits.dtype)


def _shape_advice(logits: tuple[int, ...], target: tuple[int, ...]) -> str:
    """What to do about shapes that don't fit together, where the mistake is a usual one."""
    if target == logits:
        return "Turn one-hot rows into class numbers with target.argmax(1)."
    if len(logits) == 2 and target == (logits[0], 1):
        return "Drop the axis of length 1 with target.squeeze(1)."
    if len(logits) > 2 and len(target) == 1:
        return (
            "For one class per image the logits are (N, C): flatten with x.flatten(1) before the "
            "network's last layer."
        )
    return ""
