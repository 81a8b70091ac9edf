"""A moving average of the weights, which often generalises better than the last weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from minidl.backends import Backend
from minidl.errors import fail
from minidl.grad_mode import no_grad
from minidl.nn import Module
from minidl.optim import checks
from minidl.tensor import Tensor


class ExponentialMovingAverage:
    """After each step: average = decay · average + (1 − decay) · parameter.

    Starts from the parameters as they are. A Module's buffers (running statistics of batch norm)
    aren't averaged but copied. A decay of 0.999 remembers about 1/(1 − 0.999) = 1000 steps.

    Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging"; for networks
    Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision", section 8.

    >>> import minidl
    >>> p = minidl.tensor([0.0], requires_grad=True)
    >>> average = ExponentialMovingAverage([p], decay=0.75)
    >>> with minidl.no_grad():
    ...     _ = p.fill_(4.0)  # an optimizer's step
    >>> average.update()
    >>> with average.applied():
    ...     print(p.tolist())
    [1.0]
    >>> p.tolist()
    [4.0]
    """

    def __init__(self, module_or_params: Module | Iterable[Tensor], decay: float) -> None:
        self.decay = checks.decay_rate(_NAME, "decay", decay)
        self._parameters, self._buffers = _tensors(_NAME, module_or_params)
        self.averages = [p.detach().clone() for p in self._parameters]
        self.buffers = [b.detach().clone() for b in self._buffers]

    def update(self) -> None:
        """Take the present parameters into the average; call it after optimizer.step()."""
        alike: dict[tuple[Backend, Any], list[tuple[Tensor, Tensor]]] = {}
        for i, p in enumerate(self._parameters):
            self.averages[i] = self.averages[i].to(p.backend, p.dtype)  # p may have been moved
            alike.setdefault((p.backend, p.dtype), []).append((self.averages[i], p))
        for (backend, _), pairs in alike.items():
            backend.lerp_step(
                [average._writable(f"{_NAME}.update") for average, _ in pairs],
                [p._array for _, p in pairs],
                weight=1 - self.decay,
                scales=[1.0] * len(pairs),
            )
        _copy(self._buffers, self.buffers)

    def copy_to(self, module_or_params: Module | Iterable[Tensor] | None = None) -> None:
        """Overwrite the parameters with the averages, and a Module's buffers with the copies.

        Of the model that is averaged, or of another with the same shapes.
        """
        name = f"{_NAME}.copy_to"
        parameters, buffers = self._parameters, self._buffers
        if module_or_params is not None:
            parameters, buffers = _tensors(name, module_or_params)
        _check_shapes(name, "parameters", parameters, self.averages)
        if buffers:
            _check_shapes(name, "buffers", buffers, self.buffers)
            _copy(self.buffers, buffers)
        _copy(self.averages, parameters)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within `with`, the model has the averages; afterwards its own weights again."""
        own = [*self._parameters, *self._buffers]
        kept = [t.detach().clone() for t in own]
        self.copy_to()
        try:
            yield
        finally:
            _copy(kept, own)

    def __repr__(self) -> str:
        n, m = len(self.averages), len(self.buffers)
        return f"{_NAME}(decay={self.decay}, {n} parameters, {m} buffers)"

    def state_dict(self) -> dict[str, Any]:
        """A snapshot: the decay, the averages and the buffers, in the order of the parameters."""
        return {
            "decay": self.decay,
            "averages": [t.clone() for t in self.averages],
            "buffers": [t.clone() for t in self.buffers],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where `state_dict()` was called. All is checked before anything is changed."""
        name = f"{_NAME}.load_state_dict"
        checks.check_keys(name, "the state_dict", state_dict, ("decay", "averages", "buffers"))
        decay = checks.decay_rate(name, "decay", state_dict["decay"])
        loaded = []
        for key, own in (("averages", self._parameters), ("buffers", self._buffers)):
            checks.check_length(name, key, state_dict[key], len(own), f"the {key} there are")
            pairs = enumerate(zip(state_dict[key], own, strict=True))
            loaded.append(
                [
                    checks.loaded_tensor(name, f"{key}[{i}]", value, t, "the model's")
                    for i, (value, t) in pairs
                ]
            )
        self.decay, (self.averages, self.buffers) = decay, loaded


_NAME = "ExponentialMovingAverage"


def _tensors(
    operation: str, module_or_params: Module | Iterable[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Parameters and buffers; a list of parameters has none."""
    buffers: list[Tensor] = []
    if isinstance(module_or_params, Module):
        buffers = list(module_or_params.buffers())
        module_or_params = module_or_params.parameters()
    parameters = checks.parameter_list(operation, "module_or_params", module_or_params)
    checks.check_parameters(operation, parameters)
    return parameters, buffers


def _check_shapes(
    operation: str, what: str, given: Sequence[Tensor], expected: Sequence[Tensor]
) -> None:
    if len(given) != len(expected):
        fail(operation, f"the number of {what}", len(given), str(len(expected)))
    for i, (t, like) in enumerate(zip(given, expected, strict=True)):
        if t.shape != like.shape:
            fail(operation, f"the shape of {what}[{i}]", t.shape, str(like.shape))


def _copy(sources: Sequence[Tensor], targets: Sequence[Tensor]) -> None:
    """Overwrite the targets' values, wherever they live."""
    with no_grad():
        for source, target in zip(sources, targets, strict=True):
            target.copy_(source.detach().to(target.backend, target.dtype))
