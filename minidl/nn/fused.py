"""Batch norm, addition and activation in one pass over memory, where nobody looks in between."""

from __future__ import annotations

from minidl.nn.activation import ReLU, ReLU6, SiLU
from minidl.nn.layers import BatchNorm2d
from minidl.nn.module import Module
from minidl.nn.plain import Identity
from minidl.tensor import Tensor

_FUSED: dict[type[Module], str | None] = {
    Identity: None,
    ReLU: "relu",
    ReLU6: "relu6",
    SiLU: "silu",
}
"""The activations that batch norm can apply itself; subclasses may do anything, and don't count."""


def norm_act(x: Tensor, norm: Module, activation: Module, residual: Tensor | None = None) -> Tensor:
    """activation(norm(x) + residual): the end of almost every block since 2015.

    It is one kernel where `norm` is a BatchNorm2d and the activation Identity, ReLU, ReLU6 or
    SiLU. A hook on either of them, or a layer of another kind, makes it the single steps, so that a
    hook sees what it would in the formula. x and residual are (N, C, H, W).

    >>> import minidl
    >>> from minidl import nn
    >>> x = minidl.randn(2, 3, 4, 4)
    >>> y = norm_act(x, nn.BatchNorm2d(3), nn.ReLU(), residual=x)
    >>> y.shape, y.min().item()
    ((2, 3, 4, 4), 0.0)
    """
    fusible = type(norm) is BatchNorm2d and type(activation) in _FUSED
    if fusible and not (norm.has_hooks or activation.has_hooks):
        return norm(x, residual, _FUSED[type(activation)])  # type: ignore[no-any-return]
    x = norm(x)
    if residual is not None:
        x = x + residual
    return activation(x)  # type: ignore[no-any-return]
