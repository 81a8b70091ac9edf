"""A photographed digit, made like MNIST's."""

import io

import numpy as np
import pytest
from PIL import Image

from minidl.datasets import BUNDLED, MNIST
from minidl.datasets.digit import digit_image, doubts
from minidl.errors import DataError, DTypeError, ShapeError
from minidl.train.photos import probabilities
from minidl.train.trained import SHIPPED, trained

DIGITS = MNIST(BUNDLED, train=False)


def page_with(digit, rng, *, light_ink=False, noise=0.0, shadow=0.0, thinner=0, scale=5):
    """A page of random size with the digit enlarged at a random place: float64 (H, W)."""
    side = scale * len(digit)
    height, width = side + rng.integers(40, 120, 2)
    ink = np.zeros((height, width))
    top, left = rng.integers(2, height - side), rng.integers(2, width - side)
    enlarged = np.asarray(Image.fromarray(digit).resize((side, side)), float) / 255
    ink[top : top + side, left : left + side] = enlarged
    for _ in range(thinner):
        core = ink > 0.5
        ink = np.logical_and.reduce([core, *(np.roll(core, k, a) for k in (-1, 1) for a in (0, 1))])
    page = 25 + 200 * ink if light_ink else 235 - 200 * ink
    page = page - shadow * np.linspace(0, 1, width) + rng.normal(0, 1, page.shape) * noise
    return np.clip(page, 0, 255).astype(np.uint8)


def through_file(page, file_format):
    """The pixels after a lossy or lossless file."""
    buffer = io.BytesIO()
    Image.fromarray(page).convert("RGB").save(buffer, file_format)
    return np.asarray(Image.open(buffer))


def digit_as_in_mnist():
    return DIGITS.images[5]


LOOKS = (
    {},
    {"light_ink": True},
    {"noise": 15.0},
    {"noise": 8.0, "shadow": 60.0},
    {"noise": 8.0, "shadow": 60.0, "light_ink": True},
    {"noise": 8.0, "thinner": 3},
)


def test_enlarged_test_digits_are_recognized():
    rng, right, count = np.random.default_rng(0), np.zeros((6, 2)), np.zeros((6, 2))
    network = trained(SHIPPED).network
    for n in range(200):
        look, file_format = n % 6, n // 6 % 2
        page = page_with(DIGITS.images[n], rng, **LOOKS[look])
        digit = digit_image(through_file(page, ("PNG", "JPEG")[file_format]))
        seen = (digit[None, None].astype(np.float32) / 255 - DIGITS.mean[0]) / DIGITS.std[0]
        answer = probabilities(network, seen).argmax()
        right[look, file_format] += answer == DIGITS.labels[n]
        count[look, file_format] += 1
    assert right.sum() / count.sum() >= 0.95
    assert (right >= count - 2).all()  # of the 16 or 17 of each kind


def test_images_of_mnist_pass_unchanged():
    for image in DIGITS.images[:300]:
        assert np.array_equal(digit_image(image), image)
    image = digit_as_in_mnist()
    result = digit_image(image)
    assert not np.shares_memory(result, image)
    assert result.flags.writeable


