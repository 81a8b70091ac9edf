"""Gradients compared with finite differences.

For outputs y = f(x) and a random upstream gradient u, backward computes ∂⟨u, y⟩/∂x. Central
differences approximate the same number by

    (⟨u, f(x + eps·e)⟩ − ⟨u, f(x − eps·e)⟩) / (2·eps)

for every element e of every input. In float64 with eps = 1e-6 the truncation error is about 1e-12
and the rounding error about 1e-10, relative to numbers near 1. The upstream gradient is random
because ones may hide everything: the sum of a softmax is 1 whatever its inputs, so its true
gradient is 0, and 0 times any error is 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

import minidl
from minidl.errors import DTypeError, MinidlError
from minidl.tensor import Tensor
from minidl.testing.wording import function_name, index_text, input_labels, worst_places

Array: TypeAlias = np.ndarray[Any, Any]


class GradcheckError(MinidlError, AssertionError):
    """A gradient is wrong, or the check can't say anything about it."""


def gradcheck(
    function: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-7,
    rtol: float = 1e-5,
    fast: bool = False,
    allow_zero: bool = False,
    seed: int = 0,
) -> bool:
    """Check the gradients of `function(*inputs)` in all inputs that require one; returns True.

    The inputs that require gradients must be float64 leaves; the function returns a tensor or a
    tuple of them, and must compute the same every time. Besides the numbers it checks that inputs
    aren't changed, that backward twice gives the same twice, that no two gradients share memory,
    and (without `allow_zero`) that no gradient is zero throughout, for that would say nothing.
    With `fast`, three random directions are tried instead of every element.

    Raises GradcheckError with the operation, its inputs, both gradients and the worst element;
    DTypeError for inputs in another precision.

    >>> x = minidl.tensor([[0.5, -1.0]], dtype="float64", requires_grad=True)
    >>> gradcheck(lambda x: x.exp(), x)
    True
    """
    check = _Check(function, _sequence(inputs), np.random.default_rng(seed))
    return check.compare(eps, atol, rtol, fast, allow_zero)


