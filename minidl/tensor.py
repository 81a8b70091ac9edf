"""Tensor: an array, the backend it lives on, its gradient, and the Function that made it.

Everything that computes is in `minidl.functional`; the methods that call it (`x.sum()`, `x + y`)
are spelled out in `tensor_methods.py`. Here is what a tensor *is*.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from minidl import backends, naming
from minidl.errors import AutogradError, BackendError, DTypeError, InPlaceError, ShapeError
from minidl.grad_mode import is_grad_enabled
from minidl.numpy_protocol import NumPyProtocol
from minidl.tensor_methods import TensorMethods

if TYPE_CHECKING:
    from minidl.function import Function


FRESH, STEPPED, ADDED_TO = range(3)
"""Of a gradient: as backward left it; used by an optimizer's step; and added to after that."""


class Storage:
    """What a tensor shares with its views: a counter that every in-place change raises.

    `use` is for gradients alone: by it an optimizer sees that zero_grad() was forgotten.
    """

    __slots__ = ("use", "version")

    def __init__(self) -> None:
        self.version = 0
        self.use = FRESH


class Tensor(TensorMethods, NumPyProtocol):
    """An n-dimensional array that knows its backend and can be differentiated.

    Make one with `minidl.tensor`, `minidl.zeros` and the like.

    Attributes
    ----------
    backend : the Backend its array belongs to; operations dispatch on it
    requires_grad : whether gradients with respect to it are recorded
    grad : the gradient that `backward` has accumulated, a Tensor, or None
    grad_fn : the Function that made it, or None for a leaf

    >>> import minidl
    >>> x = minidl.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4., 6.])

    """

    __slots__ = (
        "__weakref__",
        "_array",
        "_grad",
        "_hooks",
        "_output",
        "_requires_grad",
        "_storage",
        "backend",
        "grad_fn",
    )

    _array: backends.Array
    _storage: Storage
    _requires_grad: bool
    _output: int
    _hooks: dict[int, Any] | None
    _grad: Tensor | None
    backend: backends.Backend
    grad_fn: Function | None

    def __init__(self) -> None:
        raise TypeError("Make tensors with minidl.tensor(data), minidl.zeros(shape) and the like.")

    @classmethod
    def _wrap(
        cls, array: backends.Array, backend: backends.Backend, storage: Storage | None = None
    ) -> Tensor:
        """A leaf around an array of `backend`, without copying or checking."""
        self = object.__new__(cls)  # past __init__, which refuses users
        if not backend.is_array(array):  # reductions to zero dimensions come as scalars
            array = backend.asarray(array)
            if array.dtype.kind not in "biuf":
                raise DTypeError(f"a tensor is made of numbers, not of {array.dtype}")
        self._array = array
        self._storage = Storage() if storage is None else storage
        self.backend = backend
        self._grad = self.grad_fn = self._hooks = None
        self._requires_grad = False
        self._output = 0
        return self

    # ------------------------------------------------------------------------ what it is

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes along every axis."""
        shape: tuple[int, ...] = self._array.shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of an element, such as minidl.float32."""
        dtype: np.dtype[Any] = self._array.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or with `dim` the size along one axis; `numel` counts the elements."""
        if dim is None:
            return self.shape
        return self.shape[functional.operands.normalize_dim("size", dim, self.ndim)]

    def numel(self) -> int:
        """Number of elements."""
        size: int = self._array.size
        return size

    def dim(self) -> int:
        """Number of axes."""
        return self.ndim

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user rather than by a recorded operation."""
        return self.grad_fn is None

    @property
    def requires_grad(self) -> bool:
        """Whether gradients with respect to it are recorded."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and self.dtype not in (np.float32, np.float64):
            raise DTypeError(
                f"requires_grad: the tensor's dtype is {self.dtype}, expected float32 or float64. "
                "Only floating tensors have gradients; convert it with .float()."
            )
        if not value and self.grad_fn is not None:
            raise AutogradError(
                "requires_grad: only a leaf can be told not to require a gradient. Use .detach()."
            )
        self._requires_grad = bool(value)

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` has accumulated, or None.

        A second backward() makes a new tensor of the sum, where PyTorch adds in place: what
        `g = x.grad` keeps is the gradient so far, and doesn't change behind one's back.
        """
        if self._grad is None and self.grad_fn is not None and not self._retains_grad():
            warnings.warn(
                "grad: the tensor was computed, and backward keeps gradients of leaves only. "
                "Call x.retain_grad() before backward to keep this one, too.",
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, gradient: Tensor | None) -> None:
        if gradient is not None:
            what = "x.grad = value: the value"
            check_like(what, gradient, self.shape, self.dtype, "the tensor's")
            backends.agree("x.grad = value", self.backend, gradient.backend)
        self._grad = gradient

    def requires_grad_(self, value: bool = True) -> Tensor:
        """Set requires_grad; returns the tensor itself."""
        self.requires_grad = value
        return self

    @property
    def version(self) -> int:
        """How often its memory was changed in place, through it or through a view."""
        return self._storage.version

    def __len__(self) -> int:
        if self.ndim == 0:
            raise ShapeError("len: a zero-dimensional tensor has no length. Use .item().")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.unbind() if len(self) else ())

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def __repr__(self) -> str:
        if self.backend.memory == "none":
            body = f"shape={self.shape}, dtype={self.dtype}"
        else:
            body = np.array2string(
                self.backend.to_numpy(self._array), separator=", ", prefix=" " * 7
            )
            if self.dtype not in (np.float32, np.int64, np.bool_):
                body += f", dtype={self.dtype}"
            if self.numel() == 0 and self.ndim > 1:
                body += f", shape={self.shape}"
        if self.backend.name != "numpy":
            body += f", backend={self.backend.name!r}"
        if self.grad_fn is not None:
            body += f", grad_fn={self.grad_fn!r}"
        elif self.requires_grad:
            body += ", requires_grad=True"
        return f"tensor({body})"

    if not TYPE_CHECKING:  # else type checkers would take every name for a known one

        def __getattr__(self, name: str) -> NoReturn:
            """Explain a name that doesn't exist; Python asks for those only."""
            naming.missing_name("Tensor", name, lambda: dir(self), naming.TENSOR)

    # ----------------------------------------------------------------- values, read-only

    def numpy(self) -> Any:
        """The values as a read-only NumPy array; on the CPU without copying.

        Raises AutogradError if the tensor requires a gradient: use `.detach().numpy()`.
        """
        if self.requires_grad:
            raise AutogradError(
                "numpy: the tensor requires a gradient, which NumPy would lose. "
                "Use .detach().numpy()."
            )
        view = self.backend.to_numpy(self._array).view()
        view.flags.writeable = False
        return view

    @property
    def data(self) -> Any:
        """The values as a read-only array, whether or not a gradient is required."""
        return self.detach().numpy()

    @data.setter
    def data(self, value: Any) -> None:
        raise InPlaceError(
            "x.data = value: the array can't be exchanged. To overwrite the values, use "
            "x.copy_(value) within minidl.no_grad()."
        )

    def item(self) -> Any:
        """The value of a one-element tensor as a Python number."""
        if self.numel() != 1:
            raise ShapeError(
                f"item: the tensor has {self.numel()} elements (shape {self.shape}), expected one. "
                "Use .tolist() or index it first."
            )
        return self.backend.to_numpy(self._array).item()

    def tolist(self) -> Any:
        """The values as nested Python lists."""
        return self.backend.to_numpy(self._array).tolist()

    def __bool__(self) -> bool:
        if self.numel() != 1:
            raise ShapeError(
                f"bool: a tensor of shape {self.shape} is neither true nor false. "
                "Use .any() or .all()."
            )
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise DTypeError(f"index: a tensor of dtype {self.dtype} can't be an index.")
        return int(self.item())

    def __format__(self, specification: str) -> str:
        return format(self.item(), specification) if specification else str(self)

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self._exported().__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return self._exported().__dlpack_device__()

    def _exported(self) -> backends.Array:
        if self.requires_grad:
            raise AutogradError("dlpack: the tensor requires a gradient. Use x.detach().")
        if self.backend.memory == "none":
            raise BackendError(f"dlpack: a tensor on {self.backend.name!r} has no values to share.")
        return self._array

    # -------------------------------------------------------------------------- autograd

    def backward(
        self,
        gradient: Tensor | None = None,
        *,
        retain_graph: bool | None = None,
        create_graph: bool = False,
    ) -> None:
        """Add the gradient of this tensor to `.grad` of every leaf it was computed from.

        `gradient` is d(loss)/d(self), needed unless the tensor is a single number.
        See `minidl.autograd.backward`.
        """
        autograd.backward(self, gradient, retain_graph=retain_graph, create_graph=create_graph)

    def detach(self) -> Tensor:
        """A leaf over the same memory, without graph and without gradient."""
        return Tensor._wrap(self._array, self.backend, self._storage)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook(gradient)` when this tensor's gradient is known; a result replaces it."""
        if not self.requires_grad:
            raise AutogradError("register_hook: the tensor does not require a gradient.")
        if not callable(hook):
            raise DTypeError(
                f"register_hook: hook is a {type(hook).__name__}, expected a function of the "
                "gradient."
            )
        if self.grad_fn is None:
            self._hooks = hooks = self._hooks or {}
        else:
            self.grad_fn._hooks = by_output = self.grad_fn._hooks or {}
            hooks = by_output.setdefault(self._output, {})
        return RemovableHandle(hooks, hook)

    def _retains_grad(self) -> bool:
        retained = getattr(self.grad_fn, "_retained", None) or {}
        return self._output in retained

    def retain_grad(self) -> None:
        """Keep `.grad` of a tensor that isn't a leaf, too."""
        if not self.requires_grad:
            raise AutogradError("retain_grad: the tensor does not require a gradient.")
        if self.grad_fn is not None:
            self.grad_fn._retained = retained = self.grad_fn._retained or {}
            retained[self._output] = weakref.ref(self)

    # ------------------------------------------------------------- changing it in place
    # The whole list: these methods and the operators +=, -=, *= and /=. None of them is recorded
    # for backward; where that would lose a gradient they raise InPlaceError.

    def copy_(self, source: Any) -> Tensor:
        """Overwrite the values with those of `source`, broadcasting."""
        operand = self._operand("copy_", source)
        self.backend.copy_into(self._writable("copy_", source), operand)
        self._storage.use = FRESH
        return self

    def fill_(self, value: float) -> Tensor:
        """Overwrite all values with one number."""
        operand = self._operand("fill_", value)
        self.backend.copy_into(self._writable("fill_", value), operand)
        self._storage.use = FRESH
        return self

    def zero_(self) -> Tensor:
        """Overwrite all values with zero."""
        return self.fill_(0)

    def add_(self, other: Any, *, alpha: float = 1) -> Tensor:
        """Add alpha · other in place; `x += other` does the same."""
        return self._compute_into("add_", "add", other, "x = x + other", alpha)

    def sub_(self, other: Any) -> Tensor:
        """Subtract in place; `x -= other` does the same."""
        return self._compute_into("sub_", "subtract", other, "x = x - other")

    def mul_(self, other: Any) -> Tensor:
        """Multiply in place; `x *= other` does the same."""
        return self._compute_into("mul_", "multiply", other, "x = x * other")

    def div_(self, other: Any) -> Tensor:
        """Divide in place; `x /= other` does the same."""
        return self._compute_into("div_", "divide", other, "x = x / other")

    __iadd__, __isub__, __imul__, __itruediv__ = add_, sub_, mul_, div_

    def _compute_into(
        self, operation: str, function: str, other: Any, instead: str, alpha: float = 1
    ) -> Tensor:
        """self ← function(self, alpha · other), written into the array there is."""
        if self.dtype == np.float16:
            refuse_half(operation)
        xp, operand = self.backend.xp, self._operand(operation, other)
        if alpha != 1:
            operand = xp.multiply(operand, self._operand(operation, alpha))
        if self.dtype.kind != "f" and function == "divide":
            raise DTypeError(
                f"{operation}: the tensor's dtype is {self.dtype}, which can't hold a quotient. "
                f"Compute a new tensor: {instead}."
            )
        if self.dtype.kind == "b" and function == "subtract":
            functional.operands.refuse_bool(operation)
        array = self._writable(operation, other, instead=instead)
        getattr(xp, function)(array, operand, out=array)
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        raise InPlaceError(
            "x[i] = value: tensors can't be changed by assignment. Make a new one: "
            "minidl.where(mask, value, x), or minidl.concatenate of slices; to overwrite all "
            "values, x.copy_(new)."
        )

    def _writable(
        self, operation: str, *operands: Any, instead: str = "a new tensor"
    ) -> backends.Array:
        """The array, after checking that it may be changed, and counting the change."""
        if is_grad_enabled() and (
            self.requires_grad or any(isinstance(o, Tensor) and o.requires_grad for o in operands)
        ):
            raise InPlaceError(
                f"{operation}: an in-place change can't be differentiated, and "
                f"{'the tensor' if self.requires_grad else 'the operand'} requires a gradient. "
                f"Compute {instead} instead, or change it within minidl.no_grad()."
            )
        flags = getattr(self._array, "flags", None)
        if flags is not None and not getattr(flags, "writeable", True):
            raise InPlaceError(
                f"{operation}: the tensor is a read-only or expanded view. Use .clone() first."
            )
        self._storage.version += 1
        if (
            self._storage.use == STEPPED
        ):  # who changes a gradient after the step keeps it on purpose
            self._storage.use = FRESH
        return self._array

    def _operand(self, operation: str, value: Any) -> Any:
        """A value to write, as an array of this backend with this dtype, not of this memory."""
        overlaps = False
        if isinstance(value, Tensor):
            backends.agree(operation, self.backend, value.backend)
            overlaps, value = value._storage is self._storage, value._array
        elif isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)):
            number = functional.operands.held(operation, value, self.dtype)
            return self.backend.asarray(number, self.dtype)
        else:
            array = functional.moving.host_array(operation, value)
            if isinstance(value, (list, tuple)) and self.dtype.kind == "f":
                array = array.astype(self.dtype)  # lists are weak, like the numbers in them
            value = self.backend.asarray(array)
        if value.dtype != self.dtype and (value.dtype.kind == "f" or self.dtype.kind == "b"):
            raise DTypeError(
                f"{operation}: the operand's dtype is {value.dtype}, expected {self.dtype}."
            )
        try:
            fits = np.broadcast_shapes(value.shape, self.shape) == self.shape
        except ValueError:
            fits = False
        if not fits:
            raise ShapeError(
                f"{operation}: the operand has shape {value.shape}, which can't be broadcast to "
                f"the tensor's {self.shape}."
            )
        if value.dtype == self.dtype and not overlaps:
            return value
        return self.backend.xp.astype(value, self.dtype)

    # ------------------------------------------------------------- copying and pickling

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        self._check_leaf("deepcopy")
        copy = type(self)._wrap(self.backend.copy(self._array), self.backend)
        copy._requires_grad = self._requires_grad
        memo[id(self)] = copy
        if self._grad is not None:  # past the memo, which would keep the id of a passing object
            copy._grad = Tensor._wrap(self.backend.copy(self._grad._array), self.backend)
        return copy

    def __copy__(self) -> Tensor:
        self._check_leaf("copy")
        copy = type(self)._wrap(self._array, self.backend, self._storage)
        copy._requires_grad = self._requires_grad
        return copy

    def __reduce__(self) -> Any:
        self._check_leaf("pickle")
        array = np.array(self.backend.to_numpy(self._array))
        return _rebuild, (type(self), array, self.backend.name, self.requires_grad)

    def _check_leaf(self, operation: str) -> None:
        if self.grad_fn is not None:
            raise AutogradError(
                f"{operation}: the tensor was computed and belongs to a graph. Use .detach() first."
            )


class RemovableHandle:
    """What registering a hook returns: remove() or the end of a `with` block takes it off."""

    _last = 0

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        RemovableHandle._last += 1
        self._hooks, self._id = hooks, RemovableHandle._last
        hooks[self._id] = hook

    def __repr__(self) -> str:
        return f"RemovableHandle({'registered' if self._id in self._hooks else 'removed'})"

    def remove(self) -> None:
        """Take the hook off; a second time does nothing."""
        self._hooks.pop(self._id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def _rebuild(cls: type[Tensor], array: Any, backend_name: str, requires_grad: bool) -> Tensor:
    backend = backends.get(backend_name)
    tensor = cls._wrap(backend.copy(backend.asarray(array)), backend)
    tensor._requires_grad = requires_grad
    return tensor


# Below the class, because they need it: tensor, autograd and functional are one layer.
from minidl import autograd, functional, tensor_methods  # noqa: E402
from minidl.function import check_like, refuse_half  # noqa: E402

vars(tensor_methods)["F"] = functional
