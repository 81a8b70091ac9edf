"""The transforms with given parameters against torchvision's."""

import numpy as np
import pytest
from torchvision_oracle import import_torchvision

from minidl.datasets.transforms import CenterCrop, Normalize, Pad, RandomRotation, Resize
from minidl.datasets.transforms.affine_map import affine
from minidl.datasets.transforms.color import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
)

pytestmark = pytest.mark.oracle
FACTORS = np.array([0.0, 0.3, 1.0, 1.6, 2.5])


@pytest.fixture(scope="module")
def F():  # noqa: N802 (its usual name)
    return import_torchvision().transforms.functional


@pytest.fixture
def images():
    return np.random.default_rng(0).random((5, 3, 9, 14))


def tensors(images):
    return import_torchvision().torch.from_numpy(images)


def close(got, expected):
    np.testing.assert_allclose(got, np.asarray(expected), rtol=0, atol=1e-13)


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_affine(F, images, interpolation):
    rng = np.random.default_rng(1)
    angle, scale = rng.uniform(-180, 180, 5), rng.uniform(0.5, 2, 5)
    translate, shear = np.rint(rng.uniform(-4, 4, (5, 2))), rng.uniform(-40, 40, (5, 2))
    got = affine(images, angle, translate, scale, shear, interpolation)
    for n, image in enumerate(tensors(images)):
        own = angle[n].item(), translate[n].tolist(), scale[n].item(), shear[n].tolist()
        close(got[n], F.affine(image, *own, interpolation=F.InterpolationMode(interpolation)))


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("angle", [-31.0, 0.0, 12.5, 77.0])
def test_rotation(F, images, interpolation, angle):
    got = RandomRotation((angle, angle), interpolation)(images, np.random.default_rng(0))
    mode = F.InterpolationMode(interpolation)
    close(got, F.rotate(tensors(images), angle, interpolation=mode))


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [4, 30, (3, 5), (21, 6), (9, 14), (1, 1)])
def test_resize(F, images, interpolation, antialias, size):
    got = Resize(size, interpolation, antialias)(images)
    mode = F.InterpolationMode(interpolation)
    sizes = [size] if isinstance(size, int) else list(size)
    close(got, F.resize(tensors(images), sizes, mode, antialias=antialias))


# Not 30: PyTorch's ⌊23 · 14 / 46⌋, in float32, is 6.
@pytest.mark.parametrize("size", [4, (3, 5), (21, 6), (9, 14), (1, 1)])
def test_resize_to_the_nearest(F, images, size):
    sizes = [size] if isinstance(size, int) else list(size)
    expected = F.resize(tensors(images), sizes, F.InterpolationMode.NEAREST)
    close(Resize(size, "nearest")(images), expected)


def test_brightness_and_hue(F, images):
    brightness, shifts = adjust_brightness(images, FACTORS), FACTORS / 5 - 0.25
    hue = adjust_hue(images.astype(np.float32), shifts)
    for n, image in enumerate(tensors(images)):
        close(brightness[n], F.adjust_brightness(image, FACTORS[n].item()))
        # torchvision turns hues in float32.
        expected = F.adjust_hue(image.float(), shifts[n].item())
        np.testing.assert_allclose(hue[n], expected, rtol=0, atol=3e-6)


def test_contrast_and_saturation(F, images):
    contrast, saturation = adjust_contrast(images, FACTORS), adjust_saturation(images, FACTORS)
    for n, image in enumerate(tensors(images)):
        factor = FACTORS[n].item()
        # torchvision's red counts 0.2989 instead of 0.299, so white isn't quite white there.
        difference = 1e-4 * abs(1 - factor) + 1e-13
        expected = F.adjust_contrast(image, factor)
        np.testing.assert_allclose(contrast[n], expected, rtol=0, atol=difference)
        expected = F.adjust_saturation(image, factor)
        np.testing.assert_allclose(saturation[n], expected, rtol=0, atol=difference)


@pytest.mark.parametrize("C", [1, 3])
def test_grey_images_contrast(F, images, C):
    grey = np.repeat(images[:, :1], C, axis=1)
    got = adjust_contrast(grey[:, :1], FACTORS)
    for n, image in enumerate(tensors(grey[:, :1])):
        close(got[n], F.adjust_contrast(image, FACTORS[n].item()))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
@pytest.mark.parametrize("padding", [2, (3, 1), (0, 1, 2, 3)])
def test_pad(F, images, mode, padding):
    expected = F.pad(tensors(images), padding, fill=0.5, padding_mode=mode)
    close(Pad(padding, 0.5, mode)(images), expected)


@pytest.mark.parametrize("size", [1, 4, 9, (6, 3), (7, 14), (8, 13)])
def test_center_crop(F, images, size):
    close(CenterCrop(size)(images), F.center_crop(tensors(images), size))


def test_normalize(F, images):
    mean, std = [0.1, 0.2, 0.3], [1.0, 2.0, 0.5]
    close(Normalize(mean, std)(images), F.normalize(tensors(images), mean, std))
