"""What optimizers and schedules check first: parameters and options."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, DTypeError, fail
from minidl.functional.operands import described, number
from minidl.naming import PyTorchs, refuse_arguments
from minidl.tensor import Tensor


def parameter_list(operation: str, argument: str, params: Any) -> list[Any]:
    """An iterable of parameters, or of groups of them, as a list in an order that is certain."""
    if isinstance(params, (Tensor, str, Mapping, set, frozenset)) or not isinstance(
        params, Iterable
    ):
        fail(
            operation,
            argument,
            f"a {type(params).__name__}",
            "a list of parameters",
            "Give model.parameters().",
            error=DTypeError,
        )
    return list(params)


_ONE_WAY = "minidl has one way to step"
_PYTORCHS: PyTorchs = {
    "amsgrad": (False, "minidl has Adam without it"),
    "maximize": (False, "Negate the loss: (-loss).backward()"),
    "foreach": (None, _ONE_WAY),
    "fused": (None, _ONE_WAY),
    "capturable": (False, _ONE_WAY),
    "differentiable": (False, "minidl's steps aren't recorded"),
}


def refuse_pytorchs(optimizer: str, given: Mapping[str, Any], function: Any) -> None:
    """Explain what is given to an optimizer beyond its own arguments."""
    refuse_arguments(optimizer, given, function, _PYTORCHS)


def loaded_tensor(
    operation: str, argument: str, value: Any, like: Tensor, whose: str = "the parameter"
) -> Tensor:
    """What a state_dict has for a tensor such as `like`, copied to where that lives."""
    if not isinstance(value, (Tensor, np.ndarray, list, tuple, int, float)):
        fail(operation, argument, described(value), "a Tensor", error=DTypeError)
    tensor = value.detach() if isinstance(value, Tensor) else like.new_tensor(value)
    if tensor.shape != like.shape:
        fail(operation, f"{argument}.shape", tensor.shape, f"{like.shape} like {whose}")
    return tensor.to(like.backend, like.dtype).clone()


def check_tensor(operation: str, position: int, p: Any) -> None:
    """Raise unless `p` is a Tensor."""
    if not isinstance(p, Tensor):
        fail(
            operation,
            f"parameter {position}",
            f"a {type(p).__name__}",
            "a Tensor",
            error=DTypeError,
        )


def check_parameters(operation: str, params: list[Any], before: Iterable[Tensor] = ()) -> None:
    """Raise unless `params` are floating leaves, each given once, and not in `before`."""
    seen = set(before)
    for position, p in enumerate(params, start=len(seen)):
        check_tensor(operation, position, p)
        _check_parameter(operation, position, p, seen)
        seen.add(p)


def _check_parameter(operation: str, position: int, p: Tensor, seen: set[Tensor]) -> None:
    name = f"parameter {position}"
    if p.grad_fn is not None:
        raise ArgumentError(
            f"{operation}: {name} was computed, expected a leaf: a tensor made with "
            "requires_grad=True, or a Parameter."
        )
    if p.dtype != np.float32 and p.dtype != np.float64:
        fail(
            operation,
            f"the dtype of {name}",
            p.dtype.name,
            "float32 or float64",
            "Only floating tensors have gradients.",
            error=DTypeError,
        )
    if p in seen:
        raise ArgumentError(
            f"{operation}: {name} is given twice. It would move twice per step; give it once, in "
            "one group."
        )


# Options come back as plain Python values, so that a state_dict can be written as JSON.


def finite(operation: str, argument: str, value: Any) -> float:
    """A number that is neither infinite nor NaN."""
    value = number(operation, argument, value)
    if not math.isfinite(value):
        fail(operation, argument, value, "a finite number", error=ArgumentError)
    return float(value)


def at_least_zero(operation: str, argument: str, value: Any) -> float:
    """A finite number of at least 0."""
    value = number(operation, argument, value)
    if not 0 <= value < math.inf:
        fail(operation, argument, value, "a finite number of at least 0", error=ArgumentError)
    return float(value)


def between_0_and_1(operation: str, argument: str, value: Any) -> float:
    """A number in [0, 1]."""
    value = number(operation, argument, value)
    if not 0 <= value <= 1:
        fail(operation, argument, value, "between 0 and 1", error=ArgumentError)
    return float(value)


def decay_rate(operation: str, argument: str, value: Any) -> float:
    """How much a moving average keeps: a number in [0, 1)."""
    value = number(operation, argument, value)
    if not 0 <= value < 1:
        fail(operation, argument, value, "at least 0 and below 1", error=ArgumentError)
    return float(value)


def flag(operation: str, argument: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        fail(operation, argument, repr(value), "True or False", error=DTypeError)
    return value


def check_keys(operation: str, argument: str, given: Any, expected: Iterable[str]) -> None:
    """Raise unless `given` is a dict with exactly these keys."""
    if not isinstance(given, Mapping):
        fail(operation, argument, f"a {type(given).__name__}", "a dict", error=DTypeError)
    wanted = list(expected)
    lacking = [key for key in wanted if key not in given]
    unknown = [str(key) for key in given if key not in wanted]
    lines = [("lacks", lacking), ("has unknown", unknown)]
    said = " and ".join(f"{verb} {', '.join(keys)}" for verb, keys in lines if keys)
    if said:
        raise ArgumentError(
            f"{operation}: {argument} {said}, expected {', '.join(wanted) or 'nothing'}. "
            "Was it saved by something else?"
        )


def check_length(operation: str, argument: str, given: Any, expected: int, meaning: str) -> None:
    """Raise unless `given` is a list of so many."""
    if not isinstance(given, (list, tuple)):
        fail(operation, argument, f"a {type(given).__name__}", "a list", error=DTypeError)
    if len(given) != expected:
        fail(
            operation,
            f"len({argument})",
            len(given),
            f"{expected}, {meaning}",
            error=ArgumentError,
        )
