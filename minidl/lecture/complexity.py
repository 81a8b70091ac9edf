"""Slide "Complexity": what AlexNet and LeNet cost, layer by layer."""

from __future__ import annotations

from minidl.lecture.measure import Measured, Network, macs_readings, measured, size_readings
from minidl.lecture.quotes import COMPLEXITY
from minidl.lecture.report import LectureTable, Row, row
from minidl.lecture.verdicts import Reading, number

Layers = dict[str, tuple[str, ...]]
"""Row of the slide → paths of the layers."""

ALEXNET: Layers = {
    "Conv1": ("features.0",),
    "Conv2": ("features.3",),
    "Conv3-5": ("features.6", "features.8", "features.10"),
    "Dense1": ("classifier.0",),
    "Dense2": ("classifier.3",),
}
LENET: Layers = {"Conv1": ("conv1",), "Conv2": ("conv2",), "Dense1": ("fc1",), "Dense2": ("fc2",)}


def complexity() -> LectureTable:
    """Parameters and operations of the two, their sums and the ratio of these."""
    networks: dict[str, tuple[Network, Layers]] = {
        "AlexNet": (measured("alexnet_lecture"), ALEXNET),
        "LeNet": (measured("lenet5"), LENET),
    }
    rows: list[Row] = []
    for place, (name, (network, layers)) in enumerate(networks.items()):
        for line, paths in layers.items():
            layer = network.sum(*paths)
            readings = size_readings(layer), macs_readings(layer)
            rows += _pair(f"{name}, {line}", place, line, *readings)
        rows += _pair(f"{name}, Total", place, "Total", *_totals(network, layers))
    rows += _increases(networks)
    return LectureTable(
        "complexity",
        "Complexity",
        tuple(rows),
        "AlexNet is alexnet_lecture on 3×224×224, LeNet is lenet5 on 1×28×28. The slide's rows "
        "leave out the last layer; totals and increases are first those of the rows.",
    )


Readings = tuple[Reading, ...]


def _pair(what: str, place: int, line: str, size: Readings, macs: Readings) -> list[Row]:
    quoted = COMPLEXITY[line]
    return [
        row(f"{what}: parameters", quoted[place], *size),
        row(f"{what}: FLOP", quoted[2 + place], *macs),
    ]


def _totals(network: Network, layers: Layers) -> tuple[Readings, Readings]:
    """Of the rows above, which is what a total is; then of the whole network."""
    whole, above = network.all, _above(network, layers)
    return (
        (
            Reading("parameters of the rows above", above.parameters),
            Reading("parameters of the whole network", whole.parameters),
        ),
        (
            *macs_readings(above),
            Reading("MACs of the whole network", whole.macs),
        ),
    )


def _above(network: Network, layers: Layers) -> Measured:
    return network.sum(*(path for paths in layers.values() for path in paths))


def _increases(networks: dict[str, tuple[Network, Layers]]) -> list[Row]:
    wholes = [network.all for network, _ in networks.values()]
    aboves = [_above(*pair) for pair in networks.values()]
    rows = []
    for what, attribute, first in (("parameters", "parameters", 0), ("FLOP", "macs", 2)):
        large, small = (getattr(whole, attribute) for whole in wholes)
        large_above, small_above = (getattr(above, attribute) for above in aboves)
        totals = COMPLEXITY["Total"][first : first + 2]
        printed = [number(text) for text in totals]
        assert printed[0] is not None
        assert printed[1] is not None
        rows += [
            row(
                f"AlexNet, Increase: {what}",
                COMPLEXITY["Increase"][first],
                ("rows above", large_above / small_above),
                ("whole networks", large / small),
                causes=[
                    Reading(
                        f"{totals[0]} / {totals[1]}", float(printed[0].value / printed[1].value)
                    )
                ],
            ),
            row(f"LeNet, Increase: {what}", COMPLEXITY["Increase"][first + 1], ("", small / small)),
        ]
    return rows
