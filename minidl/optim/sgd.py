"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minidl.backends import Backend
from minidl.errors import ArgumentError, AutogradError, DTypeError
from minidl.functional.operands import number
from minidl.grad_mode import no_grad
from minidl.tensor import Tensor


class SGD:
    """g += weight_decay·p; b = momentum·b + (1 − dampening)·g; p −= lr·b.

    With nesterov p −= lr·(g + momentum·b) (Sutskever et al. 2013); without momentum p −= lr·g.
    Step for step PyTorch's.

    >>> import minidl
    >>> p = minidl.tensor([1.0], requires_grad=True)
    >>> optimizer = SGD([p], lr=0.5)
    >>> (p * 2).sum().backward()
    >>> optimizer.step()
    >>> p.detach()
    tensor([0.])
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        self.parameters = _checked("SGD", parameters)
        for name, value in (("lr", lr), ("momentum", momentum), ("weight_decay", weight_decay)):
            if not number("SGD", name, value) >= 0:
                raise ArgumentError(f"SGD: {name} is {value}, expected at least 0.")
        number("SGD", "dampening", dampening)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ArgumentError(
                f"SGD: nesterov needs momentum > 0 and dampening = 0, but they are {momentum} "
                f"and {dampening}."
            )
        self.lr, self.momentum, self.dampening = lr, momentum, dampening
        self.weight_decay, self.nesterov = weight_decay, nesterov
        # By the parameters' positions: how often their momentum was updated, and the momentum.
        self._steps = [0] * len(self.parameters)
        self._buffers: list[Tensor | None] = [None] * len(self.parameters)

    def zero_grad(self) -> None:
        """Forget the gradients; call it before each backward()."""
        for p in self.parameters:
            p.grad = None

    def step(self) -> None:
        """Change every parameter that has a gradient, in place."""
        groups: dict[tuple[Backend, Any, int], list[int]] = {}
        for position, p in enumerate(self.parameters):
            if p.grad is not None:
                self._prepare(position, p, p.grad)
                kind = (p.backend, p.dtype, self._steps[position])
                groups.setdefault(kind, []).append(position)
        for (backend, _, step), positions in groups.items():
            params = [self.parameters[i] for i in positions]
            with no_grad():
                arrays = [p._writable("SGD.step") for p in params]
            backend.sgd_step(
                arrays,
                [p.grad._array for p in params if p.grad is not None],
                [b._array for i in positions if (b := self._buffers[i]) is not None]
                if self.momentum
                else [],
                lr=self.lr,
                step=step,
                grad_scale=1.0,
                momentum=self.momentum,
                dampening=self.dampening,
                weight_decay=self.weight_decay,
                nesterov=self.nesterov,
            )

    def _prepare(self, position: int, p: Tensor, gradient: Any) -> None:
        """Check the gradient; count the step; let the momentum follow a parameter that moved."""
        if (
            not isinstance(gradient, Tensor)
            or gradient.backend is not p.backend
            or gradient.shape != p.shape
            or gradient.dtype != p.dtype
        ):
            raise AutogradError(
                f"SGD.step: the gradient of parameter {position} does not fit: it is "
                f"{_describe(gradient)}, the parameter {_describe(p)}. Call backward() again."
            )
        self._steps[position] += 1
        if self.momentum:
            buffer = self._buffers[position]
            if buffer is None:
                self._steps[position] = 1
                self._buffers[position] = p.new_zeros(p.shape)
            else:
                self._buffers[position] = buffer.to(p.backend, p.dtype)


def _checked(optimizer: str, parameters: Iterable[Tensor]) -> list[Tensor]:
    """The parameters as a list: leaf tensors that require a gradient, each once."""
    if isinstance(parameters, Tensor) or not isinstance(parameters, Iterable):
        given = type(parameters).__name__
        raise DTypeError(
            f"{optimizer}: parameters is a {given}, expected a list. Give model.parameters()."
        )
    found = list(parameters)
    if not found:
        raise ArgumentError(f"{optimizer}: there are no parameters. Give model.parameters().")
    seen: set[int] = set()
    for position, p in enumerate(found):
        if not isinstance(p, Tensor):
            raise DTypeError(
                f"{optimizer}: parameter {position} is a {type(p).__name__}, expected a Tensor."
            )
        if p.grad_fn is not None:
            raise ArgumentError(
                f"{optimizer}: parameter {position} was computed, expected a leaf: a tensor made "
                "with requires_grad=True, or a Parameter."
            )
        if id(p) in seen:
            raise ArgumentError(
                f"{optimizer}: parameter {position} is given twice. It would move twice per step."
            )
        seen.add(id(p))
    return found


def _describe(t: Any) -> str:
    """A tensor's shape, dtype and backend, for a message."""
    if not isinstance(t, Tensor):
        return f"a {type(t).__name__}"
    return f"{t.shape} {t.dtype} on {t.backend.name!r}"
