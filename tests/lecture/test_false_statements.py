"""What doesn't hold is found wrong: digits off the middle, formulas that some layers refute."""

import numpy as np
import pytest

from minidl.lecture import data_sets
from minidl.lecture.convolutions import _formula, plain


def digits_at(*corners, size=(20, 20)):
    """A filled box per image, its upper left corner there; in the middle of 28×28 at (4, 4)."""
    images = np.zeros((len(corners), 28, 28), np.uint8)
    for image, (top, left) in zip(images, corners, strict=True):
        image[top : top + size[0], left : left + size[1]] = 255
    return images


class Found:
    source = "MNIST: a subset of 4 images"
    labels = np.arange(10)

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)


@pytest.mark.parametrize(
    ("images", "scaled", "centered"),
    [
        (digits_at((4, 4)), "exact", "exact"),
        (digits_at((4, 4), (5, 3)), "exact", "exact"),  # one pixel, as digits are shifted
        (digits_at((4, 4), (6, 4)), "exact", "wrong"),
        (digits_at((4, 4), (4, 2)), "exact", "wrong"),
        (digits_at((4, 4), size=(20, 21)), "wrong", "exact"),
        (digits_at((4, 4), size=(18, 20)), "exact", "exact"),
        (digits_at((5, 5), size=(18, 18)), "wrong", "exact"),
    ],
)
def test_digits_that_are_off_the_middle_or_of_another_size(monkeypatch, images, scaled, centered):
    monkeypatch.setattr(data_sets, "_part", lambda train: Found(images))
    rows = {row.slide: row.kind for row in data_sets.mnist().rows if row.what == "digits"}
    assert rows == {"scaled": scaled, "centered": centered}


def test_a_formula_holds_if_it_does_for_every_layer_and_there_are_some():
    def judged(formula, **of):
        row = _formula("", "", "resnet50", formula, macs=False, **of)
        return row.kind, row.computed

    assert judged(lambda c, m: plain(c)) == ("exact", "53 of 53 layers")
    # the 16 of 3×3 in the blocks, and the stem
    assert judged(lambda c, m: c.in_channels * c.out_channels) == ("wrong", "36 of 53 layers")
    stem = (7, 7)
    almost = judged(lambda c, m: 0 if c.kernel_size == stem else plain(c))
    assert almost == ("wrong", "52 of 53 layers")
    assert judged(lambda c, m: plain(c), groups=32) == ("wrong", "0 of 0 layers")
