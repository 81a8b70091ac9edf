import os

import numpy as np
import pytest
from PIL import Image

from minidl.datasets import DataLoader, ImageFolder, validation_split
from minidl.datasets.transforms import CenterCrop, Resize
from minidl.errors import ArgumentError, DataError

RNG = np.random.default_rng(0)


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def picture(H=5, W=7, channels=3):
    shape = (H, W, 3) if channels == 3 else (H, W)
    return RNG.integers(0, 256, shape, np.uint8)


@pytest.fixture
def pets(tmp_path):
    """{relative path: pixels (H, W, 3)} in the order of the samples, written to tmp_path."""
    names = [
        "a cat/10.png",
        "a cat/9.PNG",
        "a cat/more/1.bmp",
        "dog/1.ppm",
        "dog/b.png",
        "eel/1.png",
    ]
    return {name: write(tmp_path / name, picture()) for name in names}


def test_classes_and_samples_are_in_the_order_of_their_names(pets, tmp_path):
    data = ImageFolder(tmp_path)
    assert data.class_names == ("a cat", "dog", "eel")
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 2]
    assert [str(path.relative_to(tmp_path)) for path in data.paths] == list(pets)
    assert len(data) == 6


def test_pixels_are_those_of_the_files_channels_first(pets, tmp_path):
    data = ImageFolder(str(tmp_path))
    assert (data.images.dtype, data.images.shape) == (np.uint8, (6, 3, 5, 7))
    for image, pixels in zip(data.images, pets.values(), strict=True):
        for c in range(3):
            assert image[c].tolist() == pixels[:, :, c].tolist()


def test_grey_images_have_one_channel(tmp_path):
    pixels = write(tmp_path / "ink" / "1.png", picture(channels=1))
    data = ImageFolder(tmp_path, channels=1)
    assert data.images.shape == (1, 1, 5, 7)
    assert data.images[0, 0].tolist() == pixels.tolist()


def test_grey_files_have_three_equal_channels_if_asked(tmp_path):
    pixels = write(tmp_path / "ink" / "1.png", picture(channels=1))
    for channel in ImageFolder(tmp_path).images[0]:
        assert channel.tolist() == pixels.tolist()


def test_size_resizes_the_shorter_side_and_cuts_out_the_middle(tmp_path):
    sizes = {"wide": (9, 31), "high": (40, 6), "small": (3, 4), "right": (8, 8)}
    pixels = {
        name: write(tmp_path / name / "1.png", picture(*size)) for name, size in sizes.items()
    }
    data = ImageFolder(tmp_path, size=8)
    assert data.images.shape == (4, 3, 8, 8)
    for name, image in zip(data.class_names, data.images, strict=True):
        as_floats = pixels[name].transpose(2, 0, 1)[None] / 255
        expected = CenterCrop(8)(Resize(8)(as_floats))[0] * 255
        # Half a level of rounding, and what float32 adds to it.
        np.testing.assert_allclose(image, expected, rtol=0, atol=0.5 + 1e-3)
    assert data.images[data.class_names.index("right")].tolist() == (
        pixels["right"].transpose(2, 0, 1).tolist()
    )


def test_resized_images_are_within_a_level_of_pillows(tmp_path):
    pixels = write(tmp_path / "x" / "1.png", picture(60, 60))
    (image,) = ImageFolder(tmp_path, size=24).images
    resized = Image.fromarray(pixels).resize((24, 24), Image.Resampling.BILINEAR)
    expected = np.asarray(resized).transpose(2, 0, 1)
    np.testing.assert_allclose(image.astype(int), expected, rtol=0, atol=1)


def test_hidden_and_other_files_are_skipped(pets, tmp_path):
    write(tmp_path / "dog" / ".hidden.png", picture())
    write(tmp_path / ".cache" / "1.png", picture())
    write(tmp_path / "dog" / ".thumbnails" / "1.png", picture())
    (tmp_path / "dog" / "notes.txt").write_text("good boy")
    (tmp_path / "dog" / "Thumbs.db").write_bytes(b"")
    (tmp_path / "README.md").write_text("pets")
    assert len(ImageFolder(tmp_path)) == len(pets)


def test_links_are_followed_but_not_in_circles(pets, tmp_path):
    elsewhere = tmp_path.with_name("elsewhere")
    one, other = write(elsewhere / "1.png", picture()), write(elsewhere / "2.png", picture())
    os.symlink(elsewhere, tmp_path / "fox")
    os.symlink(elsewhere / "2.png", tmp_path / "eel" / "2.png")
    os.symlink(tmp_path / "eel", tmp_path / "eel" / "again")
    data = ImageFolder(tmp_path)
    assert data.class_names == ("a cat", "dog", "eel", "fox")
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 2, 2, 3, 3]
    assert data.images[6].tolist() == data.images[8].tolist() == other.transpose(2, 0, 1).tolist()
    assert data.images[7].tolist() == one.transpose(2, 0, 1).tolist()