def test_result_has_the_form_of_mnist():
    page = np.full((300, 200, 3), 240, np.uint8)
    page[50:250, 20:40] = (30, 30, 120)
    page[50:70, 20:120] = (30, 30, 120)  # a seven, off the middle
    digit = digit_image(page)
    assert digit.shape == (28, 28)
    assert digit.dtype == np.uint8
    assert digit.max() == 255
    assert digit[0].max() == 0
    rows, columns = np.flatnonzero(digit.max(axis=1)), np.flatnonzero(digit.max(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    total = digit.sum(dtype=float)
    assert abs((digit.sum(axis=1) @ np.arange(28)) / total - 14) <= 0.5
    assert abs((digit.sum(axis=0) @ np.arange(28)) / total - 14) <= 0.5


def test_aspect_ratio_is_kept():
    page = np.full((200, 200), 250, np.uint8)
    page[40:160, 80:110] = 0  # 120 × 30
    digit = digit_image(page)
    assert len(np.flatnonzero(digit.max(axis=1) > 128)) == 20
    assert len(np.flatnonzero(digit.max(axis=0) > 128)) == 5


def test_polarity_makes_no_difference():
    page = page_with(digit_as_in_mnist(), np.random.default_rng(1))
    assert np.abs(digit_image(page).astype(int) - digit_image(255 - page)).max() <= 1


def test_specks_and_the_edge_of_the_page_are_left_out():
    rng = np.random.default_rng(2)
    page = page_with(digit_as_in_mnist(), rng)
    clean = digit_image(page)
    page[3:6, 3:6] = 35  # a speck
    page[:, -6:] = 35  # the table beside the page, as dark as the ink
    assert np.array_equal(digit_image(page), clean)


@pytest.mark.parametrize("shape", [(100, 100), (37, 80, 3), (28, 28)])
@pytest.mark.parametrize("noise", [0, 4])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_pages_hold_no_digit(shape, noise, level):
    values = level + noise * np.random.default_rng(0).standard_normal(shape)
    with pytest.raises(DataError, match="no digit found"):
        digit_image(np.clip(values, 0, 255).astype(np.uint8))


def test_input_is_not_changed_and_may_have_any_strides():
    page = page_with(digit_as_in_mnist(), np.random.default_rng(3))
    before = page.copy()
    digit = digit_image(page)
    assert np.array_equal(page, before)
    wide = np.repeat(page, 2, axis=1)
    assert np.array_equal(digit_image(wide[:, ::2]), digit)
    page.flags.writeable = False
    assert np.array_equal(digit_image(page), digit)


@pytest.mark.parametrize(
    ("pixels", "error", "message"),
    [
        (np.zeros((28, 28)), DTypeError, "uint8"),
        (np.zeros((28, 28, 4), np.uint8), ShapeError, r"\(H, W, 3\)"),
        (np.zeros((1, 28, 28, 1), np.uint8), ShapeError, r"\(H, W\)"),
        (np.zeros((3, 90), np.uint8), DataError, "8 × 8"),
    ],
)
def test_what_is_no_picture_is_refused(pixels, error, message):
    with pytest.raises(error, match=message):
        digit_image(pixels)


@pytest.mark.parametrize("shape", [(8, 8), (8, 300), (3000, 2000)])
def test_unusual_sizes_work(shape):
    page = np.full(shape, 255, np.uint8)
    h, w = shape
    page[h // 4 : -h // 4, w // 3 : -w // 3] = 0
    assert digit_image(page).max() == 255


# ------------------------------------------------------------------- doubts, and sheets


def numerals(*digits, gap=0):
    """Several of MNIST's images beside each other, in a square."""
    row = np.concatenate([np.pad(digit, ((0, 0), (0, gap))) for digit in digits], axis=1)
    square = np.zeros((row.shape[1],) * 2, np.uint8)
    top = (row.shape[1] - 28) // 2
    square[top : top + 28] = row
    return square


def on_a_desk(page, rng, level=40):
    """The page, crooked, on something dark and larger."""
    rotated = Image.fromarray(page).rotate(
        rng.uniform(-6, 6), Image.BILINEAR, True, None, None, level
    )
    sheet = np.asarray(rotated)
    desk = np.full(np.add(sheet.shape, rng.integers(60, 160, 2)), float(level))
    top, left = (
        rng.integers(20, whole - part - 10)
        for whole, part in zip(desk.shape, sheet.shape, strict=True)
    )
    desk[top : top + sheet.shape[0], left : left + sheet.shape[1]] = sheet
    return np.clip(desk + rng.normal(0, 4, desk.shape), 0, 255).astype(np.uint8)


def test_single_digits_are_hardly_ever_doubted():
    rng = np.random.default_rng(4)
    doubted = [n for n in range(300) if doubts(page_with(DIGITS.images[n], rng, **LOOKS[n % 6]))]
    assert len(doubted) <= 6  # thinned strokes break; half of them are none of MNIST's
    assert not any(doubts(image) for image in DIGITS.images[:300])


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("gap", [0, 5])
def test_several_digits_are_counted(count, gap):
    rng, right = np.random.default_rng(5), 0
    for n in range(0, 150, 3):
        page = page_with(numerals(*DIGITS.images[n : n + count], gap=gap), rng, scale=3)
        found = doubts(page)
        assert len(found) == 1
        assert "separate marks" in found[0]
        right += found[0].startswith(f"{count} ")
    assert right >= 45  # of 50; some digits are in two parts


@pytest.mark.parametrize("shape", [(28, 28), (100, 100), (300, 400)])
def test_noise_is_doubted(shape):
    rng = np.random.default_rng(6)
    for noise in (rng.uniform(0, 256, shape), rng.normal(128, 40, shape)):
        (found,) = doubts(np.clip(noise, 0, 255).astype(np.uint8))
        assert "more strokes than a digit has" in found


def test_an_empty_sheet_on_a_desk_is_doubted():
    page = np.full((200, 300), 40, np.uint8)
    page[40:170, 60:260] = 235
    (found,) = doubts(page)
    assert "a filled area" in found


def test_digits_on_a_sheet_on_a_desk_are_found():
    rng, right = np.random.default_rng(7), 0
    network = trained(SHIPPED).network
    for n in range(40):
        page = on_a_desk(page_with(DIGITS.images[n], rng, noise=4.0), rng)
        assert doubts(page) == []
        seen = (
            digit_image(page)[None, None].astype(np.float32) / 255 - DIGITS.mean[0]
        ) / DIGITS.std[0]
        right += probabilities(network, seen).argmax() == DIGITS.labels[n]
    assert right >= 38


def test_a_page_without_a_digit_has_no_doubts_but_an_error():
    with pytest.raises(DataError, match="no digit found"):
        doubts(np.full((50, 50), 200, np.uint8))
