import re

import numpy as np
import pytest

from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.common.errors import ArgumentError, DTypeError, ShapeError
from minidl_kernels.dropout import spec

PLACE = {"seed": 1, "stream": 2, "offset": 3}
NAMES = ("random_bits", "dropout", "drop_path")


def says(text):
    return f"^{re.escape(text)}$"


def call(name, x, **arguments):
    arguments = {**PLACE, **arguments}
    if name == "random_bits":
        return spec.random_bits(x.shape, **arguments)
    return getattr(spec, name)(x, **{"p": 0.5, **arguments})


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 3, 5, 4)])
def test_shapes_of_results(shape):
    x = ArraySpec(shape, "float64")
    assert call("random_bits", x) == ArraySpec(shape, "uint32")
    assert call("dropout", x) == x
    assert call("drop_path", x) == x


def test_dropout_and_random_bits_take_scalars():
    x = ArraySpec((), "float32")
    assert call("random_bits", x) == ArraySpec((), "uint32")
    assert call("dropout", x) == x


def test_drop_path_needs_samples():
    message = (
        "drop_path: x.shape is (), expected at least 1 dimension (N, …). "
        "It keeps or drops whole samples; axis 0 counts them."
    )
    with pytest.raises(ShapeError, match=says(message)):
        call("drop_path", ArraySpec((), "float32"))


@pytest.mark.parametrize("name", ["dropout", "drop_path"])
def test_integers_are_refused(name):
    message = f"{name}: x.dtype is int64, expected float32 or float64. Convert it with x.float()."
    with pytest.raises(DTypeError, match=says(message)):
        call(name, ArraySpec((2,), "int64"))


@pytest.mark.parametrize("name", ["dropout", "drop_path"])
@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_p_must_be_a_probability(name, p):
    message = (
        f"{name}: p is {p}, expected a probability from 0 to 1. "
        "p is the share that is dropped, not the share that is kept."
    )
    with pytest.raises(ArgumentError, match=says(message)):
        call(name, ArraySpec((2,), "float32"), p=p)


@pytest.mark.parametrize("name", ["dropout", "drop_path"])
@pytest.mark.parametrize("p", ["half", None, True])
def test_p_must_be_a_number(name, p):
    message = f"{name}: p is {p!r}, expected a number from 0 to 1."
    with pytest.raises(DTypeError, match=says(message)):
        call(name, ArraySpec((2,), "float32"), p=p)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("argument", "bits"), [("seed", 32), ("stream", 32), ("offset", 64)])
def test_position_of_the_generator_must_fit_its_words(name, argument, bits):
    x = ArraySpec((2,), "float32")
    for value in (-1, 1 << bits):
        message = f"{name}: {argument} is {value}, expected an integer in [0, 2^{bits})."
        with pytest.raises(ArgumentError, match=says(message)):
            call(name, x, **{argument: value})
    for value in (0.5, "1", True):
        message = f"{name}: {argument} is {value!r}, expected an integer in [0, 2^{bits})."
        with pytest.raises(DTypeError, match=says(message)):
            call(name, x, **{argument: value})
    call(name, x, **{argument: (1 << bits) - 1})
    call(name, x, **{argument: np.uint64(5)})


@pytest.mark.parametrize("name", NAMES)
def test_base_must_be_a_uint64_without_dimensions(name):
    x = ArraySpec((2,), "float32")
    call(name, x, base=ArraySpec((), "uint64"))
    with pytest.raises(ShapeError, match=says(f"{name}: base.shape is (1,), expected ().")):
        call(name, x, base=ArraySpec((1,), "uint64"))
    with pytest.raises(DTypeError, match=says(f"{name}: base.dtype is int64, expected uint64.")):
        call(name, x, base=ArraySpec((), "int64"))


def test_random_bits_needs_lengths():
    message = "random_bits: shape is (2, -1), expected non-negative integers."
    with pytest.raises(ArgumentError, match=says(message)):
        spec.random_bits((2, -1), **PLACE)
    message = "random_bits: shape is (2.0,), expected non-negative integers."
    with pytest.raises(DTypeError, match=says(message)):
        spec.random_bits((2.0,), **PLACE)
