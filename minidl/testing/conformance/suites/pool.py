"""Pooling: ties, NaN, −inf, windows over the edge, and every rule for the divisor."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from minidl.testing import naive
from minidl.testing.conformance.data import Data, constant, normal, sprinkled, whole
from minidl.testing.conformance.suite import Config, Draw, Suite, of_absolutes
from minidl.testing.conformance.suites.conv import draw_windows
from minidl.testing.naive.windows import Windows


def pooling(x: Data, kernel_size: tuple[int, int], **options: object) -> Config:
    """A forward call of max_pool2d or avg_pool2d."""
    return {"x": x, "kernel_size": kernel_size, "stride": (2, 2), **options}


SHARED = [
    pooling(normal(1, 1, 1, 1), (1, 1)),
    pooling(normal(2, 3, 4, 6), (2, 2)),
    pooling(normal(1, 2, 7, 5), (3, 2), stride=(1, 1)),  # windows overlap
    pooling(normal(1, 2, 7, 6), (2, 3), stride=(3, 2)),  # the stride doesn't divide
    pooling(normal(2, 1, 5, 6), (3, 2), padding=(1, 0, 0, 1)),  # asymmetric
    pooling(normal(1, 1, 6, 7), (3, 3), stride=(2, 3), padding=(0, 0, 1, 1)),
    pooling(normal(1, 2, 6, 5), (3, 2), ceil_mode=True),
    pooling(normal(1, 1, 7, 7), (2, 2), stride=(3, 3), padding=(1, 1, 1, 1), ceil_mode=True),
    pooling(normal(1, 1, 4, 5), (3, 3), stride=(3, 3), padding=(1, 1, 1, 1), ceil_mode=True),
    pooling(normal(1, 1, 3, 4), (1, 1), stride=(3, 2), ceil_mode=True),
    pooling(normal(1, 1, 5, 2), (3, 3), stride=(4, 4), padding=(1, 1, 0, 1), ceil_mode=True),
    pooling(normal(1, 2, 4, 3), (4, 3), stride=(1, 1)),  # one window: the whole plane
    pooling(normal(1, 1, 6, 7), (2, 2), stride=(3, 4)),  # some elements meet no window
    pooling(normal(0, 2, 4, 5), (2, 2)),
]
MAXIMA = [
    *SHARED,
    pooling(whole(2, 2, 6, 7), (3, 2), stride=(1, 2)),  # ties
    pooling(whole(1, 1, 5, 6), (3, 3), padding=(1, 1, 1, 1)),
    pooling(constant(1, 1, 4, 5, value=-math.inf), (3, 2), padding=(1, 1, 1, 0)),
    pooling(constant(1, 1, 4, 5, value=-3.0), (3, 3), padding=(1, 1, 1, 1)),  # padding loses
    pooling(sprinkled(1, 2, 5, 6, value=math.nan), (2, 3), stride=(1, 2)),
    pooling(sprinkled(1, 1, 5, 6, value=-math.inf), (2, 2), stride=(1, 1)),
    pooling(normal(1, 2, 8, 7), (3, 2), stride=(1, 2), dilation=(2, 3)),
    pooling(whole(1, 1, 7, 8), (2, 3), stride=(3, 2), padding=(1, 2, 0, 1), dilation=(2, 2)),
    pooling(normal(1, 1, 8, 9), (2, 2), dilation=(3, 2), ceil_mode=True),
    pooling(normal(1, 2, 4, 5), (2, 2), return_indices=False),
]
AVERAGES = [
    *SHARED,
    *({**case, "count_include_pad": False} for case in SHARED if "padding" in case),
    pooling(normal(1, 2, 5, 4), (2, 3), padding=(1, 1, 1, 1), divisor_override=4),
    pooling(normal(1, 1, 5, 6), (3, 3), padding=(1, 1, 1, 1), ceil_mode=True, divisor_override=2),
]
ADAPTIVE = [
    {"x": normal(batch, channels, *size), "output_size": output_size}
    for batch, channels, size, output_size in [
        (2, 2, (6, 4), (3, 2)),
        (1, 2, (7, 5), (3, 2)),  # windows of different sizes that overlap
        (1, 1, (5, 7), (1, 1)),
        (2, 1, (3, 2), (3, 2)),
        (1, 1, (2, 3), (5, 4)),  # more windows than elements
        (1, 1, (10, 1), (7, 3)),
        (0, 2, (4, 3), (2, 2)),
    ]
]


def _draw_pooling(d: Draw, dilation: int, fillings: list[Callable[..., Data]]) -> Config:
    w = draw_windows(d, padding=0, dilation=dilation)
    spans = [w["dilation"][a] * (w["kernel_size"][a] - 1) + 1 for a in (0, 1)]
    padding = tuple(d.integer(0, spans[a] // 2) for a in (0, 1, 0, 1))
    size = w["size"]
    shape = (d.choice([1, 2, 0]), d.integer(1, 2), *size)
    config = pooling(d.choice(fillings)(*shape), w["kernel_size"], stride=w["stride"])
    config |= {"padding": padding, "ceil_mode": d.flag(), "dilation": w["dilation"]}
    if not _every_window_is_real(config):  # such padding is refused by the spec
        config["padding"] = (0, 0, 0, 0)
    return config


def _windows(config: Config) -> Windows:
    return Windows(
        config["x"].shape[2:],
        config["kernel_size"],
        config["stride"],
        config.get("padding", (0, 0, 0, 0)),
        config.get("dilation", (1, 1)),
        config.get("ceil_mode", False),
    )


def _every_window_is_real(config: Config) -> bool:
    windows = _windows(config)
    return all(any(windows.real_taps(i, j)) for i, j in np.ndindex(windows.output_size))


def _draw_maximum(d: Draw) -> Config:
    return _draw_pooling(d, dilation=2, fillings=[normal, whole])


def _draw_average(d: Draw) -> Config:
    config = _draw_pooling(d, dilation=1, fillings=[normal])
    del config["dilation"]
    return {**config, "count_include_pad": d.flag(), "divisor_override": d.choice([None, 1, 5])}


def _draw_adaptive(d: Draw) -> Config:
    shape = (d.choice([1, 2, 0]), d.integer(1, 2), *d.pair(1, 7))
    return {"x": normal(*shape), "output_size": d.pair(1, 5)}


# ----------------------------------------------------------------------------- the gradients


def _gradient(forward: Config) -> Config:
    """The call of the gradient for the same geometry."""
    rest = {name: value for name, value in forward.items() if name != "x"}
    shape = (*forward["x"].shape[:2], *_windows(forward).output_size)
    return {"grad_output": normal(*shape), **rest, "input_size": forward["x"].shape[2:]}


def _max_gradient(forward: Config) -> Config:
    config = _gradient(forward)
    config.pop("return_indices", None)
    # `prepare` puts the indices of a pooling of these numbers in the place of the numbers.
    return {**config, "indices": forward["x"]}


def _adaptive_gradient(forward: Config) -> Config:
    shape = (*forward["x"].shape[:2], *forward["output_size"])
    return {"grad_output": normal(*shape), "input_size": forward["x"].shape[2:]}


def _indices_of_a_pooling(arguments: Config) -> None:
    if arguments["indices"].dtype.kind == "f":
        geometry = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        options = {name: arguments[name] for name in geometry if name in arguments}
        _, arguments["indices"] = naive.max_pool2d(arguments["indices"], **options)


# Indices outside the plane must be left out, not written through.
OUTSIDE = [
    _max_gradient(pooling(normal(2, 1, 3, 6), (1, 2)))
    | {"indices": constant(2, 1, 2, 3, value=index, dtype="int32")}
    for index in (-1, 3 * 6, 2**31 - 1)
]

SUITES = {
    "max_pool2d": Suite(MAXIMA, _draw_maximum, scale=None),
    "max_pool2d_grad": Suite(
        [
            *map(_max_gradient, MAXIMA),
            *OUTSIDE,
        ],
        lambda d: _max_gradient(_draw_maximum(d)),
        of_absolutes,
        prepare=_indices_of_a_pooling,
    ),
    "avg_pool2d": Suite(AVERAGES, _draw_average, of_absolutes),
    "avg_pool2d_grad": Suite(
        [_gradient(case) for case in AVERAGES],
        lambda d: _gradient(_draw_average(d)),
        of_absolutes,
    ),
    "adaptive_avg_pool2d": Suite(ADAPTIVE, _draw_adaptive, of_absolutes),
    "adaptive_avg_pool2d_grad": Suite(
        [_adaptive_gradient(case) for case in ADAPTIVE],
        lambda d: _adaptive_gradient(_draw_adaptive(d)),
        of_absolutes,
    ),
}
