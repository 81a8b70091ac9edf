"""Where half of the names or a part of a shape decides what weights are said to be."""

import numpy as np
import pytest
from interop.published import arrays, check_equal, thin

from minidl.errors import ArgumentError
from minidl.models import load_weights


@pytest.fixture(scope="module")
def state():
    return arrays(thin())


def renamed(state, share):
    """The state with that share of its names as they were; the others are nobody's."""
    kept = round(share * len(state))
    return {
        name if i < kept else f"other{i}": value for i, (name, value) in enumerate(state.items())
    }


@pytest.mark.parametrize("share", [0.26, 0.4, 0.49])
def test_weights_of_which_fewer_than_half_have_names_of_the_network_are_refused(state, share):
    model, partly = thin(), renamed(state, share)
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    for strict in (True, False):
        count = round(share * len(state))
        with pytest.raises(ArgumentError, match=f"{count} of its {len(state)} names belong to Re"):
            load_weights(model, partly, strict=strict)
    check_equal(model, before)


def test_weights_of_which_half_have_names_of_the_network_are_its_own(state):
    partly = renamed(state, 0.5)
    with pytest.raises(ArgumentError, match=r"missing: .*\n  unexpected: other"):
        load_weights(thin(), partly)


@pytest.mark.parametrize(
    "shape", [(2, 1, 3, 3), (2, 1, 5, 7), (2, 1, 7, 5), (4, 1, 7, 7), (2, 3, 5, 5)]
)
def test_a_first_convolution_of_another_kernel_or_width_is_another_networks(state, shape):
    """Another number of the images' channels explains none of these."""
    wrong = {**state, "conv1.weight": np.ones(shape, np.float32)}
    with pytest.raises(ArgumentError, match="These are the weights of another network") as error:
        load_weights(thin(), wrong)
    assert "in_channels=" not in str(error.value)


def test_a_first_convolution_for_images_of_other_channels_is_said_to_be_just_that(state):
    wrong = {**state, "conv1.weight": np.ones((2, 1, 7, 7), np.float32)}
    with pytest.raises(ArgumentError, match="create the model with in_channels=1") as error:
        load_weights(thin(), wrong)
    assert "another network" not in str(error.value)
