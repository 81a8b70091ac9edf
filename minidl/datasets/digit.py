"""A photo or scan of a digit, made into an image like MNIST's.

MNIST's images were made so (LeCun, Bottou, Bengio, Haffner 1998, §III.A): the black and white
digits of NIST, size-normalised to fit in a 20×20 box keeping their aspect ratio, which makes grey
levels by anti-aliasing, and placed in a 28×28 image with the centre of mass at its centre. A
network that has learned them expects every digit so. `digit_image` does it in these steps:

    1. grey           colours to luminance; a large picture is shrunk, which also averages noise
    2. paper          a plane fitted to the border's brightness: light falls unevenly on a page
    3. ink            what differs from the paper, towards dark or light, whichever is stronger
    4. threshold      Otsu 1979: splits ink from the paper's texture
    5. specks         connected parts much smaller than the largest are dropped, and so are parts
                      that touch the border (a table's edge) where others don't; then threshold
                      again what is left
    6. stroke         thin strokes, a pen's, are widened to what MNIST's have at the least
    7. size           cut out, the longer side resized to 20 pixels with anti-aliasing
    8. position       the centre of mass at pixel (14, 14) of 28×28

A network answers whatever it is given; `doubts` says why a picture may show something else than one
digit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.datasets.marks import (
    connected_parts,
    count_marks,
    extent,
    stroke_width,
    strokes_length,
    widened,
)
from minidl.errors import DataError, DTypeError, fail

__all__ = ["digit_image", "doubts"]

Image = np.ndarray[Any, Any]

SIZE, BOX, CENTRE = 28, 20, 14
_WORKING_SIZE = 256
"""Larger pictures are shrunk to this many pixels on the longer side."""
_LEAST_CONTRAST = 20.0
"""Of 255: the difference between ink and paper below which a page counts as blank."""
_SPECK = 0.05
"""A part with fewer pixels than this fraction of the largest part is a speck."""
_LEAST_STROKE = 1.4
"""In pixels of the 20×20 box; a tenth of MNIST's digits have thinner strokes."""
_LONGEST = 6
"""All strokes together, in heights of the digit: MNIST has up to five."""
_SHEET_SHARE, _SHEET_FILL, _SHEET_EDGE = 0.1, 0.7, 0.08
"""Of the picture, that a sheet's box takes at the least; of the box, that it fills; of the box,
that is cut off on each side."""


def digit_image(pixels: Image) -> Image:
    """Pixels of any size → uint8 (28, 28), a bright digit on black, as MNIST's are.

    pixels: uint8, (H, W) grey or (H, W, 3) colours; one digit, dark on light or light on dark. A
    28×28 image that is in MNIST's form already is returned as it is.

    >>> page = np.full((100, 80), 230, np.uint8)
    >>> page[20:80, 30:36] = 40  # a one
    >>> digit = digit_image(page)
    >>> digit.shape, digit.dtype.name, int(digit[0, 0]), int(digit[14, 14])
    ((28, 28), 'uint8', 0, 255)

    Raises DataError if there is no digit on it, ShapeError and DTypeError if `pixels` is none of
    that.
    """
    _check(pixels)
    if _is_like_mnist(pixels):
        return pixels.copy()
    ink, mask = _found(_shrunk(_luminance(pixels)))
    strength = np.median(ink[mask])
    # Grey levels at the digit's edges are kept, one pixel around; all else is paper.
    digit = np.clip(ink / strength, 0, 1) * widened(mask, 1)
    return _centred(_fitted(_cut_out(digit, mask), _radius_to_add(mask)))


def doubts(pixels: Image) -> list[str]:
    """Why it may be something else than one digit; empty where nothing speaks against it.

    Takes what `digit_image` takes.

    >>> page = np.full((100, 160), 230, np.uint8)
    >>> page[20:80, 30:36] = page[20:80, 100:106] = 40  # two ones
    >>> doubts(page)
    ['2 separate marks: cut the picture so that one digit is on it']
    """
    _check(pixels)
    if _is_like_mnist(pixels):
        return []
    _, mask = _found(_shrunk(_luminance(pixels)))
    marks, strokes = count_marks(mask), strokes_length(mask)
    found = []
    if strokes > _LONGEST:
        found.append("more strokes than a digit has: noise, a texture or a text")
    elif marks > 1:
        found.append(f"{marks} separate marks: cut the picture so that one digit is on it")
    if _is_sheet(mask):
        found.append("a filled area, no strokes: cut the picture closer around the digit")
    return found


def _found(grey: Image) -> tuple[Image, Image]:
    """(ink, mask) of the digit: on the page, or on a sheet that lies on something else."""
    ink, mask = _ink_and_mask(grey)
    if _is_sheet(mask):
        rows, columns = extent(mask)
        try:
            on_sheet = _ink_and_mask(_inner(grey[rows, columns]))
        except DataError:  # nothing is on it
            return ink, mask
        if not _is_sheet(on_sheet[1]):
            return on_sheet
    return ink, mask


def _ink_and_mask(grey: Image) -> tuple[Image, Image]:
    ink = _ink(grey)
    parts = _without_specks(ink > _threshold(ink))
    ink *= widened(parts, 3)
    return ink, ink > _threshold(ink)  # again, now that nothing else on the page has a say in it


def _is_sheet(mask: Image) -> bool:
    """Whether it fills its box, which is neither small nor narrow, as a sheet of paper does."""
    box = mask[extent(mask)]
    is_large = box.size >= _SHEET_SHARE * mask.size
    return is_large and min(box.shape) >= 0.4 * max(box.shape) and bool(box.mean() >= _SHEET_FILL)


def _inner(sheet: Image) -> Image:
    """Without its edges, which may be crooked."""
    top, left = (round(_SHEET_EDGE * side) for side in sheet.shape)
    return sheet[top : sheet.shape[0] - top, left : sheet.shape[1] - left]


