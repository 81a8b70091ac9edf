"""The report of a profile: a step's times, by layer and by kernel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from minidl.analysis.clock import BACKWARD, FORWARD, Place, Step, Use
from minidl.analysis.tables import Table, amount, bytes_text, shape_text

ENGINE = "(autograd)"
OUTSIDE = "(outside kernels)"
ITSELF = "(itself)"
"""The model: what its forward does between the layers that it calls."""

WIDE = 1.5
"""So many times as long as the fastest step, and the machine wasn't quiet."""


@dataclass(frozen=True)
class Cost:
    """What a layer or a kernel took in one step."""

    name: str
    type: str
    """A layer's class; "" for a kernel."""
    calls: int
    """Of the layer's forward; of a kernel, forward and backward."""
    backward_calls: int
    """Of a kernel, in the backward pass."""
    forward: float
    """Seconds."""
    backward: float
    """Seconds."""
    in_kernels: float
    """Of both, the seconds inside kernels."""
    result_bytes: int
    """New memory that kernels' results took, over the step; most of it is freed on the way."""

    @property
    def seconds(self) -> float:
        """Forward and backward."""
        return self.forward + self.backward


@dataclass(frozen=True)
class Profile:
    """Where a step's time went. Print it, show it in a notebook, save its picture, or read it.

    All figures but `walls` and `peak_bytes` are of one step, put together from the fastest pass
    through every layer. They add up: the layers' times to `seconds`, and so do the kernels' with
    OUTSIDE.
    """

    model: str
    inputs: tuple[tuple[int, ...], ...]
    backend: str
    step: Step
    types: dict[str, str]
    """The class of every layer, by path."""
    walls: tuple[float, ...]
    """Seconds of every step that was timed."""
    peak_bytes: int | None
    """The most memory that was in use at a time in a step of its own, beyond what was before it:
    arrays and Python's objects. None where it can't be measured."""

    @property
    def forward(self) -> float:
        """Seconds of the forward pass."""
        return self._phase(FORWARD)

    @property
    def backward(self) -> float:
        """Seconds of the backward pass; 0 without one."""
        return self._phase(BACKWARD)

    def _phase(self, phase: str) -> float:
        return sum(t for place, t in self.step.spans.items() if place.phase == phase)

    @property
    def seconds(self) -> float:
        """Wall time of a step that nothing disturbs."""
        return self.forward + self.backward

    @property
    def layers(self) -> tuple[Cost, ...]:
        """By layer, in order of execution: each without the layers that it calls.

        What belongs to no layer stands last, as ENGINE.
        """
        order = [*self.step.calls, None]
        return tuple(cost for cost in map(self._layer, order) if cost.seconds > 0 or cost.calls > 0)

    def _layer(self, layer: str | None) -> Cost:
        uses = [use for (place, _), use in self.step.kernels.items() if place.layer == layer]
        path = "" if layer is None else layer
        return Cost(
            ENGINE if layer is None else layer,
            "" if layer is None else self.types[path],
            0 if layer is None else self.step.calls[path],
            0,
            self.step.spans.get(Place(layer, FORWARD), 0.0),
            self.step.spans.get(Place(layer, BACKWARD), 0.0),
            sum(use.seconds for use in uses),
            sum(use.result_bytes for use in uses),
        )

    @property
    def kernels(self) -> tuple[Cost, ...]:
        """By kernel, the costliest first; at the end OUTSIDE: Python, the engine, and measuring."""
        uses: dict[str, dict[str, list[Use]]] = defaultdict(lambda: {FORWARD: [], BACKWARD: []})
        for (place, name), use in self.step.kernels.items():
            uses[name][place.phase].append(use)
        costs = [self._kernel(name, by[FORWARD], by[BACKWARD]) for name, by in uses.items()]
        costs.sort(key=lambda cost: -cost.seconds)
        forward = self.forward - sum(cost.forward for cost in costs)
        backward = self.backward - sum(cost.backward for cost in costs)
        return (*costs, Cost(OUTSIDE, "", 0, 0, forward, backward, 0.0, 0))

    def _kernel(self, name: str, forward: list[Use], backward: list[Use]) -> Cost:
        first, second = (sum(use.seconds for use in uses) for uses in (forward, backward))
        later = sum(use.calls for use in backward)
        return Cost(
            *(name, "", sum(use.calls for use in forward) + later, later, first, second),
            first + second,
            sum(use.result_bytes for use in (*forward, *backward)),
        )

    def calls(self, kernel: str, layer: str | None = None, phase: str | None = None) -> int:
        """How often a kernel was called in a step; by one layer, in one phase, where given."""
        return sum(
            use.calls
            for (place, name), use in self.step.kernels.items()
            if name == kernel and layer in (None, place.layer) and phase in (None, place.phase)
        )

    # ----------------------------------------------------------------------- showing it

    def tables(self, most: int = 40) -> tuple[Table, Table]:
        """By layer and by kernel, at most so many rows each."""
        shapes = ", ".join(map(shape_text, self.inputs))
        by_layer = Table(
            f"{self.model}, input {shapes}, backend {self.backend}: time by layer",
            (
                *("layer", "type", "calls", "forward", "backward", "total", "%"),
                *("kernels", "results"),
            ),
            "llrrrrrrr",
            elastic=1,
        )
        for cost in costliest(self.layers, most):
            inside = f"{cost.in_kernels / cost.seconds:.0%}" if cost.seconds else ""
            by_layer.add(
                *(cost.name or ITSELF, cost.type, amount(cost.calls)),
                *(*self._times(cost), inside, _size(cost)),
            )
        total = self._total(self.layers)
        by_layer.foot("total", "", "", *self._times(total), "", _size(total))
        by_kernel = Table(
            "Time by kernel",
            ("kernel", "→", "←", "forward", "backward", "total", "%", "results"),
            "lrrrrrrr",
            elastic=0,
        )
        for cost in costliest(self.kernels, most):
            calls = (cost.calls - cost.backward_calls, cost.backward_calls)
            numbers = [amount(n) for n in calls]
            by_kernel.add(cost.name, *numbers, *self._times(cost), _size(cost))
        by_kernel.foot("total", "", "", *self._times(total), _size(total))
        for line in self._notes():
            by_kernel.note(line)
        return by_layer, by_kernel

    def _times(self, cost: Cost) -> tuple[str, ...]:
        share = cost.seconds / self.seconds if self.seconds else 0.0
        times = (cost.forward, cost.backward, cost.seconds)
        digits = 3 if self.seconds < 0.01 else 2 if self.seconds < 1 else 1
        figures = [f"{1e3 * t:,.{digits}f}" if t else "" for t in times]
        return (*figures, f"{100 * share:.1f}")

    def _total(self, costs: Sequence[Cost]) -> Cost:
        size = sum(cost.result_bytes for cost in costs)
        return Cost("total", "", 0, 0, self.forward, self.backward, 0.0, size)

    def _notes(self) -> list[str]:
        fastest, slowest = min(self.walls), max(self.walls)
        notes = [f"times in ms, of every layer in the fastest of its {len(self.walls)} steps"]
        if slowest > WIDE * fastest:
            notes.append(
                f"! the slowest took {slowest / fastest:.1f} times as long: the machine was busy "
                "with other things"
            )
        notes += [
            f"{ITSELF}: what the model's forward does between the layers that it calls",
            "kernels: how much of a layer's time is spent inside kernels",
            f"{OUTSIDE}: Python, the autograd engine, and the measuring itself",
            "results: new memory for kernels' results, most of it freed on the way",
            "→ calls in the forward pass, ← in the backward pass",
        ]
        if self.peak_bytes is not None:
            peak = bytes_text(self.peak_bytes)
            notes.append(f"peak memory of a step: {peak} beyond parameters and input (tracemalloc)")
        return notes

    def __str__(self) -> str:
        return "\n\n".join(table.text() for table in self.tables())

    def _repr_html_(self) -> str:
        return "".join(table.html() for table in self.tables())

    def save_picture(self, path: str | Path) -> None:
        """Draw the times as bars, by layer and by kernel, into a PNG. Needs matplotlib."""
        from minidl.analysis.picture import save_profile

        save_profile(self, Path(path))


def costliest(costs: Sequence[Cost], most: int) -> list[Cost]:
    """The costliest, in the order given; what is left out is added up in a last row."""
    if len(costs) <= most:
        return list(costs)
    ranked = sorted(costs, key=lambda cost: -cost.seconds)
    kept = {id(cost) for cost in ranked[: most - 1]}
    rest = [cost for cost in costs if id(cost) not in kept]
    return [
        *(cost for cost in costs if id(cost) in kept),
        Cost(
            f"({len(rest)} others)",
            "",
            sum(cost.calls for cost in rest),
            sum(cost.backward_calls for cost in rest),
            sum(cost.forward for cost in rest),
            sum(cost.backward for cost in rest),
            sum(cost.in_kernels for cost in rest),
            sum(cost.result_bytes for cost in rest),
        ),
    ]


def _size(cost: Cost) -> str:
    return bytes_text(cost.result_bytes) if cost.result_bytes else ""
