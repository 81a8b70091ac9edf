"""The lecture's figures, computed again from the running networks, with a verdict on each.

Q. Chen, "Advanced deep learning architectures", COMP 5214 & ELEC 5680. What the slides say is in
`quotes`; a file for each group of slides computes what is; `verdicts` has the rules by which the
two are compared.

>>> from minidl import lecture
>>> (table,) = lecture.tables("inception")
>>> table.rows[0].cells
('Inception: parameters', '0.16 M', '163,696', 'rounded')
"""

from __future__ import annotations

from collections.abc import Callable

from minidl.errors import unknown_name
from minidl.lecture.alexnet import alexnet
from minidl.lecture.batch_norm import batch_norm
from minidl.lecture.complexity import complexity
from minidl.lecture.compound_scaling import efficientnet
from minidl.lecture.convolutions import convolutions
from minidl.lecture.data_sets import imagenet, mnist
from minidl.lecture.dense_layers import last_layers
from minidl.lecture.inception import googlenet, inception
from minidl.lecture.papers import papers
from minidl.lecture.report import COLUMNS, LectureTable, Row, counted, tally
from minidl.lecture.residual import resnet, resnext
from minidl.lecture.shapes import nin, vgg
from minidl.lecture.verdicts import KINDS, Reading, Verdict, judge
from minidl.random import default_generator

__all__ = [
    "COLUMNS",
    "KINDS",
    "TOPICS",
    "LectureTable",
    "Reading",
    "Row",
    "Verdict",
    "counted",
    "judge",
    "tables",
    "tally",
]

TOPICS: dict[str, Callable[[], LectureTable]] = {
    "mnist": mnist,
    "imagenet": imagenet,
    "alexnet": alexnet,
    "complexity": complexity,
    "last-layers": last_layers,
    "vgg": vgg,
    "nin": nin,
    "inception": inception,
    "googlenet": googlenet,
    "batch-norm": batch_norm,
    "resnet": resnet,
    "resnext": resnext,
    "convolutions": convolutions,
    "efficientnet": efficientnet,
    "papers": papers,
}
"""What there are tables of, in the lecture's order, and what makes them."""


def tables(topic: str | None = None) -> list[LectureTable]:
    """The tables of all topics in the lecture's order, or of one.

    Every figure is computed when this is called. Raises ArgumentError if there is no such topic.

    >>> [row.kind for table in tables("complexity") for row in table.rows].count("wrong")
    10
    """
    if topic is not None and topic not in TOPICS:
        unknown_name("lecture: there is no topic", topic, TOPICS)
    makers = TOPICS.values() if topic is None else [TOPICS[topic]]
    state = default_generator.get_state()
    try:
        return [make() for make in makers]
    finally:  # networks were built, but the caller's random numbers go on as if none had been
        default_generator.set_state(state)
