"""What the figures were measured on: the machine, the libraries, and the BLAS kernel that ran."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
BLAS_OVERRIDES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_VERBOSE")
"""Variables that make OpenBLAS run other kernels than it would choose for this CPU."""


def worker_environment(threads: int) -> dict[str, str]:
    """The environment of both libraries' processes: equal threads, OpenBLAS's own choices."""
    environment = {k: v for k, v in os.environ.items() if k not in BLAS_OVERRIDES}
    return environment | dict.fromkeys(THREAD_VARIABLES, str(threads))


def cores() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine() -> dict[str, Any]:
    """CPU, cores, system and Python of this machine."""
    return {
        "cpu": _cpu_model(),
        "cores": cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def minidl_facts(backend: str) -> dict[str, Any]:
    """Versions, threads and the BLAS kernel that NumPy runs; call it in minidl's process."""
    import numpy as np

    import minidl

    return {
        "minidl": minidl.__version__,
        "backend": backend,
        "numpy": np.__version__,
        **_numpy_blas(np),
    }


def torch_facts() -> dict[str, Any]:
    """Version, threads and instruction set; call it in PyTorch's process."""
    import torch

    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "mkl": torch.backends.mkl.is_available(),
        "onednn": torch.backends.mkldnn.is_available(),
    }


class OtherWork:
    """How much of the machine others used since it was made, in cores.

    A thread pool waits for its slowest thread. When another program holds a core, that is a time
    slice of the scheduler, several milliseconds, for a kernel that takes microseconds: with as
    many threads as cores, a busy machine measures its scheduler and nothing else.
    """

    QUIET = 0.1
    """Cores that others may use in a run whose figures are worth keeping."""

    def __init__(self) -> None:
        self._start = _times()

    def cores(self) -> float | None:
        """Cores used by others, on average; None where the system doesn't tell."""
        elapsed, busy, own = (now - then for now, then in zip(_times(), self._start, strict=True))
        return max(0.0, round((busy - own) / elapsed, 2)) if busy else None


def is_quiet(cores_of_others: float | None) -> bool:
    """Whether figures taken beside so much other work mean anything; True if it isn't known."""
    return cores_of_others is None or cores_of_others <= OtherWork.QUIET


def _times() -> tuple[float, float, float]:
    """Seconds: the clock, all cores' work (0 if unknown), the work of this process and of the
    children it has waited for.
    """
    busy = 0.0
    if Path("/proc/stat").exists():
        fields = Path("/proc/stat").read_text().split("\n")[0].split()[1:]
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    own = os.times()
    return time.monotonic(), busy, own[0] + own[1] + own[2] + own[3]


def _cpu_model() -> str:
    """The model's name; Linux keeps it in a file, elsewhere `platform` may know it."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        fields: dict[str, str] = {}
        for line in listing.read_text().split("\n\n")[0].splitlines():  # the first core's
            name, _, value = line.partition(":")
            fields[name.strip()] = value.strip()
        if "model name" in fields:
            family, model = fields.get("cpu family", "?"), fields.get("model", "?")
            return f"{fields['model name']} (family {family}, model {model})"
    return platform.processor() or platform.machine()


def _numpy_blas(np: Any) -> dict[str, Any]:
    """NumPy's BLAS: library and version from NumPy, the kernel in use from threadpoolctl."""
    built_with = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    facts = {"blas": f"{built_with['name']} {built_with['version']}"}
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return facts | {"blas_kernel": "unknown: pip install threadpoolctl", "threads": None}
    for pool in threadpool_info():
        if pool["user_api"] == "blas":
            kernel = pool.get("architecture", "unknown")
            return facts | {"blas_kernel": kernel, "threads": pool["num_threads"]}
    return facts | {"blas_kernel": "unknown", "threads": None}
