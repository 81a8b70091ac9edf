"""Slide "The Last Layer(s)": where the parameters of the networks with dense layers are."""

from __future__ import annotations

from minidl.lecture.measure import measured
from minidl.lecture.quotes import LAST_LAYERS
from minidl.lecture.report import LectureTable, Row, holds, row
from minidl.nn import Conv2d

FIRST_DENSE = {
    # where a network comes from maps to vectors: its last maps, its first dense layer
    "LeNet": ("lenet5", "pool", "fc1"),
    "AlexNet": ("alexnet_lecture", "avgpool", "classifier.0"),
    "VGG": ("vgg_lecture", "avgpool", "classifier.0"),
}


def last_layers() -> LectureTable:
    """The three products and the two formulas."""
    rows: list[Row] = []
    for name, (model, maps, dense) in FIRST_DENSE.items():
        network = measured(model)
        before = [r.output for r in network.table.rows if r.path == maps][-1]
        layer = network[dense]
        assert before is not None
        shape = " × ".join(map(str, (*before[1:], layer.output[1])))
        factors, product = LAST_LAYERS[name]
        rows += [
            row(f"{name}: maps and outputs", factors, ("", shape)),
            row(
                f"{name}: first dense layer",
                product,
                ("weights without biases", layer.weights),
                ("parameters with biases", layer.parameters),
            ),
        ]
    return LectureTable("last-layers", "The Last Layer(s)", (*_formulas(), *rows))


def _formulas() -> list[Row]:
    vgg, alexnet = measured("vgg_lecture"), measured("alexnet_lecture")
    convolutions = [*vgg.of(Conv2d).values(), *alexnet.of(Conv2d).values()]
    fits = all(
        c.in_channels * c.out_channels * c.kernel_size[0] ** 2 == c.weight.numel()
        for c in convolutions
    )
    dense = vgg["classifier.0"]
    _, c, m_h, m_w = vgg["avgpool"].output
    return [
        holds(
            "a convolution's parameters",
            "c_i × c_o × k²",
            fits,
            f"{len(convolutions)} of {len(convolutions)} layers" if fits else "not all layers",
            "of VGG and AlexNet, without biases",
        ),
        holds(
            "a last layer's parameters",
            "c × m_w × m_h × n",
            c * m_h * m_w * dense.output[1] == dense.weights,
            f"{dense.weights:,}",
            "of VGG's first dense layer, without biases",
        ),
    ]
