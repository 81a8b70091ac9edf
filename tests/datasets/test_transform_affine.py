"""Affine maps against loops over pixels, and the distribution of their parameters."""

import math

import numpy as np
import pytest

from minidl.datasets.transforms import RandomAffine, RandomRotation, affine_map
from minidl.datasets.transforms.affine_map import affine


def batch(N=4, C=2, H=6, W=9, dtype=np.float64):
    return np.random.default_rng(2).random((N, C, H, W)).astype(dtype)


def generator(seed=0):
    return np.random.default_rng(seed)


def naive_pixel(image, x, y, interpolation, fill):
    """The value of a channel (H, W) at a point in pixel coordinates."""

    def at(i, j):
        H, W = image.shape
        return image[i, j] if 0 <= i < H and 0 <= j < W else fill

    if interpolation == "nearest":
        return at(round(y), round(x))
    j, i = math.floor(x), math.floor(y)
    a, b = x - j, y - i
    upper = (1 - a) * at(i, j) + a * at(i, j + 1)
    lower = (1 - a) * at(i + 1, j) + a * at(i + 1, j + 1)
    return (1 - b) * upper + b * lower


def naive_affine(image, angle, translate, scale, shear, interpolation, fill):
    """One image (C, H, W): for each output pixel, solve M (x, y) + t = (u, v) by Cramer's rule."""
    C, H, W = image.shape
    alpha, phi_x, phi_y = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    result = np.empty_like(image)

    def forward(x, y):
        x, y = x - math.tan(phi_x) * y, y  # shear along x
        x, y = x, y - math.tan(phi_y) * x  # shear along y
        x, y = (
            math.cos(alpha) * x - math.sin(alpha) * y,
            math.sin(alpha) * x + math.cos(alpha) * y,
        )
        return scale * x, scale * y

    (m00, m10), (m01, m11) = forward(1, 0), forward(0, 1)
    determinant = m00 * m11 - m01 * m10
    for c in range(C):
        for h in range(H):
            for w in range(W):
                u = w - (W - 1) / 2 - translate[0]
                v = h - (H - 1) / 2 - translate[1]
                x = (m11 * u - m01 * v) / determinant + (W - 1) / 2
                y = (m00 * v - m10 * u) / determinant + (H - 1) / 2
                result[c, h, w] = naive_pixel(image[c], x, y, interpolation, fill[c])
    return result


PARAMETERS = {
    "angle": np.array([0.0, 33.0, -170.0, 8.0]),
    "translate": np.array([[0.0, 0.0], [2.0, -1.0], [0.25, 0.5], [-20.0, 3.0]]),
    "scale": np.array([1.0, 1.7, 0.6, 1.1]),
    "shear": np.array([[0.0, 0.0], [10.0, 0.0], [-25.0, 15.0], [0.0, 40.0]]),
}


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("shape", [(6, 9), (9, 6), (1, 5), (5, 1), (1, 1)])
def test_affine_is_its_formula_pixel_by_pixel(interpolation, shape):
    H, W = shape
    images, fill = batch(H=H, W=W), (0.3, 0.8)
    got = affine(images, *PARAMETERS.values(), interpolation, fill)
    for n in range(4):
        own = [values[n] for values in PARAMETERS.values()]
        expected = naive_affine(images[n], *own, interpolation, fill)
        np.testing.assert_allclose(got[n], expected, rtol=0, atol=1e-13)


def test_affine_in_float32_is_the_float64_result_rounded():
    images = batch(dtype=np.float32)
    got = affine(images, *PARAMETERS.values())
    assert got.dtype == np.float32
    expected = affine(images.astype(np.float64), *PARAMETERS.values())
    np.testing.assert_allclose(got, expected, rtol=0, atol=3e-7)


def rotated(angle, images):
    return RandomRotation((angle, angle))(images, generator())


