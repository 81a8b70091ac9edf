"""What a card says of its pictures is what torchvision and timm do before their weights."""

import math
import warnings

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

from torchvision_oracle import TIMM_NAMES, import_torchvision

from minidl import models
from minidl.models import Preprocessing

pytestmark = pytest.mark.oracle


def of(reference):
    cards = {name: models.card(name) for name in models.list()}
    return [name for name, card in cards.items() if card and card.reference == reference]


@pytest.mark.parametrize("name", of("torchvision"))
def test_cards_of_torchvision_have_the_transforms_of_its_first_weights(name):
    torchvision = import_torchvision()
    theirs = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"].transforms()
    assert models.card(name).preprocessing == Preprocessing(
        *(*theirs.resize_size, *theirs.crop_size, theirs.interpolation.value),
        *(tuple(theirs.mean), tuple(theirs.std)),
    )


@pytest.mark.parametrize("name", of("timm"))
def test_cards_of_timm_have_its_default_configuration(name):
    import_torchvision()
    timm = pytest.importorskip("timm")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = timm.get_pretrained_cfg(TIMM_NAMES.get(name, name))
    side = theirs.input_size[1]
    assert models.card(name).preprocessing == Preprocessing(
        *(math.floor(side / theirs.crop_pct), side, theirs.interpolation),
        *(tuple(theirs.mean), tuple(theirs.std)),
    )
    assert theirs.crop_mode in ("center", "")


def test_cards_of_caffes_networks_have_blue_first():
    """By pretrainedmodels' settings of bninception and Caffe's of bvlc_googlenet, in BGR."""
    means = {"inception_v2": (104, 117, 128), "googlenet_2014": (104, 117, 123)}
    for name, mean in means.items():
        card = models.card(name).preprocessing
        assert card.channel_order == "BGR"
        assert [255 * value for value in card.mean[::-1]] == pytest.approx(mean)
        assert [255 * value for value in card.std] == pytest.approx([1, 1, 1])
