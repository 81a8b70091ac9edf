"""Thin networks and values for their weights."""

import numpy as np
from models.zoo import random_state

import minidl
from minidl import models


def on_meta(name, **options):
    """The network without data: built at once, however large."""
    with minidl.use_backend("meta"):
        return models.create(name, **options)


def thin(**options):
    """A small network."""
    return models.create("resnet18", width=2, **options)


def arrays(model):
    """Random values for a model's state, float32."""
    state = random_state(model)
    return {
        name: np.asarray(value, model.state_dict()[name].dtype) for name, value in state.items()
    }


def check_equal(model, state):
    """The model's state is that one."""
    own = model.state_dict()
    assert list(own) == list(state)
    for name, value in state.items():
        np.testing.assert_array_equal(own[name].numpy(), value, err_msg=name)
