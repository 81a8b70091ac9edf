"""The conformance suite can fail: kernels broken on purpose, each in one way, are all caught.

Every mutant is a mistake somebody has made: a student, or a published framework.
"""

import itertools
from typing import NamedTuple

import numpy as np
import pytest

from minidl.backends.numpy import NumpyBackend
from minidl.testing import conformance

RIGHT = NumpyBackend()
MUTANTS = []
CALLS = itertools.count()


class Mutant(NamedTuple):
    kernel: str
    function: object
    message: str
    """What the report must say about it."""


def mutant(kernel, message):
    def register(function):
        MUTANTS.append(Mutant(kernel, function, message))
        return function

    return register


def filled(result, out):
    """What a well-behaved kernel does with `out`."""
    if out is None:
        return np.array(result)
    out[...] = result
    return out


# ------------------------------------------------------------------------------------ windows


@mutant("conv2d", "expected")
def conv2d_ignoring_dilation(x, weight, bias=None, *, dilation=(1, 1), out=None, **options):
    shape = RIGHT.conv2d(x, weight, bias, dilation=dilation, **options).shape
    y = RIGHT.conv2d(x, weight, bias, **options)
    return filled(y[:, :, : shape[2], : shape[3]], out)


@mutant("conv2d", "expected")
def conv2d_as_true_convolution(x, weight, bias=None, **options):
    return RIGHT.conv2d(x, weight[:, :, ::-1, ::-1], bias, **options)


@mutant("conv2d", "expected")
def conv2d_padding_the_other_side(x, weight, bias=None, *, padding=(0, 0, 0, 0), **options):
    top, left, bottom, right = padding
    return RIGHT.conv2d(x, weight, bias, padding=(bottom, right, top, left), **options)


@mutant("conv2d", "expected")
def conv2d_swapping_vertical_and_horizontal_padding(
    x, weight, bias=None, *, padding=(0, 0, 0, 0), out=None, **options
):
    top, left, bottom, right = padding
    shape = RIGHT.conv2d(x, weight, bias, padding=padding, **options).shape
    wide = RIGHT.conv2d(x, weight, bias, padding=(left, top, right, bottom), **options)
    y = np.zeros(shape, x.dtype)
    height, width = min(shape[2], wide.shape[2]), min(shape[3], wide.shape[3])
    y[:, :, :height, :width] = wide[:, :, :height, :width]
    return filled(y, out)


@mutant("conv2d", "expected")
def conv2d_interleaving_groups(x, weight, bias=None, *, groups=1, **options):
    order = np.arange(x.shape[1]).reshape(-1, groups).T.ravel()
    return RIGHT.conv2d(x[:, order], weight, bias, groups=groups, **options)


@mutant("conv2d", "raised ZeroDivisionError")
def conv2d_refusing_an_empty_batch(x, weight, bias=None, **options):
    1 / len(x)
    return RIGHT.conv2d(x, weight, bias, **options)


@mutant("conv2d", "expected")
def conv2d_in_float32_inside(x, weight, bias=None, *, out=None, **options):
    single = [None if a is None else a.astype(np.float32) for a in (x, weight, bias)]
    return filled(RIGHT.conv2d(*single, **options).astype(x.dtype), out)


@mutant("conv2d", "expected")
def conv2d_reading_memory_in_order(x, weight, bias=None, **options):
    memory = np.lib.stride_tricks.as_strided(x, x.shape, x[..., :].copy().strides)
    return RIGHT.conv2d(memory if min(x.strides, default=0) > 0 else x, weight, bias, **options)


@mutant("conv2d_input_grad", "out doesn't hold")
def conv2d_input_grad_adding_to_out(grad_output, weight, *, out=None, **options):
    grad = RIGHT.conv2d_input_grad(grad_output, weight, **options)
    if out is None:
        return grad
    out += grad
    return out


@mutant("conv2d_weight_grad", "expected")
def conv2d_weight_grad_averaged_over_the_batch(grad_output, x, *, out=None, **options):
    grad = RIGHT.conv2d_weight_grad(grad_output, x, **options)
    return filled(grad / max(1, len(x)), out)