def test_rotation_is_counter_clockwise():
    images = batch(H=7, W=7)
    for quarters in range(-3, 4):
        expected = np.rot90(images, quarters, axes=(2, 3))
        np.testing.assert_allclose(rotated(90 * quarters, images), expected, atol=1e-13)


def test_affine_map_is_clockwise_and_shifts_right_and_down():
    images = batch(N=1, C=1, H=5, W=5)
    turned = RandomAffine((90, 90))(images, generator())
    np.testing.assert_allclose(turned, np.rot90(images, -1, axes=(2, 3)), atol=1e-14)
    nothing = np.zeros((1, 2))
    moved = affine(images, np.zeros(1), np.array([[2.0, 1.0]]), np.ones(1), nothing)
    assert moved[0, 0, 1:, 2:].tolist() == images[0, 0, :-1, :-2].tolist()
    assert not moved[0, 0, 0].any()
    assert not moved[0, 0, :, :2].any()


def test_scale_2_is_twice_as_large_about_the_centre():
    images = np.zeros((1, 1, 9, 9))
    images[0, 0, 4, 6] = 1  # two to the right of the centre
    got = RandomAffine(0, scale=(2, 2))(images, generator())
    assert np.argwhere(got[0, 0] == 1).tolist() == [[4, 8]]  # four to the right


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_nothing_to_do_leaves_the_images(interpolation):
    images = batch()
    nothing = RandomAffine(0, (0, 0), (1, 1), 0, interpolation)
    assert nothing(images, generator()).tolist() == images.tolist()
    assert RandomRotation(0, interpolation)(images, generator()).tolist() == images.tolist()


def test_fill_surrounds_the_image_and_constant_images_stay_constant():
    images = np.full((50, 1, 6, 9), 0.25)
    wild = RandomAffine(180, (1, 1), (0.2, 3), (-40, 40, -40, 40), fill=0.25)
    np.testing.assert_allclose(wild(images, generator()), 0.25, rtol=1e-14)


def drawn(monkeypatch, transform, N=4000, H=50, W=80):
    """What the transform draws for N images."""
    seen = []

    def record(images, *parameters):
        seen.extend(parameters)
        return images

    monkeypatch.setattr(affine_map, "affine", record)
    transform(np.broadcast_to(np.zeros(1), (N, 1, H, W)), generator())
    return seen[:4]


def assert_uniform(values, low, high):
    """Kolmogorov and Smirnov: the largest distance is above 1.95 / √N once in a thousand."""
    values = np.sort(values)
    assert low <= values[0] <= values[-1] <= high
    expected = (values - low) / (high - low)
    steps = np.arange(len(values) + 1) / len(values)
    distance = max(abs(expected - steps[:-1]).max(), abs(expected - steps[1:]).max())
    assert distance < 1.95 / math.sqrt(len(values))


def test_parameters_are_uniform_in_their_ranges(monkeypatch):
    transform = RandomAffine((-10, 30), (0.1, 0.3), (0.5, 1.5), (-5, 6, -7, 8))
    angle, translate, scale, shear = drawn(monkeypatch, transform)
    assert_uniform(angle, -10, 30)
    assert_uniform(scale, 0.5, 1.5)
    assert_uniform(shear[:, 0], -5, 6)
    assert_uniform(shear[:, 1], -7, 8)
    assert (translate == np.rint(translate)).all()  # whole pixels
    assert set(translate[:, 0]) == set(range(-8, 9))  # 0.1 · 80
    assert set(translate[:, 1]) == set(range(-15, 16))  # 0.3 · 50


def test_one_number_is_a_range_around_0(monkeypatch):
    angle, translate, scale, shear = drawn(monkeypatch, RandomAffine(20, shear=15))
    assert_uniform(angle, -20, 20)
    assert_uniform(shear[:, 0], -15, 15)
    assert not shear[:, 1].any()
    assert not translate.any()
    assert (scale == 1).all()
    angle = drawn(monkeypatch, RandomRotation(20))[0]
    assert_uniform(angle, -20, 20)
