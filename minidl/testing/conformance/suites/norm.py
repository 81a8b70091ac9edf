"""Batch norm and local response norm: large means, no variance, every fused form."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from minidl.testing import naive
from minidl.testing.conformance.data import Data, constant, normal, offset, positive
from minidl.testing.conformance.suite import Config, Draw, Suite, biggest, largest
from minidl.testing.naive.norm import pre_activation

ACTIVATIONS = (None, "relu", "relu6", "silu", "hardswish", "sigmoid")
SHAPES = ((3, 2), (2, 3, 4), (2, 3, 3, 4), (1, 2, 2, 3), (5, 1, 1, 1), (2, 2, 2, 1, 3))


def normalisation(
    x: Data, affine: bool = True, residual: bool = False, activation: str | None = None
) -> Config:
    """A call of batch_norm."""
    channels = x.shape[1]
    return {
        "x": x,
        "weight": normal(channels) if affine else None,
        "bias": normal(channels) if affine else None,
        "eps": 1e-5,
        "residual": normal(*x.shape) if residual else None,
        "activation": activation,
    }


TRAINING = [
    *(normalisation(normal(*shape)) for shape in SHAPES),
    *(
        normalisation(normal(2, 3, 3, 2), residual=residual, activation=activation)
        for activation, residual in itertools.product(ACTIVATIONS, (False, True))
    ),
    normalisation(normal(2, 3, 4, 2), affine=False),
    {**normalisation(normal(2, 3, 4, 2)), "weight": None},
    {**normalisation(normal(2, 3, 4, 2), activation="silu"), "bias": None},
    {**normalisation(normal(4, 2)), "eps": 1e-3},
    normalisation(offset(3, 2, 4, 3)),  # E[x²] − E[x]² would leave nothing
    normalisation(offset(2, 1, 5, 4), affine=False),
    normalisation(constant(2, 2, 2, 3, value=3.0)),  # no variance
    normalisation(normal(2, 0, 3, 2)),  # no channels
]
EMPTY = normalisation(normal(0, 2, 3, 4), residual=True, activation="relu")


def _draw_training(d: Draw) -> Config:
    shape = (d.integer(2, 4), d.integer(1, 3), *(d.integer(1, 3) for _ in range(d.integer(0, 2))))
    filling = d.choice([normal, offset])
    plain = filling is offset  # near 10,000 a kink's side depends on rounding
    return normalisation(
        filling(*shape), d.flag(), d.flag(), None if plain else d.choice(ACTIVATIONS)
    )


def _inference(training: Config) -> Config:
    channels = training["x"].shape[1]
    mean = offset(channels) if training["x"].kind == "offset" else normal(channels)
    return {**training, "mean": mean, "var": positive(channels)}


def _draw_inference(d: Draw) -> Config:
    return _inference(_draw_training(d))


def _gradient(forward: Config, training: bool, needs: Any = (True,) * 4) -> Config:
    grad_output = normal(*forward["x"].shape)
    return {
        "grad_output": grad_output,
        **_inference(forward),
        "training": training,
        "needs": needs,
    }


GRADIENTS = [
    *(_gradient(case, training) for case in TRAINING for training in (True, False)),
    *(
        _gradient(normalisation(normal(2, 2, 2, 3), residual=True, activation="relu"), True, needs)
        for needs in itertools.product((True, False), repeat=4)
        if any(needs)
    ),
    _gradient(EMPTY, False),
]


def _draw_gradient(d: Draw) -> Config:
    needs = tuple(d.choice([True, False]) for _ in range(4))
    return _gradient(_draw_training(d), d.flag(), needs)


def _complete_gradient(arguments: Config) -> None:
    """In training, put in the statistics of x; and no gradient where a kink is nearby.

    The slope jumps at the activation's kinks, and on which side of one a pre-activation lies may
    depend on rounding; an element whose incoming gradient is 0 doesn't care.
    """
    dtype = arguments["x"].dtype
    if arguments["training"]:
        _, mean, var = naive.batch_norm(arguments["x"], eps=arguments["eps"])
        arguments["mean"], arguments["var"] = mean.astype(dtype), var.astype(dtype)
    names = ("x", "mean", "var", "weight", "bias", "eps", "residual")
    z = pre_activation(**{name: arguments[name] for name in names})
    silence_kinks(arguments["grad_output"], z, arguments["activation"])


def silence_kinks(grad_output: Any, pre: Any, activation: str | None) -> None:
    """Set grad_output to 0 where the pre-activation is within 0.01 of a jump of the slope."""
    kinks = {"relu": (0.0,), "relu6": (0.0, 6.0), "hardswish": (-3.0, 3.0)}
    for kink in kinks.get(activation or "", ()):
        grad_output[np.abs(pre - kink) < 0.01] = 0


# ------------------------------------------------------- the size of what goes into the sums


def _forward_scale(arguments: Config, mean: Any, var: Any) -> float:
    """x − mean is as exact as x is; then it is divided by the standard deviation."""
    weight = 1.0 if arguments["weight"] is None else biggest(arguments["weight"])
    return weight * biggest(1 / np.sqrt(var + arguments["eps"])) * biggest(arguments["x"])


def _training_scale(kernel: str, arguments: Config, truths: list[Any]) -> list[float]:
    y, mean, var = truths
    x, eps = arguments["x"], float(np.finfo(arguments["x"].dtype).eps)
    # An error ε·|x| of the mean enters the variance squared: the two-pass formula's merit.
    return [
        biggest(y) + _forward_scale(arguments, mean, var),
        biggest(x),
        biggest(var) + eps * biggest(x) ** 2,
    ]


def _inference_scale(kernel: str, arguments: Config, truths: list[Any]) -> list[float]:
    return [biggest(truths[0]) + _forward_scale(arguments, arguments["mean"], arguments["var"])]


def _gradient_scale(kernel: str, arguments: Config, truths: list[Any]) -> list[float]:
    x, mean, var = arguments["x"], arguments["mean"], arguments["var"]
    if x.size == 0:
        return [0.0] * 4
    count = x.size / x.shape[1]
    inverse_std = biggest(1 / np.sqrt(var.astype(np.float64) + arguments["eps"]))
    per_channel = (1, -1, *(1,) * (x.ndim - 2))
    normal_x = inverse_std * biggest(x - mean.reshape(per_channel))
    error_of_normal_x = normal_x + inverse_std * biggest(x)  # in units of ε
    weight = 1.0 if arguments["weight"] is None else biggest(arguments["weight"])
    grad = biggest(arguments["grad_output"])
    if arguments["activation"] in ("silu", "hardswish", "sigmoid"):  # the slope depends on x̂
        grad *= 1 + weight * error_of_normal_x
    of_x = weight * inverse_std * grad * (2 + normal_x * error_of_normal_x)
    return [of_x, count * grad * error_of_normal_x, count * grad, grad]


def local_response(shape: tuple[int, ...], size: int, **options: float) -> Config:
    """A call of local_response_norm, AlexNet's numbers unless given."""
    return {"x": normal(*shape), "size": size, "alpha": 1e-4, "beta": 0.75, "k": 2.0, **options}