def gradgradcheck(
    function: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-7,
    rtol: float = 1e-5,
    fast: bool = False,
    seed: int = 0,
) -> bool:
    """Check gradients of the gradient: in the inputs and in the upstream gradient.

    A zero is allowed here: the gradient of a linear function doesn't depend on its input.

    >>> x = minidl.tensor([0.5, -1.0], dtype="float64", requires_grad=True)
    >>> gradgradcheck(lambda x: x * x * x, x)
    True
    """
    given = _sequence(inputs)
    check = _Check(function, given, np.random.default_rng(seed))
    _, outputs = check.run()
    upstreams = [
        minidl.tensor(u, requires_grad=True, backend=o.backend)
        for u, o in zip(check.upstreams(outputs), outputs, strict=True)
    ]

    def gradient(*arguments: Any) -> tuple[Tensor, ...]:
        arguments, grads = arguments[: len(given)], arguments[len(given) :]
        wanted = [t for t in arguments if isinstance(t, Tensor) and t.requires_grad]
        results = _differentiable(function(*arguments))
        found = minidl.grad(results, wanted, grads, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    gradient.__name__ = f"the gradient of {check.name}"
    arriving = [f"grad_output {k}" for k in range(len(upstreams))]
    second = _Check(
        gradient,
        (*given, *upstreams),
        np.random.default_rng(seed + 1),
        constants=True,
        labels=[*check.labels, *arriving],
    )
    return second.compare(eps, atol, rtol, fast, allow_zero=True)


class _Check:
    """One function at one place, with one upstream gradient."""

    def __init__(
        self,
        function: Callable[..., Any],
        inputs: tuple[Any, ...],
        rng: np.random.Generator,
        constants: bool = False,
        labels: list[str] | None = None,
    ) -> None:
        self.function, self.inputs, self.rng = function, inputs, rng
        self.constants = constants
        """Whether an output without a graph counts too: its gradient is then taken to be 0. So a
        gradient that was computed correctly but lost its own graph is found out."""
        self.name = function_name(function)
        self.labels = labels or input_labels(function, len(inputs))
        """What messages call the inputs."""
        self.wanted = [k for k, t in enumerate(inputs) if isinstance(t, Tensor) and t.requires_grad]
        """Positions of the inputs that are checked."""
        if not self.wanted:
            raise GradcheckError(
                f"gradcheck of {self.name}: no input requires a gradient, so there is nothing to "
                "check. Make inputs with requires_grad=True."
            )
        for k in self.wanted:
            if inputs[k].dtype != np.float64:
                raise DTypeError(
                    f"gradcheck of {self.name}: {self.labels[k]} is {inputs[k].dtype}, expected "
                    "float64: finite differences drown in float32's rounding errors. "
                    "Use .double()."
                )
        self.values = {k: np.array(inputs[k].detach().numpy()) for k in self.wanted}
        self._upstreams: list[Array] | None = None

    def run(self, values: dict[int, Array] | None = None) -> tuple[list[Any], tuple[Tensor, ...]]:
        """Fresh inputs with these values, and the outputs that carry gradients."""
        values = self.values if values is None else values
        inputs = [
            minidl.tensor(values[k], requires_grad=True, backend=t.backend) if k in values else t
            for k, t in enumerate(self.inputs)
        ]
        results = self.function(*inputs)
        outputs = _differentiable(results)
        if outputs and self.constants:
            outputs = tuple(results)
        if not outputs:
            raise GradcheckError(
                f"gradcheck of {self.name}: no output requires a gradient. Was the graph lost, "
                "through .detach(), .numpy() or no_grad()?"
            )
        return inputs, outputs

    def upstreams(self, outputs: tuple[Tensor, ...]) -> list[Array]:
        """The random gradient that arrives at every output, the same in every run."""
        if self._upstreams is None:
            self._upstreams = [np.asarray(self.rng.standard_normal(o.shape)) for o in outputs]
        return self._upstreams

    # ----------------------------------------------------------------- what backward computes

    def analytic(self, allow_zero: bool) -> dict[int, Array]:
        """The gradients by backward, and everything about them but their values checked."""
        inputs, outputs = self.run()
        self._check_deterministic(outputs)
        upstreams = [
            (minidl.tensor(u, backend=o.backend), o)
            for u, o in zip(self.upstreams(outputs), outputs, strict=True)
            if o.requires_grad
        ]
        roots, arriving = [o for _, o in upstreams], [u for u, _ in upstreams]
        minidl.backward(roots, arriving, retain_graph=True)
        grads = {k: self._gradient(k, inputs[k], allow_zero) for k in self.wanted}
        self._check_inputs_unchanged(inputs)
        self._check_nothing_shared(inputs, [*roots, *arriving])
        minidl.backward(roots, arriving)
        for k in self.wanted:
            if inputs[k].grad is not None and not np.array_equal(
                _values(inputs[k].grad), 2 * grads[k], equal_nan=True
            ):
                raise GradcheckError(
                    f"gradcheck of {self.name}: a second backward through the same graph gives "
                    f"{self.labels[k]} another gradient than the first. Does backward change what "
                    "forward saved?"
                )
        return grads

    def _gradient(self, k: int, tensor: Tensor, allow_zero: bool) -> Array:
        grad = np.zeros(tensor.shape) if tensor.grad is None else np.array(_values(tensor.grad))
        if not allow_zero and not grad.any() and grad.size:
            what = "received no gradient" if tensor.grad is None else "has a gradient of zeros only"
            raise GradcheckError(
                f"gradcheck of {self.name}: {self.labels[k]} {what}. If that is right, say "
                "allow_zero=True; otherwise choose inputs for which the check means something."
            )
        return grad

    def _check_deterministic(self, outputs: tuple[Tensor, ...]) -> None:
        _, again = self.run()
        for number, (first, second) in enumerate(zip(outputs, again, strict=True)):
            if not np.array_equal(_values(first), _values(second), equal_nan=True):
                raise GradcheckError(
                    f"gradcheck of {self.name}: output {number} differs when it is computed again. "
                    "Fix the random seed inside the function."
                )

    def _check_inputs_unchanged(self, inputs: list[Any]) -> None:
        for k in self.wanted:
            if _values(inputs[k]).tobytes() != self.values[k].tobytes():
                raise GradcheckError(f"gradcheck of {self.name}: {self.labels[k]} was changed.")

    def _check_nothing_shared(self, inputs: list[Any], others: list[Tensor]) -> None:
        grads = [
            (self.labels[k], inputs[k].grad) for k in self.wanted if inputs[k].grad is not None
        ]
        rest = [("an input", inputs[k]) for k in self.wanted] + [("an output", o) for o in others]
        for (name, grad), (other_name, other) in [
            *itertools.combinations(grads, 2),
            *itertools.product(grads, rest),
        ]:
            if np.may_share_memory(_values(grad), _values(other)):
                raise GradcheckError(
                    f"gradcheck of {self.name}: the gradient of {name} shares memory with "
                    f"{other_name}."
                )

    # ------------------------------------------------------------ what finite differences say

    def _slope(self, directions: dict[int, Array], eps: float) -> float:
        """∂⟨u, y⟩ along the directions of all inputs together."""
        ahead, behind = (
            self.run({k: v + sign * eps * directions[k] for k, v in self.values.items()})[1]
            for sign in (1, -1)
        )
        # The difference first: ⟨u, y⟩ may be much larger than its change.
        return sum(
            float(np.sum(u * (_values(a) - _values(b))))
            for u, a, b in zip(self.upstreams(ahead), ahead, behind, strict=True)
        ) / (2 * eps)

    def compare(self, eps: float, atol: float, rtol: float, fast: bool, allow_zero: bool) -> bool:
        """True, or GradcheckError."""
        analytic = self.analytic(allow_zero)
        if fast:
            self.compare_directions(analytic, eps, atol, rtol)
        else:
            self.compare_elements(analytic, eps, atol, rtol)
        return True

    def compare_elements(
        self, analytic: dict[int, Array], eps: float, atol: float, rtol: float
    ) -> None:
        """Every element of every input."""
        for k in self.wanted:
            numeric = np.zeros(self.values[k].shape)
            for place in np.ndindex(numeric.shape):
                directions = {j: np.zeros(v.shape) for j, v in self.values.items()}
                directions[k][place] = 1
                numeric[place] = self._slope(directions, eps)
            error = np.abs(analytic[k] - numeric)
            wrong = ~(error <= atol + rtol * np.abs(numeric))  # NaN is wrong
            if wrong.any():
                error = np.where(wrong, np.nan_to_num(error, nan=np.inf, posinf=np.inf), 0)
                raise GradcheckError(self._message(k, analytic[k], numeric, error))

    def compare_directions(
        self, analytic: dict[int, Array], eps: float, atol: float, rtol: float
    ) -> None:
        """Three random directions through all inputs at once."""
        for _ in range(3):
            directions = {k: self.rng.standard_normal(v.shape) for k, v in self.values.items()}
            products = [analytic[k] * direction for k, direction in directions.items()]
            expected = sum(float(np.sum(p)) for p in products)
            numeric = self._slope(directions, eps)
            size = sum(float(np.sum(np.abs(p))) for p in products)
            if not abs(expected - numeric) <= atol + rtol * size:
                raise GradcheckError(
                    f"gradcheck of {self.name}({self._described()}): along a random direction the "
                    f"slope by backward is {expected!r}, by finite differences {numeric!r}. "
                    "Without fast=True the message says which element is wrong."
                )

    def _message(self, k: int, analytic: Array, numeric: Array, error: Array) -> str:
        """`error` is 0 where nothing is wrong."""
        label, count = self.labels[k], int(np.count_nonzero(error))
        lines = [
            f"gradcheck of {self.name}({self._described()}): the gradient of {label} is wrong "
            f"in {count} of {error.size} elements.",
            *(
                f"Worst at {index_text(place)}: backward says {analytic[place]!s}, finite "
                f"differences {numeric[place]!s}."
                for place in worst_places(error, min(count, 5))
            ),
        ]
        shown = {label: self.values[k], "By backward": analytic, "By finite differences": numeric}
        with np.printoptions(threshold=100, linewidth=100):
            lines += [f"{title}:\n{array}" for title, array in shown.items()]
        return "\n".join(lines)

    def _described(self) -> str:
        return ", ".join(
            f"{t.dtype} {t.shape}" if isinstance(t, Tensor) else repr(t) for t in self.inputs
        )


def _sequence(inputs: Tensor | Sequence[Any]) -> tuple[Any, ...]:
    return (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)


def _differentiable(outputs: Any) -> tuple[Tensor, ...]:
    """The outputs that carry gradients; indices, for example, don't."""
    return tuple(
        o
        for o in (outputs if isinstance(outputs, (tuple, list)) else (outputs,))
        if isinstance(o, Tensor) and o.requires_grad
    )


def _values(tensor: Tensor) -> Any:
    return tensor.detach().numpy()
