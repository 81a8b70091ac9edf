"""The weights that come with minidl are what they say."""

import pytest

from minidl.datasets import BUNDLED, MNIST
from minidl.train import evaluate
from minidl.train.trained import SHIPPED, trained


def test_shipped_weights_are_as_good_as_their_file_says():
    found = trained(SHIPPED)
    _, accuracy = evaluate(found.network, MNIST(BUNDLED, train=False))
    # Another BLAS rounds differently: an image on the edge may fall to the other side.
    assert accuracy == pytest.approx(found.config["bundled_test_accuracy"], abs=1 / 2000)
    assert accuracy > 0.98


def test_shipped_weights_say_how_they_were_made():
    config = trained(SHIPPED).config
    assert (config["model"], config["data"]) == ("lenet5", "mnist")
    assert set(config["recipe"]) >= {"epochs", "batch_size", "lr"}
    assert config["training_images"] in (10_000, 60_000)
    for key in ("seed", "date", "minidl", "numpy", "test_accuracy", "test_images"):
        assert key in config
