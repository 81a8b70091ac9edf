"""ArraySpec: an array's shape and dtype without its data, and the checks every spec.py shares.

The functions of a `spec.py` carry the kernels' names and arguments. They look only at `.shape`
and `.dtype` of their array arguments, so they accept NumPy arrays, CuPy arrays, tensors and
ArraySpecs alike; they raise what users see; and they return what the kernel would return, as
ArraySpecs. The `meta` backend is made of nothing else.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from minidl_kernels.common.errors import DTypeError, ShapeError, fail

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class HasShape(Protocol):
    """Anything with a shape and a dtype: all that a spec looks at."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes along every axis."""
        ...

    @property
    def dtype(self) -> Any:
        """Type of an element."""
        ...


class ArraySpec:
    """The shape and dtype of an array that holds no data.

    >>> ArraySpec((2, 3), "float32").nbytes
    24
    """

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes the data would take."""
        itemsize: int = self.dtype.itemsize
        return self.size * itemsize

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ArraySpec) and self.shape == other.shape and self.dtype == other.dtype
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        return f"ArraySpec({self.shape}, {self.dtype.name})"


def check_ndim(
    operation: str, argument: str, x: HasShape, ndim: int, layout: str, fix: str | None = None
) -> None:
    """Raise unless `x` has `ndim` dimensions; `layout` names them, such as "(N, C, H, W)".

    `fix` says what to do; without it, a missing batch dimension is named.
    """
    if len(x.shape) != ndim:
        if fix is None:
            one_missing = len(x.shape) == ndim - 1 and layout.startswith("(N")
            fix = f"Add a batch dimension with {argument}.unsqueeze(0)." if one_missing else ""
        fail(
            operation,
            f"{argument}.shape",
            tuple(x.shape),
            f"{ndim} dimensions {layout}",
            fix,
        )


def check_shape(operation: str, argument: str, x: HasShape, expected: tuple[int, ...]) -> None:
    """Raise unless `x.shape == expected`."""
    if tuple(x.shape) != tuple(expected):
        fail(operation, f"{argument}.shape", tuple(x.shape), str(tuple(expected)), error=ShapeError)


def check_same_float(operation: str, **arrays: HasShape | None) -> None:
    """Raise unless all arrays that are not None have one floating dtype: float32 or float64."""
    first_name, first = "", None
    for name, array in arrays.items():
        if array is None:
            continue
        if array.dtype not in FLOATS:
            fail(
                operation,
                f"{name}.dtype",
                np.dtype(array.dtype).name,
                "float32 or float64",
                f"Convert it with {name}.float().",
                error=DTypeError,
            )
        if first is None:
            first_name, first = name, array
        elif array.dtype != first.dtype:
            fail(
                operation,
                f"{name}.dtype",
                np.dtype(array.dtype).name,
                f"that of {first_name} ({np.dtype(first.dtype).name})",
                "minidl never mixes precisions silently: convert one of them with "
                ".float() (float32) or .double() (float64).",
                error=DTypeError,
            )
