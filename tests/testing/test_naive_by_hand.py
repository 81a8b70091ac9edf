"""The naive truths against numbers worked out by hand: small enough to check on paper."""

import inspect
import math
from pathlib import Path

import numpy as np
import pytest

from minidl.backends import kernel_names
from minidl.backends.contract import Backend
from minidl.testing import naive
from minidl.testing.naive.dropout import philox4x32

NINE = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)  # 1 2 3 / 4 5 6 / 7 8 9


def image(*rows):
    return np.array(rows, dtype=float)[None, None]


@pytest.mark.parametrize("name", kernel_names())
def test_every_kernel_has_a_truth_with_the_contracts_arguments(name):
    contract = inspect.signature(getattr(Backend, name)).parameters.values()
    own = inspect.signature(getattr(naive, name)).parameters.values()
    assert [(p.name, p.kind, p.default) for p in own] == [
        (p.name, p.kind, p.default) for p in contract if p.name not in ("self", "out")
    ]


def test_truths_share_nothing_with_the_kernels():
    for file in Path(naive.__file__).parent.glob("*.py"):
        imports = [line for line in file.read_text().splitlines() if "import" in line.split()]
        assert not any("kernels" in line or "backends" in line for line in imports), file


def test_conv2d_is_a_cross_correlation():
    y = naive.conv2d(NINE, image([1, 0], [0, 10]), np.array([100.0]))
    assert y.tolist() == image([151, 162], [184, 195]).tolist()


def test_conv2d_pads_top_left_bottom_right():
    y = naive.conv2d(image([5]), image([1, 2], [3, 4]), padding=(1, 0, 0, 1))
    assert y.tolist() == image([3 * 5]).tolist()


def test_conv2d_strides_and_dilates():
    x = image([1, 2, 3, 4, 5, 6, 7, 8])
    y = naive.conv2d(x, image([1, 10]), stride=(1, 2), dilation=(1, 3))
    assert y.tolist() == image([1 + 40, 3 + 60, 5 + 80]).tolist()


def test_conv2d_groups_keep_to_their_channels():
    x = np.array([1.0, 10.0, 100.0, 1000.0]).reshape(1, 4, 1, 1)
    weight = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)
    assert naive.conv2d(x, weight, groups=2).ravel().tolist() == [21, 4300]


def test_depthwise_multiplier_takes_neighbouring_outputs_from_one_channel():
    x = np.array([1.0, 10.0]).reshape(1, 2, 1, 1)
    weight = np.array([1.0, 2.0, 3.0, 4.0]).reshape(4, 1, 1, 1)
    assert naive.depthwise_conv2d(x, weight).ravel().tolist() == [1, 2, 30, 40]


def test_conv2d_input_grad_leaves_unreached_elements_zero():
    grad = naive.conv2d_input_grad(image([1, 2]), image([1, 10]), input_size=(1, 6), stride=(1, 3))
    assert grad.tolist() == image([1, 10, 0, 2, 20, 0]).tolist()


def test_conv2d_weight_grad_sums_over_places():
    grad = naive.conv2d_weight_grad(image([1, 10]), image([1, 2, 3]), kernel_size=(1, 2))
    assert grad.tolist() == image([21, 32]).tolist()


def test_unfold_orders_rows_by_channel_then_tap():
    x = np.array([[[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]]])
    columns = naive.unfold(x, kernel_size=(1, 2))
    assert columns.tolist() == [[[1, 2], [2, 3], [4, 5], [5, 6]]]


def test_fold_adds_what_overlaps():
    columns = np.array([[[1.0, 2.0], [10.0, 20.0]]])
    x = naive.fold(columns, output_size=(1, 3), kernel_size=(1, 2))
    assert x.tolist() == image([1, 12, 20]).tolist()


def test_max_pool_tie_goes_to_the_first_in_row_major_order():
    y, indices = naive.max_pool2d(image([1, 7], [7, 7]), kernel_size=(2, 2), stride=(1, 1))
    assert (y.item(), indices.item(), indices.dtype) == (7, 1, np.int32)


