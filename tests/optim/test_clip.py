"""Clipping gradients."""

import math

import numpy as np
import pytest

import minidl
from minidl import optim
from minidl.errors import ArgumentError, DTypeError


def with_gradients(arrays, dtype="float64"):
    params = []
    for array in arrays:
        p = minidl.zeros(np.shape(array), dtype=dtype, requires_grad=True)
        p.grad = minidl.tensor(array, dtype=dtype)
        params.append(p)
    return params


def random_arrays():
    rng = np.random.default_rng(4)
    return [rng.normal(size=shape) for shape in [(3, 4), (5,), (1, 2, 3)]]


@pytest.mark.parametrize("max_norm", [0.5, 2.0])
def test_all_gradients_are_scaled_alike_to_the_norm(max_norm):
    arrays = random_arrays()
    params = with_gradients(arrays)
    norm = math.sqrt(sum(x * x for array in arrays for x in array.ravel().tolist()))
    assert norm > max_norm
    assert optim.clip_grad_norm_(params, max_norm).item() == pytest.approx(norm, rel=1e-14)
    for p, array in zip(params, arrays, strict=True):
        expected = array * max_norm / (norm + 1e-6)
        np.testing.assert_allclose(p.grad.numpy(), expected, rtol=1e-14)


def test_gradients_within_the_norm_keep_their_bits():
    arrays = random_arrays()
    params = with_gradients(arrays)
    optim.clip_grad_norm_(params, 100.0)
    for p, array in zip(params, arrays, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), array)


def test_float32_stays_float32_but_is_summed_in_float64():
    params = with_gradients([np.full(10, 1e-25), np.full(6, 1e-25)], dtype="float32")
    norm = optim.clip_grad_norm_(params, 1.0)  # in float32 the squares would be 0
    assert norm.dtype == params[0].grad.dtype == np.float32
    assert norm.shape == ()
    assert norm.item() == pytest.approx(4e-25, rel=1e-6)


def test_several_dtypes_share_one_norm():
    (p,), (q,) = with_gradients([[3.0]], "float32"), with_gradients([[4.0]], "float64")
    norm = optim.clip_grad_norm_([p, q], 1.0)
    assert norm.item() == 5.0
    assert norm.dtype == np.float64
    assert (p.grad.dtype, q.grad.dtype) == (np.float32, np.float64)
    assert p.grad.item() == pytest.approx(0.6, rel=1e-6)
    assert q.grad.item() == pytest.approx(0.8, rel=1e-6)


def test_clipping_is_in_place_and_counted():
    (p,) = with_gradients([[3.0, 4.0]])
    gradient = p.grad
    optim.clip_grad_norm_(p, 1.0)
    optim.clip_grad_value_(p, 0.5)
    assert p.grad is gradient
    assert gradient.version == 2


def test_parameters_without_gradient_are_passed_over():
    (p,) = with_gradients([[3.0, 4.0]])
    q = minidl.zeros(1, requires_grad=True)
    assert optim.clip_grad_norm_(iter([q, p]), 10.0).item() == 5.0
    assert q.grad is None
    assert optim.clip_grad_norm_([q], 1.0).item() == 0.0


def test_a_norm_that_is_not_a_number_shows():
    (p,) = with_gradients([[float("nan"), 4.0]])
    assert math.isnan(optim.clip_grad_norm_(p, 1.0).item())
    assert np.isnan(p.grad.numpy()).all()


def test_values_are_clipped_to_both_sides():
    (p,) = with_gradients([[[-3.0, -0.5], [0.25, 2.0]]], "float32")
    assert optim.clip_grad_value_([p], 1.0) is None
    assert p.grad.tolist() == [[-1.0, -0.5], [0.25, 1.0]]


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (
            lambda: optim.clip_grad_norm_([], -1.0),
            ArgumentError,
            "clip_grad_norm_: max_norm is -1.0, expected a finite number of at least 0.",
        ),
        (
            lambda: optim.clip_grad_value_([], "1"),
            DTypeError,
            "clip_grad_value_: clip_value is '1', expected a number.",
        ),
        (
            lambda: optim.clip_grad_norm_("weights", 1.0),
            DTypeError,
            "clip_grad_norm_: parameters is a str, expected a list of parameters. Give "
            "model.parameters().",
        ),
        (
            lambda: optim.clip_grad_norm_([3], 1.0),
            DTypeError,
            "clip_grad_norm_: parameter 0 is a int, expected a Tensor.",
        ),
    ],
)
def test_refusals(act, error, message):
    with pytest.raises(error) as caught:
        act()
    assert str(caught.value) == message


def test_the_norm_is_a_millionth_larger_so_that_zeros_stay_zeros():
    params = with_gradients([[0.0, 0.0]])
    assert optim.clip_grad_norm_(params, 0.0).item() == 0.0
    assert params[0].grad.tolist() == [0.0, 0.0]
    (p,) = with_gradients([[3e-6, 4e-6]])
    optim.clip_grad_norm_([p], 5e-6)  # a factor of 5 / (5 + 1)
    np.testing.assert_allclose(p.grad.numpy(), [2.5e-6, 10 / 3 * 1e-6], rtol=1e-12)
