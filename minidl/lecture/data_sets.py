"""Slides "MNIST" and "ImageNet (2010)": how many images, how large, of how many classes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minidl.datasets import MNIST
from minidl.lecture.measure import measured
from minidl.lecture.quotes import DATA_SETS
from minidl.lecture.quotes import MNIST as QUOTED
from minidl.lecture.report import LectureTable, Row, holds, row, unknown

_SHIFT = 1
"""Pixels that a digit's centre of mass may be off the middle, in height and width."""


def mnist() -> LectureTable:
    """MNIST, from the files that were found."""
    images = _part(train=False).images
    height, width = images.shape[1:]
    box, off_centre = _extent(images)
    return LectureTable(
        "mnist",
        "MNIST",
        (
            _amount("training images", QUOTED["training"], train=True),
            _amount("test images", QUOTED["test"], train=False),
            row("image size", QUOTED["size"], ("", f"{height} x {width}")),
            row("classes", QUOTED["classes"], ("", len(np.unique(_part(train=False).labels)))),
            holds("digits", "scaled", box == 20, f"≤ {box} pixels", "higher or wider is none"),
            holds(
                "digits",
                "centered",
                round(off_centre, 2) <= _SHIFT,
                f"{off_centre:.4f} pixels off",
                f"the worst centre of mass; up to {_SHIFT:.2f} is centered: digits are shifted by "
                "whole pixels",
            ),
        ),
        _part(train=False).source,
    )


def imagenet() -> LectureTable:
    """ImageNet beside MNIST; of ImageNet there is nothing here but the networks for it."""
    large, small = measured("alexnet_lecture"), measured("lenet5")
    images = _part(train=False).images
    size, examples, classes = (DATA_SETS[name] for name in ("size", "examples", "classes"))
    average = "an average: every image has a size of its own"
    return LectureTable(
        "imagenet",
        "ImageNet (2010)",
        (
            holds(
                "ImageNet: images",
                "color",
                large.table.inputs[0][1] == 3,
                "AlexNet sees 3 channels",
            ),
            holds("MNIST: images", "gray", small.table.inputs[0][1] == 1, "LeNet sees 1 channel"),
            unknown("ImageNet: size", size[0], average),
            row("MNIST: size", size[1], ("", "{} x {}".format(*images.shape[1:]))),
            unknown("ImageNet: examples", examples[0], "images of the competition's training part"),
            _amount("MNIST: examples", examples[1], train=True),
            row("ImageNet: classes", classes[0], ("AlexNet's logits", large.all.output[1])),
            row("MNIST: classes", classes[1], ("LeNet's logits", small.all.output[1])),
        ),
    )


@lru_cache
def _part(train: bool) -> MNIST:
    return MNIST(train=train)


def _amount(what: str, slide: str, train: bool) -> Row:
    """A subset's size says nothing about the set's."""
    data = _part(train)
    if "a subset" in data.source:
        return unknown(what, slide, f"the full set is not on this machine, but {len(data):,} of it")
    return row(what, slide, ("", len(data)))


def _extent(images: Any) -> tuple[int, float]:
    """The longest side of any digit; how far any centre of mass is from the middle."""
    ink = images > 0  # (N, 28, 28)
    sides = []
    for axis in (1, 2):
        used = ink.any(axis=axis)  # (N, 28)
        last = used.shape[1] - used[:, ::-1].argmax(axis=1)
        sides.append(last - used.argmax(axis=1))
    weights = images.astype(np.float32)
    total = weights.sum(axis=(1, 2))
    places = np.arange(images.shape[1], dtype=np.float32) + 0.5
    rows = weights.sum(axis=2) @ places / total
    columns = weights.sum(axis=1) @ places / total
    off = (abs(rows - images.shape[1] / 2), abs(columns - images.shape[2] / 2))
    return int(np.max(sides)), float(np.max(off))
