"""Schedules: what the formulas say at single steps, resuming, and what is refused."""

import numpy as np
import optim_cases as cases
import pytest

import minidl
from minidl import optim
from minidl.errors import ArgumentError, DTypeError

pytestmark = pytest.mark.filterwarnings("ignore::minidl.errors.ForgottenBackward")


def two_groups():
    groups = [{"params": [minidl.zeros(1)], "lr": lr} for lr in cases.BASE_LRS]
    return optim.SGD(groups)


def one_group(lr=1.0):
    return optim.SGD([minidl.zeros(1)], lr=lr)


def factors(schedule, steps):
    return [schedule.lr_at(t, 1.0) for t in range(steps)]


def test_step():
    schedule = optim.StepLR(one_group(), step_size=3, gamma=0.5)
    assert factors(schedule, 7) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_multi_step_counts_a_milestone_given_twice_twice():
    schedule = optim.MultiStepLR(one_group(), [1, 3, 3], gamma=0.5)
    assert factors(schedule, 5) == [1, 0.5, 0.5, 0.125, 0.125]


def test_exponential():
    assert factors(optim.ExponentialLR(one_group(), 0.5), 4) == [1, 0.5, 0.25, 0.125]


def test_cosine_is_half_in_the_middle_and_eta_min_at_the_end():
    schedule = optim.CosineAnnealingLR(one_group(), T_max=10, eta_min=0.5)
    assert schedule.lr_at(0, 1.0) == 1.0
    assert schedule.lr_at(5, 1.0) == pytest.approx(0.75)
    assert schedule.lr_at(10, 1.0) == 0.5


def test_linear_reaches_the_end_factor_and_stays():
    schedule = optim.LinearLR(one_group(), start_factor=0.25, end_factor=0.75, total_iters=2)
    assert factors(schedule, 4) == [0.25, 0.5, 0.75, 0.75]


def test_constant():
    schedule = optim.ConstantLR(one_group(), factor=0.5, total_iters=2)
    assert factors(schedule, 4) == [0.5, 0.5, 1, 1]


def test_sequence_starts_each_part_from_its_beginning():
    optimizer = one_group()
    parts = [optim.ConstantLR(optimizer, 0.5, 100), optim.ExponentialLR(optimizer, 0.5)]
    schedule = optim.SequentialLR(optimizer, parts, [2])
    assert factors(schedule, 5) == [0.5, 0.5, 1, 0.5, 0.25]


def test_a_sequence_within_a_sequence():
    optimizer = one_group()
    inner = optim.SequentialLR(
        optimizer, [optim.ConstantLR(optimizer, 0.5), optim.ExponentialLR(optimizer, 0.5)], [1]
    )
    schedule = optim.SequentialLR(optimizer, [optim.ConstantLR(optimizer, 0.0), inner], [2])
    assert optimizer.lr == 0.0
    rates = []
    for _ in range(5):
        schedule.step()
        rates.append(optimizer.lr)
    assert rates == [0.0, 0.5, 1.0, 0.5, 0.25]


@pytest.mark.parametrize("name", cases.SCHEDULES)
def test_stepping_sets_the_rates_of_the_formula_in_every_group(name):
    optimizer = two_groups()
    schedule = cases.SCHEDULES[name](optim, optimizer)
    assert schedule.base_lrs == list(cases.BASE_LRS)
    for t, rates in enumerate(cases.rates(schedule, 20)):
        assert schedule.lrs_at(t) == list(rates)
    assert schedule.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
    assert schedule.last_epoch == 20


@pytest.mark.parametrize("optimizer_first", [True, False])
@pytest.mark.parametrize("made_after_loading", [True, False])
@pytest.mark.parametrize("name", cases.SCHEDULES)
def test_resuming_gives_the_same_bits(name, optimizer_first, made_after_loading):
    make = cases.SCHEDULES[name]
    unbroken = make(optim, two_groups())
    expected = cases.rates(unbroken, 40)
    begun = make(optim, two_groups())
    cases.rates(begun, 17)

    optimizer = optim.SGD([{"params": [minidl.zeros(1)]}, {"params": [minidl.zeros(1)]}], lr=7.0)
    states = [begun.optimizer.state_dict(), begun.state_dict()]
    if made_after_loading:
        optimizer.load_state_dict(states[0])
        resumed = make(optim, optimizer)
        resumed.load_state_dict(states[1])
    else:
        resumed = make(optim, optimizer)
        pairs = list(zip((optimizer, resumed), states, strict=True))
        for target, state in pairs if optimizer_first else reversed(pairs):
            target.load_state_dict(state)
    np.testing.assert_array_equal(cases.rates(resumed, 23), expected[17:])
    assert resumed.get_last_lr() == unbroken.get_last_lr()


def test_the_state_of_a_schedule_brings_the_rates_it_started_from():
    begun = optim.ExponentialLR(two_groups(), 0.5)
    begun.step()
    resumed = optim.ExponentialLR(optim.SGD([{"params": [minidl.zeros(1)]} for _ in "ab"]), 0.5)
    resumed.load_state_dict(begun.state_dict())
    assert resumed.base_lrs == list(cases.BASE_LRS)
    assert [group["lr"] for group in resumed.optimizer.param_groups] == [0.05, 0.015]


def test_a_group_added_later_is_scheduled_too():
    optimizer = one_group()
    schedule = optim.ExponentialLR(optimizer, 0.5)
    optimizer.add_param_group({"params": [minidl.zeros(1)], "lr": 8.0})
    schedule.step()
    assert schedule.get_last_lr() == [0.5, 4.0]


def test_the_list_of_rates_is_a_copy():
    schedule = optim.ExponentialLR(one_group(), 0.5)
    schedule.get_last_lr()[0] = 9.0
    assert schedule.get_last_lr() == [1.0]


