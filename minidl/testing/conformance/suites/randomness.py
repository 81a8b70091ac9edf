"""Random words, dropout, drop path and channel shuffle: exact to the bit."""

from __future__ import annotations

import math
from typing import Any

from minidl.testing.conformance.data import constant, normal, scalar, sprinkled
from minidl.testing.conformance.suite import Config, Draw, Suite

LAST = 2**32 - 1
KEYS: list[Config] = [
    {"seed": 0, "stream": 0, "offset": 0},
    {"seed": 42, "stream": 7, "offset": 5},
    {"seed": LAST, "stream": LAST, "offset": 2**64 - 1},
    {"seed": 1, "stream": 0, "offset": 2**32},  # the offset's high word
    {"seed": 0, "stream": 1, "offset": 3, "base": scalar(2**40 + 9, "uint64")},
    {"seed": 9, "stream": 2, "offset": 2**64 - 2, "base": scalar(5, "uint64")},  # wraps around
]
SHAPES = ((1,), (3,), (4,), (2, 3), (2, 3, 1, 5), (0, 4), ())


def _draw_key(d: Draw) -> Config:
    key: Config = {name: d.integer(0, LAST) for name in ("seed", "stream")}
    key["offset"] = d.integer(0, 2**64 - 1)
    return {**key, "base": scalar(d.integer(0, 2**64 - 1), "uint64")} if d.flag() else key


def _draw_shape(d: Draw, minimum: int = 0) -> tuple[int, ...]:
    return tuple(d.integer(1, 5) for _ in range(d.integer(minimum, 4)))


def _dropout(x: Any, p: float, key: Config) -> Config:
    return {"x": x, "p": p, **key}


DROPOUTS = [
    *(_dropout(normal(2, 3, 4), 0.5, key) for key in KEYS),
    *(_dropout(normal(*shape), 0.3, KEYS[1]) for shape in SHAPES[:-1]),
    *(_dropout(normal(3, 7), p, KEYS[0]) for p in (0.0, 0.1, 0.9, 1.0)),
    _dropout(sprinkled(3, 7, value=math.nan), 0.5, KEYS[0]),  # what is dropped is 0, even NaN
    _dropout(sprinkled(3, 7, value=math.inf), 0.5, KEYS[0]),
    _dropout(constant(3, 7, value=-1.0), 0.5, KEYS[1]),  # and +0, not −0
    # p·2³² is the very word of element 0 (which is kept), or one more (dropped):
    _dropout(normal(1, 3), 0x6627E8D5 / 2**32, KEYS[0]),
    _dropout(normal(1, 3), 0x6627E8D6 / 2**32, KEYS[0]),
    _dropout(normal(1, 3), (0x6627E8D5 + 0.5) / 2**32, KEYS[0]),  # the half is rounded up
]


def _draw_dropout(d: Draw) -> Config:
    p = d.choice([0.5, 0.0, 0.1, 0.75, 1.0])
    return _dropout(normal(*_draw_shape(d, minimum=1)), p, _draw_key(d))


SHUFFLES = [
    {"x": normal(*shape), "groups": groups}
    for shape, groups in [
        ((2, 6, 2, 3), 2),
        ((2, 6, 3, 1), 3),
        ((1, 12, 1, 2), 3),
        ((1, 4, 2, 2), 1),
        ((1, 4, 2, 3), 4),
        ((3, 6), 2),
        ((0, 4, 2, 2), 2),
    ]
]


def _draw_shuffle(d: Draw) -> Config:
    groups = d.integer(1, 4)
    shape = (d.choice([1, 2, 0]), groups * d.integer(1, 4), *_draw_shape(d)[:2])
    return {"x": normal(*shape), "groups": groups}


SUITES = {
    "random_bits": Suite(
        [{"shape": shape, **key} for key in KEYS for shape in SHAPES],
        lambda d: {"shape": _draw_shape(d), **_draw_key(d)},
        scale=None,
    ),
    "dropout": Suite(DROPOUTS, _draw_dropout, scale=None, positive_zeros=True),
    "drop_path": Suite(DROPOUTS, _draw_dropout, scale=None, positive_zeros=True),
    "channel_shuffle": Suite(SHUFFLES, _draw_shuffle, scale=None),
}