@mutant("depthwise_conv2d", "expected")
def depthwise_conv2d_cycling_through_channels(x, weight, bias=None, **options):
    channels, outputs = x.shape[1], weight.shape[0]
    order = np.arange(outputs) % channels
    return RIGHT.conv2d(x[:, order], weight, bias, groups=outputs, **options)


@mutant("unfold", "expected")
def unfold_ordering_rows_by_tap(x, *, kernel_size, out=None, **options):
    columns = RIGHT.unfold(x, kernel_size=kernel_size, **options)
    split = columns.reshape(len(x), x.shape[1], kernel_size[0] * kernel_size[1], -1)
    return filled(split.swapaxes(1, 2).reshape(columns.shape), out)


@mutant("max_pool2d", "result\\[1\\].*expected")
def max_pool_taking_the_last_of_ties(x, *, padding=(0, 0, 0, 0), ceil_mode=False, **options):
    if any(padding) or ceil_mode:
        return RIGHT.max_pool2d(x, padding=padding, ceil_mode=ceil_mode, **options)
    y, indices = RIGHT.max_pool2d(x, **options)
    kernel, stride = options["kernel_size"], options["stride"]
    dilation = options.get("dilation", (1, 1))
    if indices is not None:
        for n, c, i, j in np.ndindex(y.shape):
            for p, q in np.ndindex(kernel):
                h, w = i * stride[0] + p * dilation[0], j * stride[1] + q * dilation[1]
                if x[n, c, h, w] == y[n, c, i, j]:
                    indices[n, c, i, j] = h * x.shape[3] + w
    return y, indices


@mutant("max_pool2d", "expected")
def max_pool_over_zeros_as_padding(x, *, out=None, **options):
    y, indices = RIGHT.max_pool2d(x, **options)
    if any(options.get("padding", ())):
        y = np.maximum(y, 0)
    return filled(y, out), indices


@mutant("max_pool2d", "expected nan")
def max_pool_dropping_nan(x, **options):
    return RIGHT.max_pool2d(np.where(np.isnan(x), -np.inf, x), **options)


@mutant("max_pool2d", "dtype is int64, expected int32")
def max_pool_with_wide_indices(x, **options):
    y, indices = RIGHT.max_pool2d(x, **options)
    return y, None if indices is None else indices.astype(np.int64)


@mutant("max_pool2d_grad", "expected")
def max_pool_grad_keeping_the_last_of_overlapping(
    grad_output, indices, *, input_size, out=None, **options
):
    planes = (*grad_output.shape[:2], input_size[0] * input_size[1])
    grad = np.zeros(planes, grad_output.dtype)
    flat = (*grad_output.shape[:2], -1 if grad_output.size else 0)
    inside = (indices >= 0) & (indices < planes[2])
    where = np.where(inside, indices, 0).reshape(flat)
    np.put_along_axis(grad, where, np.where(inside, grad_output, 0).reshape(flat), axis=2)
    return filled(grad.reshape(*planes[:2], *input_size), out)


@mutant("max_pool2d_grad", "expected")
def max_pool_grad_wrapping_negative_indices(grad_output, indices, *, input_size, **options):
    size = input_size[0] * input_size[1]
    return RIGHT.max_pool2d_grad(grad_output, indices % size, input_size=input_size, **options)


@mutant("avg_pool2d", "expected")
def avg_pool_always_counting_padding(x, *, count_include_pad=True, **options):
    return RIGHT.avg_pool2d(x, **options)


@mutant("avg_pool2d", "expected")
def avg_pool_dividing_by_the_whole_window(x, *, kernel_size, divisor_override=None, **options):
    if options.get("count_include_pad", True) and divisor_override is None:
        divisor_override = kernel_size[0] * kernel_size[1]
    return RIGHT.avg_pool2d(
        x, kernel_size=kernel_size, divisor_override=divisor_override, **options
    )


