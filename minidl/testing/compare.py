"""One function on two backends: the same values, the same gradients.

The conformance suite asks more of every single kernel; this asks whether they do together, in a
block or a whole network, what the reference backend's do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

import minidl
from minidl.errors import MinidlError
from minidl.tensor import Tensor
from minidl.testing.conformance.tolerance import errors
from minidl.testing.wording import index_text, input_labels, worst_places

Array: TypeAlias = np.ndarray[Any, Any]

_ROUNDINGS = 1000
"""How many units in the last place of the largest element two results may be apart: for different
orders of summation in some layers after another. 1e-4 of it in float32, 2e-13 in float64."""


class ComparisonError(MinidlError, AssertionError):
    """Two backends disagree."""


def compare_backends(
    function: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    reference: str = "numpy",
    backend: str = "mine",
    *,
    seed: int = 0,
) -> None:
    """Compare `function(*inputs)` and the gradients of its inputs between two backends.

    The tensors among the inputs, of any backend, are copied to both; the function returns a tensor
    or a tuple of them. A random upstream gradient, the same on both, goes back to the inputs that
    require gradients. Elements may differ by 1000 · ε · (the largest element of the reference).
    A function that draws random numbers must fix the seed itself.

    Raises ComparisonError, which names what differs and its worst element.

    >>> x = minidl.tensor([[-1.0, 2.0]], requires_grad=True)
    >>> compare_backends(lambda x: x.relu().exp(), x, "numpy", "numpy")
    """
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    expected, found = (_run(function, given, name, seed) for name in (reference, backend))
    if expected.keys() != found.keys():
        raise ComparisonError(
            f"compare_backends: {backend!r} gives {', '.join(found)}; "
            f"{reference!r} gives {', '.join(expected)}."
        )
    for what, truth in expected.items():
        _compare(what, truth, found[what], reference, backend)


def _run(
    function: Callable[..., Any], given: tuple[Any, ...], backend: str, seed: int
) -> dict[str, Array]:
    """Values and gradients by name."""
    inputs = [
        minidl.tensor(_values(t), requires_grad=t.requires_grad, backend=backend)
        if isinstance(t, Tensor)
        else t
        for t in given
    ]
    with minidl.use_backend(backend):
        results = function(*inputs)
    outputs = results if isinstance(results, (tuple, list)) else (results,)
    found = {f"output {k}": _values(output) for k, output in enumerate(outputs)}
    rng = np.random.default_rng(seed)
    roots = [output for output in outputs if output.requires_grad]
    if roots:
        upstreams = [
            minidl.tensor(rng.standard_normal(root.shape), dtype=root.dtype, backend=backend)
            for root in roots
        ]
        minidl.backward(roots, upstreams)
    for label, t in zip(input_labels(function, len(inputs)), inputs, strict=True):
        if isinstance(t, Tensor) and t.grad is not None:
            found[f"the gradient of {label}"] = _values(t.grad)
    return found


def _compare(what: str, truth: Array, result: Array, reference: str, backend: str) -> None:
    for property_name in ("shape", "dtype"):
        expected, got = getattr(truth, property_name), getattr(result, property_name)
        if expected != got:
            raise ComparisonError(
                f"compare_backends: {what} has {property_name} {got} on {backend!r}, "
                f"{expected} on {reference!r}."
            )
    if not truth.size:
        return
    finite = np.abs(truth[np.isfinite(truth)]).astype(np.float64)
    floating = truth.dtype.kind == "f"
    limit = _ROUNDINGS * float(np.finfo(truth.dtype).eps) * finite.max(initial=0) if floating else 0
    error = errors(result, truth)
    wrong = int(np.count_nonzero(error > limit))
    if wrong:
        (worst,) = worst_places(error, 1)
        raise ComparisonError(
            f"compare_backends: {what} differs in {wrong} of {error.size} elements. Worst at "
            f"{index_text(worst)}: {result[worst]!s} on {backend!r}, {truth[worst]!s} on "
            f"{reference!r} (allowed: {limit:.2g})."
        )


def _values(tensor: Tensor) -> Array:
    return np.array(tensor.detach().numpy())
