"""The card of a model: its paper and its published figures."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["IMAGENET", "Card", "Paper", "Preprocessing", "imagenet_card"]


@dataclass(frozen=True)
class Paper:
    """Where a network was published, and where the lecture has it."""

    title: str
    authors: str
    year: int
    venue: str
    """With the arXiv number, where there is one."""
    lecture: str
    """The heading under which the lecture shows it."""


@dataclass(frozen=True)
class Preprocessing:
    """What was done to an image before the published weights saw it.

    The shorter side is resized to `resize` pixels, the middle `crop` × `crop` pixels are cut out,
    divided by 255, and normalised: (pixel − mean) / std, per channel. Last, the channels are put in
    the order that the network expects.
    """

    resize: int
    crop: int
    interpolation: str = "bilinear"
    """Or "bicubic"."""
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    """Like the mean, of red, green and blue, whatever the order of the channels."""
    channel_order: str = "RGB"
    """Or "BGR", as networks of Caffe's expect: blue comes first."""


IMAGENET = Preprocessing(resize=256, crop=224)
"""What most networks published for ImageNet were given."""


@dataclass(frozen=True)
class Card:
    """What is known of a registered model without running it.

    >>> from minidl import models
    >>> card = models.card("lenet5")
    >>> card.paper.year, card.input, f"{card.parameters:,}"
    (1998, (1, 28, 28), '61,706')
    """

    paper: Paper
    input: tuple[int, int, int]
    """Channels, height and width that it was made for."""
    parameters: int
    """Trained numbers of the reference implementation, with its own number of classes."""
    macs: int
    """Multiply-accumulates of its convolutions and dense layers, for one image of that size."""
    num_classes: int = 1000
    top1: float | None = None
    """Published accuracy in percent, one crop; None where none is."""
    top1_source: str = ""
    """Whose figure that is, of which data set and weights."""
    reference: str = ""
    """The implementation whose defaults and parameter names these are, such as "torchvision"."""
    preprocessing: Preprocessing | None = None
    """None: images of the data set as they are, normalised by its own mean and deviation."""
    notes: str = ""
    """Where the paper prints another figure than its own network has, and other choices it made."""


def imagenet_card(
    paper: Paper, parameters: int, macs: int, top1: float | None = None, notes: str = ""
) -> Card:
    """The card of a network whose published weights are torchvision's first ones."""
    return Card(
        paper=paper,
        input=(3, 224, 224),
        parameters=parameters,
        macs=macs,
        top1=top1,
        top1_source="torchvision IMAGENET1K_V1, ImageNet validation" if top1 else "",
        reference="torchvision",
        preprocessing=IMAGENET,
        notes=notes,
    )
