"""The rows of a summary: one per call of a layer, and one for what didn't run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from minidl.analysis.trace import Call, Trace
from minidl.nn import Module, Parameter


@dataclass(frozen=True)
class Row:
    """One call of one layer."""

    path: str
    """Its name in `named_modules`; "" for the model itself."""
    type: str
    depth: int
    """0 for the model, 1 for the layers it calls, and so on."""
    output: tuple[int, ...] | None = None
    """Shape of what it returned, the first tensor if several; None if it didn't."""
    output_bytes: int = 0
    parameters: int = 0
    """Its own, without its children's; 0 for those that an earlier row has counted."""
    frozen: int = 0
    """How many of them don't require a gradient."""
    macs: int = 0
    """Multiply-accumulates of its own operations, without its children's."""
    receptive_field: tuple[int, int] | None = None
    """Height and width in pixels of what an element of the output sees; None if `sees_all`, or
    where there is no image."""
    jump: tuple[float, float] | None = None
    """How far apart, in pixels, the fields of neighbouring elements are."""
    sees_all: bool = False
    """Whether an element of the output sees the whole image."""
    again: bool = False
    """Whether the same layer was called before."""
    status: str = "run"
    """Or "failed", or "not run"."""
    name: str = ""
    """The path seen from the layer that called it."""


def rows_of(model: Module, trace: Trace) -> tuple[Row, ...]:
    """One for every call, in order; then what has parameters and didn't run."""
    counter = _Counter()
    called: set[int] = set()
    rows = []
    for call in trace.calls:
        field = call.field
        known = None if field is None or field.whole else field
        parameters, frozen = counter.count(call.module._parameters.values())
        rows.append(
            Row(
                path=call.path,
                type=type(call.module).__name__,
                depth=call.depth,
                output=call.output,
                output_bytes=call.output_bytes,
                parameters=parameters,
                frozen=frozen,
                macs=call.macs,
                receptive_field=known and known.pixels,
                jump=known and (float(known.height.jump), float(known.width.jump)),
                sees_all=field is not None and field.whole,
                again=id(call.module) in called,
                status="failed" if call.failed else "run",
                name=_name(call),
            )
        )
        called.add(id(call.module))
    return (*rows, *_not_run(model, {row.path for row in rows}, counter))


class _Counter:
    """Counts parameters, each once."""

    def __init__(self) -> None:
        self._counted: set[int] = set()

    def count(self, parameters: Iterable[Parameter | None]) -> tuple[int, int]:
        """How many numbers are new, and how many of them are frozen."""
        new = [p for p in parameters if p is not None and id(p) not in self._counted]
        self._counted.update(map(id, new))
        return sum(p.numel() for p in new), sum(p.numel() for p in new if not p.requires_grad)


def _not_run(model: Module, ran: set[str], counter: _Counter) -> Iterator[Row]:
    """The topmost modules of which nothing ran."""
    # A ModuleList isn't called, but what is in it is.
    reached = {path[:end] for path in ran for end, c in enumerate(path) if c == "."}
    told: tuple[str, ...] = ()
    for path, module in model.named_modules():
        if path in ran or path.startswith(told):
            continue
        below = path not in reached
        parameters, frozen = counter.count(
            module.parameters() if below else module._parameters.values()
        )
        told += (f"{path}.",) if below else ()
        if parameters:
            kind = type(module).__name__
            yield Row(
                *(path, kind, 1),
                parameters=parameters,
                frozen=frozen,
                status="not run",
                name=path,
            )


def _name(call: Call) -> str:
    """The path as the caller sees it."""
    prefix = f"{call.parent.path}." if call.parent is not None and call.parent.path else ""
    return call.path.removeprefix(prefix) or type(call.module).__name__
