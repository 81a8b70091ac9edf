"""What can go wrong on the way from a .cu file to its results."""

from __future__ import annotations

from minidl_kernels.common.errors import MinidlError


class CudaOnCpuError(MinidlError, RuntimeError):
    """Base class of the errors below."""


class MissingCompilerError(CudaOnCpuError):
    """There is no g++ here, or this isn't Linux."""


class CompilationError(CudaOnCpuError):
    """g++ refused the source; the message is its own."""


class LaunchError(CudaOnCpuError):
    """The launch doesn't fit the kernel's parameters or the limits of a GPU."""


class KernelError(CudaOnCpuError):
    """The kernel did what a GPU leaves undefined; the message names the thread and the place."""
