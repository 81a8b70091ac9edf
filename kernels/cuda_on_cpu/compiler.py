"""From CUDA C to a shared library that g++ has compiled, kept in a cache.

The name of the cached file is a hash of everything that went into it: the source, every header
it includes (and they include), the emulator's own headers, the flags and the compiler's version.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from minidl_kernels.cuda_on_cpu.errors import CompilationError, MissingCompilerError

INCLUDE_FOLDER = Path(__file__).resolve().parent / "include"

COMPILE_FLAGS = (
    *("-O2", "-fPIC", "-w"),
    "-fsanitize=bounds",  # indices of shared and local arrays; faults.h reports them
    "-ffp-contract=off",  # the same bits on every machine
    "-fno-strict-aliasing",  # CUDA code reads floats as float4
    "-fvisibility=hidden",
    "-fno-gnu-unique",  # two loaded versions of a kernel must not share their statics
    "-U_FORTIFY_SOURCE",  # its longjmp takes a change of stacks for an attack
)
PASSED_ON = ("-I", "-D", "-U", "-std=", "--std=")
"""The options of NVRTC that g++ gets too; all others (such as --use_fast_math) mean nothing to it.
"""

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.MULTILINE)


def compile_library(unit: str, options: Sequence[str], folder: Path | None) -> Path:
    """Path of the shared library for a translation unit, compiled unless the cache has it.

    `folder` is where the source stands, for its `#include "…"`; None if it has no file.
    """
    flags = [option for option in options if option.startswith(PASSED_ON)]
    if not any("std=" in flag for flag in flags):
        flags.append("-std=c++17")
    folders = [Path(flag[2:]) for flag in flags if flag.startswith("-I")]
    folders = [INCLUDE_FOLDER, *([folder] if folder else []), *folders]
    flags = [*COMPILE_FLAGS, *flags, *(f"-I{folder}" for folder in folders)]
    texts = [compiler_version(), *flags, unit, *included_texts(unit, folders)]
    library = cache_folder() / f"{_hash(texts)}.so"
    if not library.exists():
        _compile(unit, flags, library)
    return library


def included_texts(code: str, folders: Sequence[Path]) -> Iterator[str]:
    """Texts of all headers that the code includes and that lie in `folders`, transitively.

    Whatever isn't found there comes with the compiler, whose version is in the hash already.
    """
    seen: set[Path] = set()
    waiting = [(code, tuple(folders))]
    while waiting:
        text, search = waiting.pop()
        for name in _INCLUDE.findall(text):
            path = next((f / name for f in search if (f / name).is_file()), None)
            if path is None or path.resolve() in seen:
                continue
            seen.add(path.resolve())
            header = path.read_text(encoding="utf-8")
            yield header
            waiting.append((header, (path.parent, *folders)))


def cache_folder() -> Path:
    """`$MINIDL_CACHE`, else minidl's folder in the user's cache (`$XDG_CACHE_HOME`)."""
    user_cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    root = os.environ.get("MINIDL_CACHE") or Path(user_cache) / "minidl"
    folder = Path(root) / "cuda_on_cpu"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def find_compiler() -> str:
    """Path of g++.

    Raises MissingCompilerError, saying what to install.
    """
    if not sys.platform.startswith("linux"):
        raise MissingCompilerError(
            f"cuda-on-cpu: runs on Linux only, not on {sys.platform}. Use the backend "
            '"numpy" or "numba" here; the results are the same.'
        )
    compiler = shutil.which("g++")
    if compiler is None:
        raise MissingCompilerError(
            "cuda-on-cpu: compiles the CUDA kernels with g++, and there is none on the PATH. "
            "Install it (Debian and Ubuntu: apt install g++; Fedora: dnf install gcc-c++; "
            'without root: conda install gxx), or use the backend "numpy" or "numba".'
        )
    return compiler


def compiler_version() -> str:
    """What g++ says about itself: version and target."""
    return _version_of(find_compiler())


@functools.cache
def _version_of(compiler: str) -> str:
    command = [compiler, "-dumpfullversion", "-dumpmachine"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _hash(texts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())  # so that no boundary is lost
    return digest.hexdigest()[:24]


def _compile(unit: str, flags: Sequence[str], library: Path) -> None:
    """Compile into a folder of this process's own, then move the finished file into place."""
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        source, compiled = Path(scratch, "unit.cpp"), Path(scratch, "unit.o")
        source.write_text(unit, encoding="utf-8")
        _run([find_compiler(), *flags, "-c", str(source), "-o", str(compiled)])
        # Linked without -fsanitize: faults.h stands in for the sanitizer's own library.
        finished = Path(scratch, "unit.so")
        _run([find_compiler(), "-shared", str(compiled), "-o", str(finished)])
        os.replace(finished, library)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.splitlines()
        raise CompilationError("cuda-on-cpu: g++ says\n" + "\n".join(lines[:40]))
