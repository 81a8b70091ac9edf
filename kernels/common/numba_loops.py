"""How loops are compiled by Numba and entered: the decorators of every `numba_cpu.py`.

Three rules keep these kernels safe; each has bitten somebody.

- **A compiled function calls only compiled functions of its own file.** Numba keeps machine code
  on disk and forgets it when *that* file changes; a change elsewhere would go unnoticed.
- **Threads enter parallel loops one at a time.** Of Numba's threading layers only TBB and OpenMP
  survive two Python threads at once; "workqueue" ends the process. The lock makes all three safe.
  Loops release the GIL, so that other Python threads, such as a loader's, go on meanwhile.
- **No BLAS inside parallel loops.** OpenBLAS has threads of its own, which would wait for one
  another. Matrix products stand between parallel loops, in ordinary Python.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

_one_at_a_time = threading.Lock()

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}  # x / 0 is inf or NaN
_HELPER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a helper that other compiled functions call. Strict IEEE arithmetic."""
    return numba.njit(**_OPTIONS, **_HELPER)(function)


def compiled_sum(function: Callable[..., Any]) -> Any:
    """Compile a helper that adds up a row, in whatever order fills the vector registers.

    Of fast-math's licences it has `reassoc` and `contract` only: NaN and infinity keep their
    meaning, and the order, once compiled, is the same in every run.
    """
    return numba.njit(fastmath={"reassoc", "contract"}, **_OPTIONS, **_HELPER)(function)


def parallel_loops(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that Python calls, and run its `prange` loops on all threads.

    It must write every element from one iteration alone, so that its result depends neither on
    the number of threads nor on their order.
    """
    loops = _with_cache(function)

    @functools.wraps(function)
    def enter(*arguments: Any) -> Any:
        with _one_at_a_time:
            try:
                return loops(*arguments)
            except OSError:  # compiled, but the disk is full: the machine code stays in memory
                return loops(*arguments)

    return enter


def readable(array: Any) -> Any:
    """`array` as the compiled functions take their inputs: C-contiguous and read-only.

    Numba compiles a function anew for every mixture of read-only and writable arguments. Making
    all inputs read-only leaves one version, which furthermore cannot write into an input.
    """
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view


def _with_cache(function: Callable[..., Any]) -> Any:
    """Compile parallel loops and keep the machine code on disk, where there is a place for it.

    The place is $NUMBA_CACHE_DIR, or else __pycache__ beside the source, or else the user's cache
    folder. Where none can be written Numba refuses; we then compile in every process instead.
    """
    try:
        return numba.njit(parallel=True, cache=True, **_OPTIONS)(function)
    except (RuntimeError, OSError):
        return numba.njit(parallel=True, **_OPTIONS)(function)


def _unlock_after_fork() -> None:
    """A child made by fork has no thread that would ever release its copy of a taken lock."""
    global _one_at_a_time
    _one_at_a_time = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_after_fork)