def test_max_pool_padding_never_wins_and_nan_does():
    y, indices = naive.max_pool2d(
        image([-math.inf, -5, math.nan]), kernel_size=(1, 2), stride=(1, 2), padding=(0, 1, 0, 0)
    )
    assert y[0, 0, 0, 0] == -math.inf
    assert math.isnan(y[0, 0, 0, 1])
    assert indices.ravel().tolist() == [0, 2]


@pytest.mark.parametrize(("ceil_mode", "expected"), [(False, [2, 4]), (True, [2, 4, 5])])
def test_max_pool_ceil_mode_keeps_the_rest(ceil_mode, expected):
    x = image([1, 2, 3, 4, 5])
    y, _ = naive.max_pool2d(x, kernel_size=(1, 2), stride=(1, 2), ceil_mode=ceil_mode)
    assert y.ravel().tolist() == expected


def test_max_pool_ceil_mode_drops_a_window_that_starts_in_the_trailing_padding():
    y, _ = naive.max_pool2d(
        image([1, 2]), kernel_size=(1, 2), stride=(1, 3), padding=(0, 1, 0, 1), ceil_mode=True
    )
    assert y.ravel().tolist() == [1]


def test_max_pool_grad_adds_up_where_windows_overlap():
    grad = naive.max_pool2d_grad(
        image([1, 10]),
        np.array([[[[1, 1]]]]),
        input_size=(1, 3),
        kernel_size=(1, 2),
        stride=(1, 1),
    )
    assert grad.tolist() == image([0, 11, 0]).tolist()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [1 / 2, (2 + 3) / 2]),
        ({"count_include_pad": False}, [1, (2 + 3) / 2]),
        ({"divisor_override": 10}, [0.1, 0.5]),
    ],
)
def test_avg_pool_divisors(options, expected):
    x, padding = image([1, 2, 3]), (0, 1, 0, 0)
    y = naive.avg_pool2d(x, kernel_size=(1, 2), stride=(1, 2), padding=padding, **options)
    assert y.ravel().tolist() == expected


def test_avg_pool_counts_nothing_beyond_the_padded_input():
    x = image([2, 4, 6])
    y = naive.avg_pool2d(x, kernel_size=(1, 2), stride=(1, 2), ceil_mode=True)
    assert y.ravel().tolist() == [3, 6]


def test_adaptive_windows_overlap_where_sizes_do_not_divide():
    y = naive.adaptive_avg_pool2d(image([1, 2, 3, 4, 5]), output_size=(1, 3))
    assert y.ravel().tolist() == [1.5, 3, 4.5]  # columns 0–1, 1–3, 3–4


def test_batch_norm_uses_the_biased_variance():
    x = np.array([[1.0], [3.0], [5.0], [7.0]])
    y, mean, var = naive.batch_norm(x, np.array([2.0]), np.array([1.0]), eps=4.0)
    assert (mean.item(), var.item()) == (4, 5)
    assert y.ravel().tolist() == [-1, 1 - 2 / 3, 1 + 2 / 3, 3]


def test_local_response_norm_divides_alpha_by_size():
    x = np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1)
    y = naive.local_response_norm(x, size=2, alpha=2.0, beta=1.0, k=1.0)
    assert y.ravel().tolist() == pytest.approx([1 / 2, 2 / 6, 3 / 14])  # k + x_{c−1}² + x_c²


def test_activations_at_numbers_known_by_heart():
    x = np.array([-4.0, 0.0, 1.0, 8.0])
    assert naive.relu(x).tolist() == [0, 0, 1, 8]
    assert naive.relu6(x).tolist() == [0, 0, 1, 6]
    assert naive.leaky_relu(x, negative_slope=0.5).tolist() == [-2, 0, 1, 8]
    assert naive.hardswish(x).tolist() == [0, 0, 4 / 6, 8]
    assert naive.sigmoid(np.array([0.0, math.log(3)])).tolist() == pytest.approx([0.5, 0.75])
    assert naive.silu(np.array([math.log(3)])).tolist() == pytest.approx([0.75 * math.log(3)])
    assert naive.tanh(np.array([math.log(2)])).tolist() == pytest.approx([0.6])


