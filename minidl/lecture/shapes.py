"""Slides "VGG parameters" and "Summary" (of network in network): the shapes between the layers."""

from __future__ import annotations

from collections.abc import Iterator

import minidl
from minidl.backends import use_backend
from minidl.lecture.measure import Network, measured, measured_model
from minidl.lecture.quotes import NIN_SHAPES, VGG_SHAPES
from minidl.lecture.report import LectureTable, Row, holds, row
from minidl.models.nin import NiNBlock
from minidl.nn import Conv2d, Dropout, Linear, MaxPool2d


def vgg() -> LectureTable:
    """The slide's shapes from vgg_lecture; its blocks; the names' numbers."""
    network = measured("vgg_lecture")
    shapes = _vgg_shapes(network)
    rows = [row(name, text, ("", next(shapes))) for name, text in VGG_SHAPES.items()]
    convolutions = list(network.of(Conv2d).values())
    pools = list(network.of(MaxPool2d).values())
    blocks = [
        holds(
            "block: convolutions",
            "3x3, pad 1",
            all((c.kernel_size, c.padding) == ((3, 3), 1) for c in convolutions),
            f"all {len(convolutions)}",
        ),
        holds(
            "block: max-pooling",
            "2x2, stride 2",
            all((p.kernel_size, p.stride) == (2, 2) for p in pools),
            f"all {len(pools)}",
        ),
    ]
    names = [
        row(f"VGG-{n}: layers with weights", n, ("", len(measured(f"vgg{n}").of(Conv2d, Linear))))
        for n in ("16", "19")
    ]
    return LectureTable(
        "vgg",
        "VGG Blocks, VGG Architecture, VGG parameters",
        (*blocks, *names, *rows),
        "The last slide's heading says parameters; what it has are shapes.",
    )


def _vgg_shapes(network: Network) -> Iterator[tuple[int, ...]]:
    """Of the blocks, which end with their pool; of the dense layers and the dropout."""
    kinds = (MaxPool2d, Linear, Dropout)
    for path in network.of(*kinds):
        yield network[path].output


def nin() -> LectureTable:
    """The slide's shapes from nin with 10 classes; its blocks."""
    network = measured("nin", num_classes=10)
    wanted = ("block1", "pool", "block2", "pool", "block3", "pool", "dropout", "block4", "avgpool")
    ran = [r for r in network.table.rows if r.path in wanted]
    assert [r.path for r in ran] == list(wanted)
    shapes = [*(r.output for r in ran), network.all.output]
    rows = [
        row(name, text, ("", _without_batch(shape)))
        for (name, text), shape in zip(NIN_SHAPES.items(), shapes, strict=True)
    ]
    blocks = network.of(NiNBlock).values()
    ones = [(block.conv, fc) for block in blocks for fc in (block.fc1, block.fc2)]
    assert len(ones) == 2 * len(blocks)
    structure = [
        holds(
            "block: behind the convolution",
            "two 1x1 convolutions",
            all(fc.kernel_size == (1, 1) for _, fc in ones),
            f"2 in each of {len(blocks)}",
        ),
        holds(
            "block: these",
            "1 stride and no padding",
            all((fc.stride, fc.padding) == (1, 0) for _, fc in ones),
            f"all {len(ones)}",
        ),
        holds(
            "block: their output channels",
            "same as first layer",
            all(conv.out_channels == fc.out_channels for conv, fc in ones),
            f"all {len(ones)}",
        ),
        row("dense layers", "none", ("", "none" if not network.of(Linear) else "some")),
        _one_by_one(),
        _stride_of_two(),
    ]
    return LectureTable(
        "nin",
        "What's a 1x1 convolution anyway?, Breaking the Curse, NiN Block, Summary",
        (*structure, *rows),
        "The slide leaves out the first axis, the batch; for VGG it has it.",
    )


def _one_by_one() -> Row:
    """A 1×1 convolution on an image of one pixel, and a dense layer with its weights."""
    with use_backend("numpy"), minidl.no_grad():
        conv, dense = Conv2d(5, 4, kernel_size=1), Linear(5, 4)
        dense.weight.copy_(conv.weight.reshape(4, 5))
        dense.bias.copy_(conv.bias)
        x = minidl.arange(10.0).reshape(2, 5)
        maps = conv(x.reshape(2, 5, 1, 1)).reshape(2, 4).numpy()
        off = float(abs(maps - dense(x).numpy()).max())
    return holds(
        "1x1 convolution on 1x1 image", "equivalent to MLP", off < 1e-5, f"off by {off:.0e}",
        "to one layer of it",
    )  # fmt: skip


def _stride_of_two() -> Row:
    with use_backend("meta"):
        layer = Conv2d(1, 1, kernel_size=3, stride=2, padding=1)
    _, _, height, width = measured_model(layer, (1, 56, 56)).all.output
    return row(
        "stride of 2 reduces resolution",
        "4x",
        ("height and width, each", 56 / height),
        ("the number of pixels", 56 * 56 / (height * width)),
    )


def _without_batch(shape: tuple[int, ...] | None) -> str:
    assert shape is not None
    return f"({', '.join(map(str, shape[1:]))})"
