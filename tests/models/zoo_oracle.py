"""A network beside its reference implementation in PyTorch, with the same random weights.

    check_agreement(published("resnet18"))

The weights are `zoo.random_state`'s. They go into the reference first, and from its state dict, as
it is, into ours: by `load_weights`, with every name and shape that the reference has.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from models.references import PUBLISHED
from models.zoo import loss_of, random_images, random_state, relative_error

import minidl
from minidl import models, nn
from minidl.interop.namings import OURS, namings_of

CLASSES = 5
BATCH = 4
"""Images compared: more than two, for a batch norm of two values knows only their order."""

LIMITS = {
    "float32": 1e-4,
    "float64": 1e-9,
    "loss": 1e-6,
    "gradients": 1e-6,
    "statistics": 1e-6,
}
"""Largest error allowed, max|Δ| / max|reference|, of each figure of an Agreement."""


@dataclass(frozen=True)
class Reference:
    """A network and the function that makes its reference, with CLASSES classes."""

    name: str
    make: Callable[[], torch.nn.Module]
    image: tuple[int, int, int] = (3, 64, 64)
    """Of the images compared, as small as the network allows."""
    naming: str = "minidl"
    """Whose names the reference's parameters have."""
    options: dict[str, Any] = field(default_factory=dict)
    """Ours to create."""

    def pair(self, dtype: str) -> tuple[nn.Module, torch.nn.Module]:
        """Both, with the same weights, for evaluation."""
        ours = models.create(self.name, num_classes=CLASSES, **self.options).to(dtype).eval()
        reference = _without_data(self.make).to(getattr(torch, dtype)).eval()
        values, to_ours = random_state(ours), self.to_ours(ours)
        reference.load_state_dict(
            {
                key: torch.from_numpy(np.asarray(values[to_ours(key)])).reshape(like.shape)
                for key, like in reference.state_dict().items()
            }
        )
        load(ours, reference)
        return ours, reference

    def to_ours(self, ours: nn.Module) -> Callable[[str], str | None]:
        """The reference's parameter name → ours."""
        return next(n for n in (OURS, *namings_of(ours)) if n.name == self.naming).to_ours()


def published(name: str) -> Reference:
    """The reference of a network that torchvision or timm has."""
    entry = PUBLISHED[name]
    make = lambda: entry.make(num_classes=CLASSES)  # noqa: E731
    return Reference(name, make, (3, *entry.image), naming=entry.library)


def load(ours: nn.Module, reference: torch.nn.Module) -> None:
    """All of the reference's weights and statistics into ours."""
    with warnings.catch_warnings():  # of timm's EfficientNets, which may be of two kinds
        warnings.filterwarnings("ignore", ".*timm gives these names to two kinds")
        report = models.load_weights(ours, reference.state_dict())
    assert (report.loaded, report.prefix) == (len(reference.state_dict()), "")


# ------------------------------------------------------------------------------ measuring


@dataclass(frozen=True)
class Agreement:
    """How far a network is from its reference: max|Δ| / max|reference|, the worst of each kind."""

    parameters: int
    """Trained numbers compared."""
    float32: float
    """Of the logits."""
    float64: float
    loss: float
    gradients: float
    statistics: float | None
    """Running ones, of batch norms; None without any."""

    def misses(self) -> dict[str, float]:
        """The figures above their limits."""
        figures = {key: getattr(self, key) for key in LIMITS}
        return {
            key: value
            for key, value in figures.items()
            if value is not None and not value <= LIMITS[key]  # nan is a miss
        }


def agreement(reference: Reference) -> Agreement:
    """Evaluation in float32 and float64, and a training step in float64 without dropout."""
    images, labels = random_images((BATCH, *reference.image))
    ours, theirs = reference.pair("float64")
    float64 = logits_error(ours, theirs, images)
    loss, gradients, statistics = training_errors(
        ours, theirs, reference.to_ours(ours), images, labels
    )
    theirs.zero_grad()
    ours.float()
    load(ours, theirs.float())  # with the statistics that one batch has changed
    return Agreement(
        parameters=sum(p.numel() for p in theirs.parameters()),
        float32=logits_error(ours, theirs, images.astype("float32")),
        float64=float64,
        loss=loss,
        gradients=largest(gradients),
        statistics=largest(statistics) if statistics else None,
    )


