"""Compiles a .cu file for real GPUs on a machine that has none, and reads what the compiler says.

NVRTC, the compiler that CuPy uses, is a library; it comes with the package `nvidia-cuda-nvrtc`
(or a CUDA toolkit) and needs neither a GPU nor a driver. So tests can ask: does the source compile
for this architecture, how many registers does it take, does it spill?
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from minidl_kernels.cuda_on_cpu.errors import CompilationError, MissingCompilerError


class Usage(NamedTuple):
    """What one thread of a kernel needs."""

    registers: int
    """At most 255; the more, the fewer threads fit onto a multiprocessor."""
    spilled_bytes: int
    """Registers kept in memory for want of space, stores and loads; a good kernel has none."""


def resource_usage(
    code: str, name_expressions: Sequence[str], architecture: str, options: Sequence[str] = ()
) -> dict[str, Usage]:
    """Compile the code for an architecture such as "sm_80": the usage of each kernel named.

    Raises CompilationError with NVRTC's message, MissingCompilerError where there is no NVRTC.
    """
    nvrtc = load_nvrtc()
    program = ctypes.c_void_p()
    _check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), code.encode(), None, 0, None, None))
    try:
        for name in name_expressions:
            _check(nvrtc.nvrtcAddNameExpression(program, name.encode()))
        flags = [f"--gpu-architecture={architecture}", "--ptxas-options=-v", *options]
        flag_array = (ctypes.c_char_p * len(flags))(*(flag.encode() for flag in flags))
        failed = nvrtc.nvrtcCompileProgram(program, len(flags), flag_array)
        log = _program_log(nvrtc, program)
        if failed:
            raise CompilationError(f"NVRTC ({architecture}) says\n{log}")
        usage = _parse_log(log)
        return {name: usage[_lowered_name(nvrtc, program, name)] for name in name_expressions}
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


@functools.cache
def load_nvrtc() -> ctypes.CDLL:
    """The library, from the package or from a toolkit.

    Raises MissingCompilerError, saying what to install.
    """
    packaged = (
        str(path)
        for folder in sys.path
        for path in sorted(Path(folder).glob("nvidia/*/lib/libnvrtc.so.*"))
        if "alt" not in path.name
    )
    path = next(packaged, None) or ctypes.util.find_library("nvrtc")
    if path is None:
        raise MissingCompilerError(
            "NVRTC: the CUDA compiler library isn't here. Install it with "
            "pip install nvidia-cuda-nvrtc (no GPU needed)."
        )
    return ctypes.CDLL(path)


def _parse_log(log: str) -> dict[str, Usage]:
    """ptxas says for each kernel: its mangled name, then spills, then registers."""
    usage: dict[str, Usage] = {}
    for entry in log.split("Compiling entry function '")[1:]:
        name = entry.split("'", 1)[0]
        spills = re.findall(r"(\d+) bytes spill (?:stores|loads)", entry)
        registers = re.search(r"Used (\d+) registers", entry)
        if registers is None or not spills:
            raise CompilationError(f"NVRTC: can't find registers and spills in its log:\n{log}")
        usage[name] = Usage(int(registers[1]), sum(map(int, spills[:2])))
    return usage


def _program_log(nvrtc: ctypes.CDLL, program: ctypes.c_void_p) -> str:
    size = ctypes.c_size_t()
    _check(nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size)))
    log = ctypes.create_string_buffer(size.value)
    _check(nvrtc.nvrtcGetProgramLog(program, log))
    return log.value.decode()


def _lowered_name(nvrtc: ctypes.CDLL, program: ctypes.c_void_p, expression: str) -> str:
    name = ctypes.c_char_p()
    _check(nvrtc.nvrtcGetLoweredName(program, expression.encode(), ctypes.byref(name)))
    return (name.value or b"").decode()


def _check(result: int) -> None:
    if result:
        raise CompilationError(f"NVRTC: call failed with error {result}.")
