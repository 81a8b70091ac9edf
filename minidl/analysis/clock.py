"""A clock that knows which layer runs, forward and backward, and times every kernel.

Forward, a layer's time begins when its forward is called and pauses while a layer inside it runs.
Backward, it is found by number: every node of the graph has one, and they go up as the forward
pass goes on, so the node belongs to the layer that ran when the numbers were at its own. A hook on
the node, which leaves the gradient as it is, tells the clock that its turn has come.

What belongs to no layer stands under None: the engine's start, and the copies of the gradients that
it keeps.
"""

from __future__ import annotations

import bisect
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from minidl import autograd
from minidl.analysis.watch import VIEWS, Watcher, graph_of, running_on, tensors_in, twin_of, watched
from minidl.backends import Array, Backend
from minidl.errors import fail
from minidl.function import _next_number
from minidl.grad_mode import set_grad_enabled
from minidl.nn import Module
from minidl.tensor import Tensor

FORWARD, BACKWARD = "forward", "backward"


class Place(NamedTuple):
    """Where time goes."""

    layer: str | None
    """A path in the model; None: the autograd engine."""
    phase: str
    """FORWARD or BACKWARD."""


class Use(NamedTuple):
    """What the calls of one kernel from one place came to."""

    calls: int = 0
    seconds: float = 0.0
    result_bytes: int = 0
    """New memory that the results took; views take none."""


class Step:
    """The figures of one step: the spans add up to its wall time, and contain the kernels."""

    def __init__(self) -> None:
        self.spans: dict[Place, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self.kernels: dict[tuple[Place, str], Use] = defaultdict(Use)

    @property
    def seconds(self) -> float:
        """Wall time."""
        return sum(self.spans.values())


def undisturbed(steps: Sequence[Step]) -> Step:
    """One step made of several: every layer's pass from the step in which it was fastest.

    When the machine turns to something else it stops one layer of one step, which would seem slow.
    """
    best = Step()
    best.calls = steps[0].calls
    for place in {place: None for step in steps for place in step.spans}:
        step = min((s for s in steps if place in s.spans), key=lambda s: s.spans[place])
        best.spans[place] = step.spans[place]
        best.kernels.update({key: use for key, use in step.kernels.items() if key[0] == place})
    return best


class Clock(Watcher):
    """Runs a model's steps on a twin and notes where the time goes."""

    def __init__(self, model: Module, backend: Backend) -> None:
        self.step = Step()
        self._backend = backend
        self._watched = watched(backend, self)
        trained = {id(p) for p in model.parameters()}

        def array(tensor: Tensor) -> Array:
            """Parameters are only read; what forward may change, such as statistics, is copied."""
            given = tensor.detach().to(backend)._array
            return given if id(tensor) in trained else backend.copy(given)

        self.twin = twin_of(model, self._watched, array, self)
        self._place: Place | None = None  # None: the clock stands still
        self._since = 0.0
        self._stack: list[str | None] = [None]
        # Node numbers at which another layer began to run, and which it was.
        self._numbers: list[int] = []
        self._layers: list[str | None] = []

    def run(self, inputs: Sequence[Tensor], backward: bool) -> Any:
        """One step; returns the outputs. The gradients are the twin's."""
        self.step = Step()
        self._stack, self._numbers, self._layers = [None], [], []
        self.forget_gradients()
        given = [Tensor._wrap(x.detach().to(self._backend)._array, self._watched) for x in inputs]
        with running_on(self._watched), set_grad_enabled(backward):
            self._start(FORWARD)
            outputs = self.twin(*given)
            self._stop()
            if backward:
                ends = [t for t in tensors_in(outputs) if t.requires_grad]
                if not ends:
                    fail(
                        "profile",
                        "the output",
                        "computed from nothing that requires a gradient",
                        "at least one trained parameter",
                        "For the forward pass alone give backward=False.",
                    )
                ones = [self._backend.full(t.shape, 1, t.dtype) for t in ends]
                gradients = [Tensor._wrap(y, self._watched) for y in ones]
                self._mark(outputs)
                self._start(BACKWARD)
                autograd.backward(ends, gradients)
                self._stop()
        return outputs

    def forget_gradients(self) -> None:
        """Of the step before; without it they would add up."""
        for parameter in self.twin.parameters():
            parameter.grad = None

    def _mark(self, outputs: Any) -> None:
        """Let every node, and then the leaves, tell the clock whose turn it is."""
        for node in graph_of(outputs):
            layer = self._layers[bisect.bisect_right(self._numbers, node._number) - 1]
            hooks = node._hooks = node._hooks or {}
            for output in range(len(node._outputs)):
                hooks[output] = {**hooks.get(output, {}), -1: self._turn_of(layer)}
        for parameter in self.twin.parameters():
            parameter._hooks = {-1: self._turn_of(None)}

    def _turn_of(self, layer: str | None) -> Callable[[Tensor], None]:
        place = Place(layer, BACKWARD)

        def hook(gradient: Tensor) -> None:
            self._switch(place)

        return hook

    # ------------------------------------------------------------------------- time

    def _start(self, phase: str) -> None:
        self._backend.synchronize()
        self._place, self._since = Place(None, phase), time.perf_counter()

    def _stop(self) -> None:
        self._backend.synchronize()
        self._switch(None)

    def _switch(self, place: Place | None) -> None:
        now = time.perf_counter()
        if self._place is not None:
            self.step.spans[self._place] += now - self._since
        self._place, self._since = place, now

    # --------------------------------------------------------------- told by the run

    def enter(self, path: str, module: Module, inputs: tuple[Any, ...]) -> None:
        """A layer's turn begins."""
        self.step.calls[path] += 1
        self._stack.append(path)
        self._go_on()

    def leave(self, output: Any) -> None:
        """Its caller goes on."""
        self._stack.pop()
        self._go_on()

    def _go_on(self) -> None:
        layer = self._stack[-1]
        self._numbers.append(_next_number())
        self._layers.append(layer)
        self._switch(Place(layer, FORWARD))

    def operation(
        self, name: str, function: Callable[..., Any], args: Any, options: dict[str, Any]
    ) -> Any:
        """Time it."""
        if self._place is None:
            return function(*args, **options)
        start = time.perf_counter()
        result = function(*args, **options)
        self._backend.synchronize()
        seconds = time.perf_counter() - start
        calls, before, size = self.step.kernels[self._place, name]
        size += 0 if name in VIEWS else _nbytes(result)
        self.step.kernels[self._place, name] = Use(calls + 1, before + seconds, size)
        return result


def _nbytes(result: Any) -> int:
    if isinstance(result, (tuple, list)):
        return sum(map(_nbytes, result))
    return getattr(result, "nbytes", 0)
