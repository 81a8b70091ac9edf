"""Slides "Reducing the cost of Convolutions" and "Separable Convolutions": formulas against layers.

A formula holds if it gives the figure of every such layer of a running network.
"""

from __future__ import annotations

from collections.abc import Callable

from minidl.lecture.inception import chain, kernel_name
from minidl.lecture.measure import Measured, measured, measured_model
from minidl.lecture.report import LectureTable, Row, holds, row
from minidl.lecture.verdicts import Reading
from minidl.models.mobilenet_v1 import DepthwiseSeparable
from minidl.nn import Conv2d

PARAMETERS, COMPUTATION = "k_h k_w c_i c_o", "m_h m_w k_h k_w c_i c_o"


def convolutions() -> LectureTable:
    """Plain, sliced, grouped, separable."""
    return LectureTable(
        "convolutions",
        "Reducing the cost of Convolutions, Separable Convolutions",
        (*_plain_and_grouped(), *_sliced(), *_separable()),
        "m is the size of the output; computation is in MACs, parameters are without biases.",
    )


def plain(c: Conv2d) -> int:
    """The slide's formula for parameters."""
    k_h, k_w = c.kernel_size
    return int(k_h * k_w * c.in_channels * c.out_channels)


def _plain_and_grouped() -> list[Row]:
    grouped = "m_h m_w k_h k_w (c_i/b) (c_o/b) b"
    return [
        _formula("plain: parameters", PARAMETERS, "resnet50", lambda c, m: plain(c), macs=False),
        _formula("plain: computation", COMPUTATION, "resnet50", lambda c, m: m * plain(c)),
        _formula(
            "in b groups: computation",
            grouped,
            "resnext50_32x4d",
            lambda c, m: m * plain(c) // c.groups,
            groups=32,
            note="; parameters, which the slide leaves out, are k_h k_w c_i c_o / b",
        ),
    ]


def _formula(
    what: str,
    text: str,
    model: str,
    formula: Callable[[Conv2d, int], int],
    groups: int = 1,
    macs: bool = True,
    note: str = "",
) -> Row:
    """Does `formula`, of a layer and of m_h · m_w, give what the layers cost?"""
    network = measured(model)
    layers = {path: c for path, c in network.of(Conv2d).items() if c.groups == groups}
    right = 0
    for path, layer in layers.items():
        cost = network[path]
        m_h, m_w = cost.output[2:]
        right += formula(layer, m_h * m_w) == (cost.macs if macs else cost.weights)
    found = f"{right} of {len(layers)} layers"
    return holds(what, text, right == len(layers) > 0, found, f"of {model}{note}")


def _sliced() -> list[Row]:
    """A kernel of a row and one of a column."""
    pair = ((1, 5), (5, 1))
    together, small, large = (chain(k)[""].weights for k in (pair, ((3, 3),), ((5, 5),)))
    used = {c.kernel_size for c in measured("inception_v4").of(Conv2d).values()}
    slices = [kernel for kernel in sorted(used) if kernel[0] != kernel[1]]
    return [
        row(
            "1x5 and 5x1 reduce the cost",
            "of 3x3",
            Reading("3x3", together < small, f"{together} weights, not {small}"),
            Reading(
                "5x5, which they see together", together < large, f"{together} weights, not {large}"
            ),
        ),
        holds(
            "Inception v4 slices into",
            "1x5 and 5x1",
            set(pair) <= used,
            ", ".join(map(kernel_name, slices)),
        ),
    ]


def _separable() -> list[Row]:
    """The formulas of that slide, for a block of MobileNet."""
    network = measured("mobilenet_v1")
    path, block = list(network.of(DepthwiseSeparable).items())[1]
    depthwise, both = network[f"{path}.depthwise.conv"], network[path]
    layer, mixing = block.depthwise.conv, block.pointwise.conv
    c_i, c_o, stride = layer.in_channels, mixing.out_channels, layer.stride
    _, _, m_h, m_w = depthwise.output
    in_place = measured_model(
        Conv2d(c_i, c_o, kernel_size=3, stride=stride, padding=1, bias=False),
        (c_i, stride * m_h, stride * m_w),
    ).all
    per_channel = layer.kernel_size[0] * layer.kernel_size[1] * c_i

    def readings(formula: int, figure: Callable[[Measured], int]) -> list[Reading]:
        costs = {
            "a separable convolution": both,
            "its depthwise step": depthwise,
            "the plain convolution that it replaces": in_place,
        }
        return [
            Reading(what, formula == figure(cost), f"{figure(cost):,}")
            for what, cost in costs.items()
        ]

    return [
        row(
            "separable: parameters",
            PARAMETERS,
            *readings(per_channel * c_o, lambda cost: cost.weights),
            note=f"depthwise k_h k_w c is {depthwise.weights:,}, with 1×1 {both.weights:,}",
        ),
        row(
            "separable: computation",
            COMPUTATION,
            *readings(m_h * m_w * per_channel * c_o, lambda cost: cost.macs),
        ),
        row(
            "separable: “no mixing”",
            "m_h m_w k_h k_w c",
            *readings(m_h * m_w * per_channel, lambda cost: cost.macs)[1:],
            note=f"the 1×1 that mixes, m_h m_w c_i c_o, is left out: with it {both.macs:,}",
        ),
    ]
