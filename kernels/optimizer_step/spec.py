"""What the optimizer steps accept: pure Python. They work in place and return None.

Every argument that is a list runs parallel to `params`: as long, with the same shapes and the one
dtype. The lists of state that isn't used are empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl_kernels.common.array_spec import ArraySpec, HasShape, check_same_float, check_shape
from minidl_kernels.common.errors import ArgumentError, ShapeError, fail

Arrays = Sequence[HasShape]


def sgd_step(
    params: Arrays,
    grads: Arrays,
    momentum_buffers: Arrays,
    *,
    lr: Any,
    step: Any,
    grad_scale: Any = 1.0,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
) -> None:
    """Check the lists of one step of stochastic gradient descent.

    >>> p, g = ArraySpec((3,), "float32"), ArraySpec((4,), "float32")
    >>> sgd_step([p], [g], [], lr=0.1, step=1)
    Traceback (most recent call last):
        ...
    minidl_kernels.common.errors.ShapeError: sgd_step: grads[0].shape is (4,), expected (3,).
    """
    name = "sgd_step"
    _check_lists(name, "params", params, grads=grads)
    _check_state(name, params, "momentum_buffers", momentum_buffers, momentum != 0, "momentum is 0")
    _check_numbers(name, step, lr=lr, grad_scale=grad_scale)


def adam_step(
    params: Arrays,
    grads: Arrays,
    exp_avgs: Arrays,
    exp_avg_sqs: Arrays,
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
    """Check the lists of one step of Adam or AdamW."""
    name = "adam_step"
    _check_lists(name, "params", params, grads=grads, exp_avgs=exp_avgs, exp_avg_sqs=exp_avg_sqs)
    _check_numbers(name, step, lr=lr, grad_scale=grad_scale)
    for argument, beta in (("beta1", beta1), ("beta2", beta2)):
        if not 0 <= beta < 1:
            fail(
                name,
                argument,
                beta,
                "at least 0 and below 1",
                f"The averages are divided by 1 − {argument}^step.",
                error=ArgumentError,
            )


def rmsprop_step(
    params: Arrays,
    grads: Arrays,
    square_avgs: Arrays,
    momentum_buffers: Arrays,
    grad_avgs: Arrays,
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
    """Check the lists of one step of RMSprop."""
    name = "rmsprop_step"
    _check_lists(name, "params", params, grads=grads, square_avgs=square_avgs)
    _check_state(name, params, "momentum_buffers", momentum_buffers, momentum != 0, "momentum is 0")
    _check_state(name, params, "grad_avgs", grad_avgs, centered, "centered is False")
    _check_numbers(name, step, lr=lr, grad_scale=grad_scale)


def lerp_step(
    targets: Arrays,
    sources: Arrays,
    *,
    weight: Any,
    scales: Sequence[float],
) -> None:
    """Check the lists of one step of a moving average."""
    _check_lists("lerp_step", "targets", targets, sources=sources)
    _check_length("lerp_step", "targets", targets, "scales", scales)
    _check_scalar("lerp_step", "weight", weight)


def global_norm(arrays: Arrays) -> ArraySpec:
    """A zero-dimensional float64 array.

    >>> global_norm([ArraySpec((3,), "float32")])
    ArraySpec((), float64)
    """
    check_same_float("global_norm", **{f"arrays[{i}]": a for i, a in enumerate(arrays)})
    return ArraySpec((), np.float64)


def _check_lists(operation: str, leading: str, first: Arrays, **others: Arrays) -> None:
    """Raise unless all lists are parallel to `first`, which is called `leading`."""
    for argument, arrays in others.items():
        _check_length(operation, leading, first, argument, arrays)
    named = {f"{leading}[{i}]": array for i, array in enumerate(first)}
    for argument, arrays in others.items():
        for i, (array, model) in enumerate(zip(arrays, first, strict=True)):
            named[f"{argument}[{i}]"] = array
            check_shape(operation, f"{argument}[{i}]", array, model.shape)
    check_same_float(operation, **named)


def _check_state(
    operation: str, params: Arrays, argument: str, state: Arrays, used: bool, reason: str
) -> None:
    """State that is used is parallel to params; state that isn't is empty."""
    if used:
        _check_lists(operation, "params", params, **{argument: state})
    elif len(state):
        fail(
            operation,
            f"len({argument})",
            len(state),
            f"0, because {reason}",
            "State that isn't used isn't kept.",
            error=ArgumentError,
        )


def _check_length(
    operation: str, leading: str, first: Sequence[Any], argument: str, others: Sequence[Any]
) -> None:
    if len(others) != len(first):
        fail(
            operation,
            f"len({argument})",
            len(others),
            f"len({leading}) = {len(first)}",
            "The lists run parallel, one entry for each array that is updated.",
            error=ShapeError,
        )


def _check_numbers(operation: str, step: Any, **scalars: Any) -> None:
    """Numbers may be arrays without dimensions, whose value isn't looked at here."""
    _check_scalar(operation, "step", step)
    for argument, value in scalars.items():
        _check_scalar(operation, argument, value)
    if not hasattr(step, "shape") and step < 1:
        fail(operation, "step", step, "at least 1", "Steps count from 1.", error=ArgumentError)


def _check_scalar(operation: str, argument: str, value: Any) -> None:
    if hasattr(value, "shape"):
        check_shape(operation, argument, value, ())
