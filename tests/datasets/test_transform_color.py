"""Colours and erasing, by formula and by the standard library's colorsys."""

import colorsys

import numpy as np
import pytest

from minidl.datasets.transforms import ColorJitter, RandomErasing
from minidl.datasets.transforms.color import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
)

FACTORS = np.array([0.0, 0.4, 1.0, 1.8])


def batch(N=4, C=3, H=4, W=5):
    images = np.random.default_rng(7).random((N, C, H, W))
    images[:, :, 0, 0] = 0.5  # a grey pixel, a black one, a white one, and ties of two channels
    images[:, :, 0, 1] = 0
    images[:, :, 0, 2] = 1
    images[:, :2, 1, 0] = 0.75
    images[:, 1:, 1, 1] = 0.875
    return images


def generator(seed=0):
    return np.random.default_rng(seed)


def luma(pixel):
    if len(pixel) == 1:
        return pixel[0]
    red, green, blue = pixel
    return 0.299 * red + 0.587 * green + 0.114 * blue


def blend(value, other, factor):
    return min(max(factor * value + (1 - factor) * other, 0), 1)


@pytest.mark.parametrize("C", [1, 3])
def test_brightness_contrast_and_saturation_are_their_formulas(C):
    images = batch(C=C)
    brightness = adjust_brightness(images, FACTORS)
    contrast = adjust_contrast(images, FACTORS)
    saturation = adjust_saturation(images, FACTORS)
    for n, f in enumerate(FACTORS):
        lumas = [[luma(images[n, :, h, w]) for w in range(5)] for h in range(4)]
        mean = sum(map(sum, lumas)) / 20
        for c in range(C):
            for h in range(4):
                for w in range(5):
                    x = images[n, c, h, w]
                    assert brightness[n, c, h, w] == pytest.approx(blend(x, 0, f), abs=1e-15)
                    assert contrast[n, c, h, w] == pytest.approx(blend(x, mean, f), abs=1e-14)
                    expected = blend(x, lumas[h][w], f) if C == 3 else x
                    assert saturation[n, c, h, w] == pytest.approx(expected, abs=1e-14)


