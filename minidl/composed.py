"""Gradients of gradients: Functions of one kernel call that can be differentiated all the same."""

from __future__ import annotations

from typing import Any

from minidl.autograd import grad
from minidl.function import Alias, Function
from minidl.grad_mode import (
    enable_grad,
    is_grad_enabled,
)
from minidl.tensor import Tensor


class ComposedBackward(Function):
    """A Function of one kernel call whose backward differentiates the same result step by step.

    Made for gradient kernels: an ordinary backward pass costs their one call; only a gradient of
    a gradient comes here. Subclasses save all their inputs, in order, in `forward`, and write what
    it returns in `composed`, by differentiable operations.
    """

    def composed(self, *inputs: Any) -> Any:
        """What `forward` returns, from tensors, by differentiable operations."""
        raise NotImplementedError(f"{type(self).__name__}.composed")

    def backward(self, *grad_outputs: Any) -> Any:
        create_graph = is_grad_enabled()
        with enable_grad():
            # Aliases, so that an input that was computed from another one is still independent.
            inputs = [None if t is None else Alias.apply(t) for t in self.saved_tensors]
            results = self.composed(*inputs)
        pairs = [
            (result, upstream)
            for result, upstream in zip(
                results if isinstance(results, tuple) else (results,), grad_outputs, strict=True
            )
            if result is not None and result.requires_grad
        ]
        both = zip(inputs, self.needs_input_grad, strict=True)
        wanted = [t for t, needed in both if needed and t is not None]
        outputs, upstreams = [r for r, _ in pairs], [u for _, u in pairs]
        found = iter(grad(outputs, wanted, upstreams, create_graph=create_graph, allow_unused=True))
        return tuple(next(found) if needed else None for needed in self.needs_input_grad)


class GradientOf(ComposedBackward):
    """The gradient of an operation, in one kernel call, that can be differentiated again.

    Its inputs are the upstream gradient and the operation's own inputs. `forward` calls the
    gradient kernel; `formula` writes the *operation* in simple differentiable steps, and a
    gradient of a gradient differentiates that twice. Subclasses set `returned`: the operation's
    inputs, by position, whose gradients forward returns.
    """

    returned: tuple[int, ...] = (0,)

    def formula(self, *inputs: Any) -> Any:
        """The operation itself, from tensors, by differentiable operations."""
        raise NotImplementedError(f"{type(self).__name__}.formula")

    def composed(self, grad_output: Tensor, *inputs: Any) -> tuple[Any, ...]:
        y = self.formula(*inputs)
        wanted = [inputs[position] for position in self.returned]
        return grad(y, wanted, grad_output, create_graph=True, allow_unused=True)
