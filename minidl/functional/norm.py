"""Normalisation: batch norm (with its fused residual and activation), local response norm."""

from __future__ import annotations

import math
from typing import Any

from minidl.backends import Array, FusedActivation, agree
from minidl.composed import GradientOf
from minidl.errors import ArgumentError, InPlaceError, fail
from minidl.function import Function
from minidl.functional.activation import FUSED
from minidl.functional.arithmetic import pow
from minidl.functional.elementwise import sqrt
from minidl.functional.joining import pad
from minidl.functional.operands import as_tensor, integer, number, optional_tensor
from minidl.functional.reductions import mean, var
from minidl.functional.shape import reshape
from minidl.tensor import Tensor
from minidl_kernels.batch_norm import spec
from minidl_kernels.bias_activation.spec import check_channels
from minidl_kernels.common.array_spec import check_same_float, check_shape
from minidl_kernels.local_response_norm import spec as lrn_spec


class BatchNorm(Function):
    """Returns y and the batch's mean and variance; x is all that is kept (and the residual, if an
    activation follows it).
    """

    def forward(
        self,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        residual: Array | None,
        *,
        eps: float,
        activation: FusedActivation | None,
    ) -> tuple[Array, Array, Array]:
        self.eps, self.activation = eps, activation
        y, batch_mean, batch_var = self.backend.batch_norm(
            x, weight, bias, eps=eps, residual=residual, activation=activation
        )
        self.mark_not_differentiable(1, 2)
        kept = None if activation is None else residual
        self.save_for_backward(x, weight, bias, kept, batch_mean, batch_var)
        return y, batch_mean, batch_var

    def backward(self, grad_output: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        return _batch_norm_backward(self, grad_output, training=True)


class BatchNormInference(Function):
    """The same with given statistics, which get no gradient."""

    def forward(
        self,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        residual: Array | None,
        mean: Array,
        var: Array,
        *,
        eps: float,
        activation: FusedActivation | None,
    ) -> Array:
        self.eps, self.activation = eps, activation
        kept = None if activation is None else residual
        self.save_for_backward(x, weight, bias, kept, mean, var)
        return self.backend.batch_norm_inference(
            x, mean, var, weight, bias, eps=eps, residual=residual, activation=activation
        )

    def backward(self, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        return (*_batch_norm_backward(self, grad_output, training=False), None, None)


def _batch_norm_backward(
    node: Any, grad_output: Tensor, *, training: bool
) -> tuple[Tensor | None, ...]:
    """Gradients in (x, weight, bias, residual)."""
    x_needed, weight_needed, bias_needed, residual_needed = node.needs_input_grad[:4]
    grad_residual = None
    if residual_needed and node.activation is None:  # then it is grad_output itself
        grad_residual, residual_needed = grad_output, False
    needs = (x_needed, weight_needed, bias_needed, residual_needed)
    if not any(needs):
        return None, None, None, grad_residual
    grads = list(
        BatchNormGrad.apply(
            grad_output,
            *node.saved_tensors,
            eps=node.eps,
            activation=node.activation,
            training=training,
            needs=needs,
        )
    )
    # Only gradients that are needed were computed; they come in the inputs' order.
    grad_x = grads.pop(0) if x_needed else None
    grad_weight = grads.pop(0) if weight_needed else None
    grad_bias = grads.pop(0) if bias_needed else None
    if residual_needed:
        grad_residual = grads.pop(0)
    return grad_x, grad_weight, grad_bias, grad_residual


class BatchNormGrad(GradientOf):
    """All gradients of batch norm in one kernel call."""

    def forward(
        self,
        g: Array,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        residual: Array | None,
        mean: Array,
        var: Array,
        **params: Any,
    ) -> tuple[Array, ...]:
        self.params = params
        self.returned = tuple(i for i, needed in enumerate(params["needs"]) if needed)
        self.save_for_backward(g, x, weight, bias, residual, mean, var)
        grads = self.backend.batch_norm_grad(
            g, x, mean, var, weight, bias, residual=residual, **params
        )
        return tuple(grad for grad in grads if grad is not None)

    def formula(
        self,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        residual: Tensor | None,
        given_mean: Tensor,
        given_var: Tensor,
    ) -> Tensor:
        axes = tuple(axis for axis in range(x.ndim) if axis != 1)
        per_channel = (1, x.shape[1], *[1] * (x.ndim - 2))
        if self.params["training"]:  # the statistics depend on x
            mean_c = mean(x, axes, keepdim=True)
            var_c = var(x, axes, keepdim=True, correction=0)
        else:
            mean_c, var_c = reshape(given_mean, per_channel), reshape(given_var, per_channel)
        y = (x - mean_c) / sqrt(var_c + self.params["eps"])
        if weight is not None:
            y = y * reshape(weight, per_channel)
        if bias is not None:
            y = y + reshape(bias, per_channel)
        if residual is not None:
            y = y + residual
        result: Tensor = FUSED[self.params["activation"]](y)
        return result


def batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    residual: Tensor | None = None,
    activation: str | None = None,
) -> Tensor:
    """Batch normalisation (Ioffe & Szegedy 2015), optionally with a residual and an activation.

    y = activation((x − mean_c) / √(var_c + eps) · weight_c + bias_c + residual)

    Parameters
    ----------
    x : (N, C) or (N, C, …)
    running_mean, running_var : (C,), or None when training without tracking. In training they
        move in place: running ← (1 − momentum) · running + momentum · batch, where the variance
        is the unbiased one (divided by count − 1).
    weight, bias : (C,), optional
    training : whether the batch's own statistics are used
    residual : of x's shape, added before the activation
    activation : None, "relu", "relu6", "silu", "hardswish" or "sigmoid"

    >>> import minidl
    >>> x = minidl.tensor([[1.0], [3.0]])
    >>> batch_norm(x, None, None, training=True, eps=0.0).tolist()
    [[-1.0], [1.0]]

    """
    name = "batch_norm"
    x = as_tensor(name, "x", x)
    weight, bias = optional_tensor(name, "weight", weight), optional_tensor(name, "bias", bias)
    residual = optional_tensor(name, "residual", residual)
    running = _statistics(x, running_mean, running_var)
    params: dict[str, Any] = {"eps": float(number(name, "eps", eps)), "activation": activation}
    if not training:
        if running is None:
            fail(
                name,
                "running_mean and running_var",
                "None",
                "given statistics when training=False",
                "Give both, or use training=True.",
                error=ArgumentError,
                verb="are",
            )
        spec.check_batch_norm(name, x, **params, residual=residual, weight=weight, bias=bias)
        result: Tensor = BatchNormInference.apply(x, weight, bias, residual, *running, **params)
        return result
    spec.batch_norm(x, weight, bias, residual=residual, **params)
    y, batch_mean, batch_var = BatchNorm.apply(x, weight, bias, residual, **params)
    if running is not None:
        count = x.numel() // x.shape[1]
        momentum = float(number(name, "momentum", momentum))
        _move(running, (batch_mean, batch_var), momentum, count / (count - 1))
    return y  # type: ignore[no-any-return]


def _statistics(x: Tensor, running_mean: Any, running_var: Any) -> tuple[Tensor, Tensor] | None:
    """The running statistics, both or none of them, after checking that they fit x."""
    if running_mean is None and running_var is None:
        return None
    name, both = "batch_norm", []
    check_channels(name, "x", x)
    for argument, value in (("running_mean", running_mean), ("running_var", running_var)):
        running = as_tensor(name, argument, value)
        agree(name, x.backend, running.backend)
        check_same_float(name, **{"x": x, argument: running})
        check_shape(name, argument, running, (x.shape[1],))
        if running.requires_grad:
            raise InPlaceError(f"{name}: {argument} can't require a gradient: use .detach().")
        both.append(running)
    return both[0], both[1]


def _move(
    running: tuple[Tensor, Tensor],
    batch: tuple[Tensor, Tensor],
    momentum: float,
    unbias: float,
) -> None:
    """running ← running + momentum · (batch − running), in place, both in one kernel call."""
    running[0].backend.lerp_step(
        [t._writable("batch_norm") for t in running],
        [t._array for t in batch],
        weight=momentum,
        scales=[1.0, unbias],
    )


class LocalResponseNorm(Function):
    """Each element is divided by a power of the energy of its neighbouring channels."""

    def forward(self, x: Array, **params: Any) -> Array:
        self.params = params
        self.save_for_backward(x)
        return self.backend.local_response_norm(x, **params)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = LocalResponseNormGrad.apply(
            grad_output, *self.saved_tensors, **self.params
        )
        return result


class LocalResponseNormGrad(GradientOf):
    """The gradient in x, one kernel call."""

    def forward(self, g: Array, x: Array, **params: Any) -> Array:
        self.params = params
        self.save_for_backward(g, x)
        return self.backend.local_response_norm_grad(g, x, **params)

    def formula(self, x: Tensor) -> Tensor:
        size = self.params["size"]
        flat = reshape(x, (*x.shape[:2], math.prod(x.shape[2:])))  # (N, C, L)
        energy = pad(flat * flat, (0, 0, size // 2, (size - 1) // 2))  # (N, C + size − 1, L)
        channels = x.shape[1]
        total = energy[:, 0:channels]
        for offset in range(1, size):
            total = total + energy[:, offset : offset + channels]
        scale = total * (self.params["alpha"] / size) + self.params["k"]
        return reshape(flat * pow(scale, -self.params["beta"]), x.shape)


def local_response_norm(
    x: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """y_c = x_c / (k + alpha/size · Σ x_{c'}²)^beta over `size` neighbouring channels.

    PyTorch's form of Krizhevsky et al. 2012, §3.3; there alpha isn't divided by size. x is
    (N, C, …).
    """
    x = as_tensor("local_response_norm", "x", x)
    name = "local_response_norm"
    constants = {"alpha": alpha, "beta": beta, "k": k}
    params: dict[str, Any] = {
        key: float(number(name, key, value)) for key, value in constants.items()
    }
    params["size"] = integer(name, "size", size)
    lrn_spec.local_response_norm(x, **params)
    result: Tensor = LocalResponseNorm.apply(x, **params)
    return result
