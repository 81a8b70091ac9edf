"""Running the suite: the cases picked by hand first, then hypothesis's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from minidl.backends import Backend, capabilities, get, kernel_names
from minidl.errors import ArgumentError, MissingDependencyError, fail
from minidl.testing.conformance.call import Call
from minidl.testing.conformance.check import ConformanceError, Deviation, check
from minidl.testing.conformance.layouts import LAYOUTS
from minidl.testing.conformance.report import Report, Row
from minidl.testing.conformance.suite import Draw
from minidl.testing.conformance.suites import SUITES

DTYPES = ("float64", "float32")


def run(
    backend: str | Backend,
    kernels: str | Sequence[str] | None = None,
    *,
    max_examples: int = 25,
    seed: int = 0,
) -> Report:
    """Compare a backend's kernels (all it has, unless some are named) with the naive truths.

    Every case picked by hand is called in both dtypes and every memory layout; then hypothesis
    draws `max_examples` more for each kernel, and makes a failing one as small as it can. The same
    seed draws the same cases. Raises MissingDependencyError without hypothesis, and what `get`
    raises if the backend can't be used.

    >>> run("numpy", ["relu"], max_examples=5).ok
    True
    """
    _hypothesis()
    backend = get(backend)
    kernels = (kernels,) if isinstance(kernels, str) else kernels
    table = capabilities(backend)
    rows = []
    for kernel in kernel_names() if kernels is None else kernels:
        if kernel not in table:
            fail(
                "conformance.run", "kernels", repr(kernel), "names of kernels of the contract",
                "minidl.backends.kernel_names() lists them.", error=ArgumentError,
            )  # fmt: skip
        rows.append(_row(backend, kernel, table[kernel], max_examples, seed))
    return Report(backend.name, tuple(rows))


def _row(backend: Backend, kernel: str, implemented_by: str, max_examples: int, seed: int) -> Row:
    if implemented_by == "missing":
        return Row(kernel, implemented_by)
    tally = _Tally(backend)
    failure = None
    for call in _picked(backend, kernel):
        try:
            tally.check(call)
        except ConformanceError as mismatch:
            failure = mismatch
            break
    # What hypothesis finds is shrunk, so a student rather sees that.
    failure = _drawn(tally, kernel, max_examples, seed) or failure
    return Row(kernel, implemented_by, tally.cases, tally.error, failure)


class _Tally:
    """Checks calls and counts them."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.cases = backend, 0
        self.error: Deviation | None = None

    def check(self, call: Call) -> None:
        self.cases += 1
        error = check(call, self.backend)
        if error is not None:
            self.error = max(self.error or Deviation(), error)


def _picked(backend: Backend, kernel: str) -> Iterator[Call]:
    layouts = LAYOUTS[:1] if backend.memory == "none" else LAYOUTS
    for config in SUITES[kernel].cases:
        for dtype in DTYPES:
            for layout in layouts:
                yield Call(kernel, config, dtype=dtype, layout=layout)


def _drawn(tally: _Tally, kernel: str, max_examples: int, seed: int) -> ConformanceError | None:
    """The smallest mismatch hypothesis finds, or None."""
    if max_examples == 0:
        return None
    hypothesis = _hypothesis()
    st = hypothesis.strategies
    layouts = LAYOUTS[:1] if tally.backend.memory == "none" else LAYOUTS

    def draw_call(draw: Any) -> Call:
        return Call(
            kernel,
            SUITES[kernel].draw(Draw(draw, st)),
            dtype=draw(st.sampled_from(DTYPES)),
            layout=draw(st.sampled_from(layouts)),
            seed=draw(st.integers(0, 3)),
        )

    settings = hypothesis.settings(
        max_examples=max_examples,
        database=None,  # the same cases every time
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        verbosity=hypothesis.Verbosity.quiet,
    )

    failures = []

    def check_call(call: Call) -> None:
        try:
            tally.check(call)
        except ConformanceError as error:
            failures.append(error)
            raise

    every_call = hypothesis.given(st.composite(draw_call)())(check_call)
    try:
        hypothesis.seed(seed)(settings(every_call))()
    except ConformanceError as mismatch:
        return mismatch
    except hypothesis.errors.Flaky:  # it failed, but not when it was tried again
        return failures[-1]
    return None


def _hypothesis() -> Any:
    try:
        import hypothesis.errors
        import hypothesis.strategies
    except ImportError as error:
        raise MissingDependencyError(
            "The conformance suite draws its cases with hypothesis, which is not installed. "
            'Install it with: pip install "minidl[check]"'
        ) from error
    return hypothesis
