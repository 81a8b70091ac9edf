"""What optimizers refuse, word for word. (SGD's own refusals are in test_sgd.py.)"""

import pytest

import minidl
from minidl import nn, optim
from minidl.errors import ArgumentError, DTypeError


def leaf(dtype="float32"):
    return minidl.zeros(2, dtype=dtype)


def groups(*rest):
    return optim.SGD([{"params": [leaf()]}, *rest])


def different_rates():
    return optim.SGD([{"params": [leaf()]}, {"params": [leaf()], "lr": 0.5}], lr=1.0).lr


def rate_set(value):
    optim.SGD([leaf()]).lr = value


SHARED = leaf()
NOTHING = (
    "Adam: there are no parameters. Give model.parameters(); a generator of them can be read only "
    "once, and layers in a plain list are not found: use nn.ModuleList."
)
LIST = "expected a list of parameters. Give model.parameters()."
RANGE = "expected a finite number of at least 0."


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (
            lambda: optim.Adam([]),
            ArgumentError,
            NOTHING,
        ),
        (
            lambda: optim.Adam([{"params": []}]),
            ArgumentError,
            NOTHING,
        ),
        (lambda: optim.Adam("weights"), DTypeError, f"Adam: params is a str, {LIST}"),
        (lambda: optim.Adam(leaf()), DTypeError, f"Adam: params is a Tensor, {LIST}"),
        (lambda: optim.Adam({leaf()}), DTypeError, f"Adam: params is a set, {LIST}"),
        (lambda: optim.Adam(nn.Linear(1, 1)), DTypeError, f"Adam: params is a Linear, {LIST}"),
        (lambda: optim.Adam({"params": []}), DTypeError, f"Adam: params is a dict, {LIST}"),
        (
            lambda: optim.Adam([{"params": "w"}]),
            DTypeError,
            f'Adam.add_param_group: group["params"] is a str, {LIST}',
        ),
        (
            lambda: optim.Adam([leaf(), ("weight", leaf())]),
            DTypeError,
            "Adam: parameter 1 is a tuple, expected a Tensor.",
        ),
        (
            lambda: optim.Adam([leaf(), leaf("int64")]),
            DTypeError,
            "Adam: the dtype of parameter 1 is int64, expected float32 or float64. Only floating "
            "tensors have gradients.",
        ),
        (
            lambda: optim.Adam([leaf("float16")]),
            DTypeError,
            "Adam: the dtype of parameter 0 is float16, expected float32 or float64. Only floating "
            "tensors have gradients.",
        ),
        (
            lambda: optim.Adam([leaf().requires_grad_() * 2]),
            ArgumentError,
            "Adam: parameter 0 was computed, expected a leaf: a tensor made with "
            "requires_grad=True, or a Parameter.",
        ),
        (
            lambda: optim.Adam([{"params": [leaf(), SHARED]}, {"params": [SHARED]}]),
            ArgumentError,
            "Adam: parameter 2 is given twice. It would move twice per step; give it once, in one "
            "group.",
        ),
        (
            lambda: groups(leaf()),
            DTypeError,
            'SGD.add_param_group: the group is a Tensor, expected a dict with "params".',
        ),
        (
            lambda: groups({"lr": 1.0}),
            DTypeError,
            "SGD.add_param_group: the group is a dict of ['lr'], expected a dict with \"params\".",
        ),
        (
            lambda: groups({"params": [leaf()], "betas": (0.9, 0.99)}),
            ArgumentError,
            "SGD.add_param_group: the option is 'betas', expected one of lr, momentum, dampening, "
            "weight_decay, nesterov.",
        ),
        (
            lambda: groups({"params": [leaf()], "lr": -1}),
            ArgumentError,
            f"SGD: lr is -1, {RANGE}",
        ),
        (
            lambda: groups({"params": [leaf()], "nesterov": True}),
            ArgumentError,
            "SGD: nesterov needs momentum > 0 and dampening = 0, but they are 0.0 and 0.0.",
        ),
        (
            lambda: optim.SGD([leaf()], dampening=float("inf")),
            ArgumentError,
            "SGD: dampening is inf, expected a finite number.",
        ),
        (
            lambda: optim.SGD([leaf()], nesterov=1),
            DTypeError,
            "SGD: nesterov is 1, expected True or False.",
        ),
        (
            lambda: optim.Adam([leaf()], betas=0.9),
            DTypeError,
            "Adam: betas is 0.9, expected two numbers, such as (0.9, 0.999).",
        ),
        (
            lambda: optim.AdamW([leaf()], betas=(0.9, 1.0)),
            ArgumentError,
            "AdamW: betas[1] is 1.0, expected at least 0 and below 1.",
        ),
        (lambda: optim.Adam([leaf()], eps=-1e-8), ArgumentError, f"Adam: eps is -1e-08, {RANGE}"),
        (
            lambda: optim.AdamW([leaf()], weight_decay=float("nan")),
            ArgumentError,
            f"AdamW: weight_decay is nan, {RANGE}",
        ),
        (
            lambda: optim.RMSprop([leaf()], alpha=1.0),
            ArgumentError,
            "RMSprop: alpha is 1.0, expected at least 0 and below 1.",
        ),
        (
            lambda: optim.RMSprop([leaf()], momentum=-0.5),
            ArgumentError,
            f"RMSprop: momentum is -0.5, {RANGE}",
        ),
        (
            lambda: optim.RMSprop([leaf()], centered=None),
            DTypeError,
            "RMSprop: centered is None, expected True or False.",
        ),
        (
            lambda: optim.RMSprop([leaf()], lr="0.1"),
            DTypeError,
            "RMSprop: lr is '0.1', expected a number.",
        ),
        (
            different_rates,
            ArgumentError,
            "SGD.lr: the groups have different learning rates, [1.0, 0.5]. Look at "
            'optimizer.param_groups[i]["lr"].',
        ),
        (lambda: rate_set(-1), ArgumentError, f"SGD: lr is -1, {RANGE}"),
    ],
)
def test_refusals(act, error, message):
    with pytest.raises(error) as caught:
        act()
    assert str(caught.value) == message
