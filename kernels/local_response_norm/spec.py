"""What local_response_norm and its gradient accept and return: pure Python, no arrays.

    y_c = x_c / s_c^β,   s_c = k + α/size · Σ_{c'} x_{c'}²,   c − size//2 ≤ c' ≤ c + (size−1)//2

x (N, C, …) → y of the same shape. Channels that don't exist count as zeros.
"""

from __future__ import annotations

from typing import Any

from minidl_kernels.common.array_spec import ArraySpec, HasShape, check_same_float, check_shape
from minidl_kernels.common.errors import ArgumentError, fail


def local_response_norm(
    x: HasShape, *, size: int, alpha: float, beta: float, k: float, out: Any = None
) -> ArraySpec:
    """Shape of local_response_norm's result: that of x.

    >>> x = ArraySpec((8, 96, 55, 55), "float32")
    >>> local_response_norm(x, size=5, alpha=1e-4, beta=0.75, k=2.0)
    ArraySpec((8, 96, 55, 55), float32)
    """
    return _checked("local_response_norm", x, size)


def local_response_norm_grad(
    grad_output: HasShape,
    x: HasShape,
    *,
    size: int,
    alpha: float,
    beta: float,
    k: float,
    out: Any = None,
) -> ArraySpec:
    """Shape of local_response_norm's gradient in x."""
    name = "local_response_norm_grad"
    check_same_float(name, x=x, grad_output=grad_output)
    check_shape(name, "grad_output", grad_output, x.shape)
    return _checked(name, x, size)


def _checked(operation: str, x: HasShape, size: int) -> ArraySpec:
    check_same_float(operation, x=x)
    if len(x.shape) < 2:
        fail(
            operation,
            "x.shape",
            tuple(x.shape),
            "at least 2 dimensions (N, C, …)",
            "The sum runs over neighbouring channels, axis 1.",
        )
    if size < 1:
        fail(
            operation,
            "size",
            size,
            "at least 1",
            "It is the number of neighbouring channels; AlexNet's is 5.",
            error=ArgumentError,
        )
    return ArraySpec(x.shape, x.dtype)
