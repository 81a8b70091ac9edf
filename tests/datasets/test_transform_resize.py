"""Resizing against loops over pixels."""

import math

import numpy as np
import pytest

from minidl.datasets.transforms import Resize
from minidl.datasets.transforms.resizing import output_size, resize


def batch(H=7, W=10):
    return np.random.default_rng(3).random((2, 3, H, W))


def triangle(t):
    return max(1 - abs(t), 0)


def cubic(a):
    def k(t):
        t = abs(t)
        if t <= 1:
            return (a + 2) * t**3 - (a + 3) * t**2 + 1
        return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0

    return k


def naive_row(row, out_size, interpolation, antialias):
    """Resize a list of numbers: weights of all pixels, and of the border's repeated outside."""
    size = len(row)
    stretch = max(1, size / out_size) if antialias else 1
    k = triangle if interpolation == "bilinear" else cubic(-0.5 if antialias else -0.75)
    result = []
    for i in range(out_size):
        center = (i + 0.5) * size / out_size
        total = weights = 0
        for j in range(-3, size + 3):
            if antialias and not 0 <= j < size:
                continue
            weight = k((j + 0.5 - center) / stretch)
            weights += weight
            total += weight * row[min(max(j, 0), size - 1)]
        result.append(total / weights)
    return result


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(7, 10), (3, 4), (20, 33), (14, 5), (1, 1), (6, 11)])
def test_resize_is_its_formula_pixel_by_pixel(interpolation, antialias, size):
    images = batch()
    got = resize(images, size, interpolation, antialias)
    for n in range(2):
        for c in range(3):
            rows = [naive_row(row, size[1], interpolation, antialias) for row in images[n, c]]
            columns = [
                naive_row(column, size[0], interpolation, antialias)
                for column in zip(*rows, strict=True)
            ]
            np.testing.assert_allclose(got[n, c], np.array(columns).T, rtol=0, atol=1e-13)


@pytest.mark.parametrize("size", [(7, 10), (3, 4), (20, 33), (1, 1)])
def test_nearest_takes_whole_pixels(size):
    images = batch()
    got = Resize(size, "nearest")(images)
    for h in range(size[0]):
        for w in range(size[1]):
            i, j = math.floor(h * 7 / size[0]), math.floor(w * 10 / size[1])
            assert got[1, 2, h, w] == images[1, 2, i, j]


@pytest.mark.parametrize(
    ("H", "W", "size", "expected"),
    [
        (40, 20, 10, (20, 10)),
        (20, 40, 10, (10, 20)),
        (30, 47, 10, (10, 15)),  # 15.67 is rounded down
        (47, 30, 10, (15, 10)),
        (30, 30, 64, (64, 64)),
        (30, 47, (9, 4), (9, 4)),
    ],
)
def test_one_number_is_the_shorter_sides_and_the_ratio_stays(H, W, size, expected):
    assert output_size(H, W, size) == expected
    assert Resize(size)(batch(H, W)).shape[2:] == expected


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest"])
@pytest.mark.parametrize("antialias", [True, False])
def test_constant_images_stay_constant_and_the_same_size_is_the_same_image(
    interpolation, antialias
):
    transform = Resize((5, 13), interpolation, antialias)
    np.testing.assert_allclose(transform(np.full((1, 1, 9, 6), 0.7)), 0.7, rtol=1e-14)
    same = Resize((7, 10), interpolation, antialias)(batch())
    np.testing.assert_allclose(same, batch(), rtol=1e-14)


def test_antialias_makes_the_mean_of_the_pixels_covered_matter():
    stripes = np.zeros((1, 1, 4, 64))
    stripes[..., ::4] = 1
    assert np.ptp(Resize((4, 16), antialias=False)(stripes)[..., 1:-1]) < 1e-12
    assert Resize((4, 16), antialias=False)(stripes)[0, 0, 0, 5] == 0  # the ones fall through
    assert Resize((4, 16))(stripes)[0, 0, 0, 5] == pytest.approx(0.25, abs=0.1)
