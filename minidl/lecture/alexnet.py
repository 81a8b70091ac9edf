"""Slides "AlexNet", "AlexNet Architecture", "More Tricks": what AlexNet has more, or other, than
LeNet. LeNet is the one of 1998, since these are about changes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from minidl.lecture.measure import Network, measured
from minidl.lecture.report import LectureTable, Row, holds, row
from minidl.lecture.verdicts import Reading
from minidl.nn import AvgPool2d, Conv2d, Dropout, Linear, MaxPool2d, Module, ReLU, Sigmoid, Tanh


def alexnet() -> LectureTable:
    """Sizes of both, and the kinds of layers that were exchanged."""
    large, small = measured("alexnet_lecture"), measured("lenet5_1998")
    images = [network.table.inputs[0][2] for network in (large, small)]
    layers = [len(network.of(Conv2d, Linear)) for network in (large, small)]
    pools = [_first(network, AvgPool2d, MaxPool2d) for network in (large, small)]
    convolutions = [_first(network, Conv2d) for network in (large, small)]
    channels = [[c.out_channels for c in n.of(Conv2d).values()] for n in (large, small)]
    rows = (
        _larger("layers with weights", "deeper", layers),
        _larger("parameters", "bigger", [network.all.parameters for network in (large, small)]),
        _larger("height and width of images", "increased", images),
        _larger("first pool", "larger pool size", [pool.kernel_size for pool in pools]),
        holds(
            "pools",
            "change to max pooling",
            bool(large.of(MaxPool2d)) and not (large.of(AvgPool2d) or small.of(MaxPool2d)),
            " to ".join(type(pool).__name__ for pool in reversed(pools)),
        ),
        _larger("first kernel", "larger kernel size", [c.kernel_size[0] for c in convolutions]),
        _larger("its stride", "larger … stride", [c.stride for c in convolutions]),
        holds(
            "output channels",
            "more output channels",
            all(more > less for more, less in zip(*channels, strict=False)),
            f"{channels[0][0]} and {channels[0][1]}, not {channels[1][0]} and {channels[1][1]}",
            "of the first convolution and the second",
        ),
        _activations(large, small),
        _dropout(large),
    )
    return LectureTable(
        "alexnet",
        "AlexNet, AlexNet Architecture, More Tricks",
        rows,
        "AlexNet is alexnet_lecture, LeNet is lenet5_1998.",
    )


def _first(network: Network, *kinds: type[Module]) -> Any:
    return next(iter(network.of(*kinds).values()))


def _larger(what: str, slide: str, of_both: list[int]) -> Row:
    large, small = of_both
    return holds(what, slide, large > small, f"{large:,}, not {small:,}")


def _activations(large: Network, small: Network) -> Row:
    """The slide says sigmoid where LeNet has tanh, which is one that is stretched."""
    kinds = Tanh, Sigmoid, ReLU
    before, after = (
        {type(layer) for layer in network.of(*kinds).values()} for network in (small, large)
    )
    found = " to ".join(" and ".join(sorted(k.__name__ for k in used)) for used in (before, after))
    return row(
        "activation function",
        "from sigmoid to ReLu",
        Reading("sigmoid", (before, after) == ({Sigmoid}, {ReLU}), found),
        Reading("tanh(x) = 2 sigmoid(2x) − 1", (before, after) == ({Tanh}, {ReLU}), found),
    )


def _dropout(network: Network) -> Row:
    """Behind each dense layer but the last, and its activation."""
    order = [type(layer) for layer in network.of(Linear, Dropout).values()]
    return holds(
        "dropout",
        "after two hidden dense layers",
        order == [Linear, Dropout, Linear, Dropout, Linear],
        f"after {sum(pair == (Linear, Dropout) for pair in pairwise(order))}",
    )
