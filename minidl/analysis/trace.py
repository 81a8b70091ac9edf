"""One forward pass without data, and what every call of a layer cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from minidl import backends
from minidl.analysis.macs import macs_of
from minidl.analysis.receptive_field import Field, ReceptiveFields
from minidl.analysis.tables import shape_text
from minidl.analysis.watch import VIEWS, Watcher, graph_of, running_on, tensors_in, twin_of, watched
from minidl.errors import ArgumentError, ShapeError, fail
from minidl.grad_mode import set_grad_enabled
from minidl.nn import Module
from minidl.tensor import Tensor
from minidl_kernels.common.array_spec import ArraySpec


@dataclass
class Call:
    """One call of one module."""

    path: str
    module: Module
    parent: Call | None
    inputs: tuple[tuple[int, ...], ...] = ()
    output: tuple[int, ...] | None = None
    """Shape of the (first) output tensor."""
    output_bytes: int = 0
    macs: int = 0
    """Of its own operations, without those of the modules it called."""
    field: Field | None = None
    """The receptive field of the output's elements."""
    failed: bool = False

    @property
    def depth(self) -> int:
        """How many modules called one another to get here."""
        return 0 if self.parent is None else self.parent.depth + 1


class Trace(Watcher):
    """The calls of a forward pass on shapes alone, in order of execution."""

    def __init__(self, model: Module, inputs: Sequence[ArraySpec], training: bool) -> None:
        self.calls: list[Call] = []
        self.kept_bytes = 0
        """What the graph keeps for backward, without parameters, buffers and input."""
        self.error: Exception | None = None
        self.fields = ReceptiveFields(inputs)
        self._running: Call | None = None
        # All arrays of the run, so that no id comes twice; and whose memory a view's is.
        self._alive: list[Any] = list(inputs)
        self._owner: dict[int, ArraySpec] = {}
        self._run(model, inputs, training)

    def _run(self, model: Module, inputs: Sequence[ArraySpec], training: bool) -> None:
        backend = watched(backends.get("meta"), self)
        twin = twin_of(model, backend, lambda t: ArraySpec(t.shape, t.dtype), self)
        twin.train(training)
        for module in twin.modules():  # what is watched isn't fused: every layer shows
            module.register_forward_hook(self.returned)
        try:
            with running_on(backend), set_grad_enabled(True):
                outputs = twin(*(Tensor._wrap(x, backend) for x in inputs))
        except Exception as error:
            self.error = error
            return
        not_counted = {id(t._array) for t in (*twin.parameters(), *twin.buffers())}
        not_counted.update(map(id, inputs))
        self.kept_bytes = self._kept(outputs, not_counted)

    def _kept(self, outputs: Any, not_counted: set[int]) -> int:
        kept: dict[int, int] = {}
        for node in graph_of(outputs):
            for saved in node._saved or ():
                if isinstance(saved.value, ArraySpec):
                    array = self._owner.get(id(saved.value), saved.value)
                    kept[id(array)] = array.nbytes
        return sum(size for key, size in kept.items() if key not in not_counted)

    # --------------------------------------------------------------- told by the run

    def enter(self, path: str, module: Module, inputs: tuple[Any, ...]) -> None:
        """A row begins."""
        shapes = tuple([t.shape for t in tensors_in(inputs)])
        call = Call(path, module, self._running, shapes)
        self.calls.append(call)
        self._running = call

    def leave(self, output: Any) -> None:
        """A row is complete."""
        call = self._running
        assert call is not None, "leave comes after enter"
        for tensor in tensors_in(output):
            array = tensor._array
            call.output, call.output_bytes = array.shape, array.nbytes
            call.field = self.fields.of(array)
            break
        self._running = call.parent

    def failed(self, error: Exception) -> None:
        """The innermost module is to blame, and the first to be told of."""
        if self._running is not None and not any(call.failed for call in self.calls):
            self._running.failed = True

    def returned(self, module: Module, inputs: Any, output: Any) -> Any:
        """A hook on every module. That it is there is enough; subclasses may replace the output."""

    def refusal(self, operation: str) -> str:
        """What `error` means: which layer couldn't take what it was given."""
        call = next((call for call in self.calls if call.failed), None)
        if call is None:
            return f"{operation}: {self.error}"
        module = call.module
        kind = f"{type(module).__name__}({module.extra_repr()})"
        where = f"the layer {call.path}, {kind}," if call.path else f"the model, {kind},"
        given = " and ".join(shape_text(s) for s in call.inputs) or "nothing"
        fate = "can't take" if isinstance(self.error, ShapeError) else "fails on"
        return f"{operation}: {where} {fate} its input {given}.\n{self.error}"

    def operation(
        self, name: str, function: Callable[..., Any], args: Any, options: dict[str, Any]
    ) -> Any:
        """Count it."""
        result = function(*args, **options)
        self._alive.append(result)
        if name in VIEWS:
            self._owner[id(result)] = self._owner.get(id(args[0]), args[0])
        if self._running is not None:
            self._running.macs += macs_of(name, args, result)
        self.fields.follow(name, args, options, result)
        return result


def input_specs(operation: str, model: Module, inputs: Any) -> list[ArraySpec]:
    """What a shape, a tensor, or a list of either describes: (C, H, W) is one image.

    Raises MinidlError for what is no model, and where nobody said what goes in.
    """
    if not isinstance(model, Module):
        advice = f"Make it: models.create({model!r})." if isinstance(model, str) else ""
        fail(operation, "model", f"a {type(model).__name__}", "an nn.Module", advice)
    if inputs is None:
        fail(
            operation,
            "the input's size",
            "missing",
            "the shape of what the model takes",
            f"For images of 3 channels and 224×224 pixels: {operation}(model, (3, 224, 224)).",
            error=ArgumentError,
        )
    floats = [p.dtype for p in model.parameters() if p.dtype.kind == "f"]
    dtype = floats[0] if floats else "float32"
    return [_input_spec(operation, x, dtype) for x in inputs_of(inputs)]


def inputs_of(inputs: Any) -> list[Any]:
    """One input or several as a list; a shape is one."""
    several = isinstance(inputs, (tuple, list)) and not all(isinstance(n, int) for n in inputs)
    return list(inputs) if several else [inputs]


def _input_spec(operation: str, x: Any, dtype: Any) -> ArraySpec:
    if isinstance(x, Tensor):
        return ArraySpec(x.shape, x.dtype)
    if not isinstance(x, (tuple, list)) or not x or not all(_is_size(n) for n in x):
        fail(
            operation,
            "the input's size",
            repr(x),
            "(C, H, W) for one image, a whole shape such as (N, C, H, W) or (N, features), "
            "or a tensor",
        )
    return ArraySpec((1, *x) if len(x) == 3 else tuple(x), dtype)


def _is_size(n: Any) -> bool:
    return isinstance(n, int) and not isinstance(n, bool) and n >= 0
