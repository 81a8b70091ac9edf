"""What convolutional networks are made of: windows, normalisation, softmax, losses, dropout."""

import math

import numpy as np

from minidl.testing import naive
from op_catalogue.operation import Operation, distinct, inputs, normal, positive


def choice(rng, *options):
    """One of the options."""
    return options[rng.integers(len(options))]


def conv_arguments(rng, groups):
    """Adversarial geometry: unequal sides, strides that don't divide, dilation, any padding."""
    return {
        "stride": choice(rng, 1, 2, (2, 1), (1, 3)),
        "padding": choice(rng, 0, 1, (2, 1)),
        "dilation": choice(rng, 1, (2, 1), (1, 2)),
        "groups": groups,
    }


def convolution(rng):
    groups = int(choice(rng, 1, 1, 2))
    n, c, o = int(rng.integers(1, 3)), 2 * groups, int(choice(rng, 2, 4))
    kernel = choice(rng, (1, 1), (3, 2), (2, 3), (3, 3))
    arrays = [normal(n, c, 6, 7)(rng), normal(o, c // groups, *kernel)(rng), normal(o)(rng)]
    return arrays, conv_arguments(rng, groups)


def depthwise(rng):
    multiplier = int(choice(rng, 1, 2))
    arrays = [
        normal(2, 3, 6, 7)(rng),
        normal(3 * multiplier, 1, 3, 2)(rng),
        normal(3 * multiplier)(rng),
    ]
    return arrays, conv_arguments(rng, 3)


def transposed(rng):
    groups = int(choice(rng, 1, 2))
    arrays = [normal(2, 4, 3, 4)(rng), normal(4, 3, 3, 2)(rng), normal(3 * groups)(rng)]
    return arrays, {
        "stride": choice(rng, 2, (2, 3)),
        "padding": choice(rng, 0, (1, 0)),
        "output_padding": choice(rng, 0, 1),
        "groups": groups,
        "dilation": choice(rng, 1, (2, 1)),
    }


def both(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def sides(padding):
    return (*both(padding), *both(padding))


def convolution_truth(x, w, b, stride, padding, dilation, groups):
    return naive.conv2d(
        x, w, b, stride=both(stride), padding=sides(padding), dilation=both(dilation), groups=groups
    )


def transposed_truth(x, w, b, stride, padding, output_padding, groups, dilation):
    """Every input element adds its multiple of the kernel to the output."""
    (sh, sw), (ph, pw), (dh, dw) = both(stride), both(padding), both(dilation)
    extra = both(output_padding)
    n, c, h, wd = x.shape
    per_group, kh, kw = w.shape[1:]
    out_h = (h - 1) * sh - 2 * ph + dh * (kh - 1) + extra[0] + 1
    out_w = (wd - 1) * sw - 2 * pw + dw * (kw - 1) + extra[1] + 1
    y = np.zeros((n, per_group * groups, out_h, out_w)) + b.reshape(1, -1, 1, 1)
    for s, ch, i, j, o, p, q in np.ndindex(n, c, h, wd, per_group, kh, kw):
        row, column = i * sh - ph + p * dh, j * sw - pw + q * dw
        if 0 <= row < out_h and 0 <= column < out_w:
            group = ch // (c // groups)
            y[s, group * per_group + o, row, column] += x[s, ch, i, j] * w[ch, o, p, q]
    return y


def pooling(rng):
    return [distinct(2, 2, 7, 6)(rng)], {
        "kernel_size": choice(rng, 2, 3, (3, 2), (2, 4)),
        "stride": choice(rng, 1, 2, (2, 3)),
        "padding": choice(rng, 0, 1, (1, 0)),
        "ceil_mode": bool(rng.integers(2)),
    }


def max_pooling(rng):
    arrays, arguments = pooling(rng)
    fits = both(arguments["kernel_size"])[1] < 4  # (1, 2)-dilated, the window is 7 wide, x is 6
    return arrays, {**arguments, "dilation": choice(rng, 1, (2, 1), (1, 2)) if fits else 1}


def average_pooling(rng):
    arrays, arguments = pooling(rng)
    arguments["count_include_pad"] = bool(rng.integers(2))
    arguments["divisor_override"] = choice(rng, None, None, 5)
    return arrays, arguments


def pool_geometry(arguments):
    plain = {key: both(arguments[key]) for key in ("kernel_size", "stride")}
    plain |= {"padding": sides(arguments["padding"])}
    for key in ("ceil_mode", "count_include_pad", "divisor_override"):
        if key in arguments:
            plain[key] = arguments[key]
    if "dilation" in arguments:
        plain["dilation"] = both(arguments["dilation"])
    return plain


def columns(rng):
    return [normal(2, 2, 5, 6)(rng)], {
        "kernel_size": choice(rng, 2, (3, 2)),
        "stride": choice(rng, 1, (2, 1)),
        "padding": choice(rng, 0, 1),
        "dilation": choice(rng, 1, (1, 2)),
    }


def folds(rng):
    arrays, arguments = columns(rng)
    shape = naive.unfold(arrays[0], **window(arguments)).shape
    return [normal(*shape)(rng)], {"output_size": (5, 6), **arguments}


def window(arguments):
    plain = {key: both(arguments[key]) for key in ("kernel_size", "stride", "dilation")}
    return {**plain, "padding": sides(arguments["padding"])}


def per_channel(x):
    return tuple(d for d in range(x.ndim) if d != 1)


def batch_norm_inputs(rng, activation=None, residual=False):
    """Drawn again until no sum before the activation is close to one of its kinks."""
    shape = choice(rng, (5, 3), (3, 3, 2, 3), (2, 3, 4))
    while True:
        arrays = [normal(*shape)(rng), 3 * positive(3)(rng), 3 * normal(3)(rng)]
        if residual:
            arrays.append(normal(*shape)(rng))
        before = batch_norm_truth(*arrays)
        if all(np.abs(before - kink).min() > 0.05 for kink in KINKS.get(activation, ())):
            return arrays, {"activation": activation} if activation else {}


KINKS = {"relu": (0,), "relu6": (0, 6), "hardswish": (-3, 3)}


def batch_norm_truth(x, weight, bias, residual=None, activation=None):
    y, _, _ = naive.batch_norm(x, weight, bias, eps=1e-5, residual=residual, activation=activation)
    return y


def fused_batch_norm(m, F, x, weight, bias, residual, activation):
    return F.batch_norm(
        x, None, None, weight, bias, training=True, residual=residual, activation=activation
    )


def torch_fused_batch_norm(m, F, x, weight, bias, residual, activation):
    y = F.batch_norm(x, None, None, weight, bias, training=True) + residual
    return y.sigmoid() if activation == "sigmoid" else getattr(F, activation)(y)


def inference_call(m, F, x, weight, bias, mean, var):
    return F.batch_norm(x, m.tensor(mean), m.tensor(var), weight, bias, training=False)


def inference_inputs(rng):
    arrays, _ = batch_norm_inputs(rng)
    return arrays, {"mean": normal(3)(rng), "var": positive(3)(rng)}


def cross_entropy_inputs(rng):
    shape = choice(rng, (4, 3), (2, 3, 2), (2, 3, 2, 2))
    target = rng.integers(0, 3, size=(shape[0], *shape[2:]))
    target.flat[0] = -7
    return [normal(*shape)(rng)], {
        "target": target,
        "weight": choice(rng, None, np.array([0.5, 1.0, 2.0])),
        "label_smoothing": float(choice(rng, 0.0, 0.1)),
        "reduction": choice(rng, "mean", "sum", "none"),
    }


def cross_entropy_call(m, F, logits, target, weight, label_smoothing, reduction):
    return F.cross_entropy(
        logits,
        m.tensor(target),
        None if weight is None else m.tensor(weight),
        ignore_index=-7,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


def cross_entropy_truth(logits, target, weight, label_smoothing, reduction):
    losses = naive.softmax_cross_entropy(
        logits, target, weight, label_smoothing=label_smoothing, ignore_index=-7
    )
    if reduction == "none":
        return losses
    total = math.fsum(losses.ravel())
    if reduction == "sum":
        return np.array(total)
    weights = np.ones(3) if weight is None else weight
    return np.array(total / math.fsum(float(weights[t]) for t in target.ravel() if t != -7))


def nll_inputs(rng):
    arrays, arguments = cross_entropy_inputs(rng)
    del arguments["label_smoothing"]
    return arrays, arguments


def nll_call(m, F, x, target, weight, reduction):
    weight = None if weight is None else m.tensor(weight)
    return F.nll_loss(x, m.tensor(target), weight, ignore_index=-7, reduction=reduction)


def nll_truth(x, target, weight, reduction):
    weights = np.ones(3) if weight is None else weight
    losses, total, count = np.zeros(target.shape), 0.0, 0.0
    for place in np.ndindex(target.shape):
        t = target[place]
        if t != -7:
            losses[place] = -weights[t] * x[(place[0], t, *place[1:])]
            total, count = total + losses[place], count + weights[t]
    return {"none": losses, "sum": np.array(total), "mean": np.array(total / count)}[reduction]


def along(rng):
    return [normal(3, 4, 2)(rng)], {"dim": int(rng.integers(-3, 3))}


def dropout_call(kernel):
    def call(m, F, x):
        return getattr(F, kernel)(x, 0.4, generator=m.Generator(seed=5))

    return call


def torch_dropout(kernel):
    """The same mask, from the naive scalar generator."""

    def call(m, F, x):
        scale = getattr(naive, kernel)(np.ones(tuple(x.shape)), p=0.4, seed=5, stream=0, offset=0)
        return x * m.tensor(scale)

    return call


def bias_inputs(activation):
    return lambda rng: ([normal(2, 3, 2, 2)(rng), normal(3)(rng)], {"activation": activation})


def torch_bias(m, F, x, bias, activation):
    y = x + bias.reshape(1, -1, 1, 1)
    if activation is None:
        return y
    return y.sigmoid() if activation == "sigmoid" else getattr(F, activation)(y)


OPERATIONS = [
    Operation(
        "conv2d", convolution, lambda m, F, x, w, b, **k: F.conv2d(x, w, b, **k), convolution_truth
    ),
    Operation(
        "depthwise_conv2d",
        depthwise,
        lambda m, F, x, w, b, **k: F.conv2d(x, w, b, **k),
        convolution_truth,
    ),
    Operation(
        "conv_transpose2d",
        transposed,
        lambda m, F, x, w, b, **k: F.conv_transpose2d(x, w, b, **k),
        transposed_truth,
    ),
    Operation(
        "unfold",
        columns,
        lambda m, F, x, **k: F.unfold(x, **k),
        lambda x, **k: naive.unfold(x, **window(k)),
    ),
    Operation(
        "fold",
        folds,
        lambda m, F, x, **k: F.fold(x, **k),
        lambda x, output_size, **k: naive.fold(x, output_size=output_size, **window(k)),
    ),
    Operation(
        "max_pool2d",
        max_pooling,
        lambda m, F, x, **k: F.max_pool2d(x, **k),
        lambda x, **k: naive.max_pool2d(x, **pool_geometry(k))[0],
    ),
    Operation(
        "avg_pool2d",
        average_pooling,
        lambda m, F, x, **k: F.avg_pool2d(x, **k),
        lambda x, **k: naive.avg_pool2d(x, **pool_geometry(k)),
    ),
    Operation(
        "adaptive_avg_pool2d",
        lambda rng: (
            [normal(2, 2, 7, 6)(rng)],
            {"output_size": choice(rng, 1, (3, 4), (7, 2), (9, 8))},
        ),
        lambda m, F, x, output_size: F.adaptive_avg_pool2d(x, output_size),
        lambda x, output_size: naive.adaptive_avg_pool2d(x, output_size=both(output_size)),
    ),
    Operation(
        "batch_norm",
        batch_norm_inputs,
        lambda m, F, x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        batch_norm_truth,
    ),
    Operation(
        "batch_norm_inference",
        inference_inputs,
        inference_call,
        lambda x, w, b, mean, var: naive.batch_norm_inference(x, mean, var, w, b, eps=1e-5),
    ),
    *(
        Operation(
            f"batch_norm_residual_{activation}",
            lambda rng, activation=activation: batch_norm_inputs(rng, activation, residual=True),
            fused_batch_norm,
            batch_norm_truth,
            torch_fused_batch_norm,
        )
        for activation in ("silu", "sigmoid", "relu", "relu6", "hardswish")
    ),
    Operation(
        "local_response_norm",
        lambda rng: (
            [normal(2, 5, 2, 3)(rng)],
            {"size": int(rng.integers(1, 6)), "alpha": 0.5, "beta": 0.7, "k": 1.5},
        ),
        lambda m, F, x, **k: F.local_response_norm(x, **k),
        naive.local_response_norm,
    ),
    *(
        Operation(
            f"bias_{activation}",
            bias_inputs(activation),
            lambda m, F, x, b, activation: F.bias_activation(x, b, activation),
            naive.bias_activation,
            torch_bias,
        )
        for activation in (None, "relu", "relu6", "silu", "hardswish", "sigmoid")
    ),
    Operation(
        "softmax",
        along,
        lambda m, F, x, dim: F.softmax(x, dim),
        lambda x, dim: naive.softmax(x, axis=dim),
    ),
    Operation(
        "log_softmax",
        along,
        lambda m, F, x, dim: F.log_softmax(x, dim),
        lambda x, dim: naive.log_softmax(x, axis=dim),
    ),
    Operation("cross_entropy", cross_entropy_inputs, cross_entropy_call, cross_entropy_truth),
    Operation("nll_loss", nll_inputs, nll_call, nll_truth),
    Operation(
        "mse_loss",
        inputs(normal(3, 2), normal(3, 2)),
        lambda m, F, x, t: F.mse_loss(x, t),
        lambda x, t: np.array(math.fsum((x[p] - t[p]) ** 2 for p in np.ndindex(x.shape)) / x.size),
    ),
    Operation(
        "channel_shuffle",
        lambda rng: ([normal(2, 6, 2, 2)(rng)], {"groups": int(choice(rng, 1, 2, 3))}),
        lambda m, F, x, groups: F.channel_shuffle(x, groups),
        naive.channel_shuffle,
        lambda m, F, x, groups: m.channel_shuffle(x, groups),
    ),
    *(
        Operation(
            kernel,
            inputs(normal(5, 3, 2)),
            dropout_call(kernel),
            lambda x, kernel=kernel: getattr(naive, kernel)(x, p=0.4, seed=5, stream=0, offset=0),
            torch_dropout(kernel),
        )
        for kernel in ("dropout", "drop_path")
    ),
]
