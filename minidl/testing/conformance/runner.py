"""Running the suite: the cases picked by hand first, then hypothesis's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from minidl.backends import Backend, get, kernel_names
from minidl.backends.contract import origin
from minidl.backends.overrides import is_built_in
from minidl.errors import ArgumentError, MissingDependencyError, fail
from minidl.testing.conformance.call import Call
from minidl.testing.conformance.check import ConformanceError, Deviation, check
from minidl.testing.conformance.layouts import LAYOUTS
from minidl.testing.conformance.parts import part_row
from minidl.testing.conformance.report import PARTS, Report, Row
from minidl.testing.conformance.suite import Draw
from minidl.testing.conformance.suites import SUITES

DTYPES = ("float64", "float32")
Where: TypeAlias = Callable[[Call], bool]


def run(
    backend: str | Backend,
    kernels: str | Sequence[str] | None = None,
    *,
    max_examples: int = 25,
    seed: int = 0,
    where: Where | None = None,
) -> Report:
    """Compare a backend's kernels (all it has, unless some are named) with the naive truths.

    The rows "arrays" and "xp" compare the rest of the contract with NumPy.

    Every case picked by hand is called in both dtypes and every memory layout; then hypothesis
    draws `max_examples` more for each kernel, and makes a failing one as small as it can. The same
    seed draws the same cases. With `where`, only the calls count for which it is true, so a part
    of a kernel can be checked; the row counts how many of the calls picked by hand passed. Raises
    MissingDependencyError without hypothesis, ArgumentError if `where` leaves no call at all, and
    what `get` raises if the backend can't be used.

    >>> run("numpy", ["relu"], max_examples=5).ok
    True
    >>> dense = run("numpy", "conv2d", where=lambda call: call.values["groups"] == 1)
    >>> dense.rows[0].picked_passed == dense.rows[0].picked
    True
    """
    _hypothesis()
    backend = get(backend)
    kernels = (kernels,) if isinstance(kernels, str) else kernels
    for kernel in kernels or ():
        if kernel not in (*PARTS, *kernel_names()):
            fail(
                "conformance.run", "kernels", repr(kernel), "names of kernels of the contract",
                f'minidl.backends.kernel_names() lists them; {" and ".join(PARTS)} are the rest.',
                error=ArgumentError,
            )  # fmt: skip
    wanted = kernels
    if wanted is None:
        wanted = kernel_names() if where else (*PARTS, *kernel_names())
    rows = [
        part_row(backend, kernel)
        if kernel in PARTS
        else _row(_Tally(backend, where or (lambda call: True)), kernel, max_examples, seed)
        if origin(type(backend), kernel)
        else Row(kernel, required=kernels is not None)
        for kernel in wanted
    ]
    return Report(backend.name, tuple(rows))


def assert_conforms(
    backend: str | Backend, kernels: str | Sequence[str] | None = None, **options: Any
) -> None:
    """`run` as an assertion, for tests: AssertionError with the report if a kernel is wrong.

    >>> assert_conforms("numpy", "relu", max_examples=5)
    """
    report = run(backend, kernels, **options)
    if not report.ok:
        raise AssertionError(f"\n{report}")


def _row(tally: _Tally, kernel: str, max_examples: int, seed: int) -> Row:
    failures = []
    for call in filter(tally.where, _picked(tally.backend, kernel)):
        try:
            tally.check(call)
        except ConformanceError as mismatch:
            failures.append(mismatch)
    picked = tally.calls
    # What hypothesis finds is shrunk, so a student rather sees that.
    drawn = _drawn(tally, kernel, max_examples, seed)
    if not tally.calls:
        fail(
            "conformance.run", "where", f"a condition that no call of {kernel} meets",
            "one that some meet", "Look at call.values of those it is given.", error=ArgumentError,
        )  # fmt: skip
    cls = type(tally.backend)
    implementer = origin(cls, kernel) or cls
    return Row(
        kernel,
        implementer.__name__,
        inherited=is_built_in(implementer) and not is_built_in(cls),
        cases=tally.calls,
        picked=picked,
        picked_passed=picked - len(failures),
        error=tally.error,
        failure=drawn or next(iter(failures), None),
    )


class _Tally:
    """Checks calls and counts them."""

    def __init__(self, backend: Backend, where: Where) -> None:
        self.backend, self.where = backend, where
        self.calls = 0
        self.error: Deviation | None = None

    def check(self, call: Call) -> None:
        self.calls += 1
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
        hypothesis.assume(tally.where(call))
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
    except hypothesis.errors.Unsatisfiable:  # `where` is true of nothing that was drawn
        return None
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
