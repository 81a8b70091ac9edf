"""The names of ImageNet's classes, in the order of published networks' logits."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["imagenet_classes"]


@cache
def imagenet_classes() -> tuple[str, ...]:
    """The 1,000 classes of ILSVRC 2012, as torchvision calls them.

    >>> names = imagenet_classes()
    >>> len(names), names[0], names[999]
    (1000, 'tench', 'toilet tissue')
    """
    text = files("minidl.models").joinpath("data", "imagenet_classes.txt").read_text("utf-8")
    return tuple(text.splitlines())
