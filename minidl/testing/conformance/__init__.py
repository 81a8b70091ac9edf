"""The conformance suite: does a backend do what the contract says?

Every kernel is compared with the loops of `minidl.testing.naive`, on cases picked to be difficult
and on cases that hypothesis draws, in float32 and float64, with inputs laid out in memory in every
legal way. Besides the values it checks shapes and dtypes, that inputs stay unchanged and share no
memory with results, that `out` is filled and returned, and that a repeated call gives the same
bits in another array. The arrays and `xp` are compared with NumPy, on examples that are lines of
Python.

>>> from minidl.testing import conformance
>>> report = conformance.run("numpy", ["relu", "max_pool2d"], max_examples=3)
>>> report.ok
True

`print(report)` shows a table and, for every kernel that is wrong, a call that fails as lines to
paste into Python. In tests, `assert_conforms` raises that report.
"""

from minidl.testing.conformance.call import Call
from minidl.testing.conformance.check import ConformanceError, check
from minidl.testing.conformance.data import (
    Data,
    constant,
    labels,
    literal,
    normal,
    offset,
    positive,
    scalar,
    sprinkled,
    unit,
    whole,
    wide,
)
from minidl.testing.conformance.example import Example
from minidl.testing.conformance.report import Report, Row
from minidl.testing.conformance.runner import assert_conforms, run

__all__ = [
    "Call",
    "ConformanceError",
    "Data",
    "Example",
    "Report",
    "Row",
    "assert_conforms",
    "check",
    "constant",
    "labels",
    "literal",
    "normal",
    "offset",
    "positive",
    "run",
    "scalar",
    "sprinkled",
    "unit",
    "whole",
    "wide",
]
