"""Values that an option of a network can't have: said before a layer is made of them."""

import pytest
from mistakes import assert_explained

from minidl import models, nn, use_backend
from minidl.errors import ArgumentError, DTypeError

MULTIPLIERS = {  # model, option: what the message calls the network, and what is multiplied
    ("mobilenet_v1", "width_mult"): ("MobileNetV1", "channels"),
    ("mobilenet_v2", "width_mult"): ("MobileNetV2", "channels"),
    ("shufflenet_v1_g3", "width_mult"): ("ShuffleNetV1", "channels"),
    ("efficientnet_b0", "width"): ("EfficientNet", "channels"),
    ("efficientnet_b0", "depth"): ("EfficientNet", "blocks"),
    ("googlenet", "width"): ("Inception", "channels"),
    ("googlenet_2014", "width"): ("Inception", "channels"),
    ("inception_v2", "width"): ("Inception", "channels"),
    ("inception_v3", "width"): ("Inception", "channels"),
    ("inception_v4", "width"): ("Inception", "channels"),
}


@pytest.mark.parametrize("value", [-1, 0, -0.5, 16, float("nan"), float("inf"), "0.5", None, True])
@pytest.mark.parametrize(("model", "option"), MULTIPLIERS)
def test_a_multiplier_is_a_number_above_zero_and_not_of_channels(model, option, value):
    network, of = MULTIPLIERS[model, option]
    number = isinstance(value, (int, float)) and value is not True
    assert_explained(
        lambda: models.create(model, **{option: value}),
        ArgumentError if number else DTypeError,
        f"{network}: {option} is {value!r}, expected a number above 0 and up to 10. It multiplies "
        f"the {of} of the published network.",
    )


LAYERS = "a class or a function that makes a layer, such as nn.ReLU."
FIVE = ((1, 1, 2, 2), "(1, 1, 2, 2), expected 5 numbers.")
EXPLAINED = {
    "EfficientNet: drop_path is 2, expected a probability, 0 to 1.": lambda: models.create(
        "efficientnet_b0", drop_path=2
    ),
    f"MobileNetV1: activation is 'relu6', expected {LAYERS}": lambda: models.create(
        "mobilenet_v1", activation="relu6"
    ),
    f"EfficientNet: activation is ReLU(), expected {LAYERS}": lambda: models.create(
        "efficientnet_b0", activation=nn.ReLU()
    ),
    "ResNet: blocks is (2, 2, 2), expected 4 numbers.": lambda: models.ResNet(
        models.BasicBlock, (2, 2, 2)
    ),
    "PreActResNet: blocks is (2, 2, 2), expected 4 numbers.": lambda: models.PreActResNet(
        models.ResidualUnit, (2, 2, 2)
    ),
    "DenseNet: blocks is (6, 12, 24, 16, 8), expected 4 numbers.": lambda: models.DenseNet(
        (6, 12, 24, 16, 8)
    ),
    f"VGG: convolutions is {FIVE[1]}": lambda: models.VGG(FIVE[0]),
    f"ShuffleNetV2: channels is {FIVE[1]}": lambda: models.ShuffleNetV2(FIVE[0]),
    "alexnet_2012: width is 33, expected an even number: two groups.": lambda: models.create(
        "alexnet_2012", width=33
    ),
}


@pytest.mark.parametrize("sentence", EXPLAINED, ids=lambda sentence: sentence.split(",")[0])
def test_a_value_that_an_option_cannot_have_is_explained(sentence):
    error = DTypeError if "activation" in sentence else ArgumentError
    assert_explained(EXPLAINED[sentence], error, sentence)


@pytest.mark.parametrize(("width", "wide"), [(32, 84), (34, 90), (36, 96), (96, 256)])
def test_every_even_width_of_the_first_alexnet_can_be_shared_by_two_groups(width, wide):
    with use_backend("meta"):
        network = models.create("alexnet_2012", width=width, hidden=8, grid=1)
    assert network.features[4].weight.shape == (wide, width // 2, 5, 5)
