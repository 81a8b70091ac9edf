"""summary: what a network is made of, layer by layer, without running it on data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from minidl.analysis.rows import Row, rows_of
from minidl.analysis.tables import WIDTH, Table, amount, bytes_text, count, rounded, shape_text
from minidl.analysis.titles import model_title
from minidl.analysis.trace import Trace, input_specs
from minidl.errors import MinidlError
from minidl.nn import Module


@dataclass(frozen=True)
class Summary:
    """The table of a network: print it, show it in a notebook, or read `rows` and the totals.

    Every number stands in one row only, so the columns add up to the totals.
    """

    model: str
    """The title: its name, if that was given, and its class."""
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
            stopped = row.status != "run" and not self.complete
            if depth is None or row.depth <= depth or stopped:
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

    def table(self, depth: int | None = None, exact: bool = True) -> Table:
        """The table, to be turned into text or HTML; the layers' MACs exact, or rounded."""
        rows = self.collapsed(self.depth if depth is None else depth)
        table = Table(
            f"{self.model}, input {', '.join(map(shape_text, self.inputs))}",
            ("layer", "type", "output", "parameters", "MACs", "sees"),
            "lllrrr",
            elastic=1,
        )
        for row in rows:
            table.add(*_cells(row, amount if exact else rounded))
        table.foot(
            "total",
            "",
            "",
            count(self.parameters),
            count(self.macs) if exact else rounded(self.macs),
            "",
        )
        table.note(self._parameters_line())
        reach = "for this input" if self.complete else "up to the layer that failed"
        table.note(f"{count(self.macs)} MACs = {count(self.flops)} FLOPs {reach}")
        table.note(self._memory_line())
        if self.complete:
            table.note(f"kept for backward: {bytes_text(self.kept_bytes)}")
        if any(row.receptive_field for row in rows):
            table.note("sees: the receptive field, height × width in pixels of the image")
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
        return "memory: " + ", ".join(f"{k} {bytes_text(v)}" for k, v in parts.items() if v)

    def __str__(self) -> str:
        table = self.table()
        return (table if table.width <= WIDTH else self.table(exact=False)).text()

    def _repr_html_(self) -> str:
        return self.table().html()


class SummaryError(MinidlError):
    """A layer refused what it was given; `partial` is the table up to there."""

    def __init__(self, message: str, partial: Summary) -> None:
        super().__init__(message)
        self.partial = partial


def summary(
    model: Module,
    input_size: Any = None,
    *,
    depth: int | None = None,
    training: bool = False,
    name: str | None = None,
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
    name : for the title, such as the one it was created by; the class stands there in any case

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
    inputs = input_specs("summary", model, input_size)
    trace = Trace(model, inputs, training)
    result = Summary(
        model=model_title(model, name),
        inputs=tuple(x.shape for x in inputs),
        rows=rows_of(model, trace),
        parameter_bytes=_bytes(model.parameters()),
        buffer_bytes=_bytes(model.buffers()),
        input_bytes=sum(x.nbytes for x in inputs),
        kept_bytes=trace.kept_bytes,
        depth=depth,
    )
    if trace.error is not None:
        raise SummaryError(trace.refusal("summary"), result) from trace.error
    return result


def _bytes(tensors: Any) -> int:
    return sum(t.numel() * t.dtype.itemsize for t in tensors)


def _cells(row: Row, number: Callable[[int], str]) -> tuple[str, ...]:
    if row.sees_all:
        sees = "all"
    elif row.receptive_field is None:
        sees = ""
    else:
        sees = "×".join(map(str, row.receptive_field))
    output = row.status if row.status != "run" else shape_text(row.output) if row.output else ""
    return (
        "  " * row.depth + row.name,
        row.type + (" ↺" if row.again else ""),
        output,
        amount(row.parameters) + ("*" if row.frozen else ""),
        number(row.macs),
        sees,
    )
