"""Initial values, drawn from the default generator: U(−b, b) or N(0, σ²), written in place.

fan_in is the number of inputs of one output: C/groups · kh · kw, or in_features.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minidl.errors import ArgumentError
from minidl.grad_mode import no_grad
from minidl.random import default_generator
from minidl.tensor import Tensor


def uniform_(tensor: Tensor, low: float, high: float) -> Tensor:
    """Uniform in [low, high)."""
    return _fill(tensor, lambda: default_generator.uniform(tensor.shape, low, high))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normal."""
    return _fill(tensor, lambda: default_generator.normal(tensor.shape, mean, std))


def constant_(tensor: Tensor, value: float) -> Tensor:
    """One number."""
    with no_grad():
        return tensor.fill_(value)


def kaiming_uniform_(tensor: Tensor, a: float = 0.0) -> Tensor:
    """U(−b, b) with b = √(6 / ((1 + a²) · fan_in)): keeps the variance through (leaky) ReLUs.

    He et al. 2015, "Delving deep into rectifiers", §2.2.
    """
    bound = math.sqrt(6.0 / ((1.0 + a * a) * fan_in(tensor)))
    return uniform_(tensor, -bound, bound)


def default_weight_(tensor: Tensor) -> Tensor:
    """PyTorch's default for convolutions and dense layers: U(−b, b) with b = 1/√fan_in.

    It is kaiming_uniform_ with a = √5.
    """
    return kaiming_uniform_(tensor, a=math.sqrt(5.0))


def default_bias_(bias: Tensor, weight: Tensor) -> Tensor:
    """PyTorch's default for biases: U(−b, b) with b = 1/√fan_in of the weight."""
    bound = 1.0 / math.sqrt(fan_in(weight))
    return uniform_(bias, -bound, bound)


def fan_in(weight: Tensor) -> int:
    """Inputs per output of a weight (out, in, …).

    >>> import minidl
    >>> fan_in(minidl.zeros(16, 6, 5, 5))
    150
    """
    if weight.ndim < 2:
        raise ArgumentError(
            f"fan_in: the tensor has shape {weight.shape}, expected a weight (out, in, …)."
        )
    return math.prod(weight.shape[1:])


def _fill(tensor: Tensor, draw: Callable[[], Any]) -> Tensor:
    if tensor.backend.memory == "none":  # without data nothing is drawn: large networks at once
        return tensor
    with no_grad():
        return tensor.copy_(tensor.new_tensor(draw()))
