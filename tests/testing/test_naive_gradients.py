"""The naive gradients are the derivatives of the naive forwards, by central differences."""

from functools import partial

import numpy as np
import pytest

from minidl.testing import naive

rng = np.random.default_rng(0)
X = rng.standard_normal((2, 4, 5, 6))
WEIGHT = rng.standard_normal((4, 2, 3, 2))
DEPTHWISE = rng.standard_normal((8, 1, 3, 2))
WINDOWS = {"stride": (2, 1), "padding": (1, 0, 2, 1), "dilation": (1, 2)}
POOLING = {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0, 0, 1), "ceil_mode": True}
GAMMA, BETA, RESIDUAL = (rng.standard_normal(s) for s in ((4,), (4,), X.shape))
TARGET = np.array([[0, 3, 2], [1, -100, 3]])
CLASS_WEIGHT = np.array([1.0, 2.0, 0.5, 3.0])
LOSS = {"label_smoothing": 0.2}
LRN = {"size": 3, "alpha": 2.0, "beta": 0.75, "k": 1.0}
LOGITS = rng.standard_normal((2, 4, 3))
AWAY = X + 0.1 * np.sign(X)  # from every kink
AXIS = {"axis": 2}


def numeric_gradient(forward, x, upstream, h=1e-6):
    """∂⟨upstream, forward(x)⟩/∂x."""
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[place] = h
        gradient[place] = np.sum(upstream * (forward(x + step) - forward(x - step))) / (2 * h)
    return gradient


CONV = partial(naive.conv2d, groups=2, **WINDOWS)
DEEP = partial(naive.depthwise_conv2d, **WINDOWS)
UNFOLD = {"kernel_size": (3, 2), **WINDOWS}
COLUMNS = rng.standard_normal(naive.unfold(X, **UNFOLD).shape)

