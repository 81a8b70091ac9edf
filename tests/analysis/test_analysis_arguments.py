"""What summary, draw and profile say of what they are given, and what they call it."""

import pytest
from mistakes import assert_explained

from minidl import models
from minidl.analysis import draw, profile, summary
from minidl.errors import ArgumentError, ShapeError

each = pytest.mark.parametrize("function", [summary, draw, profile], ids=lambda f: f.__name__)


def lenet():
    return models.create("lenet5")


@each
def test_a_size_that_is_missing_is_asked_for_with_an_example(function):
    name = function.__name__
    assert_explained(
        lambda: function(lenet()),
        ArgumentError,
        f"{name}: the input's size is missing, expected the shape of what the model takes. For "
        f"images of 3 channels and 224×224 pixels: {name}(model, (3, 224, 224)).",
    )


@each
@pytest.mark.parametrize("arguments", [(), ((1, 28, 28),)])
def test_a_name_is_no_model(function, arguments):
    assert_explained(
        lambda: function("lenet5", *arguments),
        ShapeError,
        f"{function.__name__}: model is a str, expected an nn.Module. Make it: "
        "models.create('lenet5').",
    )


def test_the_title_is_the_name_and_the_class():
    images = (1, 28, 28)
    titles = {
        function: (function(lenet(), images), function(lenet(), images, name="mine"))
        for function in (summary, profile)
    }
    for plain, named in titles.values():
        assert (plain.model, named.model) == ("LeNet5", "mine (LeNet5)")
        assert str(named).startswith("mine (LeNet5), input")
    assert ">mine (LeNet5)</text>" in draw(lenet(), images, name="mine").svg
    assert ">LeNet5</text>" in draw(lenet(), images).svg