def _check(pixels: Image) -> None:
    if pixels.dtype != np.uint8:
        fail("digit_image", "pixels.dtype", pixels.dtype, "uint8", error=DTypeError)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        fail("digit_image", "pixels.shape", pixels.shape, "(H, W) or (H, W, 3)")
    if min(pixels.shape[:2]) < 8:
        raise DataError(
            f"the picture has {pixels.shape[1]} × {pixels.shape[0]} pixels; no digit "
            "can be read in fewer than 8 × 8."
        )


def _is_like_mnist(pixels: Image) -> bool:
    """Whether its box has 20 pixels and its centre of mass is at (14, 14), one more or less."""
    if pixels.shape != (SIZE, SIZE):
        return False
    drawn = np.where(pixels > 16, pixels, 0).astype(float)  # 16: what JPEG adds
    if not drawn.any() or np.median(_border(drawn)) > 0:
        return False
    rows, columns = extent(drawn > 0)
    longer = max(rows.stop - rows.start, columns.stop - columns.start)
    return abs(longer - BOX) <= 1 and all(abs(c - CENTRE) <= 1 for c in _centre_of_mass(drawn))


def _luminance(pixels: Image) -> Image:
    """ITU-R BT.601, as Pillow and JPEG weigh the colours."""
    if pixels.ndim == 2:
        return pixels.astype(np.float32)
    grey: Image = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return grey


def _shrunk(grey: Image) -> Image:
    scale = _WORKING_SIZE / max(grey.shape)
    if scale >= 1:
        return grey
    return _resized(grey, *(max(1, round(scale * side)) for side in grey.shape))


def _resized(image: Image, height: int, width: int) -> Image:
    """Area averaging where it shrinks; bilinear where it grows."""
    from PIL import Image as Pillow

    shrinks = height <= image.shape[0]
    method = Pillow.Resampling.BOX if shrinks else Pillow.Resampling.BILINEAR
    return np.asarray(Pillow.fromarray(image.astype(np.float32)).resize((width, height), method))


def _border(image: Image) -> Image:
    return np.concatenate([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]])


def _ink(grey: Image) -> Image:
    """How far each pixel is from the paper, ≥ 0, in the direction that the ink is in."""
    height, width = grey.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y], axis=-1)  # (H, W, 3)
    frame = np.ones_like(grey, dtype=bool)
    edge = max(1, min(height, width) // 20)
    frame[edge:-edge, edge:-edge] = False
    level = np.median(grey[frame])
    near = frame & (np.abs(grey - level) < 64)  # what isn't is no paper: a table beside it
    plane, *_ = np.linalg.lstsq(terms[near], grey[near], rcond=None)
    difference = grey - terms @ plane
    darkest, lightest = np.percentile(difference, [0.3, 99.7])
    ink: Image = np.maximum(difference if lightest > -darkest else -difference, 0)
    return ink


def _threshold(ink: Image) -> float:
    """Otsu 1979: the level that maximises the variance between the two sides' means."""
    counts, edges = np.histogram(ink, bins=256)
    levels = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(float)
    above = ink.size - below
    sums = np.cumsum(counts * levels)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_below = sums[:-1] / below
        mean_above = (sums[-1] - sums[:-1]) / above
        between = np.nan_to_num(below * above * (mean_above - mean_below) ** 2)
    best = int(between.argmax())
    if not mean_above[best] - mean_below[best] >= _LEAST_CONTRAST:
        raise DataError(
            "no digit found: the picture is blank, or its ink hardly differs from the "
            "paper. Write larger and darker, or cut the picture closer around the digit."
        )
    return float(edges[best + 1])


def _without_specks(mask: Image) -> Image:
    labels = connected_parts(mask)
    parts, sizes = np.unique(labels[labels > 0], return_counts=True)
    inside = ~np.isin(parts, _border(labels))
    # Where nothing but specks is inside, the digit itself is cut off by the border.
    if (inside & (sizes >= _SPECK * sizes.max())).any():
        parts, sizes = parts[inside], sizes[inside]
    kept: Image = np.isin(labels, parts[sizes >= _SPECK * sizes.max()])
    return kept


def _cut_out(digit: Image, mask: Image) -> Image:
    return digit[extent(mask)]


def _radius_to_add(mask: Image) -> int:
    """By how many pixels of the picture the stroke must grow on each side."""
    rows, columns = extent(mask)
    scale = max(rows.stop - rows.start, columns.stop - columns.start) / BOX  # pixels per pixel
    return max(0, math.ceil(float(_LEAST_STROKE * scale - stroke_width(mask)) / 2))


def _fitted(digit: Image, radius: int) -> Image:
    """Widened, and resized so that its longer side is the box's."""
    digit = widened(np.pad(digit, radius), radius)
    scale = BOX / max(digit.shape)
    fitted = _resized(digit, *(max(1, round(scale * side)) for side in digit.shape))
    brightest: Image = fitted / fitted.max()
    return brightest


def _centre_of_mass(image: Image) -> tuple[float, float]:
    mass = image.sum()
    return (
        float(image.sum(axis=1) @ np.arange(image.shape[0]) / mass),
        float(image.sum(axis=0) @ np.arange(image.shape[1]) / mass),
    )


def _centred(digit: Image) -> Image:
    image = np.zeros((SIZE, SIZE), np.uint8)
    top, left = (
        min(max(round(CENTRE - centre), 0), SIZE - side)
        for centre, side in zip(_centre_of_mass(digit), digit.shape, strict=True)
    )
    rows, columns = slice(top, top + digit.shape[0]), slice(left, left + digit.shape[1])
    image[rows, columns] = np.rint(255 * digit)
    return image
