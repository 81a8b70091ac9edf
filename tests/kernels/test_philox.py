"""The generator against its authors' known answers, and what dropout makes of it.

The known answers are those of Random123 (Salmon et al. 2011), file kat_vectors, philox4x32 10.
"""

import itertools
import math

import numpy as np
import pytest

from minidl_kernels.common.philox import (
    BLOCK,
    keep_scale,
    keep_threshold,
    philox4x32,
    philox4x32_many,
    random_words,
)
from minidl_kernels.dropout.numpy_reference import drop_path, dropout, random_bits

KNOWN_ANSWERS = [
    # counter, key, words
    (
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (  # the digits of π
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
LARGEST = 2**64 - 1


def word(i, seed, stream, offset):
    """Element i by the sentence in the contract, one counter at a time."""
    position = i // 4
    counter = (position % 2**32, position >> 32, offset % 2**32, offset >> 32)
    return philox4x32(counter, (seed, stream))[i % 4]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS)
def test_known_answers_one_counter_at_a_time(counter, key, words):
    assert philox4x32(counter, key) == words


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS)
def test_known_answers_many_counters_at_once(counter, key, words):
    position = counter[0] | counter[1] << 32
    offset = counter[2] | counter[3] << 32
    positions = np.array([1, position, 0], np.uint64)
    assert tuple(philox4x32_many(positions, offset, key)[1]) == words


def test_known_answers_come_out_of_random_bits():
    expected = KNOWN_ANSWERS[0][2]
    assert tuple(random_bits((2, 2), seed=0, stream=0, offset=0).ravel()) == expected


@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (7,), (3, 5), (2, 3, 5)])
@pytest.mark.parametrize("offset", [0, 5, 2**32 + 7, LARGEST])
def test_every_word_is_where_the_contract_puts_it(shape, offset):
    words = random_bits(shape, seed=2**32 - 1, stream=9, offset=offset)
    assert words.shape == shape
    assert words.dtype == np.uint32
    expected = [word(i, 2**32 - 1, 9, offset) for i in range(math.prod(shape))]
    assert words.ravel().tolist() == expected


def test_words_beyond_the_first_block_and_beyond_32_bits_of_counters():
    whole = random_words(0, 4 * BLOCK + 9, seed=3, stream=4, offset=5)
    for i in (4 * BLOCK - 1, 4 * BLOCK, 4 * BLOCK + 8):
        assert int(whole[i]) == word(i, 3, 4, 5)
    start = 4 * 2**32 - 2
    far = random_words(start, 5, seed=3, stream=4, offset=5)
    assert far.tolist() == [word(start + i, 3, 4, 5) for i in range(5)]


def test_any_cut_into_pieces_gives_the_same_words():
    size = 4 * BLOCK + 101
    whole = random_words(0, size, seed=1, stream=2, offset=3)
    rng = np.random.default_rng(0)
    for _ in range(20):
        cuts = np.sort(rng.integers(0, size + 1, 3)).tolist()
        bounds = [0, *cuts, size]
        pieces = [
            random_words(a, b - a, seed=1, stream=2, offset=3)
            for a, b in itertools.pairwise(bounds)
        ]
        np.testing.assert_array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("base", [0, 1, 10, LARGEST])
def test_base_moves_the_offset_modulo_two_to_the_64(base):
    moved = random_bits((9,), seed=1, stream=2, offset=LARGEST, base=np.array(base, np.uint64))
    expected = random_bits((9,), seed=1, stream=2, offset=(LARGEST + base) % 2**64)
    np.testing.assert_array_equal(moved, expected)


def test_seed_stream_and_offset_each_change_the_words():
    draws = [
        random_bits((8,), seed=seed, stream=stream, offset=offset).tobytes()
        for seed in (0, 1)
        for stream in (0, 1)
        for offset in (0, 1)
    ]
    assert len(set(draws)) == 8


