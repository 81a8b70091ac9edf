"""Initial values, drawn from the default generator and written in place; PyTorch's names.

fan_in is the number of inputs of one output and fan_out the number of outputs of one input. With
k = kh · kw they are C/groups · k and O · k for a convolution's weight (O, C/groups, kh, kw), and
in_features and out_features for a dense layer's. They are read off the shape: for a transposed
convolution (C, O/groups, kh, kw) fan_in is O/groups · k, and with groups fan_out counts all
outputs. So it is in PyTorch, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from minidl import naming
from minidl.errors import ArgumentError, DTypeError, fail
from minidl.grad_mode import no_grad
from minidl.random import default_generator
from minidl.tensor import Tensor

__all__ = [
    "calculate_gain",
    "constant_",
    "default_bias_",
    "default_weight_",
    "fan_in",
    "fan_out",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]


def uniform_(tensor: Tensor, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Uniform in [low, high)."""
    _check_tensor("uniform_", tensor)
    return _fill(tensor, lambda: default_generator.uniform(tensor.shape, low, high, tensor.dtype))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normal."""
    _check_tensor("normal_", tensor)
    return _fill(tensor, lambda: default_generator.normal(tensor.shape, mean, std, tensor.dtype))


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
) -> Tensor:
    """Normal, given that it lies in [a, b]: what falls outside is drawn again until none does.

    The bounds are values, not numbers of standard deviations, as in PyTorch. Truncated at ±2 std
    the standard deviation is 0.88 std.

    Raises ArgumentError where hardly anything, less than one in a thousand, would lie inside.
    """
    _check_tensor("trunc_normal_", tensor)
    if not (std > 0 and a < b):
        raise ArgumentError(
            f"trunc_normal_: std is {std} and [a, b] is [{a}, {b}], expected std > 0 and a < b."
        )
    inside = _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std)
    if inside < 1e-3:
        raise ArgumentError(
            f"trunc_normal_: [a, b] is [{a}, {b}], expected an interval that a normal of mean "
            f"{mean} and std {std} often falls into. a and b are values, not numbers of std."
        )

    def draw() -> Any:
        x = np.asarray(default_generator.normal(tensor.shape, mean, std, tensor.dtype))
        while (outside := (x < a) | (x > b)).any():
            x[outside] = default_generator.normal((int(outside.sum()),), mean, std)
        return x

    return _fill(tensor, draw)


def constant_(tensor: Tensor, value: float) -> Tensor:
    """One number."""
    _check_tensor("constant_", tensor)
    with no_grad():
        return tensor.fill_(value)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    _check_tensor("zeros_", tensor)
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    _check_tensor("ones_", tensor)
    return constant_(tensor, 1.0)


# ------------------------------------------------------------ scaled by the size of the layer


def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """U(−b, b) with b = gain · √(6 / (fan_in + fan_out)).

    A compromise between keeping the variance of the activations and that of the gradients, for
    activations that are the identity near 0. Glorot & Bengio 2010, "Understanding the difficulty
    of training deep feedforward neural networks", eq. 16.
    """
    _check_tensor("xavier_uniform_", tensor)
    bound = gain * math.sqrt(6.0 / (fan_in(tensor) + fan_out(tensor)))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """N(0, σ²) with σ = gain · √(2 / (fan_in + fan_out)); see `xavier_uniform_`."""
    _check_tensor("xavier_normal_", tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in(tensor) + fan_out(tensor))))


def kaiming_uniform_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Tensor:
    """U(−b, b) with b = gain · √(3 / fan): keeps the variance through layers with (leaky) ReLUs.

    With mode "fan_in" it is kept on the way forward, with "fan_out" on the way back. The gain is
    `calculate_gain(nonlinearity, a)`, a being the slope of a leaky ReLU: √2 for ReLU.
    He et al. 2015, "Delving deep into rectifiers", §2.2.
    """
    bound = math.sqrt(3.0) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Tensor:
    """N(0, σ²) with σ = gain / √fan; see `kaiming_uniform_`."""
    return normal_(tensor, 0.0, _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """What an activation's layer is scaled by to keep the variance, as PyTorch recommends.

    >>> calculate_gain("relu") ** 2
    2.0000000000000004
    """
    slope = 0.01 if param is None else param
    gains = {
        "linear": 1.0,
        "conv2d": 1.0,
        "sigmoid": 1.0,
        "tanh": 5.0 / 3.0,
        "relu": math.sqrt(2.0),
        "leaky_relu": math.sqrt(2.0 / (1.0 + slope**2)),
    }
    if nonlinearity not in gains:
        known = ", ".join(f'"{name}"' for name in gains)
        expected = f"one of {known}"
        fail("calculate_gain", "nonlinearity", repr(nonlinearity), expected, error=ArgumentError)
    return gains[nonlinearity]


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
    _check_weight("fan_in", weight)
    return math.prod(weight.shape[1:])


def fan_out(weight: Tensor) -> int:
    """Outputs per input of a weight (out, in, …).

    >>> import minidl
    >>> fan_out(minidl.zeros(16, 6, 5, 5))
    400
    """
    _check_weight("fan_out", weight)
    return weight.shape[0] * math.prod(weight.shape[2:])


def _check_tensor(name: str, tensor: Any) -> None:
    """A layer is what one gives instead of its weight."""
    if not isinstance(tensor, Tensor):
        fix = "Give its weight: layer.weight." if hasattr(tensor, "weight") else ""
        got = f"a {type(tensor).__name__}"
        fail(name, "tensor", got, "a Tensor", fix, error=DTypeError)


def _check_weight(name: str, weight: Tensor) -> None:
    _check_tensor(name, weight)
    if weight.ndim < 2 or 0 in weight.shape:
        raise ArgumentError(
            f"{name}: the tensor has shape {weight.shape}, expected a weight (out, in, …)."
        )


def _kaiming_std(name: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    _check_tensor(name, tensor)
    fans = {"fan_in": fan_in, "fan_out": fan_out}
    if mode not in fans:
        fail(name, "mode", repr(mode), '"fan_in" or "fan_out"', error=ArgumentError)
    return calculate_gain(nonlinearity, a) / math.sqrt(fans[mode](tensor))


def _normal_cdf(z: float) -> float:
    return 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))


def _fill(tensor: Tensor, draw: Callable[[], Any]) -> Tensor:
    if tensor.backend.memory == "none":  # without data nothing is drawn: large networks at once
        return tensor
    with no_grad():
        return tensor.copy_(Tensor._wrap(tensor.backend.asarray(draw()), tensor.backend))


if not TYPE_CHECKING:  # else type checkers would take every name for a known one

    def __getattr__(name: str) -> NoReturn:
        """Explain a name that doesn't exist."""
        naming.missing_name("minidl.nn.init", name, __all__, naming.INIT)
