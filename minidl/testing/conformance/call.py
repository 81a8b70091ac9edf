"""One call of one kernel: its arguments made from a case, its truth, its text."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from minidl.backends import Backend, get
from minidl.backends.contract import Backend as Contract
from minidl.testing import naive
from minidl.testing.conformance.data import Array, Data
from minidl.testing.conformance.layouts import lay_out, repeat_first
from minidl.testing.conformance.suite import Config
from minidl.testing.conformance.suites import SUITES


class Call:
    """A case with everything decided: dtype, memory layout, and the seed of its values.

    >>> from minidl.testing.conformance import Call, normal
    >>> call = Call("conv2d", {"x": normal(1, 1, 2, 3), "weight": normal(1, 1, 1, 2)})
    >>> call.truth()["result"].shape
    (1, 1, 2, 2)
    """

    def __init__(
        self,
        kernel: str,
        config: Config,
        *,
        dtype: str = "float64",
        layout: str = "contiguous",
        seed: int = 0,
    ) -> None:
        self.kernel, self.config = kernel, config
        self.dtype, self.layout, self.seed = dtype, layout, seed
        self.suite = SUITES[kernel]
        self.values: Config = {
            **{name: self._make(name, spec) for name, spec in config.items()},
            **{p.name: p.default for p in self.parameters() if p.name not in (*config, "out")},
        }
        """The arguments but `out`: NumPy arrays in C order, and the contract's defaults."""
        if self.suite.prepare is not None:
            self.suite.prepare(self.values)

    def _make(self, name: str, spec: Any) -> Any:
        if isinstance(spec, list):
            return [self._make(f"{name}[{k}]", each) for k, each in enumerate(spec)]
        if not isinstance(spec, Data):
            return spec
        values = spec.make(name, self.seed, self.dtype)
        return repeat_first(values) if self.layout == "broadcast" and values.ndim else values

    # ------------------------------------------------------------------------ its results

    def truth(self) -> dict[str, Array | None]:
        """What the naive loops say, by the names of the results."""
        arguments = dict(self.values)
        for name in self.suite.updates:
            arguments[name] = [array.astype(np.float64) for array in arguments[name]]
        return self.named(getattr(naive, self.kernel)(**arguments), arguments)

    def run(self, backend: str | Backend) -> dict[str, Any]:
        """What a backend says, as its own arrays."""
        arguments = self.arguments(get(backend))
        return self.named(self.invoke(get(backend), arguments), arguments)

    def arguments(self, backend: Backend) -> Config:
        """The arguments as the backend's arrays, laid out as this call wants them."""

        def place(name: str, value: Any) -> Any:
            if isinstance(value, list):
                return [place(name, each) for each in value]
            if not isinstance(value, np.ndarray):
                return value
            return lay_out(backend, value, self.layout, writable=name in self.suite.updates)

        return {name: place(name, self.values[name]) for name in self.config}

    def invoke(self, backend: Backend, arguments: Config, **more: Any) -> Any:
        """backend.kernel(…), its arrays by position as in the contract, everything else by name."""
        positional, named = [], {**arguments, **more}
        for parameter in self.parameters():
            if parameter.kind is parameter.KEYWORD_ONLY:
                break
            positional += [named.pop(parameter.name, parameter.default)]
        return getattr(backend, self.kernel)(*positional, **named)

    def parameters(self) -> list[inspect.Parameter]:
        """The kernel's parameters in the contract, without self."""
        signature = inspect.signature(getattr(Contract, self.kernel))
        return list(signature.parameters.values())[1:]

    def named(self, results: Any, arguments: Config) -> dict[str, Any]:
        """Results by name: "result", or "result[0]", or the arrays that a step has changed."""
        if self.suite.updates:
            return {
                f"{name}[{k}]": array
                for name in self.suite.updates
                for k, array in enumerate(arguments[name])
            }
        if isinstance(results, tuple):
            return {f"result[{k}]": result for k, result in enumerate(results)}
        return {"result": results}

    # --------------------------------------------------------------------------- its text

    def __repr__(self) -> str:
        pieces = ", ".join(f'"{name}": {spec!r}' for name, spec in self.config.items())
        options = f", dtype={self.dtype!r}, layout={self.layout!r}, seed={self.seed}"
        return f'Call("{self.kernel}", {{{pieces}}}{options})'

    def script(self, backend: str, load: str | None = None) -> str:
        """Lines to paste into Python: they show this call and its truth, and fail as it failed.

        `load` is the file that registers the backend, if it isn't known without.
        """
        specs = [each for spec in self.config.values() for each in _flat(spec)]
        makers = sorted({spec.kind for spec in specs if isinstance(spec, Data)})
        lines = [
            "from minidl.testing import conformance",
            f"from minidl.testing.conformance import {', '.join(['Call', *makers])}",
            "",
            f"call = {self!r}",
            "print(call.values)",
            "print(call.truth())",
            f"print(call.run({backend!r}))",
            f"conformance.check(call, {backend!r})",
        ]
        if load is not None:
            lines = ["import runpy", *lines[:3], f"runpy.run_path({load!r})", *lines[3:]]
        return "\n".join(lines)


def _flat(spec: Any) -> list[Any]:
    return spec if isinstance(spec, list) else [spec]
