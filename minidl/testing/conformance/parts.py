"""The rows of the two parts of the contract that aren't kernels: the arrays, and `xp`."""

from __future__ import annotations

from collections.abc import Iterator

from minidl.backends import Backend
from minidl.backends.overrides import is_built_in
from minidl.testing.conformance.check import ConformanceError, Deviation
from minidl.testing.conformance.example import ARRAY_METHODS, Example
from minidl.testing.conformance.report import PARTS, Row
from minidl.testing.conformance.suites.arrays import ARRAY_EXAMPLES
from minidl.testing.conformance.suites.xp import XP_EXAMPLES


def examples(part: str, dtype: str) -> Iterator[Example]:
    """All of "arrays", or of "xp"."""
    if part == "arrays":
        for text, truth in ARRAY_EXAMPLES:
            yield Example(part, text, truth, dtype=dtype)
    else:
        for texts in XP_EXAMPLES.values():
            for text in texts:
                yield Example(part, text, dtype=dtype)


def part_row(backend: Backend, part: str) -> Row:
    """Check every example; the row holds the first that fails."""
    assert part in PARTS
    calls, failures, worst = 0, [], Deviation()
    for dtype in ("float64", "float32"):
        for example in examples(part, dtype):
            if backend.memory == "none" and example.needs_values():
                continue
            calls += 1
            try:
                worst = max(worst, example.check(backend) or worst)
            except ConformanceError as mismatch:
                failures.append(mismatch)
    implementer = _implementer(type(backend), part)
    return Row(
        part,
        implementer.__name__,
        inherited=is_built_in(implementer) and not is_built_in(type(backend)),
        cases=calls,
        picked=calls,
        picked_passed=calls - len(failures),
        error=None if backend.memory == "none" else worst,
        failure=next(iter(failures), None),
    )


def _implementer(cls: type[Backend], part: str) -> type:
    """The class that defines it, or some of it."""
    names = ("xp",) if part == "xp" else ARRAY_METHODS
    defining = (base for base in cls.__mro__ if any(name in vars(base) for name in names))
    return next(defining, cls)
