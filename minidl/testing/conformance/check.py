"""Whether a backend's result of one call is what the contract says."""

from __future__ import annotations

import inspect
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minidl.backends import Backend, get
from minidl.testing.conformance.call import Call
from minidl.testing.conformance.data import Array
from minidl.testing.conformance.suite import Config
from minidl.testing.conformance.tolerance import allowed, errors

if TYPE_CHECKING:
    from minidl.testing.conformance.example import Example


class ConformanceError(AssertionError):
    """A backend broke the contract; the message says how, `call` is the call that shows it."""

    def __init__(self, call: Call | Example, message: str) -> None:
        super().__init__(message)
        self.call, self.message = call, message


class Deviation(NamedTuple):
    """How far a result was from the truth."""

    relative: float = 0.0
    """To what is allowed: 1 is the limit."""
    absolute: float = 0.0


def check(call: Call, backend: str | Backend) -> Deviation | None:
    """Make the call in every way there is; raise ConformanceError at the first fault.

    Returns how far the values were from the truth; None for a backend without values.
    """
    backend = get(backend)
    try:
        with np.errstate(all="ignore"):
            if backend.memory != "none":
                return _check(call, backend)
            _check_shapes(call, backend)
            return None
    except ConformanceError:
        raise
    except Exception as error:  # the kernel's own: it should have worked
        where = _place(error, getattr(backend, call.kernel))
        raise ConformanceError(call, f"raised {type(error).__name__}: {error}{where}") from error


def _place(error: Exception, kernel: Any) -> str:
    """The innermost line of the kernel's own file that the error passed, or ""."""
    code = getattr(inspect.unwrap(kernel), "__code__", None)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if code is not None and frame.filename == code.co_filename
    ]
    return f" ({frames[-1].filename}:{frames[-1].lineno}: {frames[-1].line})" if frames else ""


def _check(call: Call, backend: Backend) -> Deviation:
    truths = call.truth()
    arguments = call.arguments(backend)
    raw = call.invoke(backend, arguments)
    results = _as_numpy(call, backend, call.named(raw, arguments))
    worst = _check_values(call, results, truths)
    _check_arguments_unchanged(call, backend, arguments)
    if backend.memory == "cpu" and not call.suite.updates:
        _check_nothing_shared(call, results, arguments)
    _check_repeats(call, backend, results)
    _check_out(call, backend, results)
    return worst


def _check_shapes(call: Call, backend: Backend) -> None:
    """For the backend without data: shapes and dtypes only."""
    arguments = call.arguments(backend)
    results = call.named(call.invoke(backend, arguments), arguments)
    for name, truth in call.truth().items():
        _check_kind(call, name, results[name], truth)


def _as_numpy(call: Call, backend: Backend, results: dict[str, Any]) -> dict[str, Any]:
    for name, result in results.items():
        if getattr(result, "shape", None) == ():  # may be the library's scalar
            results[name] = result = backend.asarray(result)
        if result is not None and not backend.is_array(result):
            raise ConformanceError(
                call, f"{name} is a {type(result).__name__}, expected an array of {backend.name}"
            )
    return {n: None if r is None else backend.to_numpy(r) for n, r in results.items()}


def _check_kind(call: Call, name: str, result: Any, truth: Array | None) -> None:
    """Shape and dtype, and None where there is nothing."""
    if truth is None or result is None:
        if truth is not result:
            expected = "None" if truth is None else f"an array of shape {truth.shape}"
            raise ConformanceError(call, f"{name} is {_brief(result)}, expected {expected}")
        return
    if tuple(result.shape) != truth.shape:
        raise ConformanceError(
            call, f"{name}.shape is {tuple(result.shape)}, expected {truth.shape}"
        )
    floating = truth.dtype == np.float64
    expected_dtype = (call.suite.result_dtype or call.dtype) if floating else truth.dtype.name
    if np.dtype(result.dtype).name != expected_dtype:
        raise ConformanceError(call, f"{name}.dtype is {result.dtype}, expected {expected_dtype}")


def _brief(result: Any) -> str:
    return "None" if result is None else f"an array of shape {tuple(result.shape)}"


def _check_values(
    call: Call, results: dict[str, Any], truths: dict[str, Array | None], how: str = ""
) -> Deviation:
    if results.keys() != truths.keys():
        raise ConformanceError(call, f"returned {sorted(results)}, expected {sorted(truths)}")
    for name, truth in truths.items():
        _check_kind(call, name + how, results[name], truth)
    scales: list[float] = [0.0] * len(truths)
    if call.suite.scale is not None:
        scales = call.suite.scale(call.kernel, call.values, list(truths.values()))
    worst = Deviation()
    for (name, truth), scale in zip(truths.items(), scales, strict=True):
        if truth is not None and truth.size:
            worst = max(worst, _check_one(call, name + how, results[name], truth, scale))
    return worst


