"""Saving and resuming: the same bits as an unbroken run, and what is refused."""

import json

import numpy as np
import optim_cases as cases
import pytest

import minidl
from minidl import optim
from minidl.errors import ArgumentError, DTypeError, ShapeError


def written_and_read(state):
    """Through JSON, with the tensors put aside as NumPy arrays, as a checkpoint file does it."""
    arrays = []

    def aside(value):
        assert isinstance(value, minidl.Tensor), f"{value!r} is neither plain nor a tensor"
        arrays.append(value.numpy().copy())
        return {"array": len(arrays) - 1}

    def back(value):
        return arrays[value["array"]] if list(value) == ["array"] else value

    return json.loads(json.dumps(state, default=aside, allow_nan=False), object_hook=back)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", cases.OPTIMIZERS)
@pytest.mark.parametrize("broken_after", [3, 8])
def test_a_resumed_run_gives_the_same_bits(name, dtype, broken_after):
    start, grads = cases.arrays(14, seed=9)

    def begin(values):
        params = [minidl.tensor(v, dtype=dtype, requires_grad=True) for v in values]
        return params, cases.make(optim, name, params)

    def go_on(params, optimizer, gradients):
        schedule = cases.SCHEDULES["warm_up_and_cosine"](optim, optimizer)
        return schedule, cases.run(
            optimizer, params, gradients, lambda g: minidl.tensor(g, dtype=dtype)
        )

    unbroken, optimizer = begin(start)
    schedule, steps = go_on(unbroken, optimizer, grads)
    for _ in steps:
        schedule.step()

    first, optimizer = begin(start)
    schedule, steps = go_on(first, optimizer, grads[:broken_after])
    for _ in steps:
        schedule.step()
    saved = written_and_read([optimizer.state_dict(), schedule.state_dict()])

    second, optimizer = begin([p.detach().numpy() for p in first])
    schedule, steps = go_on(second, optimizer, grads[broken_after:])
    optimizer.load_state_dict(saved[0])
    schedule.load_state_dict(saved[1])
    for _ in steps:
        schedule.step()
    for p, q in zip(unbroken, second, strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


def adam(shapes=((2, 3), (4,)), **options):
    """An Adam in two groups that took two steps; the second parameter never moved."""
    p, q = (minidl.ones(shape, requires_grad=True) for shape in shapes)
    optimizer = optim.Adam([{"params": [p], "lr": 0.5}, {"params": [q]}], **options)
    for _ in range(2):
        p.grad = minidl.ones(shapes[0])
        optimizer.step()
    return optimizer


def test_parameters_are_referred_to_by_position():
    state = adam().state_dict()
    options = {"lr": 0.5, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0}
    assert state["param_groups"] == [
        {**options, "params": [0]},
        {**options, "lr": 0.001, "params": [1]},
    ]
    moved, still = state["state"]
    assert still == {}
    assert list(moved) == ["step", "exp_avg", "exp_avg_sq"]
    assert moved["step"] == 2
    np.testing.assert_allclose(moved["exp_avg"].numpy(), np.full((2, 3), 0.19), rtol=1e-6)


def test_options_set_to_numpy_numbers_are_saved_as_pythons():
    optimizer = adam()
    optimizer.param_groups[0]["lr"] = np.float64(0.25)
    assert type(optimizer.state_dict()["param_groups"][0]["lr"]) is float


def test_a_snapshot_does_not_change_when_training_goes_on():
    optimizer = adam()
    state = optimizer.state_dict()
    before = state["state"][0]["exp_avg"].tolist()
    optimizer.step()
    assert state["state"][0]["exp_avg"].tolist() == before
    assert state["state"][0]["step"] == 2


def test_what_is_loaded_is_copied():
    state, other = adam().state_dict(), adam()
    other.load_state_dict(state)
    before = state["state"][0]["exp_avg"].tolist()
    other.step()
    assert state["state"][0]["exp_avg"].tolist() == before


def test_loading_brings_options_steps_and_forgets_what_never_moved():
    source, target = adam(betas=(0.5, 0.75)), adam()
    target.parameters[1].grad = minidl.ones(4)
    target.step()
    target.load_state_dict(source.state_dict())
    assert [group["betas"] for group in target.param_groups] == [(0.5, 0.75)] * 2
    assert list(target.state) == target.parameters[:1]
    assert target.state[target.parameters[0]]["step"] == 2


def test_buffers_take_the_dtype_of_the_parameters():
    state = adam().state_dict()
    p, q = (minidl.ones(s, dtype="float64", requires_grad=True) for s in ((2, 3), (4,)))
    optimizer = optim.Adam([{"params": [p]}, {"params": [q]}])
    optimizer.load_state_dict(state)
    assert optimizer.state[p]["exp_avg"].dtype == np.float64


@pytest.mark.parametrize("momenta", [(0.0, 0.5), (0.5, 0.0)])
def test_momentum_switched_on_or_off_just_before_saving_can_be_loaded(momenta):
    p = minidl.ones(1, requires_grad=True)
    optimizer = optim.SGD([p], lr=1.0, momentum=momenta[0])
    p.grad = minidl.ones(1)
    optimizer.step()
    optimizer.param_groups[0]["momentum"] = momenta[1]
    q = minidl.zeros(1, requires_grad=True)
    resumed = optim.SGD([q], lr=1.0)
    resumed.load_state_dict(optimizer.state_dict())
    q.grad = minidl.ones(1)
    resumed.step()
    resumed.step()
    assert q.item() == (-2.5 if momenta[1] else -2.0)


def changed(change):
    """Load a state that `change` spoiled."""
    optimizer = adam()
    state = optimizer.state_dict()
    before = optimizer.state_dict()
    state["param_groups"][0]["lr"] = 99.0  # would be loaded first
    change(state)
    try:
        optimizer.load_state_dict(state)
    finally:
        after = optimizer.state_dict()
        assert after["param_groups"] == before["param_groups"], "it was loaded in part"
        assert after["state"][0]["step"] == before["state"][0]["step"]


def put(value, *keys):
    def change(state):
        for key in keys[:-1]:
            state = state[key]
        state[keys[-1]] = value

    return lambda: changed(change)


def take(*keys):
    def change(state):
        for key in keys[:-1]:
            state = state[key]
        del state[keys[-1]]

    return lambda: changed(change)


LOAD = "Adam.load_state_dict: "
FIRST = ("state", 0)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (
            lambda: adam().load_state_dict([1]),
            DTypeError,
            LOAD + "the state_dict is a list, expected a dict.",
        ),
        (
            take("state"),
            ArgumentError,
            LOAD + "the state_dict lacks state, expected state, param_groups. "
            "Was it saved by something else?",
        ),
        (
            put({}, "param_groups"),
            DTypeError,
            LOAD + "param_groups is a dict, expected a list.",
        ),
        (
            take("param_groups", 1),
            ArgumentError,
            LOAD + "len(param_groups) is 1, expected 2, the groups there are.",
        ),
        (
            take("state", 1),
            ArgumentError,
            LOAD + "len(state) is 1, expected 2, the parameters there are.",
        ),
        (
            put([0, 1], "param_groups", 0, "params"),
            ArgumentError,
            LOAD + 'param_groups[0]["params"] is [0, 1], expected [0], the positions of this '
            "group's parameters.",
        ),
        (
            put(0.9, "param_groups", 1, "momentum"),
            ArgumentError,
            LOAD + "param_groups[1] has unknown momentum, expected lr, betas, eps, weight_decay, "
            "params. Was it saved by something else?",
        ),
        (
            put(-1.0, "param_groups", 1, "lr"),
            ArgumentError,
            "Adam: lr is -1.0, expected a finite number of at least 0.",
        ),
        (
            put(minidl.zeros(3, 2), *FIRST, "exp_avg_sq"),
            ShapeError,
            LOAD + 'state[0]["exp_avg_sq"].shape is (3, 2), expected (2, 3) like the parameter.',
        ),
        (
            take(*FIRST, "exp_avg"),
            ArgumentError,
            LOAD + "state[0] lacks exp_avg, expected step, exp_avg, exp_avg_sq. "
            "Was it saved by something else?",
        ),
        (
            put(minidl.zeros(2, 3), *FIRST, "momentum_buffer"),
            ArgumentError,
            LOAD + "state[0] has unknown momentum_buffer, expected step, exp_avg, exp_avg_sq. "
            "Was it saved by something else?",
        ),
        (
            put(1.5, *FIRST, "step"),
            DTypeError,
            LOAD + 'state[0]["step"] is 1.5, expected an int.',
        ),
        (
            put(-1, *FIRST, "step"),
            ArgumentError,
            LOAD + 'state[0]["step"] is -1, expected at least 0.',
        ),
        (put(3, "state", 1), DTypeError, LOAD + "state[1] is a int, expected a dict."),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(act, error, message):
    with pytest.raises(error) as caught:
        act()
    assert str(caught.value) == message
