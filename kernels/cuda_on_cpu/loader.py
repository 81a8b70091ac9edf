"""`RawModule`: CuPy's class of that name, for a machine without a GPU.

The call signatures are CuPy's, so one host code drives both:

    module = RawModule(code=source, options=("-std=c++17",), name_expressions=("scale<float>",))
    kernel = module.get_function("scale<float>")
    kernel((blocks,), (threads,), (x, y, np.int32(x.size)), shared_mem=0)

Here the arrays are NumPy's. Blocks run one after another, the threads of a block take turns;
`thread_order` chooses who goes first. A correct kernel gives the same bits in every order.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from minidl_kernels.cuda_on_cpu.arguments import Arguments, parse_signature
from minidl_kernels.cuda_on_cpu.compiler import compile_library
from minidl_kernels.cuda_on_cpu.errors import CompilationError, KernelError, LaunchError

ORDERS: tuple[str | int, ...] = ("forward", "reverse", 2, 3)
"""Thread orders worth trying: both directions and two random seeds."""

MAX_THREADS = 1024
MAX_BLOCK = (1024, 1024, 64)
MAX_GRID = (2**31 - 1, 65535, 65535)
DEFAULT_DYNAMIC_SHARED = 48 * 1024
MAX_DYNAMIC_SHARED = 227 * 1024

_order: ContextVar[int] = ContextVar("minidl_thread_order", default=0)
_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_C_KERNEL = re.compile(
    r'extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\('
)
_DYNAMIC_SHARED = re.compile(
    r"extern\s+__shared__\s+(?:__align__\s*\([^)]*\)\s*)?([\w ]+?)\s+(\w+)\s*\[\s*\]"
)


@contextmanager
def thread_order(order: str | int) -> Iterator[None]:
    """Run kernels with the threads (and blocks) taking turns "forward", in "reverse", or shuffled
    by a seed, an int of at least 2.
    """
    number = {"forward": 0, "reverse": 1}.get(order) if isinstance(order, str) else order
    if number is None or (number is order and number < 2):
        raise LaunchError(
            f'thread_order: order is {order!r}, expected "forward", "reverse" or a seed of at '
            "least 2."
        )
    token = _order.set(number)
    try:
        yield
    finally:
        _order.reset(token)


class RawModule:
    """CUDA C source, compiled when a kernel is first asked for.

    - `code` is the source, or else `path` the file it stands in. (CuPy takes only compiled files
      there, so code that has to run on both reads the file itself.)
    - `options` are NVRTC's; -I, -D, -U and -std= are obeyed, the others mean nothing here.
    - `name_expressions` name template instances and C++ kernels, such as "scale<float>"; kernels
      declared `extern "C"` are found by their name without further ado.
    """

    def __init__(
        self,
        *,
        code: str | None = None,
        path: str | Path | None = None,
        options: tuple[str, ...] = (),
        name_expressions: Sequence[str] | None = None,
    ) -> None:
        if (code is None) == (path is None):
            raise TypeError("RawModule: exactly one of code and path must be given.")
        self._folder = None if path is None else Path(path).resolve().parent
        if path is not None:
            code = f'#line 1 "{Path(path).name}"\n{Path(path).read_text(encoding="utf-8")}'
        self._code, self._options = str(code), tuple(options)
        self._names = [*_C_KERNEL.findall(_COMMENTS.sub(" ", self._code))]
        self._names += list(name_expressions or ())
        self._library: ctypes.PyDLL | None = None

    def get_function(self, name: str) -> RawKernel:
        """The kernel of that name."""
        if name not in self._names:
            raise CompilationError(
                f"RawModule: there is no kernel {name!r}, only {self._names}. A kernel that isn't "
                'extern "C", or is a template, must be among name_expressions.'
            )
        return RawKernel(name, self.compile(), f"kernel_{self._names.index(name)}")

    def compile(self) -> ctypes.PyDLL:
        """Compile and load the module, once."""
        if self._library is None:
            path = compile_library(self._translation_unit(), self._options, self._folder)
            # PyDLL keeps Python's lock: the emulator runs one launch at a time.
            self._library = ctypes.PyDLL(str(path))
        return self._library

    def _translation_unit(self) -> str:
        dynamic_shared = sorted(set(_DYNAMIC_SHARED.findall(_COMMENTS.sub(" ", self._code))))
        if len(dynamic_shared) > 1:
            raise CompilationError(
                f"RawModule: dynamic shared memory is declared as {dynamic_shared}; on a GPU these "
                "are one and the same memory. Give it one type and one name in the whole file."
            )
        return "\n".join(
            [
                '#include "cuda_cpu.h"',
                '#line 1 "kernel.cu"',
                self._code,
                *(f"CUDA_CPU_DYNAMIC_SHARED({type_}, {name})" for type_, name in dynamic_shared),
                *(f"CUDA_CPU_EXPORT(kernel_{i}, {name})" for i, name in enumerate(self._names)),
                "",
            ]
        )


class RawKernel:
    """A kernel, called with `(grid, block, args, shared_mem=0)`."""

    def __init__(self, name: str, library: ctypes.PyDLL, symbol: str) -> None:
        self.name = name
        self.max_dynamic_shared_size_bytes = DEFAULT_DYNAMIC_SHARED
        """Raise it, as on a GPU, before asking for more than 48 KiB of shared_mem."""
        signature = library[f"{symbol}_signature"]
        signature.restype = ctypes.c_char_p
        self._parameters = parse_signature(signature().decode())
        self._launch = library[f"{symbol}_launch"]
        self._launch.restype = ctypes.c_char_p

    def __call__(
        self,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        args: Sequence[Any],
        *,
        shared_mem: int = 0,
    ) -> None:
        """Run the kernel on a grid of blocks; returns when it has finished.

        Raises LaunchError when the arguments or sizes don't fit, and KernelError when the kernel
        does what a GPU leaves undefined.
        """
        launch = self._sizes(grid, block, shared_mem)
        arguments = Arguments(self.name, self._parameters, args)
        error = self._launch(arguments.pointers, ctypes.byref(launch)).decode()
        if error:
            raise KernelError(f"{self.name}: {error}")
        arguments.finish()

    def _sizes(self, grid: tuple[int, ...], block: tuple[int, ...], shared_mem: int) -> _Launch:
        three_grid = _three(self.name, "grid", grid, MAX_GRID)
        three_block = _three(self.name, "block", block, MAX_BLOCK)
        threads = math.prod(three_block)
        if threads > MAX_THREADS:
            raise LaunchError(
                f"{self.name}: block is {block}, {threads} threads, expected at most {MAX_THREADS}."
            )
        most = min(self.max_dynamic_shared_size_bytes, MAX_DYNAMIC_SHARED)
        if not 0 <= shared_mem <= most:
            raise LaunchError(
                f"{self.name}: shared_mem is {shared_mem} bytes, expected at most {most}. Above "
                f"48 KiB set the kernel's max_dynamic_shared_size_bytes (at most "
                f"{MAX_DYNAMIC_SHARED}, on an H100)."
            )
        return _Launch(three_grid, three_block, _order.get(), shared_mem)


class _Launch(ctypes.Structure):
    """`struct Launch` of launch.h."""

    _fields_ = (
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("order", ctypes.c_uint),
        ("shared_mem", ctypes.c_uint),
    )


def _three(
    kernel: str, argument: str, size: tuple[int, ...], limits: tuple[int, int, int]
) -> tuple[int, int, int]:
    """(4,) → (4, 1, 1), within what a GPU allows."""
    x, y, z = (*size, 1, 1)[:3]
    if any(not 1 <= n <= limit for n, limit in zip((x, y, z), limits, strict=True)):
        raise LaunchError(
            f"{kernel}: {argument} is {size}, expected sizes from 1 to {limits} along x, y, z."
        )
    return x, y, z