# name: what is differentiated, where, and the gradient as a function of (upstream, where).
GRADIENTS = {
    "conv2d_input_grad": (
        lambda x: CONV(x, WEIGHT),
        X,
        lambda g, x: naive.conv2d_input_grad(g, WEIGHT, input_size=(5, 6), groups=2, **WINDOWS),
    ),
    "conv2d_weight_grad": (
        lambda w: CONV(X, w),
        WEIGHT,
        lambda g, w: naive.conv2d_weight_grad(g, X, kernel_size=(3, 2), groups=2, **WINDOWS),
    ),
    "depthwise_conv2d_input_grad": (
        lambda x: DEEP(x, DEPTHWISE),
        X,
        lambda g, x: naive.depthwise_conv2d_input_grad(
            g, DEPTHWISE, input_channels=4, input_size=(5, 6), **WINDOWS
        ),
    ),
    "depthwise_conv2d_weight_grad": (
        lambda w: DEEP(X, w),
        DEPTHWISE,
        lambda g, w: naive.depthwise_conv2d_weight_grad(g, X, kernel_size=(3, 2), **WINDOWS),
    ),
    "fold is unfold's": (
        lambda x: naive.unfold(x, **UNFOLD),
        X,
        lambda g, x: naive.fold(g, output_size=(5, 6), **UNFOLD),
    ),
    "unfold is fold's": (
        lambda c: naive.fold(c, output_size=(5, 6), **UNFOLD),
        COLUMNS[:1],
        lambda g, c: naive.unfold(g, **UNFOLD),
    ),
    "max_pool2d_grad": (
        lambda x: naive.max_pool2d(x, dilation=(1, 2), **POOLING)[0],
        X,
        lambda g, x: naive.max_pool2d_grad(
            g, naive.max_pool2d(x, dilation=(1, 2), **POOLING)[1], input_size=(5, 6), **POOLING
        ),
    ),
    **{
        f"avg_pool2d_grad {options}": (
            lambda x, options=options: naive.avg_pool2d(x, **POOLING, **options),
            X,
            lambda g, x, options=options: naive.avg_pool2d_grad(
                g, input_size=(5, 6), **POOLING, **options
            ),
        )
        for options in ({}, {"count_include_pad": False}, {"divisor_override": 5})
    },
    "adaptive_avg_pool2d_grad": (
        lambda x: naive.adaptive_avg_pool2d(x, output_size=(3, 4)),
        X,
        lambda g, x: naive.adaptive_avg_pool2d_grad(g, input_size=(5, 6)),
    ),
    "local_response_norm_grad": (
        lambda x: naive.local_response_norm(x, **LRN),
        X,
        lambda g, x: naive.local_response_norm_grad(g, x, **LRN),
    ),
    **{
        f"{name}_grad": (
            getattr(naive, name),
            AWAY,
            lambda g, x, name=name: getattr(naive, f"{name}_grad")(g, getattr(naive, name)(x)),
        )
        for name in ("relu", "relu6", "sigmoid", "tanh")
    },
    **{
        f"{name}_grad": (
            getattr(naive, name),
            4 * AWAY,
            lambda g, x, name=name: getattr(naive, f"{name}_grad")(g, x),
        )
        for name in ("silu", "hardswish")
    },
    "leaky_relu_grad": (
        partial(naive.leaky_relu, negative_slope=0.2),
        AWAY,
        partial(naive.leaky_relu_grad, negative_slope=0.2),
    ),
    "softmax_grad": (
        partial(naive.softmax, **AXIS),
        LOGITS,
        lambda g, x: naive.softmax_grad(g, naive.softmax(x, **AXIS), **AXIS),
    ),
    "log_softmax_grad": (
        partial(naive.log_softmax, **AXIS),
        LOGITS,
        lambda g, x: naive.log_softmax_grad(g, naive.log_softmax(x, **AXIS), **AXIS),
    ),
    "softmax_cross_entropy_grad": (
        lambda x: naive.softmax_cross_entropy(x, TARGET, CLASS_WEIGHT, **LOSS),
        LOGITS,
        lambda g, x: naive.softmax_cross_entropy_grad(g, x, TARGET, CLASS_WEIGHT, **LOSS),
    ),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_naive_gradient_is_the_forwards_derivative(name):
    forward, x, gradient = GRADIENTS[name]
    upstream = np.random.default_rng(1).standard_normal(forward(x).shape)
    expected = numeric_gradient(forward, x, upstream)
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(gradient(upstream, x), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("activation", [None, "relu", "relu6", "silu", "hardswish", "sigmoid"])
@pytest.mark.parametrize("argument", ["x", "weight", "bias", "residual"])
def test_naive_batch_norm_gradient_is_the_forwards_derivative(argument, activation, training):
    small = np.random.default_rng(2)
    x, residual, upstream = (small.standard_normal((3, 2, 2, 3)) for _ in range(3))
    arguments = {
        "x": x, "weight": 2 + small.standard_normal(2), "bias": small.standard_normal(2),
        "residual": residual,
    }  # fmt: skip
    mean, var = (
        (0.3 * np.ones(2), 2 * np.ones(2)) if not training else naive.batch_norm(x, eps=1e-3)[1:]
    )

    def forward(value):
        given = {**arguments, argument: value, "eps": 1e-3, "activation": activation}
        if training:
            return naive.batch_norm(**given)[0]
        return naive.batch_norm_inference(mean=mean, var=var, **given)

    grads = naive.batch_norm_grad(
        upstream, mean=mean, var=var, eps=1e-3, activation=activation, training=training,
        **arguments,
    )  # fmt: skip
    got = grads[["x", "weight", "bias", "residual"].index(argument)]
    expected = numeric_gradient(forward, arguments[argument], upstream)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("activation", [None, "relu", "relu6", "silu", "hardswish", "sigmoid"])
@pytest.mark.parametrize("position", [0, 1])
def test_naive_bias_activation_gradient_is_the_forwards_derivative(position, activation):
    small = np.random.default_rng(3)
    x, bias, upstream = (
        4 * small.standard_normal((3, 2, 4)),
        np.ones(2),
        small.normal(size=(3, 2, 4)),
    )
    y = naive.bias_activation(x, bias, activation=activation)
    saved = {None: None, "silu": x, "hardswish": x}.get(activation, y)
    got = naive.bias_activation_grad(upstream, saved, bias, activation=activation)[position]

    def forward(value):
        given = (value, bias) if position == 0 else (x, value)
        return naive.bias_activation(*given, activation=activation)

    expected = numeric_gradient(forward, (x, bias)[position], upstream)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)