def _check_one(call: Call, name: str, result: Array, truth: Array, scale: float) -> Deviation:
    error = errors(result, truth)
    exact = call.suite.scale is None
    if call.suite.positive_zeros:
        error[(truth == 0) & (np.signbit(result) != np.signbit(truth))] = np.inf
    limit = 0.0 if exact else allowed(call.suite.result_dtype or call.dtype, _terms(call), scale)
    place = np.unravel_index(int(np.argmax(error)), error.shape)
    largest = float(error[place])
    if largest > limit:
        index = f"[{', '.join(str(int(i)) for i in place)}]" if place else ""
        raise ConformanceError(
            call,
            f"{name}{index} is {result[place]!s} ({result.dtype}), expected "
            f"{_shown(call, truth[place])} "
            f"(error {largest:.2g}, allowed {limit:.2g})",
        )
    return Deviation(largest / limit if limit else 0.0, largest)


def _shown(call: Call, truth: Any) -> str:
    return str(np.dtype(call.dtype).type(truth) if truth.dtype.kind == "f" else truth)


def _terms(call: Call) -> int:
    return max((array.size for array in _arrays(call.values)), default=1)


def _arrays(arguments: Config) -> list[Array]:
    found: list[Any] = []
    for value in arguments.values():
        found += value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, np.ndarray)]


# --------------------------------------------------------------------- the rules of the contract


def _check_arguments_unchanged(call: Call, backend: Backend, arguments: Config) -> None:
    for name, after in arguments.items():
        if name in call.suite.updates:
            continue
        before = call.values[name]
        pairs = zip(before, after, strict=True) if isinstance(before, list) else ((before, after),)
        for values, array in pairs:
            if isinstance(values, np.ndarray) and not _same(values, backend.to_numpy(array)):
                raise ConformanceError(
                    call, f"its argument {name} was changed: write into new arrays and `out` only"
                )


def _same(a: Array, b: Array) -> bool:
    """Equal to the bit."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def _check_nothing_shared(call: Call, results: dict[str, Any], arguments: Config) -> None:
    present = {name: result for name, result in results.items() if result is not None}
    for name, result in present.items():
        for argument, value in arguments.items():
            for array in value if isinstance(value, list) else [value]:
                if isinstance(array, np.ndarray) and np.may_share_memory(array, result):
                    raise ConformanceError(
                        call, f"{name} shares memory with the argument {argument}: return a copy"
                    )
        for other, another in present.items():
            if other != name and np.may_share_memory(another, result):
                raise ConformanceError(call, f"{name} and {other} share memory")


def _check_repeats(call: Call, backend: Backend, results: dict[str, Any]) -> None:
    """The same bits again, in another array: what the first call returned stays as it was."""
    firsts = {n: None if r is None else r.copy() for n, r in results.items()}
    again = _as_numpy(call, backend, call.run(backend))
    for name, first in firsts.items():
        if first is None:
            continue
        if np.may_share_memory(results[name], again[name]):
            raise ConformanceError(
                call,
                f"{name} is the same array twice, so a call overwrites what an earlier one "
                "returned: a new array is wanted each time",
            )
        if not _same(first, again[name]):
            raise ConformanceError(
                call, f"{name} differs when the call is repeated: not deterministic"
            )
        if not _same(first, results[name]):
            raise ConformanceError(call, f"{name} was changed by the next call")


def _check_out(call: Call, backend: Backend, results: dict[str, Any]) -> None:
    """`out` is filled and returned, whatever it held before."""
    first, expected = next(iter(results.items()), ("", None))
    if expected is None or "out" not in [p.name for p in call.parameters()]:
        return
    out = backend.full(expected.shape, _leftover(expected.dtype), expected.dtype)
    arguments = call.arguments(backend)
    given = call.named(call.invoke(backend, arguments, out=out), arguments)
    if given[first] is not out:
        raise ConformanceError(
            call, f"the {first} isn't the array given as out: fill `out` and return it"
        )
    if not _same(backend.to_numpy(out), expected):
        raise ConformanceError(
            call,
            "out doesn't hold what is returned without out: overwrite every element, "
            "whatever `out` held before",
        )


def _leftover(dtype: Any) -> float:
    """What an uninitialised `out` may hold."""
    return float("nan") if dtype.kind == "f" else 77
