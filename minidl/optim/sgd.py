"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minidl.errors import ArgumentError, DTypeError
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
        self.parameters = list(parameters)
        if not self.parameters:
            raise ArgumentError("SGD: there are no parameters. Give model.parameters().")
        for p in self.parameters:
            if not isinstance(p, Tensor):
                raise DTypeError(f"SGD: a parameter is a {type(p).__name__}, expected a Tensor.")
        for name, value in (("lr", lr), ("momentum", momentum), ("weight_decay", weight_decay)):
            if value < 0:
                raise ArgumentError(f"SGD: {name} is {value}, expected at least 0.")
        if nesterov and (momentum == 0 or dampening != 0):
            raise ArgumentError("SGD: nesterov needs momentum > 0 and dampening = 0.")
        self.lr, self.momentum, self.dampening = lr, momentum, dampening
        self.weight_decay, self.nesterov = weight_decay, nesterov
        self._steps: dict[int, int] = {}
        self._buffers: dict[int, Any] = {}

    def zero_grad(self) -> None:
        """Forget the gradients; call it before each backward()."""
        for p in self.parameters:
            p.grad = None

    def step(self) -> None:
        """Change every parameter that has a gradient, in place."""
        groups: dict[tuple[Any, int], list[Tensor]] = {}
        for p in self.parameters:
            if p.grad is not None:
                self._steps[id(p)] = self._steps.get(id(p), 0) + 1
                groups.setdefault((p.backend, self._steps[id(p)]), []).append(p)
        for (backend, step), params in groups.items():
            if self.momentum and step == 1:
                for p in params:
                    self._buffers[id(p)] = backend.zeros(p.shape, p.dtype)
            backend.sgd_step(
                [p._array for p in params],
                [p.grad._array for p in params if p.grad is not None],
                [self._buffers[id(p)] for p in params] if self.momentum else [],
                lr=self.lr,
                step=step,
                grad_scale=1.0,
                momentum=self.momentum,
                dampening=self.dampening,
                weight_decay=self.weight_decay,
                nesterov=self.nesterov,
            )
            for p in params:
                p._storage.version += 1