def test_representation_and_source_tell_where_the_images_are_from(pets, tmp_path):
    expected = f"6 images of 3 classes from {tmp_path}."
    assert repr(ImageFolder(tmp_path)) == f"<ImageFolder: 6 × 3 × 5 × 7 uint8. {expected}>"


def test_loader_makes_normalised_batches(pets, tmp_path):
    data = ImageFolder(tmp_path, mean=(0.1, 0.2, 0.3), std=(1.0, 0.5, 0.25))
    ((images, labels),) = DataLoader(data, 6).numpy_batches()
    assert labels.tolist() == [0, 0, 0, 1, 1, 2]
    expected = (data.images[4, 2] / 255 - 0.3) / 0.25
    np.testing.assert_allclose(images[4, 2], expected, rtol=0, atol=1e-6)


def test_validation_split_keeps_names_and_normalisation(tmp_path):
    for name in ("cat", "dog"):
        for number in range(10):
            write(tmp_path / name / f"{number}.png", picture(2, 3))
    data = ImageFolder(tmp_path, mean=(0.5,) * 3, std=(0.25,) * 3)
    training, validation = validation_split(data, 0.3)
    for part, count in ((training, 7), (validation, 3)):
        assert part.class_names == ("cat", "dog")
        assert (part.mean, part.std) == (data.mean, data.std)
        assert np.bincount(part.labels).tolist() == [count, count]
    assert validation.source == f"{data.source} Only a validation part of 0.3."


# ------------------------------------------------------------------- what is refused


def test_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(DataError, match="missing doesn't exist"):
        ImageFolder(tmp_path / "missing")
    write(tmp_path / "1.png", picture())
    with pytest.raises(DataError, match=r"1\.png is a file, not a folder"):
        ImageFolder(tmp_path / "1.png")


def test_folder_without_classes_is_told_how_to_arrange_them(tmp_path):
    write(tmp_path / "1.png", picture())
    with pytest.raises(DataError, match=r"has no folders. Put the images into a folder for each"):
        ImageFolder(tmp_path)


def test_classes_without_images_are_named(pets, tmp_path):
    (tmp_path / "bird").mkdir()
    (tmp_path / "cow").mkdir()
    (tmp_path / "cow" / "1.tiff").write_bytes(b"")
    with pytest.raises(DataError, match=r"no images in bird, cow\. .* end in \.png, \.jpg"):
        ImageFolder(tmp_path)


def test_images_of_different_sizes_are_named(pets, tmp_path):
    write(tmp_path / "dog" / "2.png", picture(7, 5))
    with pytest.raises(DataError, match=r"10\.png has 7 × 5 pixels, .*2\.png 5 × 7\. .* size=…"):
        ImageFolder(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n\0\0"])
def test_file_that_cannot_be_read_is_named(pets, tmp_path, content):
    (tmp_path / "dog" / "broken.png").write_bytes(content)
    with pytest.raises(DataError, match=r"broken\.png"):
        ImageFolder(tmp_path)


def test_link_to_nothing_is_named(pets, tmp_path):
    os.symlink(tmp_path / "gone", tmp_path / "dog" / "lost.png")
    with pytest.raises(DataError, match=r"lost\.png"):
        ImageFolder(tmp_path)


def test_more_pixels_than_allowed_are_refused_before_all_are_read(pets, tmp_path):
    (tmp_path / "eel" / "1.png").write_bytes(b"never read")
    with pytest.raises(
        DataError, match=r"6 images of 7 × 5 pixels take 630 bytes, more than max_b"
    ):
        ImageFolder(tmp_path, max_bytes=629)


def test_image_that_resizing_would_blow_up_is_refused(tmp_path):
    write(tmp_path / "x" / "line.png", picture(1, 40000))
    with pytest.raises(DataError, match=r"line.png has 40000 × 1 pixels; .* 256 they would be"):
        ImageFolder(tmp_path, size=256)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "size is 0, expected at least 1"),
        ({"max_bytes": 0}, "max_bytes is 0, expected at least 1"),
        ({"channels": 2}, "channels is 2, expected 3"),
    ],
)
def test_impossible_arguments_are_refused(pets, tmp_path, arguments, message):
    with pytest.raises(ArgumentError, match=message):
        ImageFolder(tmp_path, **arguments)
