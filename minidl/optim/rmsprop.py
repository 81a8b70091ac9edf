"""RMSprop: steps scaled by a running average of the squared gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minidl.backends import Array, Backend
from minidl.optim import checks
from minidl.optim.optimizer import Optimizer, Parameters


class RMSprop(Optimizer):
    """RMSprop, step for step PyTorch's.

        g += weight_decay · p
        v = alpha · v + (1 − alpha) · g²
        d = g / (√v + eps)
        p −= lr · d

    `centered` divides by √(v − a²) + eps, where a = alpha · a + (1 − alpha) · g: the gradient's
    variance in place of its square. With momentum b = momentum · b + d stands for d in the last
    line. Eps is outside the root, as in PyTorch and unlike in TensorFlow, so published settings of
    the one don't carry over to the other.

    Tieleman & Hinton 2012, "Neural networks for machine learning", lecture 6.5; centered: Graves
    2013, "Generating sequences with recurrent neural networks", equations 38 to 45.

    >>> import minidl
    >>> p = minidl.tensor([1.0], requires_grad=True)
    >>> optimizer = RMSprop([p], lr=0.25, alpha=0.75)
    >>> (p * 3).sum().backward()
    >>> optimizer.step()  # √v = √(0.25 · 3²), and so d = 2
    >>> round(p.item(), 3)
    0.5
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        **pytorchs: Any,
    ) -> None:
        checks.refuse_pytorchs("RMSprop", pytorchs, RMSprop.__init__)
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
            },
        )

    def _options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name = self._name
        return {
            "lr": checks.at_least_zero(name, "lr", given["lr"]),
            "alpha": checks.decay_rate(name, "alpha", given["alpha"]),
            "eps": checks.at_least_zero(name, "eps", given["eps"]),
            "weight_decay": checks.at_least_zero(name, "weight_decay", given["weight_decay"]),
            "momentum": checks.at_least_zero(name, "momentum", given["momentum"]),
            "centered": checks.flag(name, "centered", given["centered"]),
        }

    def _buffers(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        momentum = ("momentum_buffer",) if group["momentum"] != 0 else ()
        return ("square_avg", *momentum, *(("grad_avg",) if group["centered"] else ()))

    def _update(
        self,
        backend: Backend,
        params: list[Array],
        grads: list[Array],
        buffers: dict[str, list[Array]],
        step: int,
        group: Mapping[str, Any],
    ) -> None:
        backend.rmsprop_step(
            params,
            grads,
            buffers["square_avg"],
            buffers.get("momentum_buffer", []),
            buffers.get("grad_avg", []),
            lr=group["lr"],
            step=step,
            grad_scale=1.0,
            alpha=group["alpha"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            momentum=group["momentum"],
            centered=group["centered"],
        )
