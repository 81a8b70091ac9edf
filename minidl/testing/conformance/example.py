"""One line of Python on a backend and on NumPy: how `xp` and the arrays are checked.

Kernels have loops for a truth. These two parts of the contract are NumPy's functions by definition,
so an example is text, evaluated twice: with the backend's functions on the backend's arrays, and
with NumPy's on NumPy's.
"""

from __future__ import annotations

import ast
import functools
import re
from typing import Any

import numpy as np

from minidl.backends import Backend, get
from minidl.testing.conformance.check import ConformanceError, Deviation
from minidl.testing.conformance.data import Array
from minidl.testing.conformance.layouts import lay_out
from minidl.testing.conformance.suite import biggest
from minidl.testing.conformance.tolerance import allowed, errors

_LAYOUTS = {
    **{"transposed": "transposed", "turned": "transposed"},
    **{"backwards": "reversed", "repeated": "broadcast"},
}
"""The operands that aren't contiguous."""

_MAY_SHARE = frozenset(
    (
        *("reshape", "transpose", "broadcast_to", "flip", "einsum", "astype"),
        *("index", "asarray", "to_numpy", "from_dlpack"),
    )
)
"""The functions whose results may be views of their arguments, or the arguments themselves."""


@functools.cache
def operands(dtype: str) -> dict[str, Array]:
    """The arrays that examples name; the floating ones have this dtype."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> Array:
        return rng.standard_normal(shape).astype(dtype)

    arrays = {
        "x": normal(3, 4),
        "y": normal(3, 4),
        "positive": np.abs(normal(3, 4)) + np.asarray(0.5, dtype),
        "offset": normal(3, 4) + np.asarray(1000, dtype),
        "special": np.array([1, np.nan, np.inf, -np.inf, 0.0, -0.0, -2.5], dtype),
        "scalar": normal(),
        "row": normal(4),
        "column": normal(3, 1),
        "line": normal(1, 4),
        "pair": normal(2, 4),
        "narrow": normal(3, 2),
        "tall": normal(4, 2),
        "four": normal(4, 4),
        "matrix": normal(3, 3),
        "cube": normal(2, 3, 4),
        "batch": normal(2, 4, 2),
        "transposed": normal(2, 3, 4),
        "turned": normal(3, 4),
        "backwards": normal(3, 4),
        "repeated": np.broadcast_to(normal(1, 4), (3, 4)).copy(),
        "empty_rows": normal(0, 4),
        "integers": rng.integers(-3, 4, (3, 4)),
        "small": rng.integers(1, 5, (3, 4), np.int32),
        "pixels": rng.integers(0, 256, (3, 4), np.uint8),
        "mask": rng.integers(0, 2, (3, 4)).astype(bool),
        "row_mask": np.array([True, False, True]),
        "column_mask": np.array([[True], [False], [True]]),
        "rows": np.array([2, 0, 2, -1]),
        "rows_down": np.array([[2], [0], [2], [-1]]),
        "columns": np.array([1, 3, 1, 0]),
        "counts": np.array([7, -1, 2, 0]),
        "order": rng.integers(0, 4, (3, 4)),
        "picks": rng.integers(0, 3, (2, 4)),
        "empty_order": np.zeros((0, 4), np.int64),
        "twice": np.array([1, 1]),
    }
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


class Example:
    """Statements separated by "; ", the last of them an expression: the result.

    >>> from minidl.testing.conformance import Example
    >>> example = Example("xp", "sum(x, axis=(0, -1), keepdims=True)")
    >>> example.truth().shape
    (1, 1)
    """

    def __init__(
        self, part: str, text: str, truth: str | None = None, *, dtype: str = "float64"
    ) -> None:
        self.part, self.text, self.dtype = part, text, dtype
        self.truth_text = text if truth is None else truth
        """What NumPy evaluates, where it must be written in another way."""
        self.operands = operands(dtype)

    def truth(self) -> Any:
        """What NumPy says."""
        return _evaluate(self.truth_text, {**_NUMPY, **_values_for(self.truth_text, self.operands)})

    def run(self, backend: str | Backend) -> Any:
        """What the backend says."""
        return self._run(get(backend), self._arrays(get(backend)))

    def _run(self, backend: Backend, arrays: dict[str, Any]) -> Any:
        functions = {name: getattr(backend, name) for name in ARRAY_METHODS}
        if self.part == "xp":
            functions = {**vars(backend.xp), "copy": backend.copy}
        return _evaluate(self.text, {**functions, **arrays})

    def _arrays(self, backend: Backend) -> dict[str, Any]:
        return {
            name: lay_out(backend, values, _LAYOUTS.get(name, "contiguous"))
            for name, values in _values_for(self.text, self.operands).items()
        }

    def needs_values(self) -> bool:
        """Whether a backend without data can't do it."""
        return re.search(r"to_numpy|from_dlpack|flags|s_\[.*mask", self.text) is not None

    # --------------------------------------------------------------------------- its check

    def check(self, backend: str | Backend) -> Deviation | None:
        """Raise ConformanceError unless the backend says what NumPy says; how far it was off."""
        backend = get(backend)
        try:
            with np.errstate(all="ignore"):
                return self._check(backend)
        except ConformanceError:
            raise
        except Exception as error:  # the backend's own: it should have worked
            raise self._error(f" raised {type(error).__name__}: {error}") from error

    def _check(self, backend: Backend) -> Deviation | None:
        arrays, truth = self._arrays(backend), self.truth()
        raw = self._run(backend, arrays)
        if not isinstance(truth, np.ndarray):
            if raw != truth:
                raise self._error(f" is {raw!r}, expected {truth!r}")
            return None
        result = self._array(backend, raw)
        if tuple(result.shape) != truth.shape:
            raise self._error(f".shape is {tuple(result.shape)}, expected {truth.shape}")
        if np.dtype(result.dtype) != truth.dtype:
            raise self._error(f".dtype is {result.dtype}, expected {truth.dtype}")
        if backend.memory == "none":
            return None
        deviation = self._check_values(_to_numpy(backend, result), truth)
        for name, array in arrays.items():
            if not np.array_equal(
                backend.to_numpy(array), self.operands[name], equal_nan=name == "special"
            ):
                raise self._error(f" changed its argument {name}")
        if backend.memory == "cpu" and self.text.partition("(")[0] not in _MAY_SHARE:
            self._check_new(backend, result, arrays)
        return deviation

    def _array(self, backend: Backend, raw: Any) -> Any:
        if getattr(raw, "shape", None) == ():  # may be the library's scalar
            raw = backend.asarray(raw)
        if not backend.is_array(raw) and not isinstance(raw, np.ndarray):
            raise self._error(f" is a {type(raw).__name__}, expected an array of {backend.name}")
        return raw

    def _check_values(self, result: Array, truth: Array) -> Deviation:
        if not truth.size:
            return Deviation()
        error, limit = errors(result, truth), 0.0
        if truth.dtype.kind == "f":
            used = [
                a for a in _values_for(self.text, self.operands).values() if a.dtype.kind == "f"
            ]
            scale = max(biggest(a) for a in (truth, *used))
            limit = allowed(truth.dtype.name, max((a.size for a in used), default=1), scale)
        place = np.unravel_index(int(np.argmax(error)), error.shape)
        largest = float(error[place])
        if largest > limit:
            index = f"[{', '.join(str(int(i)) for i in place)}]" if place else ""
            raise self._error(f"{index} is {result[place]!s}, expected {truth[place]!s}")
        return Deviation(largest / limit if limit else 0.0, largest)

    def _check_new(self, backend: Backend, result: Any, arrays: dict[str, Any]) -> None:
        for name, array in arrays.items():
            if np.may_share_memory(result, array):
                raise self._error(f" shares memory with {name}: a new array is wanted")
        before = result.copy()
        if np.may_share_memory(result, self._array(backend, self._run(backend, arrays))):
            raise self._error(" is the same array twice: a new array is wanted each time")
        if before.tobytes() != result.tobytes():
            raise self._error(" was changed by the next call")

    def _error(self, what: str) -> ConformanceError:
        text = f"xp.{self.text}" if self.part == "xp" and ";" not in self.text else self.text
        return ConformanceError(self, f"{text}{what}")

    # --------------------------------------------------------------------------- its text

    def __repr__(self) -> str:
        truth = "" if self.truth_text == self.text else f", {self.truth_text!r}"
        return f"Example({self.part!r}, {self.text!r}{truth}, dtype={self.dtype!r})"

    def script(self, backend: str, load: str | None = None) -> str:
        """Lines to paste into Python: they show the example and its truth, and fail as it failed.

        `load` is the file that registers the backend, if it isn't known without.
        """
        names = ", ".join(repr(name) for name in _values_for(self.text, self.operands))
        lines = [
            "from minidl.testing.conformance import Example",
            "",
            f"example = {self!r}",
            f"print([(name, example.operands[name]) for name in [{names}]])",
            "print(example.truth())",
            f"print(example.run({backend!r}))",
            f"example.check({backend!r})",
        ]
        if load is not None:
            lines = ["import runpy", *lines[:2], f"runpy.run_path({load!r})", *lines[2:]]
        return "\n".join(lines)


def _evaluate(text: str, names: dict[str, Any]) -> Any:
    *statements, result = text.split("; ")
    names = {"np": np, **names}
    for statement in statements:
        exec(statement, names)
    value = eval(result, names)
    return np.asarray(value) if isinstance(value, np.generic) else value


def _values_for(text: str, values: dict[str, Array]) -> dict[str, Array]:
    """The operands that a text names."""
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    return {name: array for name, array in values.items() if name in names}


def _to_numpy(backend: Backend, array: Any) -> Array:
    found: Array = array if isinstance(array, np.ndarray) else backend.to_numpy(array)
    return found


def _index_add(shape: tuple[int, ...], key: Any, values: Array) -> Array:
    result = np.zeros(shape, values.dtype)
    np.add.at(result, key, values)
    return result


ARRAY_METHODS = (
    *("is_array", "asarray", "to_numpy", "from_dlpack", "empty", "zeros", "full"),
    *("copy", "copy_into", "index", "index_add"),
)
"""The arrays part of the contract."""

_NUMPY = {**vars(np), "index_add": _index_add}
"""The names that a truth may use: NumPy's, and what it lacks."""