def check_agreement(reference: Reference) -> None:
    """All figures are within their limits."""
    found = agreement(reference)
    assert not found.misses(), f"{reference.name}: {found}"


def logits_error(ours: nn.Module, theirs: torch.nn.Module, images: np.ndarray) -> float:
    """In evaluation mode, in the dtype of the images and both networks."""
    with minidl.no_grad(), torch.no_grad():
        logits = ours.eval()(minidl.tensor(images)).numpy()
        expected = theirs.eval()(torch.tensor(images)).numpy()
    assert logits.dtype == expected.dtype == images.dtype
    return error(logits, expected)


def training_errors(
    ours: nn.Module,
    theirs: torch.nn.Module,
    to_ours: Callable[[str], str | None],
    images: np.ndarray,
    labels: np.ndarray,
) -> tuple[float, dict[str, float], dict[str, float]]:
    """Of the loss, of every parameter's gradient, of every running statistic, by our names."""
    for network in (ours, theirs):
        _without_dropout(network)
        network.train()
    loss = loss_of(ours(minidl.tensor(images)), minidl.tensor(labels))
    loss.backward()
    expected = _loss_of_reference(theirs(torch.tensor(images)), torch.tensor(labels))
    expected.backward()

    parameters, buffers = dict(ours.named_parameters()), dict(ours.named_buffers())
    expected_gradients = {to_ours(name): p.grad.numpy() for name, p in theirs.named_parameters()}
    assert expected_gradients.keys() == parameters.keys()
    # A bias before a batch norm has a gradient of zero, but for what is rounded in all of them.
    noise = 1e-6 * max(float(np.abs(g).max()) for g in expected_gradients.values())
    gradients = {
        name: error(
            parameters[name].grad.numpy(),
            gradient.reshape(parameters[name].shape),
            noise if name.endswith("bias") else 0.0,
        )
        for name, gradient in expected_gradients.items()
    }
    statistics = {
        to_ours(name): error(buffers[to_ours(name)].numpy(), buffer.numpy())
        for name, buffer in theirs.named_buffers()
    }
    assert statistics.keys() == buffers.keys()
    return error(loss.item(), expected.item()), gradients, statistics


def error(ours: Any, reference: Any, floor: float = 0.0) -> float:
    """relative_error; where the reference is all zeros, ours must be."""
    if not np.any(reference) and not floor:
        return math.inf if np.any(ours) else 0.0
    return float(relative_error(ours, reference, floor))


def largest(errors: dict[str, float]) -> float:
    """Unlike max, nan if any is."""
    return float(np.max(list(errors.values())))


def _loss_of_reference(output: Any, labels: torch.Tensor) -> torch.Tensor:
    """As `loss_of`: what torchvision's networks with auxiliary heads return is a named tuple."""
    cross_entropy = torch.nn.functional.cross_entropy
    if not isinstance(output, tuple):
        return cross_entropy(output, labels)
    heads = (getattr(output, name) for name in output._fields if name != "logits")
    losses = (0.3 * cross_entropy(head, labels) for head in heads if head is not None)
    return sum(losses, start=cross_entropy(output.logits, labels))


# ------------------------------------------------------------------------------- networks


def _without_data(make: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    """A network whose values are yet to be loaded: nothing is drawn that would be replaced."""
    with torch.device("meta"):
        network = make()
    assert {name for name, _ in network.named_buffers()} <= network.state_dict().keys()
    return network.to_empty(device="cpu")


def _without_dropout(network: Any) -> None:
    for module in network.modules():
        if type(module).__name__ in ("Dropout", "DropPath", "StochasticDepth"):
            module.drop_prob = module.p = 0.0
