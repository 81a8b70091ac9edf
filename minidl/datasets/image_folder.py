"""`ImageFolder`: one's own images, a folder per class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from minidl.datasets.dataset import Array, Dataset
from minidl.datasets.transforms.geometry import center_crop
from minidl.datasets.transforms.resizing import output_size, resize
from minidl.errors import ArgumentError, DataError, fail
from minidl.files.images import MAX_PIXELS, read_image

__all__ = ["EXTENSIONS", "ImageFolder"]

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pbm", ".pgm", ".ppm")
"""Endings of the files that are read, in capital letters too; others are skipped."""


class ImageFolder(Dataset):
    """Images in folders named after their classes, as torchvision's `ImageFolder` takes them:

        root/cat/1.png, root/cat/2.jpg, root/cat/more/3.png, root/dog/1.png, …

    Classes are numbered in the order of their names, samples in that of their classes, folders and
    names. Hidden files and folders (.git, ._1.png) and files with other endings than `EXTENSIONS`
    are skipped, links are followed. Training and test images are two folders, and two data sets:

        training = ImageFolder("pets/train", size=64)
        test = ImageFolder("pets/test", size=64)

    All pixels are in memory, as uint8: 10,000 images of 3 × 64 × 64 take 123 MB, of 3 × 224 × 224
    1.5 GB. Data sets larger than memory are not for this class.

    With `size`, each image is resized so that its shorter side has that many pixels (bilinear,
    antialiased; see `transforms.Resize`), and the square in its middle is cut out. Without, all
    images must be of one size.

    Raises DataError if there is no such folder, no folder of a class in it, no image in one of
    those, a file that can't be read, images of different sizes and no `size`, or more of them than
    `max_bytes`; ArgumentError if size or max_bytes is below 1 or channels neither 1 nor 3.

    Attributes:
        images: uint8 (N, C, H, W).
        labels: int64 (N,).
        class_names: the folders' names, sorted.
        paths: the N files.

    Args:
        root: the folder of the classes' folders.
        size: of the squares that images are made into; None: they stay as they are.
        channels: 3 for red, green, blue; 1 for grey.
        mean, std: of the training set's pixels in [0, 1], a number per channel, for the loader to
            normalise with: training.images.mean(axis=(0, 2, 3)) / 255, its std likewise, or what
            a pretrained model was trained with. None: it doesn't normalise.
        max_bytes: the most that the pixels may take.

    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        size: int | None = None,
        channels: int = 3,
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
        max_bytes: int = 1 << 32,
    ) -> None:
        if size is not None and size < 1:
            fail("ImageFolder", "size", size, "at least 1", error=ArgumentError)
        if max_bytes < 1:
            fail("ImageFolder", "max_bytes", max_bytes, "at least 1", error=ArgumentError)
        folder = Path(root).expanduser()
        files = {name: _images_in(folder / name) for name in _class_names(folder)}
        _check_none_is_empty(files)
        self.paths = tuple(path for paths in files.values() for path in paths)
        counts = [len(paths) for paths in files.values()]
        super().__init__(
            _read(self.paths, size, channels, max_bytes),
            np.repeat(np.arange(len(counts)), counts),
            class_names=tuple(files),
            mean=mean,
            std=std,
            source=f"{len(self.paths):,} images of {len(counts)} classes from {folder}.",
        )


# ------------------------------------------------------------------- which files there are


def _class_names(folder: Path) -> list[str]:
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "doesn't exist"
        raise DataError(f"ImageFolder: {folder} {what}.")
    names = sorted(
        entry.name for entry in folder.iterdir() if entry.is_dir() and not _is_hidden(entry.name)
    )
    if not names:
        raise DataError(
            f"ImageFolder: {folder} has no folders. Put the images into a folder for each class, "
            f"such as {folder / 'cat' / '1.png'} and {folder / 'dog' / '1.png'}."
        )
    return names


def _images_in(folder: Path) -> list[Path]:
    return [
        Path(inner, name)
        for inner, names in sorted(_walk(folder))
        for name in sorted(names)
        if name.lower().endswith(EXTENSIONS) and not _is_hidden(name)
    ]


def _walk(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """(folder, names of its files) of it and all within; a link back up isn't followed twice."""
    seen = set()
    for inner, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(inner)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        yield inner, names


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


def _check_none_is_empty(files: dict[str, list[Path]]) -> None:
    empty = [name for name, paths in files.items() if not paths]
    if empty:
        raise DataError(
            f"ImageFolder: no images in {', '.join(empty[:5])}{', …' if empty[5:] else ''}. Every "
            f"folder in the root is a class; images are files that end in {', '.join(EXTENSIONS)}."
        )


# ------------------------------------------------------------------- reading them


def _read(paths: tuple[Path, ...], size: int | None, channels: int, max_bytes: int) -> Array:
    """uint8 (N, C, H, W)."""
    images: Array | None = None
    for number, path in enumerate(paths):
        image = _read_one(path, size, channels)
        if images is None:
            _check_total(len(paths) * image.size, len(paths), image, max_bytes)
            images = np.empty((len(paths), *image.shape), np.uint8)
        if image.shape != images.shape[1:]:
            raise DataError(
                f"ImageFolder: {paths[0]} has {_extent(images[0])} pixels, {path} {_extent(image)}."
                " Images of different sizes need size=…: each is then resized, and the square in "
                "its middle cut out."
            )
        images[number] = image
    assert images is not None  # there is a class, and none is empty
    return images


def _read_one(path: Path, size: int | None, channels: int) -> Array:
    """uint8 (C, H, W)."""
    pixels = read_image(path, channels)
    image = pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
    if size is None:
        return image
    out_h, out_w = output_size(image.shape[1], image.shape[2], size)
    if out_h * out_w > MAX_PIXELS:
        raise DataError(
            f"ImageFolder: {path} has {_extent(image)} pixels; with a shorter side of {size} they "
            f"would be {out_w} × {out_h}. Cut it first, or leave it out."
        )
    resized = resize(image[None].astype(np.float32), (out_h, out_w))
    cropped: Array = center_crop(np.rint(resized).astype(np.uint8), (size, size))[0]
    return cropped


def _check_total(total: int, count: int, image: Array, max_bytes: int) -> None:
    if total > max_bytes:
        raise DataError(
            f"ImageFolder: {count:,} images of {_extent(image)} pixels take {total:,} bytes, more "
            f"than max_bytes = {max_bytes:,}. Choose a smaller size, or raise max_bytes if there "
            "is as much memory."
        )


def _extent(image: Array) -> str:
    return f"{image.shape[2]} × {image.shape[1]}"