def test_softmax_of_logarithms_are_proportions():
    x = np.log([[1.0, 2.0, 5.0]])
    assert naive.softmax(x, axis=1).tolist() == [pytest.approx([0.125, 0.25, 0.625])]
    assert naive.log_softmax(x, axis=1)[0, 0] == pytest.approx(-math.log(8))


def test_cross_entropy_weights_smooths_and_ignores():
    logits = np.log([[1.0, 3.0], [1.0, 3.0], [1.0, 3.0]])
    loss = naive.softmax_cross_entropy(
        logits, np.array([1, -100, 7]), np.array([2.0, 4.0]), label_smoothing=0.5
    )
    log4, log4_3 = math.log(4), math.log(4 / 3)
    assert loss[0] == pytest.approx(0.5 * 4 * log4_3 + 0.25 * (2 * log4 + 4 * log4_3))
    assert loss[1] == 0
    assert math.isnan(loss[2])


def test_philox_gives_its_published_words():
    """Random123's known-answer tests, kat_vectors, philox4x32-10."""
    assert philox4x32((0, 0, 0, 0), (0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    ones = 0xFFFFFFFF
    assert philox4x32((ones,) * 4, (ones, ones)) == (
        *(0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    )
    assert philox4x32(
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0)
    ) == (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)


def test_dropout_keeps_where_the_word_reaches_the_threshold():
    key = {"seed": 0, "stream": 0, "offset": 0}
    words = naive.random_bits((4,), **key)
    y = naive.dropout(np.ones(4), p=0.5, **key)
    assert y.tolist() == [2 * (int(word) >= 2**31) for word in words]
    assert naive.dropout(np.full(4, math.nan), p=1.0, **key).tolist() == [0, 0, 0, 0]


def test_channel_shuffle_deals_the_channels_out():
    x = np.arange(6.0).reshape(1, 6)
    assert naive.channel_shuffle(x, groups=2).tolist() == [[0, 3, 1, 4, 2, 5]]


def test_sgd_step_with_nesterov_momentum():
    p, b = np.array([1.0]), np.array([2.0])
    naive.sgd_step([p], [np.array([3.0])], [b], lr=0.1, step=2, momentum=0.5, nesterov=True)
    assert b.item() == 0.5 * 2 + 3
    assert p.item() == pytest.approx(1 - 0.1 * (3 + 0.5 * 4))


def test_adams_first_step_is_the_learning_rate():
    p = np.array([1.0])
    naive.adam_step(
        [p], [np.array([-7.0])], [np.zeros(1)], [np.zeros(1)],
        lr=0.1, step=1, beta1=0.9, beta2=0.99, eps=0.0,
    )  # fmt: skip
    assert p.item() == pytest.approx(1.1)


def test_rmsprop_step_divides_by_the_root_of_the_average():
    p, v = np.array([1.0]), np.array([1.0])
    naive.rmsprop_step([p], [np.array([3.0])], [v], [], [], lr=0.5, step=1, alpha=0.875, eps=0.0)
    assert v.item() == 2
    assert p.item() == pytest.approx(1 - 0.5 * 3 / math.sqrt(2))


def test_lerp_step_and_global_norm():
    t = np.array([1.0, 2.0])
    naive.lerp_step([t], [np.array([3.0, 4.0])], weight=0.25, scales=[2.0])
    assert t.tolist() == [1 + 0.25 * 5, 2 + 0.25 * 6]
    assert naive.global_norm([np.array([3.0]), np.array([[4.0]])]).item() == 5
