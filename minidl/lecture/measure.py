"""Figures of running networks: built and run on "meta", once each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from minidl import models
from minidl.analysis import Summary, summary
from minidl.analysis.flow import Flow
from minidl.analysis.trace import input_specs
from minidl.backends import use_backend
from minidl.lecture.verdicts import Reading
from minidl.nn import Conv2d, Linear, Module

__all__ = ["Measured", "Network", "macs_readings", "measured", "measured_model", "size_readings"]


@dataclass(frozen=True)
class Measured:
    """A layer, or several together."""

    parameters: int = 0
    """With biases."""
    weights: int = 0
    """Without."""
    macs: int = 0
    output: tuple[int, ...] = ()

    def __add__(self, other: Measured) -> Measured:
        return Measured(
            self.parameters + other.parameters,
            self.weights + other.weights,
            self.macs + other.macs,
            other.output,
        )


class Network:
    """A network and its summary."""

    def __init__(self, module: Module, table: Summary) -> None:
        self.module, self.table = module, table
        self.modules = dict(module.named_modules())

    def __getitem__(self, path: str) -> Measured:
        """A layer with all that is in it."""
        rows = [r for r in self.table.rows if _inside(r.path, path)]
        modules = {path: self.modules[path]} if path else {"": self.module}
        (top,) = modules.values()
        weights = sum(
            layer.weight.numel() for layer in top.modules() if isinstance(layer, (Conv2d, Linear))
        )
        output = next(r.output for r in rows if r.path == path) or ()
        return Measured(sum(r.parameters for r in rows), weights, sum(r.macs for r in rows), output)

    def sum(self, *paths: str) -> Measured:
        """Several layers together."""
        total = Measured()
        for path in paths:
            total += self[path]
        return total

    def of(self, *kinds: type[Module]) -> dict[str, Any]:
        """The modules of some types by their paths, in order."""
        return {path: m for path, m in self.modules.items() if isinstance(m, kinds)}

    @property
    def all(self) -> Measured:
        """The whole network."""
        return self[""]

    @property
    def depth(self) -> int:
        """Layers with weights along the longest path from the image to the logits.

        So papers count: "22 layers deep when counting only layers with parameters", Szegedy et al.
        2015, §5. Of parallel branches only the longest one counts.
        """
        with use_backend("meta"):
            flow = Flow(self.module, input_specs("depth", self.module, self.table.inputs), False)
        depths: dict[int, int] = {}
        for step in flow.steps:  # in order of execution: what a step uses was made before
            below = max((depths[id(value.step)] for value in step.inputs), default=0)
            depths[id(step)] = below + (step.macs > 0)
        return max(depths.values())


def _inside(path: str, top: str) -> bool:
    return not top or path == top or path.startswith(f"{top}.")


@lru_cache
def measured(name: str, **options: Any) -> Network:
    """A registered network on an image of the size that it was made for.

    >>> measured("lenet5")["fc1"]
    Measured(parameters=48120, weights=48000, macs=48000, output=(1, 120))
    """
    with use_backend("meta"):
        module = models.create(name, **options)
    card = models.card(name)
    assert card is not None, f"{name} has a card"
    channels = options.get("in_channels", card.input[0])
    return Network(module, summary(module, (channels, *card.input[1:])))


def measured_model(module: Module, shape: tuple[int, int, int]) -> Network:
    """Any network on an image of any size; one made under `use_backend("meta")` takes no memory."""
    return Network(module, summary(module, shape))


def size_readings(layer: Measured) -> tuple[Reading, ...]:
    """Parameters, as a slide may count them."""
    return (
        Reading("parameters with biases", layer.parameters),
        Reading("weights without biases", layer.weights),
    )


def macs_readings(layer: Measured) -> tuple[Reading, ...]:
    """Operations, as a slide may count them."""
    return Reading("FLOP = 2 · MACs", 2 * layer.macs), Reading("MACs", layer.macs)
