"""What AlexNet has that LeNet hasn't: the verdicts follow the networks."""

from importlib import import_module

import pytest

from minidl.lecture import tables
from minidl.lecture.measure import measured


def by_name(table):
    return {row.what: row for row in table.rows}


def test_statements_on_alexnet():
    (table,) = tables("alexnet")
    found = {row.what: (row.slide, row.computed, row.kind) for row in table.rows}
    assert found == {
        "layers with weights": ("deeper", "8, not 5", "exact"),
        "parameters": ("bigger", "50,844,008, not 61,706", "exact"),
        "height and width of images": ("increased", "224, not 28", "exact"),
        "first pool": ("larger pool size", "3, not 2", "exact"),
        "pools": ("change to max pooling", "AvgPool2d to MaxPool2d", "exact"),
        "first kernel": ("larger kernel size", "11, not 5", "exact"),
        "its stride": ("larger … stride", "4, not 1", "exact"),
        "output channels": ("more output channels", "96 and 256, not 6 and 16", "exact"),
        "activation function": ("from sigmoid to ReLu", "Tanh to ReLU", "ambiguous"),
        "dropout": ("after two hidden dense layers", "after 2", "exact"),
    }
    assert by_name(table)["activation function"].explanation == (
        "ambiguous: holds for tanh(x) = 2 sigmoid(2x) − 1"
    )


@pytest.mark.parametrize(
    ("networks", "wrong"),
    [
        # LeNet as it is taught today has neither average pooling nor tanh
        (("alexnet_lecture", "lenet5"), ["pools", "activation function"]),
        # its dropout stands before the hidden dense layers
        (("alexnet", "lenet5_1998"), ["dropout"]),
        # two that are the same
        (("lenet5_1998", "lenet5_1998"), None),
        # the two in each other's place
        (("lenet5_1998", "alexnet_lecture"), None),
    ],
)
def test_statements_are_wrong_of_other_networks(monkeypatch, networks, wrong):
    for_names = dict(zip(("alexnet_lecture", "lenet5_1998"), networks, strict=True))
    module = import_module("minidl.lecture.alexnet")
    monkeypatch.setattr(module, "measured", lambda name: measured(for_names[name]))
    table = module.alexnet()
    found = [row.what for row in table.rows if row.kind == "wrong"]
    assert found == ([row.what for row in table.rows] if wrong is None else wrong)
