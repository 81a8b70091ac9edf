"""Clipping gradients between backward() and step()."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minidl import backends
from minidl.creation import zeros
from minidl.errors import ArgumentError, fail
from minidl.functional import minimum, stack
from minidl.grad_mode import no_grad
from minidl.naming import PyTorchs, refuse_arguments
from minidl.optim import checks
from minidl.tensor import Tensor


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    **pytorchs: Any,
) -> Tensor:
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)); returns the norm before.

    norm = √Σ‖g‖² over all gradients, as if they were one long vector: their directions stay. It is
    accumulated in float64 and returned without dimensions, with the gradients' dtype (float64 if
    they have several). A norm that is infinite or NaN makes gradients 0 or NaN, as in PyTorch: look
    at what is returned. It is the 2-norm: PyTorch's norm_type must be 2.

    Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks",
    algorithm 1.

    >>> import minidl
    >>> p = minidl.zeros(2, requires_grad=True)
    >>> p.grad = minidl.tensor([3.0, 4.0])
    >>> clip_grad_norm_([p], max_norm=1.0)
    tensor(5.)
    >>> [round(g, 4) for g in p.grad.tolist()]
    [0.6, 0.8]
    """
    refuse_arguments("clip_grad_norm_", pytorchs, clip_grad_norm_, _PYTORCHS)
    if norm_type != 2:
        fail("clip_grad_norm_", "norm_type", repr(norm_type), "2", error=ArgumentError)
    max_norm = checks.at_least_zero("clip_grad_norm_", "max_norm", max_norm)
    grads = _gradients("clip_grad_norm_", parameters)
    if not grads:
        return zeros(())
    by_dtype: dict[Any, list[Tensor]] = {}
    for grad in grads:
        backends.agree("clip_grad_norm_", grads[0].backend, grad.backend)
        by_dtype.setdefault(grad.dtype, []).append(grad)
    backend = grads[0].backend
    norms = [
        Tensor._wrap(backend.global_norm([g._array for g in alike]), backend)
        for alike in by_dtype.values()
    ]
    norm = stack(norms).square().sum().sqrt() if len(norms) > 1 else norms[0]
    with no_grad():
        # As tensors, not numbers: nobody waits for a device.
        factor = minimum(max_norm / (norm + 1e-6), 1.0)
        for dtype, alike in by_dtype.items():
            for grad in alike:
                grad.mul_(factor.astype(dtype))
    return norm.astype(grads[0].dtype) if len(norms) == 1 else norm


def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, **pytorchs: Any
) -> None:
    """Clip every element of every gradient to [−clip_value, clip_value].

    >>> import minidl
    >>> p = minidl.zeros(3, requires_grad=True)
    >>> p.grad = minidl.tensor([3.0, -0.5, -4.0])
    >>> clip_grad_value_([p], clip_value=1.0)
    >>> p.grad
    tensor([ 1. , -0.5, -1. ])
    """
    refuse_arguments("clip_grad_value_", pytorchs, clip_grad_value_, _PYTORCHS)
    bound = checks.at_least_zero("clip_grad_value_", "clip_value", clip_value)
    with no_grad():
        for grad in _gradients("clip_grad_value_", parameters):
            grad.copy_(grad.clip(-bound, bound))


_PYTORCHS: PyTorchs = {
    "foreach": (None, "minidl has one way to clip"),
    "error_if_nonfinite": (False, "Look at the norm that is returned"),
}


def _gradients(operation: str, parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """The gradients there are, checked."""
    given = [parameters] if isinstance(parameters, Tensor) else parameters
    found = checks.parameter_list(operation, "parameters", given)
    for position, p in enumerate(found):
        checks.check_tensor(operation, position, p)
    return [p.grad for p in found if p.grad is not None]
