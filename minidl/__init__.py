"""minidl: a deep-learning framework to be read, run and trusted.

>>> import minidl
>>> x = minidl.tensor([1.0, 2.0], requires_grad=True)
>>> (x**2).sum().backward()
>>> x.grad
tensor([2., 4.])
"""

import importlib
from typing import Any

import numpy as np

from minidl.tensor import Tensor  # isort: skip - first: autograd and functional follow it
from minidl import naming
from minidl.autograd import backward, grad
from minidl.function import Function
from minidl.backends import use_backend
from minidl.creation import (
    arange,
    from_dlpack,
    from_numpy,
    full,
    ones,
    ones_like,
    rand,
    randint,
    randn,
    randperm,
    tensor,
    zeros,
    zeros_like,
)
from minidl.errors import MinidlError
from minidl.functional import (
    cat,
    concatenate,
    einsum,
    logsumexp,
    matmul,
    maximum,
    minimum,
    stack,
    where,
)
from minidl.grad_mode import (
    detect_anomaly,
    enable_grad,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from minidl.random import Generator, manual_seed

__version__ = "0.1.0"

float16, float32, float64 = (np.dtype(name) for name in ("float16", "float32", "float64"))
int32, int64, uint8, bool_ = (np.dtype(name) for name in ("int32", "int64", "uint8", "bool"))

__all__ = [
    "Function",
    "Generator",
    "MinidlError",
    "Tensor",
    "arange",
    "backward",
    "bool_",
    "cat",
    "concatenate",
    "detect_anomaly",
    "einsum",
    "enable_grad",
    "float16",
    "float32",
    "float64",
    "from_dlpack",
    "from_numpy",
    "full",
    "grad",
    "int32",
    "int64",
    "is_grad_enabled",
    "logsumexp",
    "manual_seed",
    "matmul",
    "maximum",
    "minimum",
    "no_grad",
    "ones",
    "ones_like",
    "rand",
    "randint",
    "randn",
    "randperm",
    "set_grad_enabled",
    "stack",
    "tensor",
    "uint8",
    "use_backend",
    "where",
    "zeros",
    "zeros_like",
]

_LAZY = (
    *("analysis", "datasets", "interop", "lecture", "models"),
    *("nn", "optim", "testing", "train"),
)


_FROM_INTEROP = ("load", "save")


def __getattr__(name: str) -> Any:
    """Import minidl.nn, minidl.optim … when they are first named."""
    if name in _LAZY:
        return importlib.import_module(f"minidl.{name}")
    if name in _FROM_INTEROP:
        return getattr(importlib.import_module("minidl.interop"), name)
    naming.missing_name("minidl", name, [*__all__, *_LAZY, *_FROM_INTEROP], naming.MINIDL)
