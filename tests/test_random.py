"""Real random numbers: their bits are Philox4x64's, what is made of them is written out here."""

import math

import numpy as np
import pytest

import minidl
from minidl import random
from minidl.random import Generator

MASK = 2**64 - 1


def philox4x64(counter, key):
    """Ten rounds over four words of 64 bits, by Random123's constants."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product0, product1 = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = (
            product1 >> 64 ^ c1 ^ k0,
            product1 & MASK,
            product0 >> 64 ^ c3 ^ k1,
            product0 & MASK,
        )
        k0, k1 = k0 + 0x9E3779B97F4A7C15 & MASK, k1 + 0xBB67AE8584CAA73B & MASK
    return c0, c1, c2, c3


def fractions(count, seed, stream, offset):
    """The uniform numbers of a call: 53 bits of each word, the first counter being 1."""
    words = []
    while len(words) < count:
        words += philox4x64((len(words) // 4 + 1, 0, offset, 0), (seed, stream))
    return [(word >> 11) / 2**53 for word in words[:count]]


def test_the_naive_generator_gives_the_published_known_answer():
    assert [f"{word:016x}" for word in philox4x64((0, 0, 0, 0), (0, 0))] == [
        "16554d9eca36314c",
        "db20fe9d672d0fdc",
        "d7e772cee186176b",
        "7e68b68aec7ba23b",
    ]


def test_uniform_numbers_are_those_of_the_naive_generator():
    generator = Generator(seed=7, stream=3)
    for offset in range(3):
        expected = [-1 + 3 * u for u in fractions(10, 7, 3, offset)]
        assert generator.uniform((2, 5), -1.0, 2.0).ravel().tolist() == expected


def test_integers_are_the_uniform_numbers_places_among_equal_parts():
    """Of [0, 1): a part for each integer, and none for the upper end."""
    expected = [-2 + int(7 * u) for u in fractions(100, 7, 3, 0)]
    drawn = Generator(seed=7, stream=3).integers((10, 10), -2, 5)
    assert drawn.dtype == np.int64
    assert drawn.ravel().tolist() == expected
    assert set(expected) == set(range(-2, 5))


def test_normal_numbers_are_box_and_mullers():
    generator = Generator(seed=7, stream=3)
    expected, uniform = [], fractions(10, 7, 3, 0)
    for u, v in zip(uniform[0::2], uniform[1::2], strict=True):
        radius, angle = 5 * math.sqrt(-2 * math.log(1 - u)), 2 * math.pi * v
        expected += [2 + radius * math.cos(angle), 2 + radius * math.sin(angle)]
    drawn = generator.normal((2, 5), 2.0, 5.0).ravel()
    np.testing.assert_allclose(drawn, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("u", [0.0, 0.5, 1 - 2.0**-53])
@pytest.mark.parametrize("v", [0.0, 0.25, 0.5, 0.75, 1 - 2.0**-53])
def test_normal_numbers_are_finite_and_right_at_the_edges(monkeypatch, u, v):
    class Words:
        def random_raw(self, count):
            return np.array([int(u * 2**53), int(v * 2**53)] * (count // 2), np.uint64) << 11

    monkeypatch.setattr(np.random, "Philox", lambda **_: Words())
    radius, angle = math.sqrt(-2 * math.log(1 - u)), 2 * math.pi * v
    expected = [radius * math.cos(angle), radius * math.sin(angle)]
    np.testing.assert_allclose(Generator().normal((2,)), expected, rtol=0, atol=2e-14)


@pytest.mark.parametrize("draw", ["uniform", "normal"])
def test_how_many_are_drawn_and_in_which_pieces_changes_none(monkeypatch, draw):
    many = getattr(Generator(1), draw)((1001,))
    for piece in (2, 64, 1000):
        monkeypatch.setattr(random, "_PIECE", piece)
        for count in (1, 2, 65, 129, 1001):
            assert (getattr(Generator(1), draw)((count,)) == many[:count]).all()


@pytest.mark.parametrize("draw", ["uniform", "normal"])
def test_the_dtype_only_rounds(draw):
    wide = getattr(Generator(1), draw)((9,))
    narrow = getattr(Generator(1), draw)((9,), dtype=np.float32)
    assert narrow.dtype == np.float32
    assert (narrow == wide.astype(np.float32)).all()


def test_both_numbers_of_a_pair_are_independent():
    x = Generator(2).normal((40_000,)).reshape(-1, 2)
    assert abs(np.corrcoef(x.T)[0, 1]) < 4 / math.sqrt(len(x))
    assert abs(np.corrcoef((x**2).T)[0, 1]) < 4 / math.sqrt(len(x))


@pytest.mark.parametrize("draw", ["uniform", "normal"])
def test_none_can_be_drawn(draw):
    assert getattr(Generator(), draw)((0, 3)).shape == (0, 3)
    assert minidl.rand(0).shape == (0,)
