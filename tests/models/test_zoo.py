"""What holds of every registered network, found without running any: shapes and counts."""

import pytest
from models.zoo import check_classes_and_channels_are_free, check_figures

from minidl import models

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