@mutant("adaptive_avg_pool2d", "expected")
def adaptive_avg_pool_without_overlap(x, *, output_size, out=None):
    y = np.zeros((*x.shape[:2], *output_size), x.dtype)
    (height, width), (out_h, out_w) = x.shape[2:], output_size
    for i, j in np.ndindex(*output_size):
        rows = slice(i * height // out_h, max((i + 1) * height // out_h, i * height // out_h + 1))
        columns = slice(j * width // out_w, max((j + 1) * width // out_w, j * width // out_w + 1))
        y[:, :, i, j] = x[:, :, rows, columns].mean((2, 3))
    return filled(y, out)


# -------------------------------------------------------------------------------- normalisation


@mutant("batch_norm", "expected")
def batch_norm_with_one_pass_variance(x, weight=None, bias=None, *, eps, out=None, **options):
    axes = (0, *range(2, x.ndim))
    mean = x.mean(axes)
    var = np.maximum((x * x).mean(axes) - mean * mean, 0)
    y = RIGHT.batch_norm_inference(x, mean, var, weight, bias, eps=eps, out=out, **options)
    return y, mean, var


@mutant("batch_norm", "result\\[2\\].*expected")
def batch_norm_returning_the_unbiased_variance(x, weight=None, bias=None, **options):
    y, mean, var = RIGHT.batch_norm(x, weight, bias, **options)
    count = x.size // max(1, x.shape[1])
    return y, mean, var * x.dtype.type(count / (count - 1 if count > 1 else 1))


@mutant("batch_norm", "expected")
def batch_norm_adding_the_residual_after_the_activation(
    x, weight=None, bias=None, *, residual=None, out=None, **options
):
    y, mean, var = RIGHT.batch_norm(x, weight, bias, **options)
    return filled(y if residual is None else y + residual, out), mean, var


@mutant("batch_norm_inference", "expected")
def batch_norm_inference_with_eps_outside_the_root(
    x, mean, var, weight=None, bias=None, *, eps, **options
):
    var = (np.sqrt(var) + x.dtype.type(eps)) ** 2
    return RIGHT.batch_norm_inference(x, mean, var, weight, bias, eps=0.0, **options)


@mutant("batch_norm_grad", "result\\[0\\].*expected")
def batch_norm_grad_with_constant_statistics(grad_output, x, *arrays, training, **options):
    return RIGHT.batch_norm_grad(grad_output, x, *arrays, training=False, **options)


@mutant("batch_norm_grad", "expected")
def batch_norm_grad_times_seven(grad_output, x, *arrays, out=None, **options):
    grad_x, *rest = RIGHT.batch_norm_grad(grad_output, x, *arrays, **options)
    return (None if grad_x is None else filled(7 * grad_x, out)), *rest


@mutant("batch_norm_grad", "expected None")
def batch_norm_grad_ignoring_needs(grad_output, x, *arrays, needs, **options):
    return RIGHT.batch_norm_grad(grad_output, x, *arrays, **options)


@mutant("local_response_norm", "expected")
def local_response_norm_leaning_to_the_back(x, *, out=None, **options):
    return filled(RIGHT.local_response_norm(x[:, ::-1], **options)[:, ::-1], out)


# --------------------------------------------------------------------- activations and softmax


@mutant("relu", "its argument x was changed|raised ValueError")
def relu_in_place(x, *, out=None):
    return filled(np.maximum(x, 0, out=x), out)


BUFFERS = {}


@mutant("relu", "same array twice.*a new array is wanted each time")
def relu_overwriting_its_earlier_result(x, *, out=None):
    if out is None:
        out = BUFFERS.setdefault((x.shape, x.dtype), np.empty(x.shape, x.dtype))
    return RIGHT.relu(x, out=out)


@mutant("relu", "same array twice")
def relu_returning_parts_of_one_buffer(x, *, out=None):
    if out is None:
        whole = BUFFERS.setdefault(x.dtype, np.empty(10**6, x.dtype))
        out = whole[: x.size].reshape(x.shape)
    return RIGHT.relu(x, out=out)


@mutant("relu", "shares memory with the argument x")
def relu_returning_what_is_positive_already(x, *, out=None):
    if out is None and x.size and (x > 0).all():
        return x
    return RIGHT.relu(x, out=out)


@mutant("relu6", "expected nan")
def relu6_losing_nan(x, *, out=None):
    return filled(np.fmin(np.fmax(x, 0), 6), out)


@mutant("sigmoid", "dtype is float64, expected float32")
def sigmoid_in_double_precision(x, *, out=None):
    return filled(1 / (1 + np.exp(-x.astype(np.float64))), out)


@mutant("tanh", "isn't the array given as out")
def tanh_ignoring_out(x, *, out=None):
    return np.tanh(x)


@mutant("tanh", "differs when the call is repeated")
def tanh_that_alternates(x, *, out=None):
    noise = next(CALLS) % 2 * np.finfo(x.dtype).eps
    return filled((np.tanh(x) * (1 + noise)).astype(x.dtype), out)


@mutant("leaky_relu", "expected")
def leaky_relu_with_pytorchs_default_slope(x, *, negative_slope, out=None):
    return RIGHT.leaky_relu(x, negative_slope=0.01, out=out)


@mutant("hardswish_grad", "expected")
def hardswish_grad_at_the_kink(grad_output, x, *, out=None):
    inside = (x >= -3) & (x < 3)
    return filled(np.where(inside, grad_output * (2 * x + 3) / 6, grad_output * (x >= 3)), out)


@mutant("relu_grad", "expected")
def relu_grad_passing_at_zero(grad_output, y, *, out=None):
    return filled(np.where(y >= 0, grad_output, 0), out)


@mutant("channel_sum", "expected")
def channel_sum_of_the_first_sample(x, *, out=None):
    return filled(x[:1].sum((0, *range(2, x.ndim))), out)


@mutant("softmax", "expected")
def softmax_that_overflows(x, *, axis, out=None):
    e = np.exp(x)
    return filled(e / e.sum(axis, keepdims=True), out)


@mutant("softmax_grad", "expected")
def softmax_grad_over_the_last_axis(grad_output, y, *, axis, out=None):
    return RIGHT.softmax_grad(grad_output, y, axis=-1, out=out)


@mutant("softmax_cross_entropy", "expected nan")
def cross_entropy_wrapping_negative_targets(logits, target, class_weight=None, **options):
    ignored = options.get("ignore_index", -100)
    wrapped = np.where((target == -1) & (ignored != -1), logits.shape[1] - 1, target)
    return RIGHT.softmax_cross_entropy(logits, wrapped, class_weight, **options)


@mutant("softmax_cross_entropy", "expected")
def cross_entropy_multiplying_zero_by_infinity(
    logits, target, class_weight=None, *, label_smoothing=0.0, out=None, **options
):
    loss = RIGHT.softmax_cross_entropy(
        logits, target, class_weight, label_smoothing=label_smoothing, **options
    )
    log_p = RIGHT.log_softmax(logits, axis=1)
    return filled(loss + 0 * log_p.sum(1), out)


@mutant("softmax_cross_entropy_grad", "expected")
def cross_entropy_grad_without_class_weight(grad_output, logits, target, _=None, **options):
    return RIGHT.softmax_cross_entropy_grad(grad_output, logits, target, None, **options)


# ------------------------------------------------------------------- randomness, optimizer steps


@mutant("channel_shuffle", "shares memory")
def channel_shuffle_returning_a_view(x, *, groups, out=None):
    if groups == 1 and out is None:
        return x.view()
    return RIGHT.channel_shuffle(x, groups=groups, out=out)


@mutant("channel_shuffle", "expected")
def channel_shuffle_the_other_way(x, *, groups, out=None):
    return RIGHT.channel_shuffle(x, groups=x.shape[1] // groups, out=out)


@mutant("random_bits", "expected")
def random_bits_forgetting_the_offsets_high_word(shape, *, offset, **options):
    return RIGHT.random_bits(shape, offset=offset % 2**32, **options)


def threshold_dropout(x, p, threshold, key, out):
    words = RIGHT.random_bits(x.shape, **key).astype(np.uint64)
    scale = x.dtype.type(1 / (1 - p) if p < 1 else 0)
    return filled(np.where(words >= threshold, x * scale, x.dtype.type(0)), out)


@mutant("dropout", "expected")
def dropout_off_by_one(x, *, p, out=None, **key):
    return threshold_dropout(x, p, int(p * 2**32 + 0.5) + 1, key, out)


@mutant("dropout", "expected")
def dropout_truncating_the_threshold(x, *, p, out=None, **key):
    return threshold_dropout(x, p, int(p * 2**32), key, out)


@mutant("dropout", "expected 0.0")
def dropout_multiplying_by_a_mask(x, *, p, out=None, **key):
    mask = RIGHT.dropout(np.ones(x.shape, x.dtype), p=p, **key)
    return filled(x * mask, out)


@mutant("drop_path", "expected")
def drop_path_dropping_single_elements(x, **options):
    return RIGHT.dropout(x, **options)


@mutant("sgd_step", "expected")
def sgd_damping_the_first_step(params, grads, momentum_buffers, *, step, **options):
    RIGHT.sgd_step(params, grads, momentum_buffers, step=2, **options)


@mutant("adam_step", "expected")
def adam_without_bias_correction(params, *lists, step, **options):
    RIGHT.adam_step(params, *lists, step=10**6, **options)


@mutant("adam_step", "its argument grads was changed|raised ValueError")
def adam_scaling_gradients_in_place(params, grads, *states, grad_scale=1.0, **options):
    for grad in grads:
        grad *= grad_scale
    RIGHT.adam_step(params, grads, *states, **options)


@mutant("rmsprop_step", "expected")
def rmsprop_forgetting_to_centre(params, grads, v, b, a, *, centered=False, **options):
    RIGHT.rmsprop_step(params, grads, v, b, [], **options)


@mutant("lerp_step", "expected")
def lerp_without_scales(targets, sources, *, weight, scales):
    RIGHT.lerp_step(targets, sources, weight=weight, scales=[1.0] * len(scales))


@mutant("global_norm", "expected float64")
def global_norm_in_the_arrays_precision(arrays):
    total = RIGHT.global_norm(arrays)
    return total.astype(arrays[0].dtype) if arrays else total


@mutant("relu", "is nan .*, expected 0.0")
def relu_by_a_mask(x, *, out=None):
    return filled((x > 0) * x, out)  # 0 · −inf


@mutant("relu_grad", "is nan .*, expected 0.0")
def relu_grad_by_a_mask(grad_output, y, *, out=None):
    return filled((y > 0) * grad_output, out)


@mutant("bias_activation", "expected")
def bias_activation_by_a_mask(x, bias, *, activation=None, out=None):
    z = RIGHT.bias_activation(x, bias)
    if activation == "relu":
        return filled((z > 0) * z, out)
    return RIGHT.bias_activation(x, bias, activation=activation, out=out)


@mutant("hardswish", "expected")
def hardswish_by_a_mask(x, *, out=None):
    return filled((x > -3) * (x < 3) * x * (x + 3) / 6 + (x >= 3) * x, out)  # 0 · inf


@mutant("tanh", "isn't the array given as out: fill `out` and return it")
def tanh_forgetting_out(x, *, out=None):
    return np.tanh(x)


# ----------------------------------------------------------------------------------- the tests


def backend_with(kernel, function):
    return type("Mutant", (NumpyBackend,), {"name": "mutant", kernel: staticmethod(function)})()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.function.__name__)
def test_mutant_is_caught(mutant):
    backend = backend_with(mutant.kernel, mutant.function)
    report = conformance.run(backend, [mutant.kernel], max_examples=10)
    assert not report.ok
    (row,) = report.rows
    assert (row.status, row.implemented_by) == ("fail", "Mutant")
    call = row.failure.call
    with pytest.raises(conformance.ConformanceError, match=mutant.message):
        conformance.check(call, backend)  # what is reported fails again
    conformance.check(call, RIGHT)  # and it is the mutant's fault
    assert f'Call("{mutant.kernel}"' in report.failures()


def test_a_kernel_that_fails_only_sometimes_is_caught():
    def rarely_wrong(x, *, out=None):
        return RIGHT.tanh(x + (next(CALLS) % 7 == 0), out=out)

    report = conformance.run(backend_with("tanh", rarely_wrong), ["tanh"], max_examples=10)
    assert report.rows[0].status == "fail"


def test_a_mutant_fails_no_kernel_but_its_own():
    backend = backend_with("relu", relu_in_place)
    report = conformance.run(backend, ["relu6", "relu", "tanh"], max_examples=5)
    assert [row.status for row in report.rows] == ["pass", "fail", "pass"]
