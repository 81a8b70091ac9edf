import re

import pytest

from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.common.errors import ArgumentError, DTypeError, ShapeError
from minidl_kernels.optimizer_step import spec

P = [ArraySpec((2, 3), "float32"), ArraySpec((), "float32")]
SHORT = P[:1]
TURNED = [ArraySpec((3, 2), "float32"), P[1]]
WIDE = [P[0], ArraySpec((), "float64")]

LISTS = {
    "sgd_step": ("grads", "momentum_buffers"),
    "adam_step": ("grads", "exp_avgs", "exp_avg_sqs"),
    "rmsprop_step": ("grads", "square_avgs", "momentum_buffers", "grad_avgs"),
}
NUMBERS = {
    "sgd_step": {"lr": 0.1, "step": 1, "momentum": 0.9},
    "adam_step": {"lr": 0.1, "step": 1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8},
    "rmsprop_step": {
        **{"lr": 0.1, "step": 1, "alpha": 0.99, "eps": 1e-8},
        **{"momentum": 0.9, "centered": True},
    },
}
EVERY_LIST = [(name, argument) for name, lists in LISTS.items() for argument in lists]


def says(text):
    return f"^{re.escape(text)}$"


def call(name, **arguments):
    """One step with correct arguments but for the given ones."""
    return getattr(spec, name)(P, **{**dict.fromkeys(LISTS[name], P), **NUMBERS[name], **arguments})


@pytest.mark.parametrize("name", LISTS)
def test_a_step_returns_none(name):
    assert call(name) is None


def test_a_step_over_no_parameters_is_legal():
    assert spec.sgd_step([], [], [], lr=0.1, step=1) is None


@pytest.mark.parametrize(("name", "argument"), EVERY_LIST)
def test_lists_of_another_length_are_refused(name, argument):
    message = (
        f"{name}: len({argument}) is 1, expected len(params) = 2. "
        "The lists run parallel, one entry for each array that is updated."
    )
    with pytest.raises(ShapeError, match=says(message)):
        call(name, **{argument: SHORT})


@pytest.mark.parametrize(("name", "argument"), EVERY_LIST)
def test_members_of_another_shape_are_refused(name, argument):
    message = f"{name}: {argument}[0].shape is (3, 2), expected (2, 3)."
    with pytest.raises(ShapeError, match=says(message)):
        call(name, **{argument: TURNED})


@pytest.mark.parametrize(("name", "argument"), EVERY_LIST)
def test_members_of_another_dtype_are_refused(name, argument):
    message = (
        f"{name}: {argument}[1].dtype is float64, expected that of params[0] (float32). "
        "minidl never mixes precisions silently: convert one of them with .float() (float32) or "
        ".double() (float64)."
    )
    with pytest.raises(DTypeError, match=says(message)):
        call(name, **{argument: WIDE})


@pytest.mark.parametrize(
    ("name", "argument", "off", "reason"),
    [
        ("sgd_step", "momentum_buffers", {"momentum": 0.0}, "momentum is 0"),
        ("rmsprop_step", "momentum_buffers", {"momentum": 0.0}, "momentum is 0"),
        ("rmsprop_step", "grad_avgs", {"centered": False}, "centered is False"),
    ],
)
def test_state_that_is_not_used_must_be_empty(name, argument, off, reason):
    message = (
        f"{name}: len({argument}) is 2, expected 0, because {reason}. "
        "State that isn't used isn't kept."
    )
    with pytest.raises(ArgumentError, match=says(message)):
        call(name, **off)
    call(name, **off, **{argument: []})


@pytest.mark.parametrize("name", LISTS)
def test_steps_count_from_one(name):
    message = f"{name}: step is 0, expected at least 1. Steps count from 1."
    with pytest.raises(ArgumentError, match=says(message)):
        call(name, step=0)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("argument", ["lr", "step", "grad_scale"])
def test_numbers_may_be_arrays_without_dimensions(name, argument):
    call(name, **{argument: ArraySpec((), "float64")})
    with pytest.raises(ShapeError, match=says(f"{name}: {argument}.shape is (1,), expected ().")):
        call(name, **{argument: ArraySpec((1,), "float64")})


@pytest.mark.parametrize("argument", ["beta1", "beta2"])
@pytest.mark.parametrize("beta", [-0.1, 1.0])
def test_adam_refuses_a_beta_it_would_divide_by_zero_with(argument, beta):
    message = (
        f"adam_step: {argument} is {beta}, expected at least 0 and below 1. "
        f"The averages are divided by 1 − {argument}^step."
    )
    with pytest.raises(ArgumentError, match=says(message)):
        call("adam_step", **{argument: beta})


def test_lerp_step_checks_its_lists():
    assert spec.lerp_step(P, P, weight=0.1, scales=[1.0, 2.0]) is None
    parallel = "The lists run parallel, one entry for each array that is updated."
    with pytest.raises(
        ShapeError,
        match=says(f"lerp_step: len(sources) is 1, expected len(targets) = 2. {parallel}"),
    ):
        spec.lerp_step(P, SHORT, weight=0.1, scales=[1.0, 2.0])
    with pytest.raises(
        ShapeError,
        match=says(f"lerp_step: len(scales) is 1, expected len(targets) = 2. {parallel}"),
    ):
        spec.lerp_step(P, P, weight=0.1, scales=[1.0])
    with pytest.raises(
        ShapeError, match=says("lerp_step: sources[0].shape is (3, 2), expected (2, 3).")
    ):
        spec.lerp_step(P, TURNED, weight=0.1, scales=[1.0, 2.0])
    with pytest.raises(DTypeError, match=r"^lerp_step: targets\[1\].dtype is float64, expected"):
        spec.lerp_step(WIDE, P, weight=0.1, scales=[1.0, 2.0])
    with pytest.raises(ShapeError, match=says("lerp_step: weight.shape is (1,), expected ().")):
        spec.lerp_step(P, P, weight=ArraySpec((1,), "float64"), scales=[1.0, 2.0])


def test_global_norm_is_a_float64_without_dimensions():
    assert spec.global_norm(P) == ArraySpec((), "float64")
    assert spec.global_norm([]) == ArraySpec((), "float64")
    with pytest.raises(DTypeError, match=r"^global_norm: arrays\[1\].dtype is float64, expected"):
        spec.global_norm(WIDE)
