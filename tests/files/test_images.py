"""Image files: uint8 pixels, upright, whole or not at all."""

import io
import os
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from minidl.errors import ArgumentError, DataError
from minidl.files.images import ORIENTATION, read_image

rng = np.random.default_rng(0)
COLOUR = rng.integers(0, 256, (5, 7, 3)).astype(np.uint8)  # H ≠ W
GREY = rng.integers(0, 256, (5, 7)).astype(np.uint8)
SMOOTH = (np.add.outer(np.arange(16), np.arange(24))[..., None] * [3, 4, 5]).astype(np.uint8)


def encoded(image, file_format, **options):
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.fixture
def file(tmp_path):
    def write(content, name="picture"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


LOSSLESS = {
    "PNG": encoded(COLOUR, "PNG"),
    "BMP": encoded(COLOUR, "BMP"),
    "PPM": encoded(COLOUR, "PPM"),
    "WebP": encoded(COLOUR, "WEBP", lossless=True),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_colours_come_back_as_height_width_channels(file, name):
    found = read_image(file(LOSSLESS[name], "a.jpg"))  # content and not name tells the format
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, COLOUR)


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "PPM", "GIF"])
def test_grey_comes_back_as_height_width(file, file_format):
    path = file(encoded(GREY, file_format))
    np.testing.assert_array_equal(read_image(path, channels=1), GREY)
    np.testing.assert_array_equal(read_image(path), np.repeat(GREY[..., None], 3, axis=2))


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP"])
def test_lossy_formats_come_back_nearly(file, file_format):
    found = read_image(file(encoded(SMOOTH, file_format, quality=95)))
    assert found.shape == SMOOTH.shape
    assert np.abs(found.astype(int) - SMOOTH).mean() < 3


def test_colour_to_grey_weighs_by_itu_r_601(file):
    found = read_image(file(LOSSLESS["PNG"]), channels=1)
    assert np.abs(found - COLOUR @ [0.299, 0.587, 0.114]).max() < 1


def test_result_is_the_callers_to_change(file):
    found = read_image(file(LOSSLESS["PNG"]))
    found += 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_orientation_of_exif_is_applied(file, orientation, file_format):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    lossless = {"lossless": True} if file_format == "WEBP" else {}
    found = read_image(file(encoded(COLOUR, file_format, exif=exif, **lossless)))
    # EXIF 2.32, tag 0x0112: where the stored row 0 and column 0 belong in the upright picture.
    upright = {
        1: COLOUR,
        2: COLOUR[:, ::-1],
        3: COLOUR[::-1, ::-1],
        4: COLOUR[::-1],
        5: COLOUR.swapaxes(0, 1),
        6: COLOUR.swapaxes(0, 1)[:, ::-1],
        7: COLOUR[::-1, ::-1].swapaxes(0, 1),
        8: COLOUR.swapaxes(0, 1)[::-1],
    }
    np.testing.assert_array_equal(found, upright[orientation])


def test_an_orientation_that_isnt_one_changes_nothing(file):
    exif = Image.Exif()
    exif[ORIENTATION] = 99
    np.testing.assert_array_equal(read_image(file(encoded(COLOUR, "PNG", exif=exif))), COLOUR)


def test_palette_gives_its_colours(file):
    image = Image.frombytes("P", (7, 5), (GREY % 4).tobytes())
    palette = np.array([[255, 0, 0], [0, 255, 0], [9, 8, 7], [1, 2, 3]], np.uint8)
    image.putpalette(palette.tobytes())
    for file_format in ("PNG", "GIF", "BMP"):
        found = read_image(file(encoded(image, file_format)))
        np.testing.assert_array_equal(found, palette[GREY % 4])


def test_transparency_is_laid_over_white(file):
    alpha = np.zeros((5, 7), np.uint8)
    alpha[:, 3:] = 255
    alpha[:, 6] = 128
    found = read_image(file(encoded(np.dstack([COLOUR, alpha]), "PNG")))
    assert (found[:, :3] == 255).all()
    np.testing.assert_array_equal(found[:, 3:6], COLOUR[:, 3:6])
    half = (COLOUR[:, 6].astype(float) * 128 + 255 * 127) / 255
    assert np.abs(found[:, 6] - half).max() <= 1


def test_transparent_colour_of_a_palette_is_white(file):
    image = Image.frombytes("P", (7, 5), (GREY % 2).tobytes())
    image.putpalette([10, 20, 30, 40, 50, 60])
    for file_format in ("PNG", "GIF"):
        found = read_image(file(encoded(image, file_format, transparency=1)))
        expected = np.array([[10, 20, 30], [255, 255, 255]])[GREY % 2]
        np.testing.assert_array_equal(found, expected)


def test_grey_with_transparency_is_laid_over_white(file):
    found = read_image(file(encoded(np.dstack([GREY, GREY * 0]), "PNG")), channels=1)
    assert (found == 255).all()


SIXTEEN = rng.integers(0, 1 << 16, (5, 7)).astype(np.uint16)


