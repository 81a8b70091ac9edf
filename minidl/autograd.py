"""Reverse-mode automatic differentiation: backward() and grad().

Every operation is a `Function` (`function.py`). `Function.apply(*tensors)` computes the result
and, if a gradient may be asked for later, leaves the Function behind as the node of a graph: it
remembers its inputs' nodes (edges) and the arrays its backward needs. `backward` then walks the
graph from the newest node to the oldest. A node is always newer than the nodes it depends on, so
that order is a topological order, and a heap of node numbers is all the bookkeeping it needs.

    x ──▶ Mul(1) ──▶ Sum(2) ──▶ loss        backward: pop 2, then 1, then store into x.grad
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minidl.errors import (
    AutogradError,
    BackendError,
    DTypeError,
    InPlaceError,
)
from minidl.function import Function, check_like, check_no_nan
from minidl.grad_mode import (
    anomaly_enabled,
    check_anomaly,
    is_grad_enabled,
    set_grad_enabled,
)
from minidl.tensor import ADDED_TO, FRESH, Tensor

# ----------------------------------------------------------------------------- public calls


def backward(
    tensors: Tensor | Iterable[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    *,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Add d(tensors)/d(leaf) to `.grad` of every leaf that requires a gradient.

    `grad_tensors` is the gradient that arrives at `tensors`; it may be left out for scalars.
    Saved arrays are released on the way unless `retain_graph` (default: `create_graph`).
    With `create_graph`, `.grad` has a graph that leads back to its leaf: a cycle that lives until
    the leaf's `.grad` is set to None. `grad` has no such cycle.
    Raises AutogradError if nothing requires a gradient or a gradient has the wrong shape.
    """
    roots = _roots("backward", tensors, grad_tensors)
    leaves, _ = _sweep(
        roots, (), create_graph if retain_graph is None else retain_graph, create_graph
    )
    with set_grad_enabled(create_graph), np.errstate(all="ignore"):
        for leaf, gradient in leaves:
            _accumulate(leaf, gradient, create_graph)


