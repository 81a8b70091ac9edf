"""Data sets by name, and images of one's own."""

import numpy as np
import pytest
from PIL import Image

from minidl.errors import ArgumentError, DataError
from minidl.train.data import classes, fingerprint, image_shape, load_data


@pytest.fixture
def pets(tmp_path):
    """Two classes, six images of 20 × 14 to train on and two to test."""
    rng = np.random.default_rng(0)
    for part, number in (("train", 3), ("test", 1)):
        for name, level in (("cat", 60), ("dog", 160)):
            folder = tmp_path / part / name
            folder.mkdir(parents=True)
            for index in range(number):
                pixels = rng.integers(level, level + 60, (20, 14, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{index}.png")
    return tmp_path


def test_bundled_images_are_found_by_name():
    training, test = load_data("mnist", "bundled")
    assert (len(training), len(test)) == (10_000, 2_000)
    assert image_shape(training) == (1, 28, 28)
    assert classes(training) == 10


def test_a_limit_takes_the_first_of_each_part():
    training, test = load_data("fashion-mnist", "bundled", limit=5_000)
    assert (len(training), len(test)) == (5_000, 2_000)
    assert training.source.endswith("The first 5,000 of them.")
    assert "The first" not in test.source  # all of them


def test_a_folder_of_images_is_made_into_the_models_size(pets):
    training, test = load_data("folder", str(pets), shape=(3, 8, 8))
    assert training.images.shape == (6, 3, 8, 8)
    assert test.images.shape == (2, 3, 8, 8)
    assert training.class_names == ("cat", "dog")
    assert image_shape(training) == (3, 8, 8)


def test_a_folder_is_normalised_with_its_training_pixels(pets):
    training, test = load_data("folder", str(pets))
    pixels = training.images / 255.0
    np.testing.assert_allclose(training.mean, pixels.mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(training.std, pixels.std(axis=(0, 2, 3)), rtol=1e-12)
    assert (test.mean, test.std) == (training.mean, training.std)


def test_a_folder_without_a_place_is_an_error_that_says_what_it_needs():
    with pytest.raises(ArgumentError, match="DIR/train/CLASS"):
        load_data("folder")


def test_parts_with_other_classes_are_refused(pets):
    (pets / "test" / "dog").rename(pets / "test" / "fox")
    with pytest.raises(DataError, match="only one of them has dog, fox"):
        load_data("folder", str(pets))


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(ArgumentError, match="mnist, fashion-mnist, cifar10, folder"):
        load_data("imagenet-22k")


def test_a_fingerprint_tells_other_labels_and_another_order_apart():
    training, test = load_data("mnist", "bundled", limit=100)
    turned = training.subset(np.arange(100)[::-1], "")
    again = training.subset(np.arange(100), "")
    assert len({fingerprint(part) for part in (training, test, turned)}) == 3
    assert fingerprint(again) == fingerprint(training)


def test_a_fingerprint_tells_other_pixels_and_other_shapes_apart():
    training, _ = load_data("mnist", "bundled", limit=100)
    other = training.subset(np.arange(100), "")
    other.images[99, 27, 27] += 1
    flat = training.subset(np.arange(100), "")
    flat.images = flat.images.reshape(100, 14, 56)
    assert len({fingerprint(part) for part in (training, other, flat)}) == 3
