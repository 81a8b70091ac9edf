"""Normalisation: batch norm (with its fused residual and activation), local response norm."""

from __future__ import annotations

from typing import Any

from minidl.autograd import Function, GradientOf
from minidl.backends import Array
from minidl.errors import ArgumentError, InPlaceError, fail
from minidl.functional.activation import FUSED
from minidl.functional.elementwise import pow, sqrt
from minidl.functional.operands import as_tensor
from minidl.functional.reductions import mean, var
from minidl.functional.shape import pad, reshape
from minidl.tensor import Tensor
from minidl_kernels.batch_norm import spec
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
        activation: str | None,
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
        x, weight, bias, residual, batch_mean, batch_var = self.saved_tensors
        return _batch_norm_backward(
            self, grad_output, (x, weight, bias, residual), batch_mean, batch_var, training=True
        )


class BatchNormInference(Function):
    """The same with given statistics, which get no gradient."""

    def forward(
        self,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        residual: Array | None,
        *,
        mean: Array,
        var: Array,
        eps: float,
        activation: str | None,
    ) -> Array:
        self.eps, self.activation, self.statistics = eps, activation, (mean, var)
        kept = None if activation is None else residual
        self.save_for_backward(x, weight, bias, kept)
        return self.backend.batch_norm_inference(
            x, mean, var, weight, bias, eps=eps, residual=residual, activation=activation
        )

    def backward(self, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        given = (Tensor._wrap(array, self.backend) for array in self.statistics)
        return _batch_norm_backward(self, grad_output, self.saved_tensors, *given, training=False)


def _batch_norm_backward(
    node: Any, grad_output: Tensor, inputs: Any, mean: Tensor, var: Tensor, *, training: bool
) -> tuple[Tensor | None, ...]:
    """Gradients in (x, weight, bias, residual)."""
    needs = node.needs_input_grad
    passed_on = grad_output if needs[3] and node.activation is None else None
    if node.activation is None:  # then the residual's gradient is grad_output itself
        needs = (*needs[:3], False)
    if not any(needs):
        return None, None, None, passed_on
    grads = iter(
        BatchNormGrad.apply(
            grad_output,
            *inputs,
            mean=mean._array,
            var=var._array,
            eps=node.eps,
            activation=node.activation,
            training=training,
            needs=needs,
        )
    )
    found = [next(grads) if needed else None for needed in needs]
    return (*found[:3], passed_on if passed_on is not None else found[3])


class BatchNormGrad(GradientOf):
    """All gradients of batch norm in one kernel call."""

    def forward(
        self,
        g: Array,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        residual: Array | None,
        **params: Any,
    ) -> tuple[Array, ...]:
        self.params = params
        self.returned = tuple(i for i, needed in enumerate(params["needs"]) if needed)
        self.save_for_backward(g, x, weight, bias, residual)
        given = {key: value for key, value in params.items() if key not in ("mean", "var")}
        grads = self.backend.batch_norm_grad(
            g, x, params["mean"], params["var"], weight, bias, residual=residual, **given
        )
        return tuple(grad for grad in grads if grad is not None)

    def formula(
        self, x: Tensor, weight: Tensor | None, bias: Tensor | None, residual: Tensor | None
    ) -> Tensor:
        axes = tuple(axis for axis in range(x.ndim) if axis != 1)
        per_channel = (1, -1, *[1] * (x.ndim - 2))
        if self.params["training"]:
            mean_c = mean(x, axes, keepdim=True)
            var_c = var(x, axes, keepdim=True, correction=0)
        else:
            given = (Tensor._wrap(self.params[key], self.backend) for key in ("mean", "var"))
            mean_c, var_c = (reshape(t, per_channel) for t in given)
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
    if eps < 0:
        fail(name, "eps", eps, "at least 0", error=ArgumentError)
    if not training:
        if running_mean is None or running_var is None:
            fail(
                name,
                "running_mean or running_var",
                "None",
                "given statistics when training=False",
                "Give both, or use training=True.",
                error=ArgumentError,
            )
        fixed: dict[str, Any] = {"eps": eps, "activation": activation}
        spec.batch_norm_inference(
            x, running_mean, running_var, weight, bias, residual=residual, **fixed
        )
        result: Tensor = BatchNormInference.apply(
            x, weight, bias, residual, mean=running_mean._array, var=running_var._array, **fixed
        )
        return result
    spec.batch_norm(x, weight, bias, eps=eps, residual=residual, activation=activation)
    y, batch_mean, batch_var = BatchNorm.apply(
        x, weight, bias, residual, eps=eps, activation=activation
    )
    if running_mean is not None and running_var is not None:
        count = x.size // x.shape[1]
        _move(running_mean, running_var, batch_mean, batch_var, momentum, count / (count - 1))
    return y  # type: ignore[no-any-return]


def _move(
    running_mean: Tensor,
    running_var: Tensor,
    batch_mean: Tensor,
    batch_var: Tensor,
    momentum: float,
    unbias: float,
) -> None:
    """running ← running + momentum · (batch − running), in place, both in one kernel call."""
    for running in (running_mean, running_var):
        if running.requires_grad:
            raise InPlaceError("batch_norm: running statistics can't require a gradient.")
        running._storage.version += 1
    running_mean.backend.lerp_step(
        [running_mean._array, running_var._array],
        [batch_mean._array, batch_var._array],
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
        flat = reshape(x, (x.shape[0], x.shape[1], -1))  # (N, C, L)
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
    params = {"size": size, "alpha": float(alpha), "beta": float(beta), "k": float(k)}
    lrn_spec.local_response_norm(x, **params)
    result: Tensor = LocalResponseNorm.apply(x, **params)
    return result
