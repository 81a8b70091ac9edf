"""What `minidl doctor` finds out about the machine: its tools, data sets, memory and processors."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from minidl.cli.finding import Finding

__all__ = ["cache", "compiler", "cpu", "data", "gpu", "memory"]

_SECONDS = 60
"""How long a tool may take to say its version."""


def _first_line(*command: str) -> str | None:
    """The first line a program prints, or None if it isn't there or fails."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout else None


def compiler() -> list[Finding]:
    """Of C++, for the backend that runs CUDA kernels on the CPU."""
    line = _first_line("g++", "--version")
    if line is None:
        fix = "sudo apt install g++, or your system's package of GCC"
        return [Finding("g++", "missing", "needed for the backend cuda-on-cpu", fix)]
    return [Finding("g++", "ok", line)]


def gpu() -> list[Finding]:
    """NVIDIA's, with its driver."""
    query = "--query-gpu=name,driver_version,memory.total"
    line = _first_line("nvidia-smi", query, "--format=csv,noheader")
    if line is None:
        return [Finding("GPU", "missing", "no NVIDIA driver found (nvidia-smi)")]
    name, driver, memory = (part.strip() for part in line.split(",")[:3])
    return [Finding("GPU", "ok", f"{name}, {memory}, driver {driver}")]


def data() -> list[Finding]:
    """Every data set that a command can name."""
    from minidl.train.data import DATASETS

    findings = []
    for name, dataset in DATASETS.items():
        try:
            source = dataset(train=True).source
        except Exception as error:  # a damaged file, a folder that can't be read
            first = str(error).splitlines()[0]
            fix = f"minidl data {name} --fetch"
            findings.append(Finding(f"data {name}", "missing", first, fix))
        else:
            findings.append(Finding(f"data {name}", "ok", source.rstrip(".")))
    return findings


def cache() -> list[Finding]:
    """Where downloads are kept."""
    from minidl.datasets import cache_folder

    cache = cache_folder()
    nearest = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if not os.access(nearest, os.W_OK):
        fix = "Set XDG_CACHE_HOME to a folder you may write to."
        return [Finding("cache", "note", f"{cache} can't be written", fix)]
    return [Finding("cache", "ok", f"{cache}{'' if cache.exists() else ' (empty)'}")]


def cpu() -> list[Finding]:
    """How many, which, and what they compute at once."""
    allowed = getattr(os, "sched_getaffinity", None)  # Linux only
    cpus = len(allowed(0)) if allowed else os.cpu_count()
    model = _field(Path("/proc/cpuinfo"), "model name") or platform.processor() or "CPU"
    flags = (_field(Path("/proc/cpuinfo"), "flags") or "").split()
    vectors = next((name for name in ("avx512f", "avx2", "avx") if name in flags), "")
    detail = f"{cpus} × {model}" + (f", {vectors.upper()}" if vectors else "")
    return [Finding("CPU", "ok", detail)]


def memory() -> list[Finding]:
    """How much is free."""
    total, free = (_gib(_field(Path("/proc/meminfo"), key)) for key in ("MemTotal", "MemAvailable"))
    if total is None or free is None:
        return []
    return [Finding("memory", "ok", f"{free:.1f} of {total:.1f} GiB free")]


def _field(path: Path, key: str) -> str | None:
    """The value in the first line "key: value" of a file of Linux's."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), None)


def _gib(text: str | None) -> float | None:
    """From "16384 kB", for example, to 0.015625."""
    return None if text is None else int(text.split()[0]) / 2**20
