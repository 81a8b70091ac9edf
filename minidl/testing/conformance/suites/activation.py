"""Activations, plain and with a bias, and the sum that is a bias's gradient."""

from __future__ import annotations

import itertools
import math
from typing import Any

from minidl.testing import naive
from minidl.testing.conformance.data import constant, normal, sprinkled, unit, whole, wide
from minidl.testing.conformance.suite import Config, Draw, Suite, biggest, largest, of_absolutes
from minidl.testing.conformance.suites.norm import ACTIVATIONS, silence_kinks

SHAPES = ((3,), (2, 3), (2, 3, 4, 5), (1, 1, 1, 1), (0, 3, 2, 2), (), (2, 1, 3, 2, 2))
FUSED_SHAPES = ((3, 2), (2, 3, 4, 5), (1, 2, 3), (0, 2, 3, 1), (2, 3, 1, 2, 2))
SLOPE = {"negative_slope": 0.1}
INFINITIES = (math.inf, -math.inf)


def _draw_shape(d: Draw, minimum: int = 0) -> tuple[int, ...]:
    return tuple(d.integer(1, 4) for _ in range(d.integer(minimum, 4)))


def elementwise(
    options: Config, *, exact: bool, infinities: tuple[float, ...] = INFINITIES
) -> Suite:
    """The suite of an activation; `infinities` are those of which its formula says something."""
    cases = [{"x": filling(*shape)} for filling in (normal, wide) for shape in SHAPES]
    cases += [{"x": whole(3, 4)}, {"x": constant(2, 3, value=-1000.0)}]
    cases += [{"x": constant(2, 3, value=1000.0)}]
    cases += [{"x": sprinkled(2, 5, value=value)} for value in (math.nan, *infinities)]
    return Suite(
        [{**case, **options} for case in cases],
        lambda d: {"x": d.choice([normal, wide])(*_draw_shape(d)), **options},
        None if exact else largest,
    )


def gradient(
    options: Config,
    argument: str,
    filling: Any,
    *,
    exact: bool,
    infinities: tuple[float, ...] = (),
) -> Suite:
    """The suite of its gradient, which is given x or the result y.

    `infinities` come as gradients too: where the slope is 0 by a case distinction, as in ReLU, so
    is the gradient; 0 · inf would be NaN.
    """

    def case(shape: tuple[int, ...], filling: Any = filling) -> Config:
        return {"grad_output": normal(*shape), argument: filling(*shape), **options}

    infinite = [
        {"grad_output": grad, argument: given, **options}
        for value in infinities
        for grad, given in (
            (normal(2, 5), sprinkled(2, 5, value=value)),
            (sprinkled(3, 4, value=value), whole(3, 4)),
        )
    ]
    return Suite(
        [*map(case, SHAPES), case((3, 4), unit if filling is unit else whole), *infinite],
        lambda d: case(_draw_shape(d)),
        None if exact else _slope_scale,
    )


def _slope_scale(kernel: str, arguments: Config, truths: list[Any]) -> list[float]:
    """Slopes are near 1; silu's contains x · (1 − σ), and 1 − σ is only as exact as 1 is."""
    terms = 1 + biggest(arguments["x"]) if kernel == "silu_grad" else 1
    return [terms * biggest(arguments["grad_output"])]


def _biased(shape: tuple[int, ...], activation: str | None) -> Config:
    filling = wide if activation in ("relu6", "hardswish") else normal
    return {"x": filling(*shape), "bias": normal(shape[1]), "activation": activation}


BIASED = [
    _biased(shape, activation)
    for activation, shape in itertools.product(ACTIVATIONS, FUSED_SHAPES[:3])
] + [_biased(shape, "relu") for shape in FUSED_SHAPES[3:]]
INFINITE = [
    {"x": sprinkled(2, 3, 2, value=value), "bias": normal(3), "activation": activation}
    for activation, value in itertools.product(ACTIVATIONS, INFINITIES)
    if value > 0 or activation not in ("silu", "hardswish")
]


def _draw_biased(d: Draw) -> Config:
    return _biased(_draw_shape(d, minimum=2), d.choice(ACTIVATIONS))


def _biased_scale(kernel: str, arguments: Config, truths: list[Any]) -> list[float]:
    return [biggest(arguments["x"]) + biggest(arguments["bias"])]


def _biased_gradient(forward: Config, needs: tuple[bool, bool] = (True, True)) -> Config:
    saved = None if forward["activation"] is None else forward["x"]
    rest = {"bias": forward["bias"], "activation": forward["activation"], "needs": needs}
    return {"grad_output": normal(*forward["x"].shape), "saved": saved, **rest}


def _draw_biased_gradient(d: Draw) -> Config:
    return _biased_gradient(_draw_biased(d), (d.choice([True, False]), d.choice([True, False])))


def _complete_biased_gradient(arguments: Config) -> None:
    """Where the gradient is given the result, put it in the place of x."""
    saved, bias, activation = (arguments[name] for name in ("saved", "bias", "activation"))
    if activation in ("relu", "relu6", "sigmoid"):
        y = naive.bias_activation(saved, bias, activation=activation)
        arguments["saved"] = y.astype(saved.dtype)
    elif activation is not None:
        pre = naive.bias_activation(saved, bias)
        silence_kinks(arguments["grad_output"], pre, activation)


def _biased_gradient_scale(kernel: str, arguments: Config, truths: list[Any]) -> list[float]:
    grad = arguments["grad_output"]
    size = biggest(grad)
    if arguments["activation"] == "silu":  # the slope depends on x + bias, which is rounded
        size *= 1 + biggest(arguments["saved"]) + biggest(arguments["bias"])
    count = grad.size / max(1, grad.shape[1])
    return [size, size * math.sqrt(count)]


SUITES = {
    "relu": elementwise({}, exact=True),
    "relu_grad": gradient({}, "y", whole, exact=True, infinities=INFINITIES),
    "relu6": elementwise({}, exact=True),
    "relu6_grad": gradient({}, "y", wide, exact=True, infinities=INFINITIES),
    "leaky_relu": elementwise(SLOPE, exact=False),
    "leaky_relu_grad": gradient(SLOPE, "x", whole, exact=False, infinities=INFINITIES),
    "sigmoid": elementwise({}, exact=False),
    "sigmoid_grad": gradient({}, "y", unit, exact=False),
    "tanh": elementwise({}, exact=False),
    "tanh_grad": gradient({}, "y", unit, exact=False),
    "silu": elementwise({}, exact=False, infinities=(math.inf,)),  # −inf · 0 is not defined
    "silu_grad": gradient({}, "x", wide, exact=False),
    "hardswish": elementwise({}, exact=False, infinities=(math.inf,)),
    "hardswish_grad": gradient({}, "x", wide, exact=False),
    "bias_activation": Suite([*BIASED, *INFINITE], _draw_biased, _biased_scale),
    "bias_activation_grad": Suite(
        [
            *map(_biased_gradient, BIASED),
            _biased_gradient(_biased((2, 3, 4), "silu"), (False, True)),
            _biased_gradient(_biased((2, 3, 4), None), (True, False)),
        ],
        _draw_biased_gradient,
        _biased_gradient_scale,
        prepare=_complete_biased_gradient,
    ),
    "channel_sum": Suite(
        [{"x": normal(*shape)} for shape in (*FUSED_SHAPES, (7, 1, 9, 3))],
        lambda d: {"x": normal(*_draw_shape(d, minimum=2))},
        of_absolutes,
    ),
}
