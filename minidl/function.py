"""Function: one differentiable operation, and one node of the graph that backward walks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, NoReturn

import numpy as np

from minidl.backends import Array, Backend, agree
from minidl.errors import (
    ArgumentError,
    AutogradError,
    DTypeError,
    InPlaceError,
    fail,
)
from minidl.grad_mode import (
    anomaly_enabled,
    is_grad_enabled,
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

    moves_only: ClassVar[bool] = False
    """Whether elements only move or are cast: then float16 is accepted, too."""
    changes_dtype: ClassVar[bool] = False
    """Whether forward may return another floating dtype than that of its inputs, as a cast does."""

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
                array = t._array
                if array.dtype.char == "e" and not cls.moves_only:
                    refuse_half(node.name)
                arrays.append(array)
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
        try:
            outputs = tuple(
                [Tensor._wrap(y, node.backend, _shared_storage(y, inputs)) for y in results]
            )
        except (DTypeError, TypeError, ValueError):
            kinds = ", ".join(type(y).__name__ for y in results)
            raise AutogradError(
                f"{node.name}: forward returned {kinds}, expected an array of the backend "
                f"{node.backend.name!r}, or a tuple of them. Is there a `return` in it?"
            ) from None
        if True in needs:
            node._record(inputs, results, outputs)
        if anomaly_enabled():
            check_no_nan(f"The forward pass of {node.name}", outputs)
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
        """Say that these outputs (by position) carry no gradient, as integers never do."""
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
        self._check_dtype(outputs)
        self._saved = tuple([_saved(value, inputs, results, outputs) for value in self._to_save])
        self._to_save = ()
        self._outputs = tuple([(t._array.shape, t._array.dtype) for t in outputs])
        for position, t in enumerate(outputs):
            if t._array.dtype.kind != "f":
                self._constant_outputs += (position,)
            elif position not in self._constant_outputs:
                t._requires_grad, t.grad_fn, t._output = True, self, position

    def _check_dtype(self, outputs: tuple[Tensor, ...]) -> None:
        """Blame forward for another precision, before an innocent operation stumbles over it."""
        edge: Any = next(filter(None, self._edges))
        for t in outputs:
            dtype = t._array.dtype
            if dtype.kind == "f" and dtype != edge.dtype and not self.changes_dtype:
                raise AutogradError(
                    f"{self.name}: forward returned {dtype}, expected {edge.dtype}, the dtype of "
                    "its input. Convert what it returns, or set changes_dtype = True in the class "
                    "if it is meant to."
                )

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

    def _run_backward(
        self, grad_outputs: list[Tensor | None], needed: tuple[bool, ...]
    ) -> tuple[Tensor | None, ...]:
        """`backward` with its arguments completed and its results checked.

        `needed`: the inputs whose gradients this sweep uses, of those in `needs_input_grad`.
        """
        for position, missing in enumerate(grad_outputs):
            if missing is None and position not in self._constant_outputs:
                zeros = self.backend.zeros(*self._outputs[position])
                grad_outputs[position] = Tensor._wrap(zeros, self.backend)
        recorded, self.needs_input_grad = self.needs_input_grad, needed
        try:
            result = self.backward(*grad_outputs)
        finally:
            self.needs_input_grad = recorded
        grads = result if isinstance(result, tuple) else (result,)
        if len(grads) != len(self._edges):
            raise AutogradError(
                f"{self.name}.backward returned {len(grads)} gradients for "
                f"{len(self._edges)} inputs; return one for each, None where there is none."
            )
        for position, (gradient, edge) in enumerate(zip(grads, self._edges, strict=True)):
            if edge is not None and gradient is not None:
                check_like(
                    f"{self.name}.backward: the gradient of input {position}",
                    gradient,
                    edge.shape,
                    edge.dtype,
                    "the input's",
                )
        return grads


class Alias(Function):
    """The input itself, as the output of a node of its own."""

    moves_only = True

    def forward(self, x: Array) -> Array:
        return self.backend.xp.reshape(x, x.shape)

    def backward(self, grad_output: Tensor) -> Tensor:
        return grad_output


def refuse_half(operation: str) -> NoReturn:
    """Raise: float16 isn't computed with."""
    fail(
        operation,
        "an operand's dtype",
        "float16",
        "float32 or float64",
        "float16 is for storage only: convert it with .float().",
        error=DTypeError,
    )


def check_like(what: str, gradient: Any, shape: Any, dtype: Any, whose: str) -> None:
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


def _shared_storage(array: Array, tensors: Sequence[Any]) -> Storage | None:
    """The storage of the tensor that `array` belongs to, or is a view of; None for new memory."""
    base = getattr(array, "base", None)
    for t in tensors:
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
    if type(value) in _AS_THEY_ARE:
        return Saved(value)
    for t in inputs:
        if isinstance(t, Tensor) and t._array is value:
            return Saved(value, t, t._storage, t._storage.version)
    # Not the outputs' arrays are compared: a result may be the library's scalar, then wrapped.
    for position, result in enumerate(results):
        if result is value:
            t = outputs[position]
            return Saved(t._array, None, t._storage, t._storage.version, position)
    storage = _shared_storage(value, (*inputs, *outputs))  # if it is a view of one of them
    return Saved(value) if storage is None else Saved(value, None, storage, storage.version)


def check_no_nan(what: str, tensors: Sequence[Any]) -> None:
    """Raise AutogradError naming `what` if a tensor holds NaN (anomaly mode)."""
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
