"""Backends: the contract, its implementations, and the registry."""

from minidl.backends.contract import Array, Backend, FusedActivation, kernel_names
from minidl.backends.registry import agree, capabilities, default, get, names, register, use_backend

__all__ = [
    "Array",
    "Backend",
    "FusedActivation",
    "agree",
    "capabilities",
    "default",
    "get",
    "kernel_names",
    "names",
    "register",
    "use_backend",
]