LOCAL = [
    local_response((2, 7, 2, 3), 5),
    local_response((1, 7, 3, 2), 5, alpha=3.0, beta=0.5, k=1.0),
    local_response((1, 6, 2, 3), 4, alpha=2.0),  # an even size leans to the front
    local_response((1, 5, 1, 2), 1, alpha=1.0, k=0.5),
    local_response((1, 3, 2, 2), 9, alpha=5.0),  # more neighbours than channels
    local_response((2, 1, 2, 2), 3, alpha=1.0, beta=1.0),
    local_response((0, 4, 2, 3), 3),
]


def _draw_local(d: Draw) -> Config:
    shape = (d.choice([1, 2, 0]), d.integer(1, 6), *d.pair(1, 3))
    return local_response(
        shape, d.integer(1, 6), alpha=d.choice([1.0, 1e-4]), beta=d.choice([1.0, 0.75])
    )


def _with_gradient(forward: Config) -> Config:
    return {"grad_output": normal(*forward["x"].shape), **forward}


def _local_gradient_scale(kernel: str, arguments: Config, truths: list[Any]) -> list[float]:
    power = arguments["k"] ** -arguments["beta"]
    x, alpha = biggest(arguments["x"]), arguments["alpha"]
    inner = 2 * alpha * arguments["beta"] * x * x / arguments["k"]
    return [biggest(arguments["grad_output"]) * power * (1 + inner) * math.sqrt(1 + inner)]


SUITES = {
    "batch_norm": Suite(TRAINING, _draw_training, _training_scale),
    "batch_norm_inference": Suite(
        [*map(_inference, TRAINING), _inference(EMPTY)], _draw_inference, _inference_scale
    ),
    "batch_norm_grad": Suite(
        GRADIENTS, _draw_gradient, _gradient_scale, prepare=_complete_gradient
    ),
    "local_response_norm": Suite(LOCAL, _draw_local, largest),
    "local_response_norm_grad": Suite(
        [_with_gradient(case) for case in LOCAL],
        lambda d: _with_gradient(_draw_local(d)),
        _local_gradient_scale,
    ),
}
