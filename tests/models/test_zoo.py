"""What holds of every registered network, found without running any: shapes and counts."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from models.zoo import check_classes_and_channels_are_free, check_figures, on_meta

from minidl import models
from minidl.errors import DTypeError
from minidl.models.card import IMAGENET
from minidl.nn import Dropout, DropPath

GOLDEN = json.loads(
    (Path(__file__).resolve().parents[1] / "golden" / "cards.json").read_text("utf-8")
)
NAMES = models.list()


@pytest.mark.parametrize("name", NAMES)
def test_card_gives_the_counted_figures(name):
    card = models.card(name)
    check_figures(name, card.parameters, card.macs)


@pytest.mark.parametrize("name", NAMES)
def test_number_of_classes_and_of_channels_is_free(name):
    check_classes_and_channels_are_free(name)


@pytest.mark.parametrize("name", NAMES)
def test_card_says_where_a_network_comes_from(name):
    card = models.card(name)
    assert card.paper.title
    assert card.paper.authors
    assert card.paper.venue
    assert card.paper.lecture
    assert card.top1 is None or card.top1_source


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("efficientnet_b1", "0.70 billion"),
        ("efficientnet_b2", "9.2 million parameters"),
        ("efficientnet_b4", "4.2 billion"),
        ("inception_v2", "13.6 million parameters (§4.2), and 74.8 %"),
        ("inception_v3", "fewer than 25 million, and 5 billion multiply-adds"),
        ("mobilenet_v1", "70.6 % (table 6)"),
        ("mobilenet_v2", "3.4 million parameters, 300 million multiply-adds"),
        ("tf_efficientnet_lite0", "4.7 million parameters and 407 million multiply-adds"),
        ("preact_resnet152", "21.1 %"),
        ("resnet34", "3.6 billion"),
        ("resnet50", "3.8, 7.6 and 11.3 billion"),
        ("resnext101_32x8d", "not as 32×8d"),
        ("seresnet50", "76.71 % (an error of 23.29, table 2) and 3.87 billion"),
        ("shufflenet_v2_x1_0", "41, 146, 299 and 591 million"),
    ],
)
def test_card_says_what_the_paper_prints_where_that_is_another_figure(name, figure):
    assert figure in models.card(name).notes


@pytest.mark.parametrize(
    ("name", "option", "others"),
    [
        ("shufflenet_v1_g3", "groups", "num_classes, in_channels, width_mult, stem_stride"),
        ("resnet18", "blocks", "num_classes, in_channels, width, zero_init_residual"),
    ],
)
def test_what_makes_a_network_what_it_is_called_is_no_option(name, option, others):
    with pytest.raises(
        DTypeError, match=f"{name}: there is no argument '{option}'. There are: {others}"
    ):
        models.create(name, **{option: 2})


# -------------------------------------------------------------------------- regularisation

DROPOUT = {  # probabilities of a network's dropout layers, in its order
    "alexnet": (0.5, 0.5),
    "alexnet_2012": (0.5, 0.5),
    "alexnet_lecture": (0.5, 0.5),
    **dict.fromkeys([n for n in NAMES if n.startswith("vgg")], (0.5, 0.5)),
    "nin": (0.5,),
    "googlenet": (0.7, 0.7, 0.2),
    "googlenet_2014": (0.7, 0.7, 0.4),
    "inception_v3": (0.5,),
    "mobilenet_v2": (0.2,),
    "efficientnet_b0": (0.2,),
    "efficientnet_b1": (0.2,),
    "efficientnet_b2": (0.3,),
    "efficientnet_b3": (0.3,),
    "efficientnet_b4": (0.4,),
    "efficientnet_b5": (0.4,),
    "efficientnet_b6": (0.5,),
    "efficientnet_b7": (0.5,),
}
"""As the papers and the references have it; every other network has none that drops anything."""


@pytest.mark.parametrize("name", NAMES)
def test_dropout_is_the_references(name):
    found = [m.p for m in on_meta(name).modules() if type(m) is Dropout]
    assert sorted(p for p in found if p) == sorted(DROPOUT.get(name, ()))


@pytest.mark.parametrize("name", NAMES)
def test_stochastic_depth_is_the_references(name):
    """Only EfficientNet's: block i of n, if it has a shortcut, is dropped with 0.2 · i / n."""
    network = on_meta(name)
    found = [m.p for m in network.modules() if isinstance(m, DropPath)]
    if not name.startswith("efficientnet_b"):
        assert found == []
        return
    blocks = [block for i in range(1, 8) for block in getattr(network, f"stage{i}")]
    expected = [0.2 * i / len(blocks) for i, b in enumerate(blocks) if b.has_shortcut and i]
    assert found == pytest.approx(expected)


TOP1 = {  # in papers, and with weights that torchvision doesn't publish
    "densenet_bc": 95.49,
    "efficientnet_lite0": 75.48,
    "googlenet_2014": 68.7,
    "inception_v2": 73.522,
    "inception_v4": 80.156,
    "mobilenet_v1": 75.382,
    "preact_resnet50": 81.398,
    "preact_resnet101": 83.002,
    "resnet20": 91.25,
    "resnet32": 92.49,
    "resnet44": 92.83,
    "resnet56": 93.03,
    "resnet110": 93.57,
    "seresnet50": 80.02,
    "shufflenet_v1_g1": 66.4,
    "shufflenet_v1_g2": 67.3,
    "shufflenet_v1_g3": 67.4,
    "shufflenet_v1_g4": 67.2,
    "shufflenet_v1_g8": 67.6,
    "tf_efficientnet_lite0": 74.83,
}


PREPROCESSING = {  # of networks that neither library has; None: images as they are
    **dict.fromkeys(["alexnet_lecture", "vgg_lecture", "nin", "densenet_bc"]),
    **dict.fromkeys(["lenet5", "lenet5_1998", *models.list("plain*")]),
    **dict.fromkeys([f"resnet{depth}" for depth in (20, 32, 44, 56, 110)]),
    **dict.fromkeys(models.list("shufflenet_v1*"), IMAGENET),
    "alexnet_2012": replace(IMAGENET, crop=227, std=(1 / 255,) * 3),
    # Caffe's means of blue, green and red: 104, 117 and 123 or 128
    "googlenet_2014": replace(
        IMAGENET, mean=(123 / 255, 117 / 255, 104 / 255), std=(1 / 255,) * 3, channel_order="BGR"
    ),
    "inception_v2": replace(
        IMAGENET, mean=(128 / 255, 117 / 255, 104 / 255), std=(1 / 255,) * 3, channel_order="BGR"
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_card_has_the_published_accuracy(name):
    """Of torchvision's weights as tests/golden/make_cards.py found it."""
    top1 = TOP1[name] if name in TOP1 else GOLDEN.get(name, {}).get("top1")
    assert models.card(name).top1 == top1


@pytest.mark.parametrize("name", NAMES)
def test_card_has_the_published_preprocessing(name):
    found = models.card(name).preprocessing
    if name in PREPROCESSING:
        assert found == PREPROCESSING[name]
    else:
        expected = {key: GOLDEN[name][key] for key in GOLDEN[name] if key != "top1"}
        as_lists = {key: list(v) if type(v) is tuple else v for key, v in asdict(found).items()}
        assert as_lists == {**expected, "channel_order": "RGB"}
