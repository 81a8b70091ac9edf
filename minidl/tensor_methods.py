"""The operations of a Tensor as methods and operators: each line names its function.

What they do, and their errors, stand in the docstrings of `minidl.functional`.
"""

# mypy: disable-error-code="arg-type, attr-defined"
# (Every `self` here is a Tensor: the mixin has no other use, which types can't say.)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.errors import DTypeError, fail
from minidl.naming import MOVING, refuse_arguments
from minidl.numpy_protocol import numpy_names

if TYPE_CHECKING:
    from minidl import functional as F
    from minidl.tensor import Tensor

# At run time tensor.py sets F, once Tensor exists: minidl.functional needs it.

Dim = int | tuple[int, ...] | None


class TensorMethods:
    """Operators and methods; mixed into Tensor."""

    __slots__ = ()
    __hash__ = object.__hash__  # by identity, since == is element-wise

    # ------------------------------------------------------------------------- operators

    def __add__(self, other: Any) -> Tensor:
        return F.add(self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Tensor:
        return F.sub(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return F.sub(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return F.mul(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Tensor:
        return F.div(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return F.div(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return F.pow(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return F.pow(other, self)

    def __neg__(self) -> Tensor:
        return F.neg(self)

    def __abs__(self) -> Tensor:
        return F.abs(self)

    def __matmul__(self, other: Any) -> Tensor:
        return F.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return F.matmul(other, self)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return F.eq(self, other) if isinstance(other, _COMPARABLE) else NotImplemented

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return F.ne(self, other) if isinstance(other, _COMPARABLE) else NotImplemented

    def __lt__(self, other: Any) -> Tensor:
        return F.lt(self, other)

    def __le__(self, other: Any) -> Tensor:
        return F.le(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return F.gt(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return F.ge(self, other)

    def __and__(self, other: Any) -> Tensor:
        return F.logical_and(_condition("&", self), _condition("&", other))

    __rand__ = __and__

    def __or__(self, other: Any) -> Tensor:
        return F.logical_or(_condition("|", self), _condition("|", other))

    __ror__ = __or__

    def __invert__(self) -> Tensor:
        return F.logical_not(_condition("~", self))

    def __getitem__(self, key: Any) -> Tensor:
        return F.getitem(self, key)

    # ---------------------------------------------------------------------- element-wise

    def exp(self) -> Tensor:
        """See `functional.exp`."""
        return F.exp(self)

    def log(self) -> Tensor:
        """See `functional.log`."""
        return F.log(self)

    def sqrt(self) -> Tensor:
        """See `functional.sqrt`."""
        return F.sqrt(self)

    def square(self) -> Tensor:
        """See `functional.square`."""
        return F.square(self)

    def reciprocal(self) -> Tensor:
        """See `functional.reciprocal`."""
        return F.reciprocal(self)

    def sin(self) -> Tensor:
        """See `functional.sin`."""
        return F.sin(self)

    def cos(self) -> Tensor:
        """See `functional.cos`."""
        return F.cos(self)

    def abs(self) -> Tensor:
        """See `functional.abs`."""
        return F.abs(self)

    def pow(self, exponent: Any) -> Tensor:
        """See `functional.pow`."""
        return F.pow(self, exponent)

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """See `functional.clip`."""
        return F.clip(self, min, max)

    clamp = clip

    def relu(self) -> Tensor:
        """See `functional.relu`."""
        return F.relu(self)

    def sigmoid(self) -> Tensor:
        """See `functional.sigmoid`."""
        return F.sigmoid(self)

    def tanh(self) -> Tensor:
        """See `functional.tanh`."""
        return F.tanh(self)

    def softmax(self, dim: int) -> Tensor:
        """See `functional.softmax`."""
        return F.softmax(self, dim)

    def log_softmax(self, dim: int) -> Tensor:
        """See `functional.log_softmax`."""
        return F.log_softmax(self, dim)

    # ------------------------------------------------------------------------ reductions

    @numpy_names
    def sum(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """See `functional.sum`."""
        return F.sum(self, dim, keepdim)

    @numpy_names
    def mean(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """See `functional.mean`."""
        return F.mean(self, dim, keepdim)

    @numpy_names
    def var(self, dim: Dim = None, keepdim: bool = False, *, correction: int = 1) -> Tensor:
        """See `functional.var`."""
        return F.var(self, dim, keepdim, correction=correction)

    @numpy_names
    def std(self, dim: Dim = None, keepdim: bool = False, *, correction: int = 1) -> Tensor:
        """See `functional.std`."""
        return F.std(self, dim, keepdim, correction=correction)

    @numpy_names
    def max(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """See `functional.max`."""
        return F.max(self, dim, keepdim)

    @numpy_names
    def min(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """See `functional.min`."""
        return F.min(self, dim, keepdim)

    @numpy_names
    def amax(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """See `functional.amax`."""
        return F.amax(self, dim, keepdim)

    @numpy_names
    def amin(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """See `functional.amin`."""
        return F.amin(self, dim, keepdim)

    @numpy_names
    def logsumexp(self, dim: Dim, keepdim: bool = False) -> Tensor:
        """See `functional.logsumexp`."""
        return F.logsumexp(self, dim, keepdim)

    @numpy_names
    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """See `functional.argmax`."""
        return F.argmax(self, dim, keepdim)

    @numpy_names
    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """See `functional.argmin`."""
        return F.argmin(self, dim, keepdim)

    @numpy_names
    def any(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """See `functional.any`."""
        return F.any(self, dim, keepdim)

    @numpy_names
    def all(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """See `functional.all`."""
        return F.all(self, dim, keepdim)

    # ----------------------------------------------------------------------------- shape

    def reshape(self, *shape: Any) -> Tensor:
        """See `functional.reshape`."""
        return F.reshape(self, *shape)

    def view(self, *shape: Any) -> Tensor:
        """See `functional.view`."""
        return F.view(self, *shape)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """See `functional.flatten`."""
        return F.flatten(self, start_dim, end_dim)

    def squeeze(self, dim: Dim = None) -> Tensor:
        """See `functional.squeeze`."""
        return F.squeeze(self, dim)

    def unsqueeze(self, dim: int) -> Tensor:
        """See `functional.unsqueeze`."""
        return F.unsqueeze(self, dim)

    def permute(self, *dims: Any) -> Tensor:
        """See `functional.permute`."""
        return F.permute(self, *dims)

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """See `functional.transpose`."""
        return F.transpose(self, dim0, dim1)

    @property
    def T(self) -> Tensor:  # noqa: N802 - NumPy's name
        """The axes in reverse order."""
        return F.permute(self, tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> Tensor:  # noqa: N802 - PyTorch's name
        """The last two axes swapped."""
        return F.transpose(self, -2, -1)

    def expand(self, *shape: Any) -> Tensor:
        """See `functional.expand`."""
        return F.expand(self, *shape)

    def flip(self, dims: int | tuple[int, ...]) -> Tensor:
        """See `functional.flip`."""
        return F.flip(self, dims)

    def split(self, size: int | tuple[int, ...], dim: int = 0) -> tuple[Tensor, ...]:
        """See `functional.split`."""
        return F.split(self, size, dim)

    def chunk(self, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
        """See `functional.chunk`."""
        return F.chunk(self, chunks, dim)

    def unbind(self, dim: int = 0) -> tuple[Tensor, ...]:
        """See `functional.unbind`."""
        return F.unbind(self, dim)

    def matmul(self, other: Any) -> Tensor:
        """See `functional.matmul`."""
        return F.matmul(self, other)

    # ---------------------------------------------------------- moving, casting, copying

    def clone(self) -> Tensor:
        """See `functional.clone`."""
        return F.clone(self)

    def contiguous(self) -> Tensor:
        """See `functional.contiguous`."""
        return F.contiguous(self)

    def to(self, *targets: Any, **pytorchs: Any) -> Tensor:
        """See `functional.to`."""
        if pytorchs:
            refuse_arguments("to", pytorchs, self.to, MOVING)
        return F.to(self, *targets)

    def astype(self, dtype: Any) -> Tensor:
        """See `functional.astype`."""
        return F.astype(self, dtype)

    def float(self) -> Tensor:
        """As float32."""
        return F.astype(self, "float32")

    def double(self) -> Tensor:
        """As float64."""
        return F.astype(self, "float64")

    def long(self) -> Tensor:
        """As int64."""
        return F.astype(self, "int64")

    # ------------------------------------------------- new tensors where this one lives

    def new_zeros(self, *shape: Any, dtype: Any = None) -> Tensor:
        """Zeros on this tensor's backend, with its dtype unless another is given."""
        return F.new_full(self, shape, 0, dtype)

    def new_ones(self, *shape: Any, dtype: Any = None) -> Tensor:
        """Ones on this tensor's backend."""
        return F.new_full(self, shape, 1, dtype)

    def new_full(self, shape: Any, value: Any, dtype: Any = None) -> Tensor:
        """A constant on this tensor's backend."""
        return F.new_full(self, (shape,), value, dtype)

    def new_tensor(self, data: Any, dtype: Any = None) -> Tensor:
        """`data` (an array, nested lists) on this tensor's backend, with its dtype."""
        return F.new_tensor(self, data, dtype)


_COMPARABLE = (TensorMethods, int, float, complex, np.ndarray, np.generic, list, tuple)
"""What == looks at element by element, or refuses; anything else is just not equal."""


def _condition(operator: str, value: Any) -> Any:
    """`value` if it is boolean: for integers these operators mean bits, which minidl hasn't."""
    dtype = getattr(value, "dtype", None)
    if dtype != "bool" and not isinstance(value, bool):
        fail(
            operator,
            "an operand's dtype",
            type(value).__name__ if dtype is None else dtype,
            "bool",
            "Compare it with something first, in parentheses: (x > 0) & (y > 0).",
            error=DTypeError,
        )
    return value
