"""What batch norm's formulas leave open: how precise the sums are, and equal bits both ways."""

import numpy as np
import pytest

from minidl_kernels.activation.spec import FUSED_NAMES
from minidl_kernels.batch_norm.numpy_reference import batch_norm, batch_norm_grad
from minidl_kernels.bias_activation.numpy_reference import channel_sum


@pytest.mark.parametrize("shape", [(64, 3, 24, 23), (20_000, 3), (64, 3, 2, 2), (2, 3, 200, 201)])
def test_variance_keeps_three_digits_when_the_mean_is_ten_thousand_deviations(shape):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=shape) + 1e4).astype(np.float32)
    _, _, var = batch_norm(x, eps=0.0)
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    np.testing.assert_allclose(var, x.astype(np.float64).var(axis=axes), rtol=1e-3)


@pytest.mark.parametrize("shape", [(1_000_000, 2), (4, 2, 500, 500), (62_500, 2, 4, 4)])
def test_a_million_equal_numbers_sum_to_a_million_times_one(shape):
    total = channel_sum(np.full(shape, 0.1, np.float32))
    np.testing.assert_allclose(total, 1_000_000 * np.float64(np.float32(0.1)), rtol=1e-6)


@pytest.mark.parametrize("channels", [3, 70])
def test_gradient_sees_the_bits_of_the_forward_pass_at_the_kink_of_relu(channels):
    # The residual cancels all but the last bit of each pre-activation.
    rng = np.random.default_rng(0)
    x = rng.normal(2, 3, (8, channels, 5, 7)).astype(np.float32)
    weight, bias = rng.normal(size=(2, channels)).astype(np.float32)
    z, _, _ = batch_norm(x, weight, bias, eps=1e-5)
    away = np.where(rng.random(x.shape) < 0.5, -np.inf, np.inf).astype(np.float32)
    residual = -np.nextafter(z, away)
    arguments = {"eps": 1e-5, "residual": residual, "activation": "relu"}
    y, mean, var = batch_norm(x, weight, bias, **arguments)
    *_, grad_residual = batch_norm_grad(
        np.ones_like(x), x, mean, var, weight, bias, training=True, **arguments
    )
    np.testing.assert_array_equal(grad_residual != 0, y > 0)
    assert 0.4 < (y > 0).mean() < 0.6


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("activation", [None, *FUSED_NAMES])
def test_infinity_nan_and_zero_variance_raise_no_warning(activation):
    x = np.array([[np.inf, 1.0, np.nan, 1e38], [0.0, 1.0, 1.0, -1e38]], np.float32)
    arguments = {"eps": 0.0, "activation": activation}
    y, mean, var = batch_norm(x, **arguments)
    assert np.isnan(y[:, 2]).all()
    batch_norm_grad(np.ones_like(x), x, mean, var, training=True, **arguments)
