"""Reverse-mode automatic differentiation: Function, backward(), grad(), and the grad modes.

Every operation is a `Function`. Calling `Function.apply(*tensors)` computes the result and, if a
gradient may be asked for later, leaves the Function behind as the node of a graph: it remembers
its inputs' nodes (edges) and the arrays its backward needs. `backward` then walks the graph from
the newest node to the oldest. A node is always newer than the nodes it depends on, so that order
is a topological order, and a heap of node numbers is all the bookkeeping the sweep needs.

    x ──▶ Mul(1) ──▶ Sum(2) ──▶ loss        backward: pop 2, then 1, then store into x.grad
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from minidl.backends import Array, Backend
from minidl.errors import AutogradError, BackendError, InPlaceError
from minidl.grad_mode import anomaly_enabled, enable_grad, is_grad_enabled, set_grad_enabled
from minidl.tensor import Storage, Tensor

_next_number = itertools.count(1).__next__


class Edge(NamedTuple):
    """Where the gradient of one input goes, and what it must look like."""

    target: Function | Tensor
    """The node that made the input, or the leaf tensor itself."""
    output: int
    """Which of that node's outputs the input was."""
    shape: tuple[int, ...]
    dtype: Any


class Saved(NamedTuple):
    """An array kept for backward, with the version it had.

    Outputs are kept as arrays, not as tensors, and wrapped again on demand: an output's tensor
    points to its node, so a node that held it would be a reference cycle.
    """

    array: Array
    tensor: Tensor | None = None
    """The input tensor, when the array is an input's."""
    storage: Storage | None = None
    version: int = 0
    output: int | None = None
    """Which output the array is, when it is one."""


