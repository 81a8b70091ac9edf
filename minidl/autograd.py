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
from typing import Any, NamedTuple

import numpy as np

from minidl.backends import Array, Backend, agree
from minidl.errors import (
    ArgumentError,
    AutogradError,
    BackendError,
    DTypeError,
    InPlaceError,
)
from minidl.grad_mode import (
    anomaly_enabled,
    check_anomaly,
    enable_grad,
    is_grad_enabled,
    set_grad_enabled,
)
from minidl.tensor import Storage, Tensor

_AS_THEY_ARE = (type(None), bool, int, float)
"""Types that `save_for_backward` keeps and `saved_tensors` returns unchanged."""

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
    """A value kept for backward; if it is an input's or output's array, with the version it had.

    Outputs are kept as arrays, not as tensors, and wrapped again on demand: an output's tensor
    points to its node, so a node that held it would be a reference cycle.
    """

    value: Any
    """An array, a Python number, or None."""
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

    backend: Backend
    needs_input_grad: tuple[bool, ...]
    _number: int
    _edges: tuple[Edge | None, ...]
    _outputs: tuple[tuple[tuple[int, ...], Any], ...]
    _saved: tuple[Saved, ...] | None = ()
    _to_save: tuple[Any, ...] = ()
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
        recording = is_grad_enabled()
        backend: Any = None
        arrays, needs = [], []
        for t in inputs:
            if isinstance(t, Tensor):
                if t.backend is not backend:
                    backend = agree(node.name, backend, t.backend)
                arrays.append(t._array)
                needs.append(recording and t._requires_grad)
            else:
                arrays.append(t)
                needs.append(False)
        if backend is None:
            raise DTypeError(f"{node.name}: none of the inputs is a Tensor.")
        node.backend, node.needs_input_grad = backend, tuple(needs)
        try:
            with np.errstate(all="ignore"):  # inf and NaN are results, as in PyTorch, not warnings
                result = node.forward(*arrays, **params)
        except OverflowError as error:  # from a Python integer that the dtype can't hold
            raise ArgumentError(f"{node.name}: {error}.") from None
        several = isinstance(result, tuple)
        results = result if several else (result,)
        outputs = tuple(
            [Tensor._wrap(y, node.backend, _shared_storage(y, inputs)) for y in results]
        )
        if True in needs:
            node._record(inputs, results, outputs)
        if anomaly_enabled():
            _check_no_nan(f"The forward pass of {node.name}", outputs)
        return outputs if several else outputs[0]

    def save_for_backward(self, *values: Any) -> None:
        """Keep arrays (inputs, outputs or anything in between) for `saved_tensors` in backward.

        None and Python numbers are kept too, and come back as they are.
        """
        self._to_save = values

    def input_shape(self, position: int) -> tuple[int, ...]:
        """In backward: the shape of an input whose gradient is needed."""
        edge = self._edges[position]
        assert edge is not None, "only inputs whose gradient is needed have an edge"
        return edge.shape

    def mark_not_differentiable(self, *outputs: int) -> None:
        """Say that these outputs (by position), such as indices, carry no gradient."""
        self._constant_outputs = outputs

    _constant_outputs: tuple[int, ...] = ()

    def _record(
        self, inputs: Sequence[Any], results: tuple[Any, ...], outputs: tuple[Tensor, ...]
    ) -> None:
        """Become a node of the graph: number, edges, saved arrays."""
        self._number = _next_number()
        self._edges = tuple(
            [
                Edge(t.grad_fn or t, t._output, t._array.shape, t._array.dtype) if needed else None
                for t, needed in zip(inputs, self.needs_input_grad, strict=True)
            ]
        )
        self._saved = tuple([_saved(value, inputs, results, outputs) for value in self._to_save])
        self._to_save = ()
        self._outputs = tuple([(t._array.shape, t._array.dtype) for t in outputs])
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
        return tuple([self._unpack(saved) for saved in self._saved])

    def _unpack(self, saved: Saved) -> Any:
        value, tensor = saved.value, saved.tensor
        if type(value) in _AS_THEY_ARE:
            return value
        if saved.storage is not None and saved.storage.version != saved.version:
            raise InPlaceError(
                f"{self.name}: an array of shape {tuple(value.shape)} that its backward "
                f"needs was changed in place (version {saved.version} was saved, it is now at "
                f"{saved.storage.version}). Change a copy instead (x.clone()), or do it after "
                "backward."
            )
        if tensor is not None:
            if tensor._array is not value:
                raise InPlaceError(
                    f"{self.name}: a tensor of shape {tuple(value.shape)} that its backward needs "
                    "was moved to another backend or dtype since the forward pass. "
                    "Call module.to(...) before the forward pass, or after backward."
                )
            return tensor
        tensor = Tensor._wrap(value, self.backend, saved.storage)
        if saved.output is not None and saved.output not in self._constant_outputs:
            tensor._requires_grad, tensor.grad_fn, tensor._output = True, self, saved.output
        return tensor

    def _run_backward(self, grad_outputs: list[Tensor | None]) -> tuple[Tensor | None, ...]:
        """`backward` with its arguments completed and its results checked."""
        for position, missing in enumerate(grad_outputs):
            if missing is None and position not in self._constant_outputs:
                zeros = self.backend.zeros(*self._outputs[position])
                grad_outputs[position] = Tensor._wrap(zeros, self.backend)
        result = self.backward(*grad_outputs)
        grads = result if isinstance(result, tuple) else (result,)
        if len(grads) != len(self._edges):
            raise AutogradError(
                f"{self.name}.backward returned {len(grads)} gradients for "
                f"{len(self._edges)} inputs; return one for each, None where there is none."
            )
        for position, (gradient, edge) in enumerate(zip(grads, self._edges, strict=True)):
            if edge is not None and gradient is not None:
                _check_like(
                    f"{self.name}.backward: the gradient of input {position}",
                    gradient,
                    edge.shape,
                    edge.dtype,
                    "the input's",
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
    With `create_graph`, `.grad` has a graph that leads back to its leaf: a cycle that lives until
    the leaf's `.grad` is set to None. `grad` has no such cycle.
    Raises AutogradError if nothing requires a gradient or a gradient has the wrong shape.
    """
    roots = _roots("backward", tensors, grad_tensors)
    leaves, _ = _sweep(
        roots, (), create_graph if retain_graph is None else retain_graph, create_graph
    )
    with np.errstate(all="ignore"):
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
                if not useful[id(node)]:
                    continue  # wanted itself, and nothing behind it is
            if anomaly_enabled():
                with check_anomaly(False):  # name this node, not the operations of its backward
                    results = node._run_backward(grads)
                _check_no_nan(f"The backward pass of {node.name}", results)
            else:
                results = node._run_backward(grads)
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
    several = tuple(given) if isinstance(given, (tuple, list)) else (given,)
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
        if t.size != 1:
            raise AutogradError(
                f"{operation}: the tensor has shape {t.shape}; a gradient may be left out only "
                "for a single number. Reduce it, for example with .sum() or .mean(), or give "
                "the gradient of its shape."
            )
        return Tensor._wrap(t.backend.full(t.shape, 1, t.dtype), t.backend)
    _check_like(f"{operation}: the gradient", gradient, t.shape, t.dtype, "the tensor's")
    if gradient.backend is not t.backend:
        raise BackendError(
            f"{operation}: the gradient lives on {gradient.backend.name!r}, the tensor on "
            f'{t.backend.name!r}. Move it with .to("{t.backend.name}").'
        )
    return gradient


def _check_like(what: str, gradient: Any, shape: Any, dtype: Any, whose: str) -> None:
    """Raise AutogradError unless `gradient` is a Tensor of this shape and dtype."""
    if not isinstance(gradient, Tensor):
        raise AutogradError(
            f"{what} is a {type(gradient).__name__}, expected a Tensor of {whose} {shape} {dtype}."
        )
    array = gradient._array
    if array.shape != shape or array.dtype != dtype:
        raise AutogradError(
            f"{what} is {array.shape} {array.dtype}, expected {whose} {shape} {dtype}."
        )


def _accumulate(leaf: Tensor, gradient: Tensor, create_graph: bool) -> None:
    """leaf.grad += gradient, always into an array that nobody else holds."""
    if gradient.backend is not leaf.backend or gradient.dtype != leaf.dtype:
        raise AutogradError(
            f"backward: a tensor of shape {leaf.shape} is {leaf.dtype} on {leaf.backend.name!r} "
            f"now, but its gradient is {gradient.dtype} on {gradient.backend.name!r}: it was moved "
            "since the forward pass. Call module.to(...) before the forward pass."
        )
    if leaf.grad is None:
        leaf.grad = _own(gradient)
    elif create_graph:
        leaf.grad = leaf.grad + gradient
    else:
        total = leaf.backend.xp.add(leaf.grad._array, gradient._array)
        leaf.grad = Tensor._wrap(total, leaf.backend)


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
            _check_like(
                f"hook {hook!r}: the result",
                replacement,
                gradient.shape,
                gradient.dtype,
                "None or the gradient's",
            )
            gradient = replacement
    return gradient


# ------------------------------------------------------------------------------- helpers


class Alias(Function):
    """The input itself, as the output of a node of its own."""

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


def _shared_storage(array: Array, inputs: Sequence[Any]) -> Storage | None:
    """The storage of the input that `array` is, or is a view of; None for memory of its own."""
    base = getattr(array, "base", None)
    for t in inputs:
        if isinstance(t, Tensor):
            given = t._array
            if given is array or (
                base is not None and (base is given or base is getattr(given, "base", None))
            ):
                return t._storage
    return None


def _saved(
    value: Any, inputs: Sequence[Any], results: tuple[Any, ...], outputs: tuple[Tensor, ...]
) -> Saved:
    for t in inputs:
        if isinstance(t, Tensor) and t._array is value:
            return Saved(value, t, t._storage, t._storage.version)
    # Not the outputs' arrays are compared: a result may be the library's scalar, then wrapped.
    for position, result in enumerate(results):
        if result is value:
            t = outputs[position]
            return Saved(t._array, None, t._storage, t._storage.version, position)
    return Saved(value)


def _check_no_nan(what: str, tensors: Sequence[Any]) -> None:
    for position, t in enumerate(tensors):
        if (
            isinstance(t, Tensor)
            and t.dtype.kind == "f"
            and t.backend.memory != "none"
            and bool(np.any(np.isnan(t.backend.to_numpy(t._array))))
        ):
            raise AutogradError(
                f"{what} produced NaN (result {position}, shape {t.shape}). Look at its inputs: "
                "a logarithm or square root of a negative number, 0/0, or an overflow."
            )
