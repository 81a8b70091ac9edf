"""Adam and AdamW: steps scaled by running averages of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minidl.backends import Array, Backend
from minidl.errors import DTypeError, fail
from minidl.optim import checks
from minidl.optim.optimizer import Optimizer, Parameters


class Adam(Optimizer):
    """Adam, step for step PyTorch's; t counts the steps from 1.

        g += weight_decay · p
        m = β₁·m + (1 − β₁)·g        v = β₂·v + (1 − β₂)·g²
        p −= lr · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + eps)

    Kingma & Ba 2015, "Adam: a method for stochastic optimization", algorithm 1.

    The first step is lr long, whatever the gradient's size:

    >>> import minidl
    >>> p = minidl.tensor([1.0, 1.0], requires_grad=True)
    >>> optimizer = Adam([p], lr=0.25)
    >>> (p * minidl.tensor([1000.0, -0.001])).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 3) for value in p.tolist()]
    [0.75, 1.25]
    """

    _decoupled = False

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        **pytorchs: Any,
    ) -> None:
        checks.refuse_pytorchs(type(self).__name__, pytorchs, Adam.__init__)
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        )

    def _options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, betas = self._name, given["betas"]
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            fail(name, "betas", repr(betas), "two numbers, such as (0.9, 0.999)", error=DTypeError)
        return {
            "lr": checks.at_least_zero(name, "lr", given["lr"]),
            "betas": tuple(checks.decay_rate(name, f"betas[{i}]", betas[i]) for i in (0, 1)),
            "eps": checks.at_least_zero(name, "eps", given["eps"]),
            "weight_decay": checks.at_least_zero(name, "weight_decay", given["weight_decay"]),
        }

    def _buffers(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return "exp_avg", "exp_avg_sq"

    def _update(
        self,
        backend: Backend,
        params: list[Array],
        grads: list[Array],
        buffers: dict[str, list[Array]],
        step: int,
        group: Mapping[str, Any],
    ) -> None:
        beta1, beta2 = group["betas"]
        backend.adam_step(
            params,
            grads,
            buffers["exp_avg"],
            buffers["exp_avg_sq"],
            lr=group["lr"],
            step=step,
            grad_scale=1.0,
            beta1=beta1,
            beta2=beta2,
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            decoupled=self._decoupled,
        )


class AdamW(Adam):
    """Adam with weight decay beside the gradient instead of in it: p ·= 1 − lr · weight_decay.

    So all weights decay alike, however large their gradients are. The decay comes first in a step;
    the rest is `Adam`'s with g as it is.

    Loshchilov & Hutter 2019, "Decoupled weight decay regularization", algorithm 2.

    >>> import minidl
    >>> p = minidl.tensor([1.0], requires_grad=True)
    >>> optimizer = AdamW([p], lr=0.5, weight_decay=0.5)
    >>> (p * 0).sum().backward()
    >>> optimizer.step()
    >>> p.detach()
    tensor([0.75])
    """

    _decoupled = True

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        **pytorchs: Any,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, **pytorchs)