def sequence(parts, milestones):
    optimizer = one_group()
    return optim.SequentialLR(optimizer, [part(optimizer) for part in parts], milestones)


def loaded(state):
    optim.StepLR(two_groups(), 3).load_state_dict(state)


def exponential(optimizer):
    return optim.ExponentialLR(optimizer, 0.5)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (
            lambda: optim.StepLR("sgd", 3),
            DTypeError,
            "StepLR: optimizer is a str, expected an Optimizer.",
        ),
        (
            lambda: optim.StepLR(one_group(), 0),
            ArgumentError,
            "StepLR: step_size is 0, expected at least 1.",
        ),
        (
            lambda: optim.StepLR(one_group(), 3, gamma=-0.1),
            ArgumentError,
            "StepLR: gamma is -0.1, expected a finite number of at least 0.",
        ),
        (
            lambda: optim.MultiStepLR(one_group(), [5, 3]),
            ArgumentError,
            "MultiStepLR: milestones is [5, 3], expected increasing numbers.",
        ),
        (
            lambda: optim.MultiStepLR(one_group(), 5),
            DTypeError,
            "MultiStepLR: milestones is a int, expected a list of ints.",
        ),
        (
            lambda: optim.MultiStepLR(one_group(), [0.5]),
            DTypeError,
            "MultiStepLR: milestones[0] is 0.5, expected an int.",
        ),
        (
            lambda: optim.ExponentialLR(one_group(), "fast"),
            DTypeError,
            "ExponentialLR: gamma is 'fast', expected a number.",
        ),
        (
            lambda: optim.CosineAnnealingLR(one_group(), 0),
            ArgumentError,
            "CosineAnnealingLR: T_max is 0, expected at least 1.",
        ),
        (
            lambda: optim.CosineAnnealingLR(one_group(), 5, eta_min=-1),
            ArgumentError,
            "CosineAnnealingLR: eta_min is -1, expected a finite number of at least 0.",
        ),
        (
            lambda: optim.LinearLR(one_group(), start_factor=1.5),
            ArgumentError,
            "LinearLR: start_factor is 1.5, expected between 0 and 1.",
        ),
        (
            lambda: optim.ConstantLR(one_group(), total_iters=0),
            ArgumentError,
            "ConstantLR: total_iters is 0, expected at least 1.",
        ),
        (
            lambda: optim.LambdaLR(one_group(), 0.5),
            DTypeError,
            "LambdaLR: lr_lambda is a float, expected a function from the number of steps to a "
            "factor, or a list of them.",
        ),
        (
            lambda: optim.LambdaLR(two_groups(), [abs]),
            ArgumentError,
            "LambdaLR: len(lr_lambda) is 1, expected 2, one for each group.",
        ),
        (
            lambda: optim.LambdaLR(two_groups(), [abs, abs]).lr_at(1, 1.0),
            ArgumentError,
            "LambdaLR.lr_at: each group has a function of its own. Use lrs_at(step).",
        ),
        (
            lambda: sequence([exponential, exponential], [3, 5]),
            ArgumentError,
            "SequentialLR: len(milestones) is 2, expected len(schedulers) − 1 = 1. They are the "
            "steps at which the next schedule takes over.",
        ),
        (
            lambda: sequence([exponential, lambda optimizer: exponential(one_group())], [3]),
            ArgumentError,
            "SequentialLR: schedulers[1] was made for another optimizer. Make all of them for the "
            "one that they schedule.",
        ),
        (
            lambda: sequence([lambda optimizer: "step"], []),
            DTypeError,
            "SequentialLR: schedulers[0] is a str, expected a schedule.",
        ),
        (
            lambda: loaded({"last_epoch": 3}),
            ArgumentError,
            "StepLR.load_state_dict: the state_dict lacks base_lrs, expected last_epoch, base_lrs. "
            "Was it saved by something else?",
        ),
        (
            lambda: loaded({"last_epoch": 3, "base_lrs": [1.0]}),
            ArgumentError,
            "StepLR.load_state_dict: len(base_lrs) is 1, expected 2, one for each group.",
        ),
        (
            lambda: loaded({"last_epoch": -3, "base_lrs": [1.0, 1.0]}),
            ArgumentError,
            "StepLR.load_state_dict: last_epoch is -3, expected at least 0.",
        ),
    ],
)
def test_refusals(act, error, message):
    with pytest.raises(error) as caught:
        act()
    assert str(caught.value) == message


def test_factors_are_numbers_in_the_optimizer():
    optimizer = one_group(2.0)
    optim.LambdaLR(optimizer, lambda t: minidl.tensor(0.5))
    assert type(optimizer.lr) is float
    assert optimizer.lr == 1.0


def a_function_by_name(step):
    return 0.5**step


def test_schedules_show_their_arguments():
    optimizer = one_group()
    step = optim.StepLR(optimizer, 3)
    step.step()
    assert repr(step) == "StepLR(step_size=3, gamma=0.1, last_epoch=1)"
    by_function = optim.LambdaLR(optimizer, [a_function_by_name])
    assert repr(by_function) == "LambdaLR(lr_lambda=[a_function_by_name], last_epoch=0)"
    parts = [optim.ConstantLR(optimizer, 0.5, 2), optim.ExponentialLR(optimizer, 0.9)]
    assert repr(optim.SequentialLR(optimizer, parts, [2])) == (
        "SequentialLR(schedulers=[ConstantLR(factor=0.5, total_iters=2, last_epoch=0), "
        "ExponentialLR(gamma=0.9, last_epoch=0)], milestones=[2], last_epoch=0)"
    )
