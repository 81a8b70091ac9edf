"""Softmax, log-softmax and the cross-entropy: huge logits, −inf, every target there may be."""

from __future__ import annotations

import math
from typing import Any

from minidl.testing.conformance.data import (
    Data,
    constant,
    labels,
    literal,
    normal,
    positive,
    sprinkled,
    unit,
    wide,
)
from minidl.testing.conformance.suite import Config, Draw, Suite, biggest

SHAPES_AND_AXES = [
    ((3, 4), 1),
    ((2, 3, 4, 2), 1),
    ((2, 3, 4), 0),
    ((2, 3, 4), -1),
    ((2, 3, 4), -2),
    ((5,), 0),
    ((3, 1), 1),
    ((0, 3), 1),
]
ROWS = [
    *({"x": normal(*shape), "axis": axis} for shape, axis in SHAPES_AND_AXES),
    {"x": wide(3, 5), "axis": 1},
    {"x": constant(2, 3, value=1000.0), "axis": 1},  # exp would overflow
    {"x": constant(2, 3, value=-1000.0), "axis": 1},  # exp would be 0 everywhere
    {"x": sprinkled(3, 5, value=-math.inf), "axis": 1},
    {"x": constant(2, 3, value=-math.inf), "axis": 1},  # 0/0
]


def _draw_row(d: Draw) -> Config:
    shape = tuple(d.integer(1, 5) for _ in range(d.integer(1, 4)))
    axis = d.integer(-len(shape), len(shape) - 1)
    return {"x": d.choice([normal, wide])(*shape), "axis": axis}


def _gradients(filling: Any) -> list[Config]:
    """The gradients' formulas hold for any y, so y needn't be a real softmax."""
    return [
        {"grad_output": normal(*shape), "y": filling(*shape), "axis": axis}
        for shape, axis in SHAPES_AND_AXES
    ]


def _draw_gradient(d: Draw, filling: Any) -> Config:
    row = _draw_row(d)
    return {
        "grad_output": normal(*row["x"].shape),
        "y": filling(*row["x"].shape),
        "axis": row["axis"],
    }


def _row_scale(kernel: str, arguments: Config, truths: list[Any]) -> list[float]:
    """x − max is as exact as x; its error is the relative error of the exponential."""
    return [1 + biggest(arguments["x"])]


def _gradient_scale(kernel: str, arguments: Config, truths: list[Any]) -> list[float]:
    y, grad = arguments["y"], biggest(arguments["grad_output"])
    size = max(1.0, math.exp(biggest(y)) if kernel == "log_softmax_grad" else 1.0)
    return [grad * (1 + size * (y.shape[arguments["axis"]] if y.size else 1))]


def cross_entropy(logits: Data, target: Data, weighted: bool = False, **options: Any) -> Config:
    """A call of softmax_cross_entropy."""
    class_weight = positive(logits.shape[1]) if weighted else None
    return {"logits": logits, "target": target, "class_weight": class_weight, **options}


LOSSES = [
    cross_entropy(normal(3, 4), labels(3, classes=4)),
    cross_entropy(normal(2, 3, 2, 3), labels(2, 2, 3, classes=3), weighted=True),
    cross_entropy(normal(2, 3, 4), labels(2, 4, classes=3), label_smoothing=0.1),
    cross_entropy(normal(4, 5), labels(4, classes=5), weighted=True, label_smoothing=0.3),
    cross_entropy(normal(4, 3), labels(4, classes=3, dtype="int32")),
    cross_entropy(normal(6, 3), literal(0, -100, 2, 1, -100, 0), weighted=True),
    cross_entropy(normal(5, 3), literal(0, 1, 2, 1, 0), ignore_index=1, label_smoothing=0.2),
    cross_entropy(normal(5, 3), literal(0, -1, 3, 2**31 - 1, -(2**31))),  # NaN, and no crash
    cross_entropy(normal(3, 4), literal(7, 0, 4), ignore_index=7, weighted=True),
    cross_entropy(constant(3, 4, value=1000.0), labels(3, classes=4)),
    cross_entropy(wide(3, 4), labels(3, classes=4)),
    cross_entropy(sprinkled(3, 3, value=-math.inf), literal(0, 2, 0)),  # −log 0 isn't asked for
    cross_entropy(sprinkled(2, 3, value=-math.inf), literal(1, 1)),  # −log 0 is
    cross_entropy(sprinkled(2, 3, value=-math.inf), literal(0, 2), label_smoothing=0.1),
    {**cross_entropy(normal(3, 2), literal(0, 1, 0)), "class_weight": constant(2, value=0.0)},
    {
        **cross_entropy(sprinkled(1, 2, value=-math.inf), literal(1)),
        "class_weight": constant(2, value=0.0),
    },
    cross_entropy(normal(3, 1), literal(0, 0, 0)),  # one class: the loss is 0
    cross_entropy(normal(0, 4), labels(0, classes=4), weighted=True),
    cross_entropy(normal(2, 4), labels(2, classes=4), label_smoothing=1.0),
]


def _draw_loss(d: Draw) -> Config:
    samples, classes = d.choice([1, 2, 3, 0]), d.integer(1, 5)
    rest = tuple(d.integer(1, 3) for _ in range(d.integer(0, 2)))
    return cross_entropy(
        d.choice([normal, wide])(samples, classes, *rest),
        labels(samples, *rest, classes=classes, dtype=d.choice(["int64", "int32"])),
        weighted=d.flag(),
        label_smoothing=d.choice([0.0, 0.1]),
        ignore_index=d.choice([-100, 0]),
    )


def _loss_gradient(forward: Config) -> Config:
    return {"grad_output": normal(*forward["target"].shape), **forward}


def _loss_scale(kernel: str, arguments: Config, truths: list[Any]) -> list[float]:
    weight = arguments["class_weight"]
    size = (1 + biggest(arguments["logits"])) * (1.0 if weight is None else biggest(weight))
    if kernel == "softmax_cross_entropy_grad":
        return [2 * size * biggest(arguments["grad_output"])]
    return [2 * size]


SUITES = {
    "softmax": Suite(ROWS, _draw_row, _row_scale),
    "softmax_grad": Suite(_gradients(unit), lambda d: _draw_gradient(d, unit), _gradient_scale),
    "log_softmax": Suite(ROWS, _draw_row, _row_scale),
    "log_softmax_grad": Suite(
        _gradients(normal), lambda d: _draw_gradient(d, normal), _gradient_scale
    ),
    "softmax_cross_entropy": Suite(LOSSES, _draw_loss, _loss_scale),
    "softmax_cross_entropy_grad": Suite(
        [_loss_gradient(case) for case in LOSSES],
        lambda d: _loss_gradient(_draw_loss(d)),
        _loss_scale,
    ),
}
