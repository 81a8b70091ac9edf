"""Weights per class are constants of the losses."""

import pytest

import minidl
from minidl import functional as F
from minidl.errors import ArgumentError


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_class_weight_that_requires_a_gradient_is_refused(loss, reduction):
    weight = minidl.ones(3, requires_grad=True)
    message = f"{loss.__name__}: weight is a tensor that requires a gradient, expected a constant"
    with pytest.raises(ArgumentError, match=message):
        loss(minidl.zeros(2, 3), minidl.tensor([0, 2]), weight, reduction=reduction)
    assert loss(minidl.zeros(2, 3), minidl.tensor([0, 2]), weight.detach()).shape == ()
