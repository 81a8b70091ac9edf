"""Marks on a page, as masks (H, W): their parts, how far apart those are, how long strokes are."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "connected_parts",
    "count_marks",
    "extent",
    "stroke_width",
    "strokes_length",
    "widened",
]

Image = np.ndarray[Any, Any]

_MARK = 0.15
"""A part with fewer pixels than this fraction of the largest part is no mark of its own."""
_GAP_BESIDE, _GAP_ABOVE = 0.04, 0.3
"""In heights of a digit: how far apart two marks are at the least."""


def count_marks(mask: Image) -> int:
    """How many parts stand beside each other, or well above each other.

    Parts of one digit, such as a five's bar, are above or below each other and near.
    """
    labels = connected_parts(mask)
    parts, sizes = np.unique(labels[labels > 0], return_counts=True)
    boxes = [extent(labels == part) for part in parts[sizes >= _MARK * sizes.max()]]
    apart = 0
    for axis, share in ((0, _GAP_ABOVE), (1, _GAP_BESIDE)):
        sides = sorted((box[axis].start, box[axis].stop) for box in boxes)
        height = max(box[0].stop - box[0].start for box in boxes)
        gaps, end = 0, sides[0][1]
        for start, stop in sides[1:]:
            gaps += start - end > share * height
            end = max(end, stop)
        apart = max(apart, gaps)
    return apart + 1


def strokes_length(mask: Image) -> float:
    """Of all strokes together, in sides of the mask's box: area / width; see `stroke_width`."""
    return float(mask.sum() / stroke_width(mask) / max(mask[extent(mask)].shape))


def stroke_width(mask: Image) -> float:
    """A stroke of width w and length l has the area w·l and an outline of 2·l: w = 2·area/outline.

    >>> stroke = np.zeros((9, 300), bool)
    >>> stroke[3:6, 3:-3] = True
    >>> round(stroke_width(stroke), 1)
    3.0
    """
    padded = np.pad(mask, 1)
    outline = sum(int((padded != np.roll(padded, 1, axis)).sum()) for axis in (0, 1))
    return float(2 * mask.sum() / outline)


def connected_parts(mask: Image) -> Image:
    """0 outside; inside, a number that the pixels of one part share (neighbours: all eight).

    Every pixel starts with a number of its own, takes the largest among its neighbours', and then
    the number that the pixel of that number has: the number of steps grows with the logarithm of
    a stroke's length, about.
    """
    numbers = np.arange(1, mask.size + 1).reshape(mask.shape) * mask
    while True:
        largest = _neighbours_maximum(numbers) * mask
        jumped = np.concatenate([[0], largest.ravel()])[largest]
        if np.array_equal(jumped, numbers):
            return numbers
        numbers = jumped


def widened(mask: Image, times: int) -> Image:
    """With all neighbours of its pixels, several times."""
    for _ in range(times):
        mask = _neighbours_maximum(mask)
    return mask


def _neighbours_maximum(image: Image) -> Image:
    """The maximum over each pixel's 3×3 neighbourhood."""
    rows = image.copy()
    np.maximum(rows[1:], image[:-1], out=rows[1:])
    np.maximum(rows[:-1], image[1:], out=rows[:-1])
    both = rows.copy()
    np.maximum(both[:, 1:], rows[:, :-1], out=both[:, 1:])
    np.maximum(both[:, :-1], rows[:, 1:], out=both[:, :-1])
    return both


def extent(mask: Image) -> tuple[slice, slice]:
    """The rows and columns of the smallest box around it."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