def grad(
    outputs: Tensor | Iterable[Tensor],
    inputs: Tensor | Iterable[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    *,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """d(outputs)/d(inputs) as a tuple of tensors; `.grad` changes only by retain_grad.

    With `create_graph` the gradients can be differentiated again. An input that no output depends
    on is an AutogradError, or None with `allow_unused`.

    >>> import minidl
    >>> x = minidl.tensor(3.0, requires_grad=True)
    >>> (first,) = grad(x**3, x, create_graph=True)
    >>> grad(first, x)
    (tensor(18.),)
    """
    wanted = _tensors("grad", "inputs", inputs)
    for position, t in enumerate(wanted):
        if not t.requires_grad:
            raise AutogradError(
                f"grad: input {position} does not require a gradient. Make it with "
                "requires_grad=True before computing the outputs."
            )
    roots = _roots("grad", outputs, grad_outputs)
    retain = create_graph if retain_graph is None else retain_graph
    _, found = _sweep(roots, wanted, retain, create_graph)
    # Copies: what a backward passes on may be the caller's own gradient, or go to two inputs.
    with set_grad_enabled(create_graph):
        results = tuple(_own(found.get(_key(t))) for t in wanted)
    unused = [position for position, result in enumerate(results) if result is None]
    if unused and not allow_unused:
        raise AutogradError(
            f"grad: input {unused[0]} was not used in computing the outputs. "
            "Give allow_unused=True to get None for it."
        )
    return results


# ------------------------------------------------------------------------------- the sweep

_Key = tuple[int, int]


def _key(t: Tensor) -> _Key:
    """What identifies a tensor as the end of an edge."""
    return (id(t), 0) if t.grad_fn is None else (id(t.grad_fn), t._output)


def _sweep(
    roots: list[tuple[Tensor, Tensor]],
    wanted: tuple[Tensor, ...],
    retain_graph: bool,
    create_graph: bool,
) -> tuple[list[tuple[Tensor, Tensor]], dict[_Key, Tensor]]:
    """Send the roots' gradients through the graph, newest node first.

    Returns the leaves with their gradients and, by key, the gradients of the `wanted` tensors.
    With `wanted`, only nodes on a way from a root to a wanted tensor are visited.
    """
    wanted_keys = {_key(t) for t in wanted}
    useful = _nodes_leading_to(wanted_keys, roots) if wanted else None
    waiting: dict[int, list[_Pending | None]] = {}  # node number → one entry per output
    nodes: dict[int, Function] = {}
    heap: list[int] = []
    leaves: dict[int, tuple[Tensor, _Pending]] = {}
    found: dict[_Key, Tensor] = {}

    def send(target: Function | Tensor, output: int, gradient: Tensor) -> None:
        if isinstance(target, Tensor):
            if useful is None or (id(target), 0) in wanted_keys:
                leaves.setdefault(id(target), (target, _Pending()))[1].add(gradient, create_graph)
            return
        if useful is not None and id(target) not in useful:
            return
        number = target._number
        if number not in waiting:
            waiting[number] = [None] * len(target._outputs)
            nodes[number] = target
            heapq.heappush(heap, -number)
        pending = waiting[number][output]
        if pending is None:
            pending = waiting[number][output] = _Pending()
        pending.add(gradient, create_graph)

    for root, upstream in roots:
        send(root.grad_fn or root, root._output, upstream)

    with set_grad_enabled(create_graph), np.errstate(all="ignore"):
        while heap:
            number = -heapq.heappop(heap)
            node = nodes.pop(number)
            grads = [None if p is None else p.total for p in waiting.pop(number)]
            if node._hooks or node._retained:
                _run_hooks(node, grads)
            if useful is not None:
                for output, gradient in enumerate(grads):
                    if gradient is not None and (id(node), output) in wanted_keys:
                        found[id(node), output] = gradient
                if True not in useful[id(node)]:
                    continue  # wanted itself, and nothing behind it is
            needed = node.needs_input_grad if useful is None else useful[id(node)]
            if anomaly_enabled():
                with check_anomaly(False):  # name this node, not the operations of its backward
                    results = node._run_backward(grads, needed)
                check_no_nan(f"The backward pass of {node.name}", results)
            else:
                results = node._run_backward(grads, needed)
            if not retain_graph:
                node._saved = None
            for edge, gradient in zip(node._edges, results, strict=True):
                if edge is not None and gradient is not None:
                    send(edge.target, edge.output, gradient)
            del grads, results, gradient  # nothing may outlive its use: peak memory

        ended = [(leaf, _hooked(leaf._hooks, pending.total)) for leaf, pending in leaves.values()]
    for leaf, gradient in ended:
        found[id(leaf), 0] = gradient
    return ended, found


class _Pending:
    """The sum of the gradients that have arrived at one output so far."""

    __slots__ = ("_owned", "total")

    def __init__(self) -> None:
        self.total: Any = None
        self._owned = False  # whether total's array was made here, so that nobody else holds it

    def add(self, gradient: Tensor, create_graph: bool) -> None:
        if self.total is None:
            self.total = gradient
        elif create_graph:
            self.total = self.total + gradient
        else:
            backend = gradient.backend
            into = self.total._array if self._owned else None
            array = backend.xp.add(self.total._array, gradient._array, out=into)
            self.total = Tensor._wrap(array, backend)
            self._owned = True


def _nodes_leading_to(
    wanted: set[_Key], roots: list[tuple[Tensor, Tensor]]
) -> dict[int, tuple[bool, ...]]:
    """Nodes (by id) to visit: those that made a wanted tensor, or lie on a way to one.

    The value says of each of the node's inputs whether something wanted lies behind it.
    """
    seen: dict[int, Function] = {}
    stack = [root.grad_fn for root, _ in roots if root.grad_fn is not None]
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen[id(node)] = node
            stack.extend(
                edge.target
                for edge in node._edges
                if edge is not None and isinstance(edge.target, Function)
            )
    made_by = {node_id for node_id, _ in wanted}
    useful: dict[int, tuple[bool, ...]] = {}
    for node in sorted(seen.values(), key=lambda n: n._number):  # oldest first: inputs known
        behind = tuple(
            edge is not None
            and ((id(edge.target), edge.output) in wanted or id(edge.target) in useful)
            for edge in node._edges
        )
        if True in behind or id(node) in made_by:
            useful[id(node)] = behind
    return useful


def _roots(
    operation: str,
    tensors: Tensor | Iterable[Tensor],
    gradients: Tensor | Sequence[Tensor | None] | None,
) -> list[tuple[Tensor, Tensor]]:
    """Pair every root with the gradient that arrives at it; validate both."""
    tensors = _tensors(operation, "tensors", tensors)
    given: Sequence[Any]
    if gradients is None:
        given = (None,) * len(tensors)
    else:
        given = gradients if isinstance(gradients, (tuple, list)) else (gradients,)
    if len(given) != len(tensors):
        raise AutogradError(
            f"{operation}: {len(tensors)} tensors but {len(given)} gradients, expected as many."
        )
    return [(t, _root_gradient(operation, t, g)) for t, g in zip(tensors, given, strict=True)]


def _tensors(operation: str, argument: str, given: Any) -> tuple[Tensor, ...]:
    """One tensor or several as a tuple; DTypeError for anything else."""
    one = isinstance(given, Tensor) or not isinstance(given, Iterable)
    several = (given,) if one else tuple(given)
    for t in several:
        if not isinstance(t, Tensor):
            raise DTypeError(
                f"{operation}: {argument} has a {type(t).__name__}, expected Tensors. "
                "Give one tensor, or a list of them."
            )
    if not several:
        raise AutogradError(f"{operation}: {argument} is empty, expected at least one tensor.")
    return several


def _root_gradient(operation: str, t: Tensor, gradient: Tensor | None) -> Tensor:
    if not t.requires_grad:
        raise AutogradError(
            f"{operation}: the tensor does not require a gradient and has no graph. Make an input "
            "with requires_grad=True, and compute the tensor outside no_grad()."
        )
    if gradient is None:
        if t.numel() != 1:
            raise AutogradError(
                f"{operation}: the tensor has shape {t.shape}; a gradient may be left out only "
                "for a single number. Reduce it, for example with .sum() or .mean(), or give "
                "the gradient of its shape."
            )
        return Tensor._wrap(t.backend.full(t.shape, 1, t.dtype), t.backend)
    check_like(f"{operation}: the gradient", gradient, t.shape, t.dtype, "the tensor's")
    if gradient.backend is not t.backend:
        raise BackendError(
            f"{operation}: the gradient lives on {gradient.backend.name!r}, the tensor on "
            f'{t.backend.name!r}. Move it with .to("{t.backend.name}").'
        )
    return gradient


def _accumulate(leaf: Tensor, gradient: Tensor, create_graph: bool) -> None:
    """leaf.grad += gradient, always into an array that nobody else holds."""
    if gradient.backend is not leaf.backend or gradient.dtype != leaf.dtype:
        raise AutogradError(
            f"backward: a tensor of shape {leaf.shape} is {leaf.dtype} on {leaf.backend.name!r} "
            f"now, but its gradient is {gradient.dtype} on {gradient.backend.name!r}: it was moved "
            "since the forward pass. Call module.to(...) before the forward pass."
        )
    if leaf._grad is None:
        leaf._grad = _own(gradient)
        return
    use = leaf._grad._storage.use
    if create_graph:
        leaf._grad = leaf._grad + gradient
    else:
        total = leaf.backend.xp.add(leaf._grad._array, gradient._array)
        leaf._grad = Tensor._wrap(total, leaf.backend)
    leaf._grad._storage.use = FRESH if use == FRESH else ADDED_TO


def _own(gradient: Tensor | None) -> Any:
    """A copy that shares memory with nothing; its graph, if there is one, stays."""
    if gradient is None or gradient.requires_grad:
        return None if gradient is None else gradient.clone()
    return Tensor._wrap(gradient.backend.copy(gradient._array), gradient.backend)


def _run_hooks(node: Function, grads: list[Tensor | None]) -> None:
    """Let hooks on the node's output tensors see and replace the gradients; retain_grad."""
    for output, hooks in (node._hooks or {}).items():
        if grads[output] is not None:
            grads[output] = _hooked(hooks, grads[output])
    for output, reference in (node._retained or {}).items():
        tensor, gradient = reference(), grads[output]
        if tensor is not None and gradient is not None:
            _accumulate(tensor, gradient, is_grad_enabled())


def _hooked(hooks: dict[int, Any] | None, gradient: Any) -> Any:
    for hook in tuple((hooks or {}).values()):
        version = gradient.version
        replacement = hook(gradient)
        if gradient.version != version:
            raise InPlaceError(
                f"hook {hook!r} changed the gradient in place, which other tensors may share. "
                "Return a new tensor instead."
            )
        if replacement is not None:
            check_like(
                f"hook {hook!r}: the result",
                replacement,
                gradient.shape,
                gradient.dtype,
                "None or the gradient's",
            )
            gradient = replacement
    return gradient