@pytest.mark.parametrize(
    ("p", "threshold"),
    [(0.0, 0), (2.0**-34, 0), (2.0**-33, 1), (0.25, 2**30), (1 - 2.0**-34, 2**32), (1.0, 2**32)],
)
def test_threshold_is_p_in_units_of_a_word_rounded(p, threshold):
    assert keep_threshold(p) == threshold


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 5, 7)])
def test_dropout_is_the_loop_over_its_words(shape, p, dtype):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    y = dropout(np.asarray(x), p=p, seed=1, stream=2, offset=3)
    expected = np.zeros(shape, dtype)
    for i, index in enumerate(np.ndindex(*shape)):
        if word(i, 1, 2, 3) >= math.floor(p * 2**32 + 0.5):
            expected[index] = x[index] * np.dtype(dtype).type(1 / (1 - p))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_dropout_keeps_its_share_and_the_mean(p):
    size = 400_000
    y = dropout(np.ones(size), p=p, seed=11, stream=0, offset=0)
    kept = np.count_nonzero(y)
    deviation = math.sqrt(size * p * (1 - p))
    assert abs(kept - size * (1 - p)) < 4 * deviation
    assert abs(y.mean() - 1) < 4 * deviation / size / (1 - p)


def test_masks_of_neighbouring_offsets_are_independent():
    size = 400_000
    first, second = (
        dropout(np.ones(size), p=0.5, seed=11, stream=0, offset=offset) > 0 for offset in (0, 1)
    )
    # Of independent fair coins half agree, give or take √size / 2.
    assert abs(np.count_nonzero(first == second) - size / 2) < 4 * math.sqrt(size) / 2


def test_dropout_depends_on_places_in_c_order_and_not_on_strides_or_shape():
    x = np.random.default_rng(0).normal(size=(6, 5, 4))
    place = {"p": 0.5, "seed": 1, "stream": 2, "offset": 3}
    y = dropout(x, **place)
    np.testing.assert_array_equal(dropout(x.reshape(3, 40), **place), y.reshape(3, 40))
    turned = np.ascontiguousarray(x.transpose(2, 0, 1)).transpose(1, 2, 0)
    np.testing.assert_array_equal(dropout(turned, **place), y)
    np.testing.assert_array_equal(dropout(x[::-1].copy()[::-1], **place), y)


def test_dropout_spans_blocks_without_a_seam():
    size = 8 * BLOCK + 3
    y = dropout(np.ones(size, np.float32), p=0.5, seed=1, stream=2, offset=3)
    words = random_bits((size,), seed=1, stream=2, offset=3)
    np.testing.assert_array_equal(y > 0, words >= 2**31)


def test_what_is_dropped_is_positive_zero_even_nan_and_infinity():
    for value in (np.nan, -np.inf, -1.0):
        y = dropout(np.full(64, value), p=0.5, seed=1, stream=2, offset=3)
        dropped = random_bits((64,), seed=1, stream=2, offset=3) < 2**31
        assert dropped.any()
        assert not dropped.all()
        np.testing.assert_array_equal(y[~dropped], 2 * value)
        assert (y[dropped] == 0).all()
        assert not np.signbit(y[dropped]).any()


def test_dropping_everything_and_nothing():
    x = np.arange(1.0, 100.0)
    place = {"seed": 1, "stream": 2, "offset": 3}
    np.testing.assert_array_equal(dropout(x, p=0.0, **place), x)
    np.testing.assert_array_equal(dropout(x, p=1.0, **place), 0 * x)
    assert keep_scale(1.0) == 1.0


@pytest.mark.parametrize("shape", [(0, 3), (9,), (9, 2, 3)])
def test_drop_path_keeps_or_drops_whole_samples(shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    x[-1:] = np.nan
    y = drop_path(x, p=0.4, seed=1, stream=2, offset=3)
    assert y.dtype == np.float32
    for n in range(shape[0]):
        kept = word(n, 1, 2, 3) >= math.floor(0.4 * 2**32 + 0.5)
        expected = x[n] * np.float32(1 / 0.6) if kept else np.zeros(shape[1:], np.float32)
        np.testing.assert_array_equal(y[n], expected)
