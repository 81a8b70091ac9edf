"""A network beside its reference implementation in PyTorch, with the same random weights.

    Reference("resnet18", lambda: torchvision.models.resnet18(num_classes=5))

The weights are `zoo.random_state`'s. They go into the reference first, and from its state dict
into ours: both loads are strict, so every name and shape has its partner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from models.zoo import loss_of, random_images, random_state, relative_error

import minidl
from minidl import models, nn

CLASSES = 5


@dataclass(frozen=True)
class Reference:
    """A network and the function that makes its reference, with CLASSES classes."""

    name: str
    make: Callable[[], torch.nn.Module]
    image: tuple[int, int, int] = (3, 64, 64)
    """Of the images compared, as small as the network allows."""
    translate: Callable[[str], str] = str
    """The reference's parameter name → ours."""
    outputs: Callable[[Any], tuple[Any, ...]] = lambda output: (output,)
    """What the reference returns in training → (logits, *auxiliary logits) in our order."""
    options: dict[str, Any] = field(default_factory=dict)
    """Ours to create."""

    def pair(self, dtype: str) -> tuple[nn.Module, torch.nn.Module]:
        """Both, with the same weights, for evaluation."""
        ours = models.create(self.name, num_classes=CLASSES, **self.options).to(dtype).eval()
        reference = self.make().to(getattr(torch, dtype)).eval()
        values, shapes = random_state(ours), reference.state_dict()
        reference.load_state_dict(
            {
                key: torch.from_numpy(np.array(values[self.translate(key)])).reshape(like.shape)
                for key, like in shapes.items()
            }
        )
        own = {name: value.shape for name, value in ours.state_dict().items()}
        ours.load_state_dict(
            {
                self.translate(key): value.numpy().reshape(own[self.translate(key)])
                for key, value in reference.state_dict().items()
            }
        )
        return ours, reference


def from_pairs(pairs: Iterable[tuple[str, str]]) -> Callable[[str], str]:
    """A key map, of (our module, theirs), as a Reference's `translate`."""

    def translate(key: str) -> str:
        (name,) = (ours + key[len(theirs) :] for ours, theirs in pairs if _starts(key, theirs))
        return name

    return translate


def _starts(key: str, module: str) -> bool:
    return key.startswith(f"{module}.")


def check_logits(reference: Reference) -> None:
    """Evaluation: logits within 1e-4 in float32 and 1e-9 in float64, of the largest one."""
    images, _ = random_images((2, *reference.image))
    for dtype, tolerance in (("float32", 1e-4), ("float64", 1e-9)):
        ours, theirs = reference.pair(dtype)
        with minidl.no_grad(), torch.no_grad():
            logits = ours(minidl.tensor(images.astype(dtype))).numpy()
            expected = theirs(torch.tensor(images.astype(dtype))).numpy()
        assert logits.dtype == dtype
        error = relative_error(logits, expected)
        assert error <= tolerance, f"{reference.name} {dtype}: {error:.1e}"


def check_training(reference: Reference, tolerance: float = 1e-6) -> None:
    """Training in float64, without dropout: the loss, all gradients and running statistics."""
    images, labels = random_images((4, *reference.image))
    ours, theirs = reference.pair("float64")
    _without_dropout(ours)
    _without_dropout(theirs)

    loss = loss_of(ours.train()(minidl.tensor(images)), minidl.tensor(labels))
    loss.backward()
    logits, *auxiliary = reference.outputs(theirs.train()(torch.tensor(images)))
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor(labels))
    for head in auxiliary:
        expected = expected + 0.3 * torch.nn.functional.cross_entropy(head, torch.tensor(labels))
    expected.backward()
    assert relative_error(loss.item(), expected.item()) <= tolerance

    gradients = {reference.translate(k): p.grad for k, p in theirs.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
    largest = max(float(gradient.abs().max()) for gradient in gradients.values())
    errors = {}
    for name, parameter in ours.named_parameters():  # a bias before a batch norm has gradient zero
        expected_gradient = gradients[name].numpy().reshape(parameter.shape)
        errors[name] = relative_error(parameter.grad.numpy(), expected_gradient, 1e-6 * largest)
    buffers = dict(ours.named_buffers())
    for key, buffer in theirs.named_buffers():
        name = reference.translate(key)
        errors[name] = relative_error(buffers[name].numpy(), buffer.numpy())
    wrong = {name: f"{error:.1e}" for name, error in errors.items() if error > tolerance}
    assert not wrong, f"{reference.name}: {wrong}"


def _without_dropout(network: Any) -> None:
    for module in network.modules():
        if "Drop" in type(module).__name__:
            for attribute in ("p", "drop_prob"):
                if hasattr(module, attribute):
                    setattr(module, attribute, 0.0)
