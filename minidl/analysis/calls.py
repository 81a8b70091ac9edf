"""The tree of a forward pass's calls."""

from __future__ import annotations

from collections.abc import Iterable

from minidl.analysis.rows import Row
from minidl.analysis.trace import Call, Trace


class Calls:
    """The tree of a trace's calls, with what each of them costs, all below it included."""

    def __init__(self, trace: Trace, rows: Iterable[Row]) -> None:
        self.list = trace.calls
        self.position = {id(call): i for i, call in enumerate(self.list)}
        self.rows = list(rows)[: len(self.list)]  # the others are of layers that didn't run
        self.end = [i + 1 for i in range(len(self.list))]  # of the calls below
        self.parameters = [row.parameters for row in self.rows]
        self.macs = [row.macs for row in self.rows]
        for i in range(len(self.list) - 1, 0, -1):
            parent = self.list[i].parent
            assert parent is not None, "only the first call is the model's"
            above = self.position[id(parent)]
            self.end[above] = max(self.end[above], self.end[i])
            self.parameters[above] += self.parameters[i]
            self.macs[above] += self.macs[i]

    def below(self, call: Call) -> list[Call]:
        """The call, the calls that it made, and theirs."""
        i = self.position[id(call)]
        return self.list[i : self.end[i]]

    def made_by(self, call: Call) -> list[Call]:
        """The calls that it made itself."""
        return [inner for inner in self.below(call) if inner.parent is call]

    def is_leaf(self, call: Call) -> bool:
        """Whether it called no other module."""
        return len(self.below(call)) == 1
