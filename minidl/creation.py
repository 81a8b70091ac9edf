"""Making tensors: from data, of constants, at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl import backends
from minidl.backends import Backend
from minidl.errors import DTypeError, ShapeError
from minidl.functional.moving import checked_dtype
from minidl.functional.operands import shape_arguments
from minidl.random import Generator, default_generator
from minidl.tensor import Tensor


def tensor(
    data: Any, dtype: Any = None, requires_grad: bool = False, backend: str | Backend | None = None
) -> Tensor:
    """A tensor with a copy of `data`: numbers, nested lists, a NumPy array, another tensor.

    Python floats become float32, ints int64, bools bool; NumPy arrays keep their dtype.

    >>> tensor([[1, 2], [3, 4]], dtype="float32").shape
    (2, 2)
    """
    if isinstance(data, Tensor):
        data = data.detach().numpy()
    try:
        array = np.array(data)
    except ValueError:
        raise ShapeError(
            "tensor: the nested lists have different lengths; a tensor is a full rectangle."
        ) from None
    if (
        dtype is None
        and array.dtype == np.float64
        and not isinstance(data, (np.ndarray, np.generic))
    ):
        dtype = np.float32
    array = array.astype(checked_dtype("tensor", array.dtype if dtype is None else dtype))
    return _new(_backend(backend).asarray(array), requires_grad, backend)


def from_numpy(array: np.ndarray[Any, Any], requires_grad: bool = False) -> Tensor:
    """A tensor over the same memory as a NumPy array (on a CPU backend; elsewhere a copy).

    What you then change through NumPy, minidl doesn't notice.
    """
    if not isinstance(array, np.ndarray):
        raise DTypeError(
            f"from_numpy: the argument is a {type(array).__name__}, expected a numpy.ndarray. "
            "Use minidl.tensor(data)."
        )
    checked_dtype("from_numpy", array.dtype)
    return _new(backends.default().asarray(array), requires_grad, None)


def from_dlpack(exporter: Any) -> Tensor:
    """A tensor over the memory of any object that speaks DLPack, such as a PyTorch tensor."""
    return _new(backends.default().from_dlpack(exporter), False, None)


def zeros(*shape: Any, **options: Any) -> Tensor:
    """Zeros. Options of all makers: dtype (float32), requires_grad, backend.

    >>> zeros(2, 3).shape
    (2, 3)
    """
    return full(shape_arguments("zeros", shape), 0, **options)


def ones(*shape: Any, **options: Any) -> Tensor:
    """Ones."""
    return full(shape_arguments("ones", shape), 1, **options)


def full(
    shape: Any,
    value: Any,
    dtype: Any = "float32",
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """One number everywhere."""
    sizes = shape_arguments("full", (shape,))
    array = _backend(backend).full(sizes, value, checked_dtype("full", dtype))
    return _new(array, requires_grad, backend)


def zeros_like(x: Tensor) -> Tensor:
    """Zeros of x's shape, dtype and backend."""
    return x.new_zeros(x.shape)


def ones_like(x: Tensor) -> Tensor:
    """Ones of x's shape, dtype and backend."""
    return x.new_ones(x.shape)


def arange(*bounds: Any, dtype: Any = None, backend: str | Backend | None = None) -> Tensor:
    """Evenly spaced numbers below `stop`, from `start` (0) by `step` (1), given as NumPy takes them.

    int64 for ints, float32 otherwise.
    """
    wanted = dtype or ("int64" if all(isinstance(b, int) for b in bounds) else "float32")
    return tensor(np.arange(*bounds), dtype=wanted, backend=backend)


def rand(*shape: Any, generator: Generator | None = None, **options: Any) -> Tensor:
    """Uniform in [0, 1)."""
    draw = (generator or default_generator).uniform
    return tensor(draw(shape_arguments("rand", shape)), **{"dtype": "float32", **options})


def randn(*shape: Any, generator: Generator | None = None, **options: Any) -> Tensor:
    """Normal with mean 0 and variance 1."""
    draw = (generator or default_generator).normal
    return tensor(draw(shape_arguments("randn", shape)), **{"dtype": "float32", **options})


def randint(
    low: int, high: int, shape: Any, generator: Generator | None = None, **options: Any
) -> Tensor:
    """Integers in [low, high)."""
    draw = (generator or default_generator).integers
    return tensor(draw(shape_arguments("randint", (shape,)), low, high), **options)


def randperm(n: int, generator: Generator | None = None, **options: Any) -> Tensor:
    """The numbers 0 … n − 1 in random order."""
    return tensor((generator or default_generator).permutation(n), **options)


def _backend(backend: str | Backend | None) -> Backend:
    return backends.default() if backend is None else backends.get(backend)


def _new(array: Any, requires_grad: bool, backend: str | Backend | None) -> Tensor:
    made = Tensor._wrap(array, _backend(backend))
    if requires_grad:
        made.requires_grad = True
    return made
