"""Arguments of networks that are checked before a layer is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

from minidl.errors import ArgumentError, DTypeError, fail
from minidl.nn import Module

__all__ = ["check_makes_layers", "check_multiplier", "check_probability", "check_stages"]

_LARGEST = 10
"""efficientnet_b7, the largest in a paper, is 2 times as wide as b0 and 3.1 times as deep."""


def check_multiplier(network: str, argument: str, value: Any, of: str = "channels") -> None:
    """Above 0, and no number of channels itself, which `width` is in other networks.

    >>> check_multiplier("GoogLeNet", "width", 16)
    Traceback (most recent call last):
        ...
    minidl_kernels.common.errors.ArgumentError: GoogLeNet: width is 16, expected a number above 0 \
and up to 10. It multiplies the channels of the published network.
    """
    if not _is_number(value) or not 0 < value <= _LARGEST:
        fail(
            network,
            argument,
            repr(value),
            f"a number above 0 and up to {_LARGEST}",
            f"It multiplies the {of} of the published network.",
            error=ArgumentError if _is_number(value) else DTypeError,
        )


def check_probability(network: str, argument: str, value: Any) -> None:
    """From 0 to 1."""
    if not _is_number(value) or not 0 <= value <= 1:
        error = ArgumentError if _is_number(value) else DTypeError
        fail(network, argument, repr(value), "a probability, 0 to 1", error=error)


def check_makes_layers(network: str, argument: str, value: Any) -> None:
    """A class of layers or a function that makes one; a layer itself would be in many places."""
    if isinstance(value, Module) or not callable(value):
        expected = "a class or a function that makes a layer, such as nn.ReLU"
        fail(network, argument, repr(value), expected, error=DTypeError)


def check_stages(network: str, argument: str, value: Sequence[int], stages: int) -> None:
    """A number for every part of the network."""
    if len(value) != stages:
        fail(network, argument, value, f"{stages} numbers", error=ArgumentError)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
