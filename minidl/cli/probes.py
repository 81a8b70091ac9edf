"""What `minidl doctor` looks at: each probe gives findings, and none of them raises.

A package that is broken may raise anything when it is imported, hang, or end the process: each
optional one is imported in a Python of its own, with a time limit.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

__all__ = ["Finding", "probe_all"]

_SECONDS = 60
"""How long an import may take; on a busy machine with a cold disk it takes a while."""


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    subject: str
    state: str
    """ok, note (works, but slower than it could), missing (optional), broken."""
    detail: str
    fix: str = ""
    """What to do, in words or as a command."""
    core: bool = False
    """Whether minidl is of no use without it."""


@dataclass(frozen=True)
class _Package:
    """An optional package: how it is imported, what it is for, what brings it."""

    subject: str
    module: str
    purpose: str
    fix: str
    code: str = ""
    """Python that prints more about it, after the import."""


def _extra(name: str) -> str:
    return f'pip install "minidl[{name}]"'


_NUMBA_LAYERS = """
import importlib
for layer, module in (("tbb", "tbbpool"), ("omp", "omppool"), ("workqueue", "workqueue")):
    try:
        importlib.import_module("numba.np.ufunc." + module)
    except ImportError:
        continue
    print(f"threading layer {layer}, threads: {module_.config.NUMBA_NUM_THREADS}")
    break
"""

_OPTIONAL = (
    _Package("Numba", "numba", "the backend numba", _extra("fast"), _NUMBA_LAYERS),
    _Package("SciPy", "scipy", "matrix products in Numba", _extra("fast")),
    _Package("matplotlib", "matplotlib.figure", "pictures", _extra("plot")),
    _Package("pooch", "pooch", "downloads of data sets", _extra("data")),
    _Package("hypothesis", "hypothesis", "minidl check", _extra("check")),
    _Package("CuPy", "cupy", "GPUs", _extra("cuda")),
    _Package("numba-cuda", "numba_cuda", "GPUs", _extra("cuda")),
    _Package("PyTorch", "torch", "make test-oracle, nothing else", "pip install torch"),
)
_REQUIRED = ("pillow", "rich", "safetensors", "threadpoolctl", "typer")


def probe_all() -> list[list[Finding]]:
    """Groups of findings, in the order of the report; the slow ones are found at the same time."""
    from minidl.backends import names

    groups: list[list[Probe]] = [
        [_minidl, _python, _required, _numpy, _blas, _blas_variables],
        [*(partial(_optional, package) for package in _OPTIONAL), _compiler, _gpu],
        [partial(_backend, name) for name in names()],
        [_data, _cache],
        [_cpu, _memory],
    ]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        pending = [
            [pool.submit(_safe, probe, group is groups[0]) for probe in group] for group in groups
        ]
        return [[each for future in group for each in future.result()] for group in pending]


Probe = Callable[[], list[Finding]]


def _safe(probe: Probe, core: bool) -> list[Finding]:
    try:
        return probe()
    except Exception as error:  # the report must be complete whatever is broken
        name = getattr(probe, "__name__", "a probe").strip("_")
        return [Finding(name, "broken", f"{type(error).__name__}: {error}", core=core)]


# ------------------------------------------------------------------ minidl and what it needs


def _minidl() -> list[Finding]:
    import minidl

    folder = Path(minidl.__file__).parent
    installed = Path(sysconfig.get_path("purelib")) in folder.parents
    how = "installed in" if installed else "editable, run from"
    return [Finding("minidl", "ok", f"{minidl.__version__}, {how} {folder}", core=True)]


def _python() -> list[Finding]:
    right = sys.version_info >= (3, 11)
    detail = f"{platform.python_version()}, {sys.executable}"
    fix = "" if right else "Install Python 3.11 or newer."
    return [Finding("Python", "ok" if right else "broken", detail, fix, core=True)]


def _required() -> list[Finding]:
    found, lacking = [], []
    for name in _REQUIRED:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            lacking.append(name)
    return [
        Finding("packages", "ok", ", ".join(found), core=True),
        *(Finding(each, "broken", "missing", f"pip install {each}", core=True) for each in lacking),
    ]


def _numpy() -> list[Finding]:
    """A convolution of ones: nine of them meet in each pixel."""
    import numpy as np

    import minidl
    from minidl.functional import conv2d

    result = conv2d(minidl.ones(1, 1, 5, 4), minidl.ones(1, 1, 3, 3)).numpy()
    right = result.shape == (1, 1, 3, 2) and bool((result == 9).all())
    detail = f"{np.__version__}; a convolution with it is {'right' if right else 'WRONG'}"
    fix = "" if right else "Install NumPy again: pip install --force-reinstall numpy"
    return [Finding("NumPy", "ok" if right else "broken", detail, fix, core=True)]


_BLAS = """
import numpy, threadpoolctl
for pool in threadpoolctl.threadpool_info():
    if pool["user_api"] == "blas":
        print(pool["internal_api"], pool["version"], pool.get("architecture", "?"),
              pool["num_threads"], sep="|")