class Function:
    """One differentiable operation, and one node of the graph.

    Subclasses define `forward`, on arrays, and `backward`, on tensors (so that a gradient can be
    differentiated again); attributes set on `self` in forward are there in backward.

    >>> import minidl
    >>> class Cube(Function):
    ...     def forward(self, x):
    ...         self.save_for_backward(x)
    ...         return x * x * x
    ...
    ...     def backward(self, grad_output):
    ...         (x,) = self.saved_tensors
    ...         return grad_output * 3 * x * x
    >>> x = minidl.tensor([2.0], requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor([12.])
    """

    is_view: ClassVar[bool] = False
    """True if the result may share memory with an input; it then shares the version counter."""

    backend: Backend
    needs_input_grad: tuple[bool, ...]
    _number: int
    _edges: tuple[Edge | None, ...]
    _outputs: tuple[tuple[tuple[int, ...], Any], ...]
    _saved: tuple[Saved, ...] | None = ()
    _to_save: tuple[Array | None, ...] = ()
    _hooks: dict[int, dict[int, Any]] | None = None
    _retained: dict[int, Any] | None = None

    def forward(self, *inputs: Any, **params: Any) -> Any:
        """The result's array, or a tuple of arrays, from the inputs' arrays."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def backward(self, *grad_outputs: Any) -> Any:
        """The inputs' gradients (a tensor, or a tuple with None where there is none)."""
        raise NotImplementedError(f"{type(self).__name__}.backward")

    @property
    def name(self) -> str:
        """The operation's name in messages."""
        return type(self).__name__

    def __repr__(self) -> str:
        return f"<{self.name}>"

    # ------------------------------------------------------------------ the forward pass

    @classmethod
    def apply(cls, *inputs: Any, **params: Any) -> Any:
        """Run forward on the inputs' arrays; record a node if a gradient may be wanted."""
        node = cls()
        node.backend = _common_backend(node, inputs)
        arrays = [t._array if isinstance(t, Tensor) else t for t in inputs]
        recording = is_grad_enabled()
        node.needs_input_grad = tuple(
            recording and isinstance(t, Tensor) and t.requires_grad for t in inputs
        )
        with np.errstate(all="ignore"):  # inf and NaN are results, as in PyTorch, not warnings
            result = node.forward(*arrays, **params)
        several = isinstance(result, tuple)
        outputs = tuple(
            Tensor._wrap(
                array, node.backend, _shared_storage(array, inputs) if cls.is_view else None
            )
            for array in (result if several else (result,))
        )
        if any(node.needs_input_grad):
            node._record(inputs, outputs)
        if anomaly_enabled():
            _check_no_nan(f"The forward pass of {node.name}", outputs)
        return outputs if several else outputs[0]

    def save_for_backward(self, *arrays: Array | None) -> None:
        """Keep arrays (inputs, outputs or anything in between) for `saved_tensors` in backward."""
        self._to_save = arrays

    def input_shape(self, position: int) -> tuple[int, ...]:
        """In backward: the shape of an input whose gradient is needed."""
        edge = self._edges[position]
        assert edge is not None, "only inputs whose gradient is needed have an edge"
        return edge.shape

    def mark_not_differentiable(self, *outputs: int) -> None:
        """Say that these outputs (by position), such as indices, carry no gradient."""
        self._constant_outputs = outputs

    _constant_outputs: tuple[int, ...] = ()

    def _record(self, inputs: Sequence[Any], outputs: tuple[Tensor, ...]) -> None:
        """Become a node of the graph: number, edges, saved arrays."""
        self._number = _next_number()
        self._edges = tuple(
            Edge(t if t.grad_fn is None else t.grad_fn, t._output, t.shape, t.dtype)
            if needed
            else None
            for t, needed in zip(inputs, self.needs_input_grad, strict=True)
        )
        self._saved = tuple(_saved(array, inputs, outputs) for array in self._to_save)
        self._to_save = ()
        self._outputs = tuple((t.shape, t.dtype) for t in outputs)
        for position, t in enumerate(outputs):
            if position not in self._constant_outputs:
                t._requires_grad, t.grad_fn, t._output = True, self, position

    # ----------------------------------------------------------------- the backward pass

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` kept, as tensors (None where None was kept).

        Raises AutogradError if they were released by an earlier backward, InPlaceError if one was
        changed since.
        """
        if self._saved is None:
            raise AutogradError(
                f"{self.name}: backward a second time through the same graph, but its saved "
                "arrays were released by the first. Give retain_graph=True to the first call, "
                "or run the forward pass again."
            )
        return tuple(self._unpack(saved) for saved in self._saved)

    def _unpack(self, saved: Saved) -> Tensor | None:
        if saved.array is None:
            return None
        if saved.storage is not None and saved.storage.version != saved.version:
            raise InPlaceError(
                f"{self.name}: an array of shape {tuple(saved.array.shape)} that its backward "
                f"needs was changed in place (version {saved.version} was saved, it is now at "
                f"{saved.storage.version}). Change a copy instead (x.clone()), or do it after "
                "backward."
            )
        if saved.tensor is not None:
            return saved.tensor
        tensor = Tensor._wrap(saved.array, self.backend, saved.storage)
        if saved.output is not None and saved.output not in self._constant_outputs:
            tensor._requires_grad, tensor.grad_fn, tensor._output = True, self, saved.output
        return tensor

    def _run_backward(self, grad_outputs: list[Tensor | None]) -> tuple[Tensor | None, ...]:
        """`backward` with its arguments completed and its results checked."""
        complete = [
            Tensor._wrap(self.backend.zeros(*spec), self.backend) if g is None else g
            for g, spec in zip(grad_outputs, self._outputs, strict=True)
        ]
        result = self.backward(*complete)
        grads = result if isinstance(result, tuple) else (result,)
        if len(grads) != len(self._edges):
            raise AutogradError(
                f"{self.name}.backward returned {len(grads)} gradients for "
                f"{len(self._edges)} inputs; return one for each, None where there is none."
            )
        for position, (grad_input, edge) in enumerate(zip(grads, self._edges, strict=True)):
            if (
                edge is not None
                and grad_input is not None
                and (grad_input.shape != edge.shape or grad_input.dtype != edge.dtype)
            ):
                raise AutogradError(
                    f"{self.name}.backward: the gradient of input {position} is "
                    f"{grad_input.shape} {grad_input.dtype}, expected the input's "
                    f"{edge.shape} {edge.dtype}."
                )
        return grads


# ----------------------------------------------------------------------------- public calls


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    *,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Add d(tensors)/d(leaf) to `.grad` of every leaf that requires a gradient.

    `grad_tensors` is the gradient that arrives at `tensors`; it may be left out for scalars.
    Saved arrays are released on the way unless `retain_graph` (default: `create_graph`).
    Raises AutogradError if nothing requires a gradient or a gradient has the wrong shape.
    """
    roots = _roots("backward", tensors, grad_tensors)
    leaves, _ = _sweep(
        roots, (), create_graph if retain_graph is None else retain_graph, create_graph
    )
    for leaf, gradient in leaves:
        _accumulate(leaf, gradient, create_graph)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    *,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """d(outputs)/d(inputs) as a tuple of tensors; nobody's `.grad` changes.

    With `create_graph` the gradients can be differentiated again. An input that no output depends
    on is an AutogradError, or None with `allow_unused`.

    >>> import minidl
    >>> x = minidl.tensor(3.0, requires_grad=True)
    >>> (first,) = grad(x**3, x, create_graph=True)
    >>> grad(first, x)
    (tensor(18.),)
    """
    wanted = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    for position, t in enumerate(wanted):
        if not t.requires_grad:
            raise AutogradError(
                f"grad: input {position} does not require a gradient. Make it with "
                "requires_grad=True before computing the outputs."
            )
    roots = _roots("grad", outputs, grad_outputs)
    retain = create_graph if retain_graph is None else retain_graph
    _, found = _sweep(roots, wanted, retain, create_graph)
    results = tuple(found.get(_key(t)) for t in wanted)
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

    for root, gradient in roots:
        send(root if root.grad_fn is None else root.grad_fn, root._output, gradient)

    with set_grad_enabled(create_graph):
        while heap:
            number = -heapq.heappop(heap)
            node = nodes.pop(number)
            grads = [None if p is None else p.total for p in waiting.pop(number)]
            _run_hooks(node, grads)
            for output, gradient in enumerate(grads):
                if gradient is not None and (id(node), output) in wanted_keys:
                    found[id(node), output] = gradient
            if useful is not None and not useful[id(node)]:
                continue  # wanted itself, and nothing behind it is
            results = node._run_backward(grads)
            if anomaly_enabled():
                _check_no_nan(f"The backward pass of {node.name}", results)
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
            if into is not None and into.ndim == 0:  # NumPy can't write into a scalar result
                into = None
            array = backend.xp.add(self.total._array, gradient._array, out=into)
            self.total = Tensor._wrap(array, backend)
            self._owned = True


def _nodes_leading_to(wanted: set[_Key], roots: list[tuple[Tensor, Tensor]]) -> dict[int, bool]:
    """Nodes (by id) to visit: those that made a wanted tensor, or lie on a way to one.

    The value says whether the node's own backward must run, that is, something wanted lies
    behind it.
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
    useful: dict[int, bool] = {}
    for node in sorted(seen.values(), key=lambda n: n._number):  # oldest first: inputs known
        behind = any(
            edge is not None
            and ((id(edge.target), edge.output) in wanted or id(edge.target) in useful)
            for edge in node._edges
        )
        if behind or id(node) in made_by:
            useful[id(node)] = behind
    return useful


def _roots(
    operation: str,
    tensors: Tensor | Sequence[Tensor],
    gradients: Tensor | Sequence[Tensor | None] | None,
) -> list[tuple[Tensor, Tensor]]:
    """Pair every root with the gradient that arrives at it; validate both."""
    tensors = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)
    if gradients is None or isinstance(gradients, Tensor):
        gradients = (gradients,) * (len(tensors) if gradients is None else 1)
    if len(gradients) != len(tensors):
        raise AutogradError(f"{operation}: {len(tensors)} tensors but {len(gradients)} gradients.")
    return [(t, _root_gradient(operation, t, g)) for t, g in zip(tensors, gradients, strict=True)]


def _root_gradient(operation: str, t: Tensor, gradient: Tensor | None) -> Tensor:
    if not t.requires_grad:
        raise AutogradError(
            f"{operation}: the tensor does not require a gradient and has no graph. Make an input "
            "with requires_grad=True, and compute the tensor outside no_grad()."
        )
    if gradient is None:
        if t.size != 1:
            raise AutogradError(
                f"{operation}: the tensor has shape {t.shape}; a gradient may be left out only "
                "for a single number. Reduce it, for example with .sum() or .mean(), or give "
                "the gradient of its shape."
            )
        return Tensor._wrap(t.backend.full(t.shape, 1, t.dtype), t.backend)
    if gradient.shape != t.shape or gradient.dtype != t.dtype:
        raise AutogradError(
            f"{operation}: the gradient is {gradient.shape} {gradient.dtype}, expected the "
            f"tensor's {t.shape} {t.dtype}."
        )
    return gradient


def _accumulate(leaf: Tensor, gradient: Tensor, create_graph: bool) -> None:
    """leaf.grad += gradient, always into an array that nobody else holds."""
    if leaf.grad is not None:
        leaf.grad = (
            leaf.grad + gradient
            if create_graph
            else Tensor._wrap(leaf.backend.xp.add(leaf.grad._array, gradient._array), leaf.backend)
        )
    elif create_graph and gradient.requires_grad:
        leaf.grad = gradient.clone()
    else:
        leaf.grad = Tensor._wrap(leaf.backend.copy(gradient._array), leaf.backend)


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
        replacement = hook(gradient)
        if replacement is not None:
            if replacement.shape != gradient.shape or replacement.dtype != gradient.dtype:
                raise AutogradError(
                    f"hook {hook!r} returned {replacement.shape} {replacement.dtype}, expected "
                    f"the gradient's {gradient.shape} {gradient.dtype}, or None."
                )
            gradient = replacement
    return gradient


# ------------------------------------------------------------------------------- helpers


class Alias(Function):
    """The input itself, as the output of a node of its own."""

    is_view = True

    def forward(self, x: Array) -> Array:
        return self.backend.xp.reshape(x, x.shape)

    def backward(self, grad_output: Tensor) -> Tensor:
        return grad_output


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
        wanted = [t for t, needed in zip(inputs, self.needs_input_grad, strict=True) if needed]
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


def _common_backend(node: Function, inputs: Sequence[Any]) -> Backend:
    backend: Backend | None = None
    for t in inputs:
        if isinstance(t, Tensor):
            if backend is None:
                backend = t.backend
            elif t.backend is not backend:
                raise BackendError(
                    f"{node.name}: operands live on different backends, {backend.name!r} and "
                    f'{t.backend.name!r}. Move one of them, for example with .to("{backend.name}").'
                )
    if backend is None:
        raise TypeError(f"{node.name}: none of the inputs is a Tensor.")
    return backend


def _shared_storage(array: Array, inputs: Sequence[Any]) -> Storage | None:
    """The storage of the input that `array` is a view of, if any."""
    base = getattr(array, "base", None)
    for t in inputs:
        if isinstance(t, Tensor) and (
            array is t._array
            or (base is not None and (base is t._array or base is getattr(t._array, "base", None)))
        ):
            return t._storage
    return None


def _saved(array: Array | None, inputs: Sequence[Any], outputs: tuple[Tensor, ...]) -> Saved:
    for t in inputs:
        if isinstance(t, Tensor) and t._array is array:
            return Saved(array, t, t._storage, t._storage.version)
    for position, t in enumerate(outputs):
        if t._array is array:
            return Saved(array, None, t._storage, t._storage.version, position)
    return Saved(array)


def _check_no_nan(what: str, tensors: Sequence[Any]) -> None:
    for position, t in enumerate(tensors):
        if (
            isinstance(t, Tensor)
            and t.dtype.kind == "f"
            and bool(np.any(np.isnan(t.backend.to_numpy(t._array))))
        ):
            raise AutogradError(
                f"{what} produced NaN (result {position}, shape {t.shape}). Look at its inputs: "
                "a logarithm or square root of a negative number, 0/0, or an overflow."
            )