@pytest.mark.parametrize("file_format", ["PNG", "PPM"])
def test_of_sixteen_bits_the_higher_eight_are_kept(file, file_format):
    found = read_image(file(encoded(SIXTEEN, file_format)), channels=1)
    np.testing.assert_array_equal(found, SIXTEEN >> 8)


def png(width, height, depth, colour_type, rows):
    """A PNG written by hand."""

    def chunk(kind, content):
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">2I5B", width, height, depth, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def test_sixteen_bit_colours_keep_their_higher_eight_too(file):
    colours = rng.integers(0, 1 << 16, (5, 7, 3)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in colours)
    np.testing.assert_array_equal(read_image(file(png(7, 5, 16, 2, rows))), colours >> 8)


def test_one_bit_is_black_or_white(file):
    bits = GREY > 127
    for file_format in ("PNG", "BMP", "PPM"):
        found = read_image(file(encoded(Image.fromarray(bits), file_format)), channels=1)
        np.testing.assert_array_equal(found, bits * 255)


def test_cmyk_becomes_rgb(file):
    cmyk = Image.new("CMYK", (24, 16), (0, 255, 255, 0))  # red in ink
    found = read_image(file(encoded(cmyk, "JPEG", quality=95)))
    assert np.abs(found.reshape(-1, 3).mean(axis=0) - [255, 0, 0]).max() < 10


def test_of_an_animation_the_first_picture_is_read(file):
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    for file_format, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        content = encoded(
            frames[0], file_format, save_all=True, append_images=frames[1:], **options
        )
        np.testing.assert_array_equal(read_image(file(content), channels=1), GREY)


# ------------------------------------------------------------------------------ refusals


def refused(path, message, **options):
    with pytest.raises(DataError) as caught:
        read_image(path, **options)
    assert re.fullmatch(re.escape(str(path)) + " " + message, str(caught.value)), caught.value


def test_another_number_of_channels_is_an_error(file):
    with pytest.raises(ArgumentError, match="channels"):
        read_image(file(LOSSLESS["PNG"]), channels=4)


def test_missing_file_folder_empty_file_and_pipe_say_so(file, tmp_path):
    refused(tmp_path / "nothing", r"cannot be read: No such file or directory\.")
    refused(tmp_path, r"cannot be read: Is a directory\.")
    refused(file(b""), r"is empty\.")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", r"cannot be read: Not a regular file\.")


@pytest.mark.parametrize(
    "content",
    [b"<html>404</html>", b"\0", encoded(COLOUR, "TIFF"), encoded(COLOUR, "TGA"), b"GIF89a"],
)
def test_what_is_no_image_of_a_known_format_is_refused(file, content):
    refused(
        file(content, "a.png"),
        r"(is no image of a format that minidl reads \(PNG, .*\), or its header is damaged; "
        r"it starts with b['\"].*['\"]|is damaged or truncated: .*)\.",
    )


@pytest.mark.parametrize("name", LOSSLESS)
def test_more_pixels_than_allowed_are_refused(file, name):
    refused(file(LOSSLESS[name]), r"has 7 × 5 pixels, more than the 34 allowed\.", max_pixels=34)
    assert read_image(file(LOSSLESS[name]), max_pixels=35).shape == (5, 7, 3)


def test_a_decompression_bomb_is_refused_before_it_is_decoded(file):
    rows = zlib.compress(bytes(1000))
    bomb = png(9_000, 9_000, 8, 2, rows)
    refused(file(bomb), r"has 9000 × 9000 pixels, more than the 67,108,864 allowed\.")
    bomb = png(60_000, 60_000, 8, 2, rows)  # Pillow's own limit comes first
    refused(file(bomb), r"has more pixels than the 67,108,864 allowed\.")


def test_large_images_give_no_warning(file, recwarn):
    refused(file(png(10_000, 10_000, 8, 2, b"")), r"has 10000 × 10000 pixels, .*")
    assert not recwarn.list


FILES = {
    **LOSSLESS,
    "JPEG": encoded(SMOOTH, "JPEG"),
    "progressive JPEG": encoded(SMOOTH, "JPEG", progressive=True),
    "GIF": encoded(GREY, "GIF"),
    "lossy WebP": encoded(SMOOTH, "WEBP"),
    "PGM": encoded(GREY, "PPM"),
    "16-bit PNG": encoded(SIXTEEN, "PNG"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_is_refused_or_lacks_no_pixel(file, name):
    whole = read_image(file(FILES[name]))
    for length in range(1, len(FILES[name])):
        try:
            found = read_image(file(FILES[name][:length]))
        except DataError:
            continue
        np.testing.assert_array_equal(found, whole)
        assert len(FILES[name]) - length < 20  # what may be missing is an end marker


def test_a_flipped_byte_anywhere_in_a_png_never_changes_its_pixels(file):
    content = LOSSLESS["PNG"]
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0x41
        try:
            found = read_image(file(bytes(damaged)))
        except DataError:
            continue
        np.testing.assert_array_equal(found, COLOUR)
