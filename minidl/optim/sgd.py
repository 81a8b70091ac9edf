"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minidl.backends import Array, Backend
from minidl.errors import ArgumentError
from minidl.optim import checks
from minidl.optim.optimizer import Optimizer, Parameters


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, step for step PyTorch's.

        g += weight_decay · p
        b = g in the first step, then momentum · b + (1 − dampening) · g
        p −= lr · b

    With `nesterov` p −= lr · (g + momentum · b); without momentum p −= lr · g.

    Polyak 1964, "Some methods of speeding up the convergence of iteration methods"; Sutskever et
    al. 2013, "On the importance of initialization and momentum in deep learning", section 2.

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
        params: Parameters,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        **pytorchs: Any,
    ) -> None:
        checks.refuse_pytorchs("SGD", pytorchs, SGD.__init__)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
            },
        )

    def _options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name = self._name
        options = {
            "lr": checks.at_least_zero(name, "lr", given["lr"]),
            "momentum": checks.at_least_zero(name, "momentum", given["momentum"]),
            "dampening": checks.finite(name, "dampening", given["dampening"]),
            "weight_decay": checks.at_least_zero(name, "weight_decay", given["weight_decay"]),
            "nesterov": checks.flag(name, "nesterov", given["nesterov"]),
        }
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            raise ArgumentError(
                f"{name}: nesterov needs momentum > 0 and dampening = 0, but they are "
                f"{options['momentum']} and {options['dampening']}."
            )
        return options

    def _buffers(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] != 0 else ()

    def _update(
        self,
        backend: Backend,
        params: list[Array],
        grads: list[Array],
        buffers: dict[str, list[Array]],
        step: int,
        group: Mapping[str, Any],
    ) -> None:
        backend.sgd_step(
            params,
            grads,
            buffers.get("momentum_buffer", []),
            lr=group["lr"],
            step=step,
            grad_scale=1.0,
            momentum=group["momentum"],
            dampening=group["dampening"],
            weight_decay=group["weight_decay"],
            nesterov=group["nesterov"],
        )
