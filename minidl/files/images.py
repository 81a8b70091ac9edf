"""Reading image files: always uint8, always upright, whole or not at all.

Formats: PNG, JPEG, BMP, GIF (its first picture), WebP, and PBM, PGM, PPM. TIFF isn't among them: it
is a container of dozens of codecs, each with its own history of faults.

What a file may hold, and what becomes of it:

    orientation in EXIF   applied: what a viewer shows as up is up
    palette               its colours
    transparency          laid over white, as a viewer shows it
    16 bits per sample    the higher 8
    CMYK, YCbCr           converted to RGB
    colour to grey        ITU-R 601: 0.299 R + 0.587 G + 0.114 B
"""

from __future__ import annotations

import io
import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.errors import ArgumentError, DataError, fail
from minidl.files.reading import read_bytes

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MAX_PIXELS", "read_image"]

MAX_PIXELS = 1 << 26
"""The largest image read unless told otherwise: 8,192 × 8,192."""

MAX_BYTES = 1 << 28
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")  # Pillow's names; PPM is all three of them
ORIENTATION = 0x0112  # the EXIF tag
_SIXTEEN_BITS = ("I", "I;16", "I;16L", "I;16B", "I;16N")  # Pillow's modes of such images
_MODES = ("1", "L", "P", "RGB", "CMYK", "YCbCr", "LA", "PA", "RGBA")

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def read_image(
    path: str | os.PathLike[str], channels: int = 3, max_pixels: int = MAX_PIXELS
) -> Pixels:
    """The pixels of an image file.

    Raises DataError, naming the file, if it can't be read, is of no known format, truncated or
    damaged, or has more than `max_pixels` pixels (found out before they are decoded); ArgumentError
    for another number of channels than 3 or 1.

    Args:
        path: the file; its content and not its name says which format it is.
        channels: 3 for red, green, blue; 1 for grey.
        max_pixels: the most that are accepted.

    Returns:
        uint8 (H, W, 3), or (H, W) if `channels` is 1.

    """
    if channels not in (1, 3):
        fail("read_image", "channels", channels, "3 (red, green, blue) or 1 (grey)",
             error=ArgumentError)  # fmt: skip
    content = read_bytes(path, MAX_BYTES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters of them is checked here
            return _pixels(content, channels, max_pixels)
    except _RefusedError as error:
        raise DataError(f"{path} {error}.") from error.__cause__
    except Exception as error:
        # Pillow's decoders raise whatever their own code or Python's happens to raise for a
        # damaged file: SyntaxError, struct.error, EOFError, ZeroDivisionError, KeyError …
        why = str(error) or type(error).__name__
        raise DataError(f"{path} is damaged or truncated: {why.rstrip('.')}.") from error


class _RefusedError(Exception):
    """What is wrong with an image, to be said after the file's name."""


def _pixels(content: bytes, channels: int, max_pixels: int) -> Pixels:
    # Checksums first: PNG has one per chunk, and decoding doesn't look at those of the pixels.
    _opened(content, max_pixels).verify()
    with _opened(content, max_pixels) as image:
        image.load()
        upright = _upright(image)
        converted = _converted(upright, "RGB" if channels == 3 else "L")
        return np.array(converted, dtype=np.uint8)


def _opened(content: bytes, max_pixels: int) -> Image:
    """The image with its header read and its pixels not yet decoded."""
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise _RefusedError(
            "is no image of a format that minidl reads (PNG, JPEG, BMP, GIF, WebP, PBM, PGM, PPM), "
            f"or its header is damaged; it starts with {content[:8]!r}"
        ) from error
    except Image.DecompressionBombError as error:  # beyond Pillow's own limit
        raise _RefusedError(f"has more pixels than the {max_pixels:,} allowed") from error
    if image.width * image.height > max_pixels:
        raise _RefusedError(
            f"has {image.width} × {image.height} pixels, more than the {max_pixels:,} allowed"
        )
    return image


def _upright(image: Image) -> Image:
    """The image turned and mirrored as its EXIF orientation says."""
    from PIL.Image import Transpose

    steps = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    step = steps.get(image.getexif().get(ORIENTATION, 1))
    return image if step is None else image.transpose(step)


def _converted(image: Image, mode: str) -> Image:
    """The image in `mode`, "RGB" or "L"."""
    from PIL import Image

    if image.mode in _SIXTEEN_BITS:
        high_bytes = np.asarray(image).astype(np.uint32) >> 8
        image = Image.fromarray(high_bytes.astype(np.uint8))
    if image.mode not in _MODES:
        raise _RefusedError(f"has pixels of an unknown kind (Pillow's mode {image.mode})")
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert(mode)
