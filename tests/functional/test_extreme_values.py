"""Gradients where a careless formula overflows, underflows, rounds too early or divides by zero."""

import math

import numpy as np
import pytest

import minidl
from minidl.testing import gradgradcheck


def leaf(value, dtype="float32"):
    return minidl.tensor(value, dtype=dtype, requires_grad=True)


@pytest.mark.parametrize(("a", "b"), [(1e-25, 1e-25), (1e20, 1e20), (1e15, 1e25), (3e38, 1e30)])
def test_division_has_a_finite_gradient_where_the_square_of_b_has_no_float32(a, b):
    x, y = leaf(a), leaf(b)
    (x / y).backward()
    a, b = float(np.float32(a)), float(np.float32(b))
    np.testing.assert_allclose(y.grad.item(), -a / b / b, rtol=1e-6)
    np.testing.assert_allclose(x.grad.item(), 1 / b, rtol=1e-6)


def test_gradient_of_a_scalar_to_a_float64_power_is_exact_to_float64():
    b = leaf(1.5, "float64")
    (0.1**b).backward()
    np.testing.assert_allclose(b.grad.item(), 0.1**1.5 * math.log(0.1), rtol=1e-15)


@pytest.mark.parametrize("dim", [None, 1])
@pytest.mark.parametrize("correction", [0, 1])
def test_std_of_a_constant_has_gradient_zero(dim, correction):
    x = leaf(np.full((2, 3), 5.0))
    x.std(dim, correction=correction).sum().backward()
    assert x.grad.tolist() == [[0.0] * 3] * 2


def test_std_of_a_constant_row_leaves_the_other_rows_gradients_alone():
    values = np.array([[5.0, 5.0, 5.0], [1.0, 2.0, 4.0]])
    x = leaf(values, "float64")
    (first,) = minidl.grad(x.std(1).sum(), x, create_graph=True)
    (second,) = minidl.grad((first * first).sum(), x)
    alone = leaf(values[1:], "float64")
    (expected,) = minidl.grad(alone.std(1).sum(), alone)
    assert first.detach()[0].tolist() == second[0].tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(first.detach()[1].numpy(), expected[0].numpy(), rtol=1e-12)
    gradgradcheck(lambda t: t.std(1), [alone])
