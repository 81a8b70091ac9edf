"""The flow of data through a forward pass: which operation used what which operation made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from minidl.analysis.macs import macs_of
from minidl.analysis.trace import Call, Trace
from minidl.analysis.watch import tensors_in
from minidl.nn import Module
from minidl.tensor import Tensor
from minidl_kernels.common.array_spec import ArraySpec


@dataclass(eq=False)
class Step:
    """One operation of the backend; or, with no `operation`, a module that returned its input."""

    operation: str
    call: Call | None
    """The call of the module in whose forward it happened; None for an input of the model."""
    inputs: tuple[Value, ...]
    """What it used of what steps had made: neither parameters nor constants."""
    shape: tuple[int, ...]
    """Of its (first) result."""
    macs: int = 0


@dataclass(eq=False)
class Value:
    """An array that flows: what made it, and its shape."""

    step: Step
    shape: tuple[int, ...]


class Flow(Trace):
    """A forward pass on shapes alone, with every step and where its inputs came from."""

    def __init__(self, model: Module, inputs: Sequence[ArraySpec], training: bool) -> None:
        self.steps: list[Step] = []
        self.outputs: tuple[tuple[str, Value], ...] = ()
        """With what the model calls them, if it does."""
        self._values: dict[int, Value] = {}  # by the id of the array; Trace keeps all arrays
        self._left: Call | None = None
        for x in inputs:
            self._add(Step("input", None, (), x.shape), [x])
        super().__init__(model, inputs, training)

    def leave(self, output: Any) -> None:
        """Remember who was left, for `returned`, which comes next."""
        self._left = self._running
        super().leave(output)
        if self._running is None:
            self.outputs = self._named(output)

    def returned(self, module: Module, inputs: Any, output: Any) -> Any:
        """Tell apart what a module was given and what it returned, where they are one array.

        A dropout that doesn't drop returns its input. Who uses the result comes after the dropout,
        and who uses the input doesn't, so the result becomes an array of its own.
        """
        given = {id(t._array) for t in tensors_in(inputs)}
        fresh: dict[int, Tensor] = {}
        for tensor in tensors_in(output):
            array = tensor._array
            if id(array) in given and id(array) in self._values and id(array) not in fresh:
                copy = ArraySpec(array.shape, array.dtype)
                self._alive.append(copy)
                step = Step("", self._left, (self._values[id(array)],), copy.shape)
                self._add(step, [copy])
                fresh[id(array)] = Tensor._wrap(copy, tensor.backend)
        if not fresh:
            return None
        output = _replaced(output, fresh)
        if self._running is None:
            self.outputs = self._named(output)
        return output

    def operation(
        self, name: str, function: Callable[..., Any], args: Any, options: dict[str, Any]
    ) -> Any:
        """Note it down."""
        result = super().operation(name, function, args, options)
        arrays = _arrays_in((args, options))
        results = [args[0]] if name == "copy_into" else _arrays_in(result)
        if _does_nothing(name, arrays, result):
            if id(arrays[0]) in self._values:
                self._values[id(result)] = self._values[id(arrays[0])]
            return result
        inputs = tuple(self._values[id(x)] for x in arrays if id(x) in self._values)
        if results:
            macs = macs_of(name, args, result)
            self._add(Step(name, self._running, inputs, results[0].shape, macs), results)
        return result

    def _add(self, step: Step, results: list[ArraySpec]) -> None:
        self.steps.append(step)
        for array in results:
            self._values[id(array)] = Value(step, array.shape)

    def _named(self, output: Any) -> tuple[tuple[str, Value], ...]:
        named = ((name, self._values.get(id(t._array))) for name, t in _names(output))
        return tuple((name, value) for name, value in named if value is not None)


def _names(output: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every tensor, in the order of `tensors_in`, with its field's name or its key.

    >>> from minidl import zeros
    >>> [name for name, _ in _names({"logits": zeros(2), "heads": (zeros(1), zeros(1))})]
    ['logits', 'heads[0]', 'heads[1]']
    """
    if isinstance(output, Tensor):
        yield name, output
        return
    if isinstance(output, tuple) and hasattr(output, "_asdict"):  # a NamedTuple
        output = output._asdict()
    if isinstance(output, dict):
        for key, part in output.items():
            yield from _names(part, f"{name}.{key}" if name else str(key))
    elif isinstance(output, (tuple, list)):
        for i, part in enumerate(output):
            yield from _names(part, f"{name}[{i}]" if name else "")


def _does_nothing(name: str, arrays: list[ArraySpec], result: Any) -> bool:
    """Whether the result is what was given: a cast to its own type, one array put side by side."""
    return (name == "astype" and result.dtype == arrays[0].dtype) or (
        name == "concatenate" and len(arrays) == 1
    )


def _arrays_in(value: Any) -> list[ArraySpec]:
    if isinstance(value, ArraySpec):
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        return [array for part in value for array in _arrays_in(part)]
    return []


def _replaced(output: Any, fresh: dict[int, Tensor]) -> Any:
    """`output` with tensors of the arrays in `fresh` replaced, in tuples, lists and dicts, too."""
    if isinstance(output, Tensor):
        return fresh.get(id(output._array), output)
    if isinstance(output, dict):
        return {key: _replaced(value, fresh) for key, value in output.items()}
    if isinstance(output, (tuple, list)):
        parts = [_replaced(part, fresh) for part in output]
        make = getattr(type(output), "_make", type(output))  # a NamedTuple takes no list
        return make(parts)
    return output