"""


def _blas_of(environment: dict[str, str]) -> list[str]:
    """Name, version, kernel and threads of the BLAS that NumPy loads in that environment."""
    lines = _python_prints(_BLAS, environment).stdout.splitlines()
    return lines[0].split("|") if lines else []


def _blas() -> list[Finding]:
    here = _blas_of(dict(os.environ))
    if not here:
        return [Finding("BLAS", "note", "of a kind that threadpoolctl doesn't know")]
    name, version, kernel, threads = here
    return [Finding("BLAS", "ok", f"{name} {version}, kernels for {kernel}, threads: {threads}")]


def _blas_variables() -> list[Finding]:
    """Variables that make OpenBLAS use the kernels of another CPU, compared with it left alone."""
    names = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NPY_DISABLE_CPU_FEATURES")
    given = {name: os.environ[name] for name in names if name in os.environ}
    if not given:
        return []
    here = _blas_of(dict(os.environ))
    free = _blas_of({name: value for name, value in os.environ.items() if name not in given})
    detail = ", ".join(f"{name}={value}" for name, value in given.items())
    if here and free and here[2] != free[2]:
        detail += f": kernels for {here[2]}, left alone for {free[2]}"
    fix = f"For speed: unset {' '.join(given)}"
    return [Finding("environment", "note", detail, fix)]


# ------------------------------------------------------------------ what is optional


def _python_prints(
    code: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What code prints in a Python of its own."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
    )


def _optional(package: _Package) -> list[Finding]:
    if not _is_there(package.module):
        detail = f"needed for {package.purpose}"
        return [Finding(package.subject, "missing", detail, package.fix)]
    # module_ is the package itself, also where a part of it is imported.
    code = (
        f"import {package.module}, sys; module_ = sys.modules[{package.module.split('.')[0]!r}]\n"
        f"print(getattr(module_, '__version__', ''))\n{package.code}"
    )
    fix = f"{package.fix} --force-reinstall"
    try:
        done = _python_prints(code)
    except subprocess.TimeoutExpired:
        detail = f"importing it took more than {_SECONDS} s"
        return [Finding(package.subject, "broken", detail, fix)]
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        detail = lines[-1] if lines else f"importing it ended Python (code {done.returncode})"
        return [Finding(package.subject, "broken", detail, fix)]
    return [Finding(package.subject, "ok", ", ".join(done.stdout.splitlines()).lstrip("v"))]


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module.split(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _first_line(*command: str) -> str | None:
    """The first line a program prints, or None if it isn't there or fails."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout else None


def _compiler() -> list[Finding]:
    line = _first_line("g++", "--version")
    if line is None:
        fix = "sudo apt install g++, or your system's package of GCC"
        return [Finding("g++", "missing", "needed for the backend cuda-on-cpu", fix)]
    return [Finding("g++", "ok", line)]


def _gpu() -> list[Finding]:
    query = "--query-gpu=name,driver_version,memory.total"
    line = _first_line("nvidia-smi", query, "--format=csv,noheader")
    if line is None:
        return [Finding("GPU", "missing", "no NVIDIA driver found (nvidia-smi)")]
    name, driver, memory = (part.strip() for part in line.split(",")[:3])
    return [Finding("GPU", "ok", f"{name}, {memory}, driver {driver}")]


def _backend(name: str) -> list[Finding]:
    from minidl.backends import capabilities

    subject, core = f"backend {name}", name == "numpy"
    code = f"import minidl; minidl.backends.get({name!r})"
    try:
        done = _python_prints(code)
        if done.returncode == 0:
            makers = capabilities(name).values()
            have = sum(maker != "missing" for maker in makers)
            return [Finding(subject, "ok", f"{have} of {len(makers)} kernels", core=core)]
        detail = done.stderr.strip().splitlines()[-1].split(": ", 1)[-1]
    except subprocess.TimeoutExpired:
        detail = f"starting it took more than {_SECONDS} s"
    except Exception as error:  # the package is broken here, and was not there
        detail = f"{type(error).__name__}: {error}"
    return [Finding(subject, "broken" if core else "missing", detail, core=core)]


# ------------------------------------------------------------------ data and machine


def _data() -> list[Finding]:
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


def _cache() -> list[Finding]:
    from minidl.datasets import cache_folder

    cache = cache_folder()
    nearest = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if not os.access(nearest, os.W_OK):
        fix = "Set XDG_CACHE_HOME to a folder you may write to."
        return [Finding("cache", "note", f"{cache} can't be written", fix)]
    return [Finding("cache", "ok", f"{cache}{'' if cache.exists() else ' (empty)'}")]


def _cpu() -> list[Finding]:
    allowed = getattr(os, "sched_getaffinity", None)  # Linux only
    cpus = len(allowed(0)) if allowed else os.cpu_count()
    model = _field(Path("/proc/cpuinfo"), "model name") or platform.processor() or "CPU"
    flags = (_field(Path("/proc/cpuinfo"), "flags") or "").split()
    vectors = next((name for name in ("avx512f", "avx2", "avx") if name in flags), "")
    detail = f"{cpus} × {model}" + (f", {vectors.upper()}" if vectors else "")
    return [Finding("CPU", "ok", detail)]


def _memory() -> list[Finding]:
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
