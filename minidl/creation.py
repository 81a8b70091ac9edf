"""Making tensors: from data, of constants, at random."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl import backends
from minidl.backends import Backend
from minidl.errors import ArgumentError, BackendError, DTypeError, fail
from minidl.functional.moving import host_array, new_full
from minidl.functional.operands import as_tensor, checked_dtype, held, integer, new_shape, number
from minidl.random import Generator, default_generator
from minidl.tensor import Tensor


def tensor(
    data: Any,
    dtype: Any = None,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
    device: None = None,
) -> Tensor:
    """A tensor with a copy of `data`: numbers, nested lists, a NumPy array, another tensor.

    Python floats become float32, ints int64, bools bool; NumPy arrays keep their dtype.

    >>> tensor([[1, 2], [3, 4]], dtype="float32").shape
    (2, 2)
    """
    _refuse_device(device)
    array = host_array("tensor", data)
    if (
        dtype is None
        and array.dtype == np.float64
        and not isinstance(data, (np.ndarray, np.generic, Tensor))
    ):
        dtype = np.float32
    if dtype is not None:
        array = array.astype(checked_dtype("tensor", dtype), copy=False)
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
    if checked_dtype("from_numpy", array.dtype) != array.dtype:
        raise DTypeError(
            f"from_numpy: the array's bytes are swapped ({array.dtype.str}), expected the native "
            "order. Use minidl.tensor(array), which copies."
        )
    return _new(backends.default().asarray(array), requires_grad, None)


def from_dlpack(exporter: Any) -> Tensor:
    """A tensor over the memory of any object that speaks DLPack, such as a PyTorch tensor."""
    if not hasattr(exporter, "__dlpack__"):
        raise DTypeError(
            f"from_dlpack: the argument is a {type(exporter).__name__}, expected an object with "
            "__dlpack__. Use minidl.tensor(data)."
        )
    try:
        array = backends.default().from_dlpack(exporter)
    except BackendError:
        raise
    except (BufferError, RuntimeError) as error:  # of read-only memory; of a dtype NumPy hasn't
        raise DTypeError(f"from_dlpack: {error}. Use minidl.tensor(data), which copies.") from None
    checked_dtype("from_dlpack", array.dtype)
    return _new(array, False, None)


def zeros(*shape: Any, **options: Any) -> Tensor:
    """Zeros. Options of all makers: dtype (float32), requires_grad, backend.

    >>> zeros(2, 3).shape
    (2, 3)
    """
    return full(new_shape("zeros", shape), 0, **options)


def ones(*shape: Any, **options: Any) -> Tensor:
    """Ones."""
    return full(new_shape("ones", shape), 1, **options)


def full(
    shape: Any,
    value: Any,
    dtype: Any = "float32",
    requires_grad: bool = False,
    backend: str | Backend | None = None,
    device: None = None,
) -> Tensor:
    """One number everywhere."""
    _refuse_device(device)
    wanted = checked_dtype("full", "float32" if dtype is None else dtype)
    sizes, value = new_shape("full", (shape,)), number("full", "value", value)
    of = _backend(backend)
    if isinstance(value, int) and value == 0:  # not −0.0; such memory costs nothing until it's used
        return _new(of.zeros(sizes, wanted), requires_grad, backend)
    return _new(of.full(sizes, held("full", value, wanted), wanted), requires_grad, backend)


def zeros_like(x: Tensor) -> Tensor:
    """Zeros of x's shape, dtype and backend."""
    return new_full(x, as_tensor("zeros_like", "x", x).shape, 0)


def ones_like(x: Tensor) -> Tensor:
    """Ones of x's shape, dtype and backend."""
    return new_full(x, as_tensor("ones_like", "x", x).shape, 1)


def arange(*bounds: Any, dtype: Any = None, **options: Any) -> Tensor:
    """Evenly spaced numbers from `start` (0) by `step` (1), without `stop`: all of them bounds.

    Given as stop; start, stop; or start, stop, step. int64 for ints, float32 otherwise.

    >>> arange(1, 7, 2)
    tensor([1, 3, 5])
    """
    if not 1 <= len(bounds) <= 3:
        fail("arange", "the bounds", bounds, "stop; start, stop; or start, stop, step", verb="are")
    numbers = [number("arange", "a bound", bound) for bound in bounds]
    start, stop = (0, numbers[0]) if len(numbers) == 1 else numbers[:2]
    step = numbers[2] if len(numbers) == 3 else 1
    if step == 0 or not math.isfinite((stop - start) / step):
        expected = "finite ones and a step that is not 0"
        fail("arange", "the bounds", bounds, expected, error=ArgumentError, verb="are")
    new_shape("arange", (max(math.ceil((stop - start) / step), 0),))
    if dtype is None:
        dtype = "int64" if all(isinstance(n, int) for n in numbers) else "float32"
    return tensor(np.arange(*numbers), dtype=dtype, **options)


def rand(*shape: Any, generator: Generator | None = None, **options: Any) -> Tensor:
    """Uniform in [0, 1)."""
    draw = _generator("rand", generator).uniform
    return tensor(draw(new_shape("rand", shape)), **{"dtype": "float32", **options})


def randn(*shape: Any, generator: Generator | None = None, **options: Any) -> Tensor:
    """Normal with mean 0 and variance 1."""
    draw = _generator("randn", generator).normal
    return tensor(draw(new_shape("randn", shape)), **{"dtype": "float32", **options})


def randint(
    low: int, high: int, shape: Any, generator: Generator | None = None, **options: Any
) -> Tensor:
    """Integers in [low, high)."""
    low, high = integer("randint", "low", low), integer("randint", "high", high)
    if not -(2**63) <= low < high <= 2**63:
        interval = f"[{low}, {high})"
        fail("randint", "the interval", interval, "low < high within int64", error=ArgumentError)
    draw = _generator("randint", generator).integers
    return tensor(draw(new_shape("randint", (shape,)), low, high), **options)


def randperm(n: int, generator: Generator | None = None, **options: Any) -> Tensor:
    """The numbers 0 … n − 1 in random order."""
    n = integer("randperm", "n", n, 0)
    return tensor(_generator("randperm", generator).permutation(n), **options)


def _generator(operation: str, generator: Any) -> Generator:
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        given = f"a {type(generator).__name__}"
        fail(operation, "generator", given, "a minidl.Generator", error=DTypeError)
    return generator


def _refuse_device(device: Any) -> None:
    """Only there to be refused: whoever comes from PyTorch writes it."""
    if device is not None:
        raise DTypeError(
            f"device={device!r} is PyTorch's argument. In minidl a backend says where an array "
            'lives: backend="numpy" for the CPU; the command `minidl backends` lists the others.'
        )


def _backend(backend: str | Backend | None) -> Backend:
    return backends.default() if backend is None else backends.get(backend)


def _new(array: Any, requires_grad: bool, backend: str | Backend | None) -> Tensor:
    made = Tensor._wrap(array, _backend(backend))
    if requires_grad:
        made.requires_grad = True
    return made
