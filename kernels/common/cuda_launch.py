"""The host side of CUDA C kernels: one convention, whether they run on a GPU or on the CPU.

A kernel folder with a `.cu` file has a `cuda_launch.py` beside it. Its functions have the names
and arguments of the contract, after a first argument `cuda`, a `CudaPlatform`: the array module and
the RawModule class to use. With CuPy's two the kernels run on a GPU; with NumPy and the RawModule
of `cuda_on_cpu` the very same host code and source run on the CPU, in tests.

A backend binds them with `functools.partial(cuda_launch.conv2d, platform)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

KERNELS_FOLDER = Path(__file__).resolve().parent.parent
NULL = np.uintp(0)
"""A pointer to nothing, such as the bias of a layer that has none."""

_C_TYPES = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"[^\n]*$', re.MULTILINE)


class CudaPlatform:
    """Where CUDA C kernels run: `xp` is NumPy or CuPy, `RawModule` the class that compiles."""

    def __init__(self, xp: Any, RawModule: Callable[..., Any]) -> None:
        self.xp = xp
        self._raw_module = RawModule
        self._functions: dict[tuple[Path, str], Callable[..., None]] = {}

    def function(self, source: Path, expression: str) -> Callable[..., None]:
        """A kernel of a .cu file, such as "relu<float>"; compiled when it is first asked for."""
        key = (source, expression)
        if key not in self._functions:
            module = self._raw_module(
                code=read_source(source),
                options=("-std=c++17",),
                name_expressions=(expression,),
            )
            self._functions[key] = module.get_function(expression)
        return self._functions[key]

    def result(self, out: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        """`out`, or if there is none a new array."""
        return self.xp.empty(shape, dtype) if out is None else out


def c_type(dtype: Any) -> str:
    """What C calls an array's elements.

    >>> c_type("float32")
    'float'
    """
    return _C_TYPES[np.dtype(dtype)]


def ints(*values: int) -> tuple[np.int32, ...]:
    """Kernel arguments of the type int. A kernel's arguments must have exactly its sizes."""
    return tuple(np.int32(value) for value in values)


def blocks_for(work: int, per_block: int) -> int:
    """How many blocks share the work, rounded up.

    >>> blocks_for(1000, 256)
    4
    """
    return -(-work // per_block)


def read_source(path: Path) -> str:
    """A .cu file with its `#include "…"` lines replaced by the files, each once.

    One self-contained text: CuPy's cache doesn't look into headers, so a change there would pass
    unnoticed; and NVRTC needs no search path. `#line` keeps the compiler's messages right.
    """
    return _inlined(path, set())


def _inlined(path: Path, seen: set[Path]) -> str:
    seen.add(path)
    text = path.read_text(encoding="utf-8").replace("#pragma once", "")

    def replacement(include: re.Match[str]) -> str:
        header = KERNELS_FOLDER / include[1]
        if header in seen:
            return ""
        line = text.count("\n", 0, include.end()) + 2
        return f'{_inlined(header, seen)}\n#line {line} "{path.name}"'

    return f'#line 1 "{path.name}"\n{_INCLUDE.sub(replacement, text)}'
