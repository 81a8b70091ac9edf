"""Slides that name a paper, and "Progress": who, when, and how many layers, from the networks."""

from __future__ import annotations

import re

from minidl import models
from minidl.lecture.measure import measured
from minidl.lecture.quotes import PAPERS
from minidl.lecture.report import LectureTable, Row, row, unknown
from minidl.lecture.verdicts import Reading
from minidl.models import Paper
from minidl.nn import Conv2d, Dropout, Linear

EARLIER = {
    "LeNet": Reading(
        "LeCun et al. 1995, where LeNet-5 is one of the classifiers compared", 1995, "1995"
    )
}
"""Papers that no model here has on its card."""


def papers() -> LectureTable:
    """Authors and years of the cards; layers of LeNet and AlexNet."""
    rows = [line for who, *quoted in PAPERS for line in _paper(who, *quoted)]
    lenet, alexnet = measured("lenet5"), measured("alexnet_lecture")
    rows += [
        row("LeNet: convolution + pooling layers", "2", ("", len(lenet.of(Conv2d)))),
        row("LeNet: hidden dense layers", "2", ("", len(lenet.of(Linear)) - 1)),
        row("AlexNet: dropout layers", "2", ("", len(alexnet.of(Dropout)))),
        unknown("ImageNet: year", "2010", "of the first competition; the data set is older"),
        unknown("Lipton et al., on batch norm: year", "2018"),
        unknown("Learning with Kernels: year", "2001"),
    ]
    return LectureTable(
        "papers",
        "Progress, AlexNet, ResNext, Squeeze-Excite Net, ShuffleNet, EfficientNet",
        tuple(rows),
        "From the cards of the models, but for LeNet's 1995: that is the year of an earlier paper.",
    )


def _paper(what: str, author: str, year: str, model: str) -> list[Row]:
    card = models.card(model)
    assert card is not None
    rows = [_year(what, year, card.paper)]
    if author:
        rows.insert(0, row(f"{what}: first author", author, ("", _first_author(card.paper))))
    return rows


def _first_author(paper: Paper) -> str:
    """The surname: "X. Zhang, X. Zhou" → "Zhang"."""
    return paper.authors.split(",")[0].split()[-1]


def _year(what: str, year: str, paper: Paper) -> Row:
    readings = [Reading(f"“{paper.title}”", paper.year, str(paper.year))]
    at = re.match(r".*\b((?:19|20)\d\d)\b", paper.venue.partition(",")[0])
    if at is not None and int(at[1]) != paper.year:
        readings.append(Reading(f"its conference, {at[0]}", int(at[1]), at[1]))
    if what in EARLIER:
        readings.append(EARLIER[what])
    return row(f"{what}: year", year, *readings)
