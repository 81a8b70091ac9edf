"""What is paid without computing anything: an operation on one number, an import."""

# ruff: noqa: D102 - Layer documents the methods

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cases.layer import Layer, Runs


@dataclass(frozen=True)
class Overhead(Layer):
    """A chain of operations on single numbers: what an operation costs that computes nothing."""

    group = "overhead"
    parts = ("no graph", "with graph", "backward")
    operations = 100

    operation: str

    @property
    def name(self) -> str:
        return self.operation

    def runs(self, library: Any, x: Any, other: Any, relu: Callable[[Any], Any]) -> Runs:
        """Both libraries have the same names here."""
        operation: Callable[[Any], Any] = {
            "x + y": lambda x: x + other,
            "x · y": lambda x: x * other,
            "relu(x)": relu,
            "x @ y": lambda x: x @ other,
        }[self.operation]

        def chain() -> Any:
            y = x
            for _ in range(self.operations):
                y = operation(y)
            return y

        def without_graph() -> None:
            with library.no_grad():
                chain()

        end = chain().sum()
        return {
            "no graph": without_graph,
            "with graph": chain,
            "backward": lambda: end.backward(retain_graph=True),
        }

    def minidl(self, backend: Any) -> Runs:
        import minidl
        from minidl.functional import relu

        x = minidl.ones(1, 1).requires_grad_()
        return self.runs(minidl, x, minidl.ones(1, 1), relu)

    def torch(self, torch: Any) -> Runs:
        x = torch.ones(1, 1).requires_grad_()
        return self.runs(torch, x, torch.ones(1, 1), torch.relu)


@dataclass(frozen=True)
class Import(Layer):
    """A fresh Python that imports the library and ends, as the shell sees it."""

    group = "import"
    parts = ("import",)
    name = "python -c 'import …'"

    def minidl(self, backend: Any) -> Runs:
        return {"import": lambda: _python("import minidl")}

    def torch(self, torch: Any) -> Runs:
        return {"import": lambda: _python("import torch")}


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)
