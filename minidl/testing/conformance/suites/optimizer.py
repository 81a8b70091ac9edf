"""Optimizer steps over lists of arrays, with every option, and numbers that live on a device."""

from __future__ import annotations

import itertools
from typing import Any

from minidl.testing.conformance.data import normal, positive, scalar, unit
from minidl.testing.conformance.suite import Config, Draw, Suite, biggest

SHAPES = ((3, 4), (2,), (1, 2, 3, 1), (1,))
ON_DEVICE = {
    "lr": scalar(0.05),
    "step": scalar(3, "int64"),
    "grad_scale": scalar(0.5),
}


def _lists(shapes: Any, **states: Any) -> Config:
    """params, grads and the lists of state, each filled in its way (None: an empty list)."""
    return {
        name: [] if filling is None else [filling(*shape) for shape in shapes]
        for name, filling in {"params": normal, "grads": normal, **states}.items()
    }


def sgd(shapes: Any = SHAPES, momentum: float = 0.0, **options: Any) -> Config:
    """A call of sgd_step."""
    lists = _lists(shapes, momentum_buffers=normal if momentum else None)
    return {**lists, "lr": 0.1, "step": 2, "momentum": momentum, **options}


def adam(shapes: Any = SHAPES, **options: Any) -> Config:
    """A call of adam_step."""
    lists = _lists(shapes, exp_avgs=normal, exp_avg_sqs=positive)
    return {
        **lists, "lr": 0.1, "step": 2, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, **options,
    }  # fmt: skip


def rmsprop(
    shapes: Any = SHAPES, momentum: float = 0.0, centered: bool = False, **options: Any
) -> Config:
    """A call of rmsprop_step. The averages are such that v − a² stays away from 0."""
    lists = _lists(
        shapes,
        square_avgs=positive,
        momentum_buffers=normal if momentum else None,
        grad_avgs=unit if centered else None,
    )
    return {
        **lists, "lr": 0.1, "step": 2, "alpha": 0.9, "eps": 1e-8, "momentum": momentum,
        "centered": centered, **options,
    }  # fmt: skip


def lerp(shapes: Any = SHAPES, **options: Any) -> Config:
    """A call of lerp_step."""
    lists = _lists(shapes)
    scales = [1.0 + k / 3 for k in range(len(shapes))]
    return {
        "targets": lists["params"], "sources": lists["grads"], "weight": 0.1, "scales": scales,
        **options,
    }  # fmt: skip


DECAYS = (0.0, 0.3)
SGD = [
    *(
        sgd(momentum=momentum, weight_decay=decay, nesterov=nesterov, step=step)
        for momentum, decay, nesterov, step in itertools.product(
            (0.0, 0.9), DECAYS, (False, True), (1, 2)
        )
        if momentum or not nesterov
    ),
    sgd(momentum=0.9, dampening=0.4),
    sgd(momentum=0.9, dampening=0.4, step=1),
    sgd(grad_scale=0.25, weight_decay=0.1),
    sgd(momentum=0.9) | ON_DEVICE,
    sgd([]),
    sgd([(0, 3), (2,)], momentum=0.5),
]
ADAM = [
    *(
        adam(weight_decay=decay, decoupled=decoupled, step=step)
        for decay, decoupled, step in itertools.product(DECAYS, (False, True), (1, 1000))
    ),
    adam(grad_scale=0.25, weight_decay=0.1),
    adam(eps=0.5),
    adam(weight_decay=0.1, decoupled=True) | ON_DEVICE,
    adam([]),
    adam([(0, 3), (2,)]),
]
RMSPROP = [
    *(
        rmsprop(momentum=momentum, centered=centered, weight_decay=decay)
        for momentum, centered, decay in itertools.product((0.0, 0.9), (False, True), DECAYS)
    ),
    rmsprop(grad_scale=0.25, eps=0.5, step=1),
    rmsprop(momentum=0.9, centered=True) | ON_DEVICE,
    rmsprop([]),
]
LERP = [
    lerp(),
    lerp(weight=0.0),
    lerp(weight=1.0),
    lerp(weight=scalar(0.01)),
    lerp([]),
    lerp([(0, 3)]),
]
NORMS: list[Config] = [
    {"arrays": [normal(3, 4), normal(2), normal(1, 2, 3)]},
    {"arrays": [normal()]},
    {"arrays": []},
    {"arrays": [normal(0, 3), normal(2)]},
]


def _draw_shapes(d: Draw) -> list[tuple[int, ...]]:
    return [tuple(d.integer(1, 4) for _ in range(d.integer(1, 3))) for _ in range(d.integer(1, 3))]


def _draw_common(d: Draw) -> Config:
    return {
        "step": d.integer(1, 5),
        "grad_scale": d.choice([1.0, 0.25]),
        "weight_decay": d.choice(DECAYS),
    } | (ON_DEVICE if d.flag() else {})


def _draw_sgd(d: Draw) -> Config:
    momentum = d.choice([0.0, 0.9])
    nesterov = d.flag() if momentum else False
    options = {"dampening": 0.0 if nesterov else d.choice([0.0, 0.4]), "nesterov": nesterov}
    return sgd(_draw_shapes(d), momentum, **options) | _draw_common(d)


def _draw_adam(d: Draw) -> Config:
    return adam(_draw_shapes(d), decoupled=d.flag()) | _draw_common(d)


def _draw_rmsprop(d: Draw) -> Config:
    return rmsprop(_draw_shapes(d), d.choice([0.0, 0.9]), d.flag()) | _draw_common(d)


def _step_scale(kernel: str, arguments: Config, truths: list[Any]) -> list[float]:
    """Nothing gets larger than what went in or came out."""
    arrays = [a for value in arguments.values() if isinstance(value, list) for a in value]
    size = max([biggest(a) for a in arrays if hasattr(a, "shape")], default=0.0)
    return [max(size, biggest(truth)) for truth in truths]


SUITES = {
    "sgd_step": Suite(SGD, _draw_sgd, _step_scale, updates=("params", "momentum_buffers")),
    "adam_step": Suite(
        ADAM, _draw_adam, _step_scale, updates=("params", "exp_avgs", "exp_avg_sqs")
    ),
    "rmsprop_step": Suite(
        RMSPROP,
        _draw_rmsprop,
        _step_scale,
        updates=("params", "square_avgs", "momentum_buffers", "grad_avgs"),
    ),
    "lerp_step": Suite(
        LERP,
        lambda d: lerp(_draw_shapes(d), weight=d.choice([0.1, 0.5, scalar(0.25)])),
        _step_scale,
        updates=("targets",),
    ),
    "global_norm": Suite(
        NORMS,
        lambda d: {"arrays": [normal(*shape) for shape in _draw_shapes(d)]},
        result_dtype="float64",
    ),
}
