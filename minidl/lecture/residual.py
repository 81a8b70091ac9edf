"""Slides "Residual Networks", "ResNext", "RexNext budget": the blocks, and the table of two."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

import minidl
from minidl import functional
from minidl.backends import use_backend
from minidl.lecture.measure import Network, macs_readings, measured, size_readings
from minidl.lecture.quotes import RESNEXT_COST, RESNEXT_STAGES
from minidl.lecture.report import LectureTable, Row, holds, row
from minidl.lecture.verdicts import Reading
from minidl.models.preact_resnet import ResidualUnit
from minidl.models.resnet import BasicBlock
from minidl.nn import Conv2d

COLUMNS = {"ResNet-50": "resnet50", "ResNeXt-50": "resnext50_32x4d"}


def resnet() -> LectureTable:
    """The block that the slide writes in code."""
    with use_backend("numpy"):
        same, other = BasicBlock(4, 4).double(), BasicBlock(4, 6, stride=2).double()
    strided: dict[str, Any] = measured("resnet18").modules
    conv3 = strided["layer2.0.downsample.0"]
    return LectureTable(
        "resnet",
        "Residual Networks, ResNet Block in detail, In code",
        (
            _taylor(),
            _block("forward(self, X), without conv3", "relu(bn2(…) + X)", same),
            _block("forward(self, X), with conv3", "relu(bn2(…) + conv3(X))", other),
            row(
                "downsample per module",
                "stride=2",
                ("", f"stride={strided['layer2.0.conv1'].stride}"),
            ),
            row(
                "conv3",
                "1x1",
                ("", "{}x{}".format(*conv3.kernel_size)),
            ),
        ),
    )


def _block(what: str, slide: str, block: Any) -> Row:
    """The slide's forward, line by line, against the block's own."""
    width = block.conv1.in_channels
    with use_backend("numpy"), minidl.no_grad():
        x = minidl.tensor(np.sin(np.arange(2.0 * width * 6 * 7) ** 2).reshape(2, width, 6, 7))
        own = block(x).numpy()
        y = block.bn1(block.conv1(x))
        y = functional.relu(y)
        y = block.bn2(block.conv2(y))
        if block.downsample is None:
            return holds(what, slide, _same(functional.relu(y + x).numpy(), own), "same result")
        conv3, norm = block.downsample
        bare = functional.relu(y + conv3(x)).numpy()
        normed = functional.relu(y + norm(conv3(x))).numpy()
    return row(
        what,
        slide,
        ("conv3 alone, as written", _same(bare, own)),
        Reading(
            "a conv3 with a batch norm behind it, as the paper's (option B)",
            _same(normed, own),
            "relu(bn2(…) + bn(conv3(X)))",
        ),
    )


def _taylor() -> Row:
    """The blocks of both papers, each against its own branch f and x."""
    with use_backend("numpy"), minidl.no_grad():
        x = minidl.tensor(np.sin(np.arange(2.0 * 4 * 6 * 7) ** 2).reshape(2, 4, 6, 7))
        later, first = ResidualUnit(4, 4).double().eval(), BasicBlock(4, 4).double().eval()
        branch = later.conv2(functional.relu(later.bn2(later.conv1(functional.relu(later.bn1(x))))))
        added = _same(later(x).numpy(), (branch + x).numpy())
        branch = first.bn2(first.conv2(functional.relu(first.bn1(first.conv1(x)))))
        rectified = _same(first(x).numpy(), functional.relu(branch + x).numpy())
    return row(
        "a block's output",
        "f(x) + x",
        ("ResNet's block of 2015", rectified and added and "relu(f(x) + x)"),
        Reading("the block of 2016 (full pre-activation)", added and "f(x) + x"),
        note="the one of 2015 has a ReLU behind the sum: relu(f(x) + x)",
    )


def _same(a: Any, b: Any) -> bool:
    return bool(np.abs(a - b).max() < 1e-12)


def resnext() -> LectureTable:
    """Every cell of the table, from the two networks."""
    networks = {name: measured(model) for name, model in COLUMNS.items()}
    rows: list[Row] = []
    for stage, (size, *cells) in RESNEXT_STAGES.items():
        outputs = set()
        for (name, network), cell in zip(networks.items(), cells, strict=True):
            output, text = _stage(network, stage)
            outputs.add(output)
            rows.append(row(f"{name}, {stage}", cell, ("", text)))
        rows.append(row(f"both, {stage}: output", size, ("", " and ".join(sorted(outputs)))))
    sizes, flops = RESNEXT_COST["# params."], RESNEXT_COST["FLOPs"]
    for (name, network), size, flop in zip(networks.items(), sizes, flops, strict=True):
        rows += [
            row(f"{name}: # params.", size, *size_readings(network.all)),
            row(f"{name}: FLOPs", flop, *macs_readings(network.all)),
        ]
    grouped = networks["ResNeXt-50"].modules["layer1.0.conv2"]
    rows.append(row("blocks sliced into sub-blocks", "32", ("groups", grouped.groups)))
    rows.append(_slides_call())
    return LectureTable(
        "resnext",
        "Reducing the cost of Convolutions (table), RexNext budget",
        tuple(rows),
        "The second heading means ResNeXt.",
    )


def _stage(network: Network, stage: str) -> tuple[str, str]:
    """Its output, and its cell of the table as the slide would have it."""
    modules = network.modules
    path = {"conv1": "conv1", "conv2, pool": "maxpool", "end": "avgpool"}.get(stage)
    if path is None:
        path = f"layer{int(stage[-1]) - 1}"
        blocks = list(modules[path].children())
        texts = {_bottleneck(block) for block in blocks}
        text = f"{' or '.join(sorted(texts))}; ×{len(blocks)}"
    else:
        text = _others(path, modules[path], modules["fc"])
    return "×".join(map(str, network[path].output[2:])), text


def _others(path: str, layer: Any, dense: Any) -> str:
    if path == "conv1":
        return f"{_size(layer)}, {layer.out_channels}, stride {layer.stride}"
    if path == "maxpool":
        return f"{layer.kernel_size}×{layer.kernel_size} max pool, stride {layer.stride}"
    return f"{dense.out_features}-d fc"


def _bottleneck(block: Any) -> str:
    cells = []
    for conv in (block.conv1, block.conv2, block.conv3):
        groups = f", C={conv.groups}" if conv.groups > 1 else ""
        cells.append(f"{_size(conv)}, {conv.out_channels}{groups}")
    return "; ".join(cells)


def _size(conv: Any) -> str:
    return "×".join(map(str, conv.kernel_size))


def _slides_call() -> Row:
    """The call in the slide's box, by the signature of the layer."""
    known = set(inspect.signature(Conv2d).parameters)
    named = ("group_width", "kernel_size", "groups")
    unknown = [name for name in named if name not in known]
    return holds(
        "nn.Conv2D's arguments",
        ", ".join(named),
        not unknown,
        f"no {', '.join(unknown)}" if unknown else "all known",
        "out_channels is meant: groups × the width of each",
    )