def test_white_black_and_grey_keep_their_colour_under_saturation_and_hue():
    images = batch()[:, :, :1, :3]
    np.testing.assert_allclose(adjust_saturation(images, FACTORS), images, atol=1e-15)
    np.testing.assert_allclose(adjust_hue(images, FACTORS / 4), images, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hue_is_turned_in_hsv(dtype):
    images = batch().astype(dtype)
    shifts = np.array([0.0, 0.25, -0.4, 0.5])
    got = adjust_hue(images, shifts)
    assert got.dtype == dtype
    tolerance = 1e-14 if dtype == np.float64 else 2e-6
    for n, shift in enumerate(shifts):
        for h in range(4):
            for w in range(5):
                hue, s, v = colorsys.rgb_to_hsv(*images[n, :, h, w].tolist())
                expected = colorsys.hsv_to_rgb((hue + shift) % 1, s, v)
                np.testing.assert_allclose(got[n, :, h, w], expected, rtol=0, atol=tolerance)


def test_hue_turns_a_third_of_the_circle_from_red_to_green():
    red = np.zeros((1, 3, 1, 1))
    red[0, 0] = 1
    np.testing.assert_allclose(
        adjust_hue(red, np.array([1 / 3]))[0, :, 0, 0], [0, 1, 0], atol=1e-15
    )


def test_grey_images_have_no_hue():
    images = batch(C=1)
    assert adjust_hue(images, np.full(4, 0.3)).tolist() == images.tolist()


def test_jitter_of_nothing_leaves_the_images():
    images = batch()
    assert ColorJitter()(images, generator()).tolist() == images.tolist()
    assert ColorJitter(0, (1, 1), 0, (0, 0))(images, generator()).tolist() == images.tolist()


@pytest.mark.parametrize(
    ("jitter", "adjust", "low", "high"),
    [
        (ColorJitter(brightness=0.5), adjust_brightness, 0.5, 1.5),
        (ColorJitter(contrast=(0.2, 0.7)), adjust_contrast, 0.2, 0.7),
        (ColorJitter(saturation=1.5), adjust_saturation, 0.0, 2.5),
        (ColorJitter(hue=0.2), adjust_hue, -0.2, 0.2),
    ],
)
def test_jitter_of_one_kind_is_that_kind_with_a_factor_of_its_range(jitter, adjust, low, high):
    one = batch(N=1)
    got = jitter(np.repeat(one, 60, axis=0), generator())
    factors = np.linspace(low, high, 4001)
    candidates = adjust(np.repeat(one, 4001, axis=0), factors)
    found = []
    for image in got:
        distances = abs(candidates - image).max(axis=(1, 2, 3))
        # Half a step away at most; hue's slope is 6 at most, the others' 1.
        assert distances.min() <= 3 * (high - low) / 4000
        found.append(factors[distances.argmin()])
    # Of 60 uniform numbers, some are near either end.
    assert min(found) < low + 0.15 * (high - low)
    assert max(found) > high - 0.15 * (high - low)


def test_jitter_happens_in_either_order():
    one = batch(N=1)
    jitter = ColorJitter(brightness=(1.5, 1.5), contrast=(0.5, 0.5))
    got = jitter(np.repeat(one, 400, axis=0), generator())
    f, g = np.array([1.5]), np.array([0.5])
    brightness_first = adjust_contrast(adjust_brightness(one, f), g)[0]
    contrast_first = adjust_brightness(adjust_contrast(one, g), f)[0]
    first = np.isclose(got, brightness_first, rtol=0, atol=1e-13).all(axis=(1, 2, 3))
    second = np.isclose(got, contrast_first, rtol=0, atol=1e-13).all(axis=(1, 2, 3))
    assert (first ^ second).all()
    assert first.mean() == pytest.approx(0.5, abs=4 * 0.5 / 20)


# ------------------------------------------------------------------- erasing


def erased(transform, N=500, H=20, W=30):
    """The rectangles (h, w) erased from N images of ones, None where nothing was."""
    images = np.ones((N, 3, H, W))
    result = transform(images, generator())
    sizes = []
    for image in result:
        changed = (image != 1).any(axis=0)
        if not changed.any():
            sizes.append(None)
            continue
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        h, w = len(rows), len(columns)
        assert changed.sum() == h * w == np.ptp(rows) * np.ptp(columns) + h + w - 1
        sizes.append((h, w))
    return sizes


def test_erasing_takes_a_rectangle_of_its_area_and_ratio():
    sizes = erased(RandomErasing(1.0, scale=(0.1, 0.2), ratio=(0.5, 2)))
    assert None not in sizes
    for h, w in sizes:
        assert (h - 0.5) * (w - 0.5) <= 0.2 * 600
        assert (h + 0.5) * (w + 0.5) >= 0.1 * 600
        assert (h + 0.5) / (w - 0.5) >= 0.5
        assert (h - 0.5) / (w + 0.5) <= 2
    assert np.mean([h > w for h, w in sizes]) == pytest.approx(0.5, abs=0.12)


def test_erasing_happens_with_its_probability_and_never_with_0():
    assert set(erased(RandomErasing(0.0))) == {None}
    share = 1 - np.mean([size is None for size in erased(RandomErasing(0.3))])
    assert share == pytest.approx(0.3, abs=4 * (0.3 * 0.7 / 500) ** 0.5)


def test_erasing_reaches_every_pixel():
    images = np.ones((4000, 1, 6, 5))
    result = RandomErasing(1.0, scale=(0.1, 0.2))(images, generator())
    assert (result == 0).any(axis=0).all()


def test_rectangle_that_never_fits_erases_nothing():
    assert set(erased(RandomErasing(1.0, scale=(1, 1), ratio=(1, 1)), N=20)) == {None}


def test_erased_pixels_have_the_value_of_their_channel_or_noise():
    images = np.ones((30, 3, 8, 8))
    got = RandomErasing(1.0, value=(0.1, 0.2, 0.3))(images, generator())
    for c, value in enumerate((0.1, 0.2, 0.3)):
        assert set(np.unique(got[:, c])) == {value, 1.0}
    noise = RandomErasing(1.0, scale=(0.3, 0.3), value="random")(images, generator())
    noise = noise[noise != 1]
    assert len(np.unique(noise)) == len(noise)
    assert noise.mean() == pytest.approx(0, abs=4 / len(noise) ** 0.5)
    assert noise.std() == pytest.approx(1, abs=4 / (2 * len(noise)) ** 0.5)
