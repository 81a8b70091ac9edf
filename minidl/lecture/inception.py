"""Slides "Inception Blocks", "GoogLeNet", "The many flavors of Inception Networks"."""

from __future__ import annotations

import minidl
from minidl import models
from minidl.analysis.watch import graph_of
from minidl.backends import use_backend
from minidl.lecture.measure import (
    Network,
    macs_readings,
    measured,
    measured_model,
    size_readings,
)
from minidl.lecture.quotes import INCEPTION
from minidl.lecture.report import LectureTable, Row, holds, row
from minidl.models.googlenet import Inception
from minidl.nn import BatchNorm2d, Conv2d, Sequential


def inception() -> LectureTable:
    """GoogLeNet's first block against one convolution with as many channels in and out."""
    network = measured("googlenet_2014")
    block = network["inception3a"]
    c_in, *size = network["maxpool2"].output[1:]
    c_out = block.output[1]
    with use_backend("meta"):
        rivals = {
            f"{k}x{k} Conv": measured_model(
                Conv2d(c_in, c_out, kernel_size=k, padding=k // 2), (c_in, size[0], size[1])
            ).all
            for k in (3, 5)
        }
    costs = {"Inception": block, **rivals}
    rows: list[Row] = []
    for name, cost in costs.items():
        parameters, flops = INCEPTION[name]
        rows += [
            row(f"{name}: parameters", parameters, *size_readings(cost)),
            row(f"{name}: FLOPS", flops, *macs_readings(cost)),
        ]
    fewer = all(
        block.parameters < rival.parameters and block.macs < rival.macs for rival in rivals.values()
    )
    paths = list(network.modules["inception3a"].children())
    rows += [
        row("paths of a block", "4", ("", len(paths))),
        holds("Inception against one convolution", "fewer of both", fewer, "fewer of both"),
    ]
    note = f"All three: {c_in} to {c_out} channels on {size[0]}×{size[1]}, as in GoogLeNet's 3a."
    return LectureTable("inception", "Inception Blocks", tuple(rows), note)


def googlenet() -> LectureTable:
    """Its stages, and how the later networks cut up kernels."""
    network, alexnet = measured("googlenet_2014"), measured("alexnet_lecture")
    blocks = network.of(Inception)
    # What the auxiliary heads convolve is no stage of the network.
    convolutions = {p: c for p, c in network.of(Conv2d).items() if not p.startswith("aux")}
    stages = {network[path].output[2:] for path in convolutions}
    first, other = next(iter(convolutions.values())), next(iter(alexnet.of(Conv2d).values()))
    widths = [network[f"inception{name}"].output[1] for name in ("3a", "3b", "4e", "5b")]
    rows = (
        row("stages", "5", ("", len(stages))),
        row("inception blocks", "9", ("", len(blocks))),
        holds(
            "stage 1: kernel",
            "smaller than AlexNet's",
            first.kernel_size < other.kernel_size,
            f"{first.kernel_size[0]}, not {other.kernel_size[0]}",
        ),
        holds(
            "stage 1: output channels",
            "less than AlexNet's",
            first.out_channels < other.out_channels,
            f"{first.out_channels}, not {other.out_channels}",
        ),
        holds(
            "stages 3 to 5: output channels",
            "increased",
            widths == sorted(widths),
            " < ".join(map(str, widths)),
        ),
        row("features into the output layer", "1024", ("", network.modules["fc"].in_features)),
        *_successors(),
        *_slices(),
    )
    return LectureTable(
        "googlenet", "GoogLeNet, Stages 1 to 5, The many flavors of Inception Networks", rows
    )


def _successors() -> list[Row]:
    """What was new in the second, third and fourth network."""
    first, v2, v3 = (measured(name) for name in ("googlenet_2014", "inception_v2", "inception_v3"))
    norms = [len(network.of(BatchNorm2d)) for network in (first, v2)]
    depths = [network.depth for network in (first, v3)]
    sums = additions("inception_v4")
    return [
        holds(
            "Inception-BN (v2)",
            "add batch normalization",
            norms[0] == 0 < norms[1],
            f"{norms[1]}, not {norms[0]}",
        ),
        holds(
            "Inception-V3",
            "generally deeper stack",
            depths[0] < depths[1],
            f"{depths[1]}, not {depths[0]}",
            "layers with weights along the longest path",
        ),
        holds(
            "Inception-V4",
            "add residual connections",
            sums > 0,
            f"{sums} of them",
            "Inception-ResNet, of the same paper, has them",
        ),
    ]


def additions(name: str) -> int:
    """How many sums there are in the graph of a forward pass: the residual connections.

    >>> additions("resnet18")
    8
    """
    with use_backend("meta"):
        network = models.create(name).eval()
        for module in network.modules():  # a hook undoes the fusing of sums with batch norms
            module.register_forward_hook(lambda *call: None)
        y = network(minidl.zeros(1, *measured(name).table.inputs[0][1:]))
    return sum(type(node).__name__ == "Add" for node in graph_of(y))


def _slices() -> list[Row]:
    """Two kernels replace the one that sees as much as they do."""
    together = "what both see together"
    branch = measured("googlenet_2014").modules["inception4b.branch3.1.conv"].kernel_size
    rows = [
        row(f"Inception-V3: {a} and {b} replace", text, (together, seen(kernels)), *others)
        for a, b, text, kernels, others in (
            ("3x3", "3x3", "5x5", ((3, 3), (3, 3)), ()),
            (
                *("1x7", "7x1", "5x5", ((1, 7), (7, 1))),
                (("the branch of GoogLeNet's blocks in that place", kernel_name(branch)),),
            ),
            ("1x3", "3x1", "3x3", ((1, 3), (3, 1)), ()),
        )
    ]
    used = {c.kernel_size for c in measured("inception_v3").of(Conv2d).values()}
    wanted = {(1, 7), (7, 1), (1, 3), (3, 1)}
    rows.append(
        holds(
            "Inception-V3: kernels it has", "1x7, 7x1, 1x3, 3x1", wanted <= used,
            ", ".join(map(kernel_name, sorted(used))),
        )
    )  # fmt: skip
    return rows


def kernel_name(kernel: tuple[int, int]) -> str:
    """(1, 7) → "1x7"."""
    return f"{kernel[0]}x{kernel[1]}"


def chain(kernels: tuple[tuple[int, int], ...]) -> Network:
    """Convolutions one after another, of one channel."""
    with use_backend("meta"):
        layers = Sequential(*(Conv2d(1, 1, kernel_size=kernel) for kernel in kernels))
    return measured_model(layers, (1, 32, 32))


def seen(kernels: tuple[tuple[int, int], ...]) -> str:
    """What these see together: their receptive field.

    >>> seen(((3, 3), (3, 3)))
    '5x5'
    """
    field = chain(kernels).table.rows[-1].receptive_field
    assert field is not None
    return kernel_name(field)
