"""Flips, padding and crops, against loops over pixels."""

import numpy as np
import pytest

from minidl.datasets.transforms import (
    CenterCrop,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomVerticalFlip,
)


def batch(N=5, C=2, H=4, W=7):
    """Every pixel is another number."""
    return np.arange(N * C * H * W, dtype=np.float64).reshape(N, C, H, W) + 1


def generator(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("flip", "axis"), [(RandomHorizontalFlip, 3), (RandomVerticalFlip, 2)])
def test_flip_mirrors_whole_images_or_leaves_them(flip, axis):
    images = batch(N=40)
    got = flip(0.5)(images, generator())
    mirrored = 0
    for n in range(40):
        other = images[n].copy()
        for h in range(4):
            for w in range(7):
                source = (h, 6 - w) if axis == 3 else (3 - h, w)
                other[:, h, w] = images[n, :, source[0], source[1]]
        assert got[n].tolist() in (images[n].tolist(), other.tolist())
        mirrored += got[n].tolist() == other.tolist()
    assert 0 < mirrored < 40


@pytest.mark.parametrize("flip", [RandomHorizontalFlip, RandomVerticalFlip])
def test_flip_with_probability_0_never_and_with_1_always(flip):
    images = batch(N=200)
    axis = 3 if flip is RandomHorizontalFlip else 2
    assert flip(0.0)(images, generator()).tolist() == images.tolist()
    assert flip(1.0)(images, generator()).tolist() == np.flip(images, axis).tolist()


def test_flip_happens_with_its_probability():
    images = np.broadcast_to(batch(N=1, C=1, H=1, W=2), (20000, 1, 1, 2))
    flipped = (RandomHorizontalFlip(0.3)(images, generator())[:, 0, 0, 0] == 2).mean()
    assert flipped == pytest.approx(0.3, abs=4 * (0.3 * 0.7 / 20000) ** 0.5)


def index(position, size, mode):
    """Where padding takes position −k … size + k − 1 from; None: the fill."""
    if 0 <= position < size:
        return position
    if mode == "constant":
        return None
    if mode == "edge":
        return 0 if position < 0 else size - 1
    once_more = 0 if mode == "reflect" else 1
    return -position - once_more if position < 0 else 2 * size - 2 - position + once_more


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
@pytest.mark.parametrize(
    ("padding", "sides"), [(2, (2, 2, 2, 2)), ((3, 1), (3, 1, 3, 1)), ((0, 1, 2, 3), (0, 1, 2, 3))]
)
def test_pad_takes_left_top_right_bottom(mode, padding, sides):
    images = batch()
    got = Pad(padding, fill=(0.5, 0.25), padding_mode=mode)(images)
    left, top, right, bottom = sides
    assert got.shape == (5, 2, top + 4 + bottom, left + 7 + right)
    for c in range(2):
        for h in range(got.shape[2]):
            for w in range(got.shape[3]):
                i, j = index(h - top, 4, mode), index(w - left, 7, mode)
                inside = i is not None and j is not None
                assert got[3, c, h, w] == (images[3, c, i, j] if inside else (0.5, 0.25)[c])


def corner(crop, padded):
    """Where `crop` was cut from; every pixel of `padded` is another number."""
    h, w = np.argwhere(padded[0] == crop[0, 0, 0])[0]
    assert crop.tolist() == padded[:, h : h + crop.shape[1], w : w + crop.shape[2]].tolist()
    return int(h), int(w)


def test_crop_is_a_part_of_the_image_and_every_place_is_equally_likely():
    one = batch(N=1)
    crops = RandomCrop((2, 5))(np.repeat(one, 9000, axis=0), generator())
    assert crops.shape == (9000, 2, 2, 5)
    places = [corner(crop, one[0]) for crop in crops]
    counts = np.array([places.count((h, w)) for h in range(3) for w in range(3)])
    assert counts.sum() == 9000
    # χ² of 8 degrees of freedom is above 26.1 once in a thousand.
    assert ((counts - 1000) ** 2 / 1000).sum() < 26.1


def test_crop_of_the_padded_image_may_contain_padding():
    one = batch(N=1)
    padded = Pad((1, 2), padding_mode="reflect")(one)
    crops = RandomCrop((8, 9), padding=(1, 2), padding_mode="reflect")(one, generator())
    assert crops.tolist() == padded.tolist()
    crops = RandomCrop(6, padding=2, fill=0.5)(np.repeat(one, 50, axis=0), generator())
    assert (crops == 0.5).any(axis=(1, 2, 3)).mean() == 1  # H + 2 < 6: always some padding


def test_crop_of_the_images_own_size_is_the_image():
    assert RandomCrop((4, 7))(batch(), generator()).tolist() == batch().tolist()


@pytest.mark.parametrize(
    ("size", "top", "left"), [((2, 3), 1, 2), ((1, 4), 2, 2), ((3, 6), 0, 0), ((4, 7), 0, 0)]
)
def test_center_crop_rounds_half_a_pixel_to_even(size, top, left):
    # (4 − 1)/2 = 1.5 → 2, (7 − 4)/2 = 1.5 → 2, (4 − 3)/2 = (7 − 6)/2 = 0.5 → 0
    images = batch()
    got = CenterCrop(size)(images)
    assert got.tolist() == images[:, :, top : top + size[0], left : left + size[1]].tolist()
