"""What networks with auxiliary heads return in training, taken for a tensor."""

import copy
import pickle

import pytest
from mistakes import assert_explained

import minidl
from minidl import nn
from minidl.errors import DTypeError
from minidl.models.blocks import WithAuxiliary
from minidl.naming import MissingNameError

y = WithAuxiliary(minidl.zeros(2, 3), (minidl.ones(2, 3),))
ADVICE = (
    "In training this network returns its auxiliary heads' logits, too. Use y.logits, and add 0.3 "
    "× the loss of each of y.auxiliary; or make it with aux_logits=False. After model.eval() it "
    "returns a Tensor."
)


def test_a_loss_says_what_it_was_given():
    assert_explained(
        lambda: nn.functional.cross_entropy(y, minidl.tensor([0, 1])),
        DTypeError,
        f"cross_entropy: logits is a WithAuxiliary, expected a Tensor. {ADVICE}",
    )


@pytest.mark.parametrize("name", ["argmax", "shape", "softmax", "detach"])
def test_an_attribute_of_tensors_is_explained(name):
    assert_explained(
        lambda: getattr(y, name),
        MissingNameError,
        f"WithAuxiliary has no attribute {name!r}. {ADVICE}",
    )


def test_other_names_are_not():
    with pytest.raises(AttributeError, match=r"no attribute 'logit'\. Did you mean logits\?$"):
        print(y.logit)
    assert not hasattr(y, "__cuda_array_interface__")


def test_it_is_still_a_pair():
    logits, auxiliary = y
    assert (logits, auxiliary) == (y.logits, y.auxiliary)
    assert y._fields == ("logits", "auxiliary")
    pair = WithAuxiliary(1, (2,))
    assert pickle.loads(pickle.dumps(pair)) == copy.deepcopy(pair) == copy.copy(pair) == pair
