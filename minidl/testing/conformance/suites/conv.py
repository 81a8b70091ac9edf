"""Convolutions, unfold and fold: three views of each geometry, forward and both gradients.

A geometry is the forward call; the gradients' calls follow from it, so every geometry is tried on
every kernel of its family.
"""

from __future__ import annotations

from minidl.testing.conformance.data import normal
from minidl.testing.conformance.suite import Config, Draw, Suite, of_absolutes
from minidl.testing.naive.windows import Pair, Windows


def geometry(
    batch: int,
    channels: int,
    size: Pair,
    out_channels: int,
    kernel_size: Pair,
    *,
    bias: bool = False,
    groups: int = 1,
    **windows: object,
) -> Config:
    """A forward call of conv2d."""
    return {
        "x": normal(batch, channels, *size),
        "weight": normal(out_channels, channels // groups, *kernel_size),
        "bias": normal(out_channels) if bias else None,
        "stride": (1, 1),
        "padding": (0, 0, 0, 0),
        "dilation": (1, 1),
        "groups": groups,
        **windows,
    }


# Each line: N, C, (H, W), O, (kh, kw); what makes it difficult.
CONVOLUTIONS = [
    geometry(1, 1, (1, 1), 1, (1, 1)),
    geometry(2, 3, (5, 4), 2, (3, 2), bias=True),
    geometry(2, 2, (4, 6), 3, (2, 3), padding=(1, 0, 2, 3), bias=True),  # four different sides
    geometry(1, 2, (7, 5), 2, (2, 3), stride=(3, 2)),  # the stride doesn't divide
    geometry(1, 2, (6, 8), 2, (3, 2), stride=(2, 3), padding=(0, 0, 1, 1)),  # as TensorFlow pads
    geometry(1, 1, (5, 6), 2, (2, 2), stride=(3, 4)),  # some elements meet no window
    geometry(1, 2, (7, 8), 2, (3, 2), dilation=(2, 3), bias=True),
    geometry(2, 1, (6, 7), 2, (2, 3), stride=(2, 1), padding=(2, 1, 0, 2), dilation=(3, 2)),
    geometry(1, 4, (4, 3), 6, (3, 2), groups=2, padding=(1, 1, 1, 0), bias=True),
    geometry(2, 3, (3, 4), 3, (2, 2), groups=3, bias=True),  # depthwise
    geometry(1, 2, (4, 5), 6, (3, 3), groups=2, stride=(2, 2), padding=(1, 1, 1, 1)),
    geometry(1, 2, (3, 2), 2, (4, 5), padding=(1, 2, 0, 1), bias=True),  # as large as the input
    geometry(1, 1, (2, 3), 2, (2, 2), padding=(3, 0, 0, 2), bias=True),  # windows of padding only
    geometry(2, 5, (3, 4), 4, (1, 1), bias=True),  # a matrix product
    geometry(1, 3, (5, 6), 2, (1, 1), stride=(2, 2)),
    geometry(1, 3, (7, 7), 2, (3, 3), padding=(1, 1, 1, 1)),  # Winograd's
    geometry(0, 2, (4, 5), 2, (3, 2), bias=True),  # an empty batch
    geometry(1, 1, (1, 9), 1, (1, 4), stride=(1, 2)),
    geometry(1, 1, (9, 1), 1, (4, 1), stride=(2, 1)),
]
DEPTHWISE = [
    *(case for case in CONVOLUTIONS if case["groups"] == case["x"].shape[1]),
    geometry(1, 3, (7, 5), 3, (3, 2), groups=3, stride=(2, 3), padding=(1, 0, 2, 1), bias=True),
    geometry(2, 2, (6, 7), 4, (2, 3), groups=2, dilation=(2, 2), padding=(0, 2, 1, 0)),
    geometry(1, 2, (5, 6), 2, (5, 3), groups=2, padding=(2, 1, 2, 1), bias=True),
    geometry(0, 2, (4, 5), 2, (3, 2), groups=2),
]


def draw_windows(d: Draw, kernel: int = 3, padding: int = 2, dilation: int = 2) -> Config:
    """A kernel size, stride, padding and dilation, and an input size that they fit."""
    kernel_size, stride, spread = d.pair(1, kernel), d.pair(1, 3), d.pair(1, dilation)
    sides = (*d.pair(0, padding), *d.pair(0, padding))
    size = tuple(
        max(1, spread[a] * (kernel_size[a] - 1) + 1 - sides[a] - sides[a + 2]) + d.integer(0, 4)
        for a in (0, 1)
    )
    return {
        "size": size,
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": sides,
        "dilation": spread,
    }


def draw_convolution(d: Draw) -> Config:
    """Any small convolution."""
    groups = d.integer(1, 3)
    channels, out_channels = groups * d.integer(1, 2), groups * d.integer(1, 2)
    w = draw_windows(d)
    return geometry(
        batch=d.choice([1, 2, 0]), channels=channels, out_channels=out_channels, groups=groups,
        bias=d.flag(), **w,
    )  # fmt: skip


def draw_depthwise(d: Draw) -> Config:
    """Any small depthwise convolution, with a multiplier."""
    groups = d.integer(1, 3)
    w = draw_windows(d)
    return geometry(
        batch=d.choice([1, 2, 0]), channels=groups, out_channels=groups * d.integer(1, 2),
        groups=groups, bias=d.flag(), **w,
    )  # fmt: skip


# ------------------------------------------- from the forward call to those of the other kernels


def _without(config: Config, *names: str) -> Config:
    return {name: value for name, value in config.items() if name not in names}


def _windows(forward: Config) -> Windows:
    size, kernel_size = forward["x"].shape[2:], forward["weight"].shape[2:]
    return Windows(size, kernel_size, forward["stride"], forward["padding"], forward["dilation"])


def _grad_output(forward: Config) -> Config:
    batch, out_channels = forward["x"].shape[0], forward["weight"].shape[0]
    return {"grad_output": normal(batch, out_channels, *_windows(forward).output_size)}


def input_grad(forward: Config) -> Config:
    """The call of conv2d_input_grad for the same geometry."""
    rest = _without(forward, "x", "bias")
    return {**_grad_output(forward), **rest, "input_size": forward["x"].shape[2:]}


def weight_grad(forward: Config) -> Config:
    """The call of conv2d_weight_grad for the same geometry."""
    rest = _without(forward, "weight", "bias")
    return {**_grad_output(forward), **rest, "kernel_size": forward["weight"].shape[2:]}


def depthwise(forward: Config) -> Config:
    """The call of depthwise_conv2d for the same geometry."""
    return _without(forward, "groups")


def depthwise_input_grad(forward: Config) -> Config:
    """The call of depthwise_conv2d_input_grad for the same geometry."""
    return {**_without(input_grad(forward), "groups"), "input_channels": forward["groups"]}


def depthwise_weight_grad(forward: Config) -> Config:
    """The call of depthwise_conv2d_weight_grad for the same geometry."""
    return _without(weight_grad(forward), "groups")


def unfold(forward: Config) -> Config:
    """The call of unfold for the same geometry."""
    rest = _without(forward, "weight", "bias", "groups")
    return {**rest, "kernel_size": forward["weight"].shape[2:]}


def fold(forward: Config) -> Config:
    """The call of fold for the same geometry."""
    (batch, channels, *size), (kh, kw) = forward["x"].shape, forward["weight"].shape[2:]
    out_h, out_w = _windows(forward).output_size
    columns = normal(batch, channels * kh * kw, out_h * out_w)
    return {"columns": columns, **_without(unfold(forward), "x"), "output_size": tuple(size)}


SUITES = {
    "conv2d": Suite(CONVOLUTIONS, draw_convolution, of_absolutes),
    **{
        name: Suite(
            [derive(case) for case in CONVOLUTIONS],
            lambda d, derive=derive: derive(draw_convolution(d)),  # type: ignore[misc]
            of_absolutes if name != "unfold" else None,
        )
        for name, derive in {
            "conv2d_input_grad": input_grad,
            "conv2d_weight_grad": weight_grad,
            "unfold": unfold,
            "fold": fold,
        }.items()
    },
    **{
        name: Suite(
            [derive(case) for case in DEPTHWISE],
            lambda d, derive=derive: derive(draw_depthwise(d)),  # type: ignore[misc]
            of_absolutes,
        )
        for name, derive in {
            "depthwise_conv2d": depthwise,
            "depthwise_conv2d_input_grad": depthwise_input_grad,
            "depthwise_conv2d_weight_grad": depthwise_weight_grad,
        }.items()
    },
}
