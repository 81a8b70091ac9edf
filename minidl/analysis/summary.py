"""summary: what a network is made of, layer by layer, without running it on data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from minidl.analysis.tables import Table, amount, bytes_text, count
from minidl.analysis.trace import Call, Trace, input_specs
from minidl.errors import MinidlError, ShapeError, fail
from minidl.nn import Module


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


@dataclass(frozen=True)
class Summary:
    """The table of a network: print it, show it in a notebook, or read `rows` and the totals.

    Every number stands in one row only, so the columns add up to the totals.
    """

    model: str
    inputs: tuple[tuple[int, ...], ...]
    rows: tuple[Row, ...]
    """In order of execution, a layer before the layers it calls; at the end what was not run."""
    parameter_bytes: int
    buffer_bytes: int
    input_bytes: int
    kept_bytes: int
    """What the forward pass keeps for the backward pass: every array that some gradient needs,
    once, without parameters, buffers and input. Batch norm and activation count as two steps."""
    depth: int | None = field(default=None, repr=False)
    """How deep print and notebooks show it; None: to the leaves."""

    @property
    def parameters(self) -> int:
        """All parameters, shared ones once."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable(self) -> int:
        """Parameters that require a gradient."""
        return self.parameters - sum(row.frozen for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the forward pass: convolutions and matrix products."""
        return sum(row.macs for row in self.rows)

    @property
    def flops(self) -> int:
        """2 · MACs: a multiplication and an addition each."""
        return 2 * self.macs

    @property
    def complete(self) -> bool:
        """Whether the forward pass came to its end; False in a SummaryError's `partial`."""
        return all(row.status != "failed" for row in self.rows)

    def collapsed(self, depth: int | None) -> tuple[Row, ...]:
        """The rows down to a depth, with what lies deeper added to the row above it."""
        shown: list[Row] = []
        for row in self.rows:
            if depth is None or row.depth <= depth or row.status == "failed":
                shown.append(row)
            else:
                last = shown[-1]
                shown[-1] = replace(
                    last,
                    parameters=last.parameters + row.parameters,
                    frozen=last.frozen + row.frozen,
                    macs=last.macs + row.macs,
                )
        return tuple(shown)

    def table(self, depth: int | None = None) -> Table:
        """The table, to be turned into text or HTML."""
        rows = self.collapsed(self.depth if depth is None else depth)
        table = Table(
            f"{self.model}, input {', '.join(map(_shape, self.inputs))}",
            ("layer", "type", "output", "parameters", "MACs", "receptive field"),
            "lllrrr",
        )
        for row in rows:
            table.add(*_cells(row))
        table.foot(
            "total", "", "", count(self.parameters), count(self.macs), "",
        )  # fmt: skip
        table.note(self._parameters_line())
        reach = "for this input" if self.complete else "up to the layer that failed"
        table.note(f"{count(self.macs)} MACs = {count(self.flops)} FLOPs {reach}")
        table.note(self._memory_line())
        if any(row.again for row in rows):
            table.note("↺ called before; its parameters are counted once")
        if any(row.frozen for row in rows):
            table.note("* frozen: without a gradient")
        return table

    def _parameters_line(self) -> str:
        frozen = self.parameters - self.trainable
        parts = f": {count(self.trainable)} trainable, {count(frozen)} frozen" if frozen else ""
        return f"{count(self.parameters)} parameters{parts or ', all trainable'}"

    def _memory_line(self) -> str:
        parts = {
            "parameters": self.parameter_bytes,
            "buffers": self.buffer_bytes,
            "input": self.input_bytes,
        }
        if self.complete:
            parts["kept for backward"] = self.kept_bytes
        return "memory: " + ", ".join(f"{k} {bytes_text(v)}" for k, v in parts.items())

    def __str__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()


class SummaryError(MinidlError):
    """A layer refused what it was given; `partial` is the table up to there."""

    def __init__(self, message: str, partial: Summary) -> None:
        super().__init__(message)
        self.partial = partial


def summary(
    model: Module, input_size: Any, *, depth: int | None = None, training: bool = False
) -> Summary:
    """Shapes, parameters, multiply-accumulates, memory and receptive fields of every layer.

    One forward pass on the backend "meta", which computes shapes only: it takes milliseconds, and
    neither memory nor anything of the model's: its values, gradients, mode, hooks (they don't run)
    and the random numbers stay as they are.

    Parameters
    ----------
    model : a Module, on any backend
    input_size : (C, H, W) for one image, or a whole shape such as (N, C, H, W) or (N, features); or
        a tensor; or a list of these, for a model with several inputs
    depth : how deep `print` shows the tree; None: to the leaves
    training : whether to run in training mode. The default is evaluation, in which a network's
        published MACs are counted: without auxiliary heads.

    Raises
    ------
    SummaryError : when a layer can't take its input. It says which, and `.partial` is the Summary
        up to there.

    >>> from minidl import models
    >>> table = summary(models.create("lenet5"), (1, 28, 28))
    >>> table.parameters, table.macs
    (61706, 416520)
    >>> [(row.path, row.output) for row in table.rows[1:3]]
    [('conv1', (1, 6, 28, 28)), ('activation', (1, 6, 28, 28))]

    """
    if not isinstance(model, Module):
        fail("summary", "model", f"a {type(model).__name__}", "an nn.Module")
    inputs = input_specs("summary", model, input_size)
    trace = Trace(model, inputs, training)
    result = Summary(
        model=type(model).__name__,
        inputs=tuple(x.shape for x in inputs),
        rows=(*_rows(trace), *_not_run(model, trace)),
        parameter_bytes=_bytes(model.parameters()),
        buffer_bytes=_bytes(model.buffers()),
        input_bytes=sum(x.nbytes for x in inputs),
        kept_bytes=trace.kept_bytes,
        depth=depth,
    )
    if trace.error is not None:
        raise SummaryError(_message(trace, trace.error), result) from trace.error
    return result


def _bytes(tensors: Any) -> int:
    return sum(t.numel() * t.dtype.itemsize for t in tensors)


def _rows(trace: Trace) -> list[Row]:
    rows, counted, called = [], set[int](), set[int]()
    for call in trace.calls:
        own = [p for p in call.module._parameters.values() if p is not None]
        new = {id(p): p for p in own if id(p) not in counted}
        counted |= new.keys()
        area = call.field
        sees_all = area is not None and area.whole
        known = area is not None and not sees_all
        rows.append(
            Row(
                call.path,
                type(call.module).__name__,
                call.depth,
                call.output,
                call.output_bytes,
                sum(p.numel() for p in new.values()),
                sum(p.numel() for p in new.values() if not p.requires_grad),
                call.macs,
                area.pixels if area is not None and known else None,
                (float(area.height.jump), float(area.width.jump))
                if area is not None and known
                else None,
                sees_all,
                id(call.module) in called,
                "failed" if call.failed else "run",
                _name(call),
            )
        )
        called.add(id(call.module))
    return rows


def _not_run(model: Module, trace: Trace) -> list[Row]:
    """The topmost modules with parameters of which nothing ran."""
    ran = {call.path for call in trace.calls}
    counted = {id(p) for path, m in model.named_modules() if path in ran
               for p in m._parameters.values()}  # fmt: skip
    rows: list[Row] = []
    above = tuple(path.rpartition(".")[0] for path in ran)
    reached = {*ran}
    for path in above:  # a ModuleList isn't called, but what is in it
        while path and path not in reached:
            reached.add(path)
            path = path.rpartition(".")[0]
    for path, module in model.named_modules():
        if path in reached or any(path.startswith(f"{row.path}.") for row in rows):
            continue
        new = {id(p): p for p in module.parameters() if id(p) not in counted}
        counted |= new.keys()
        if new:
            parameters = sum(p.numel() for p in new.values())
            frozen = sum(p.numel() for p in new.values() if not p.requires_grad)
            kind = type(module).__name__
            rows.append(
                Row(
                    path, kind, 1, parameters=parameters, frozen=frozen, status="not run", name=path
                )
            )
    return rows


def _name(call: Call) -> str:
    prefix = f"{call.parent.path}." if call.parent is not None and call.parent.path else ""
    return call.path.removeprefix(prefix) or type(call.module).__name__


def _message(trace: Trace, error: Exception) -> str:
    call = next((call for call in trace.calls if call.failed), None)
    if call is None:
        return f"summary: {error}"
    module = call.module
    kind = f"{type(module).__name__}({module.extra_repr()})"
    where = f"the layer {call.path}, {kind}," if call.path else f"the model, {kind},"
    given = " and ".join(_shape(s) for s in call.inputs) or "nothing"
    fate = "can't take" if isinstance(error, ShapeError) else "fails on"
    return f"summary: {where} {fate} its input {given}.\n{error}"


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a number"


def _cells(row: Row) -> tuple[str, ...]:
    if row.sees_all:
        sees = "all"
    elif row.receptive_field is None:
        sees = ""
    else:
        sees = "×".join(map(str, row.receptive_field))
    output = row.status if row.status != "run" else _shape(row.output) if row.output else ""
    return (
        "  " * row.depth + row.name,
        row.type + (" ↺" if row.again else ""),
        output,
        amount(row.parameters) + ("*" if row.frozen else ""),
        amount(row.macs),
        sees,
    )
