"""What `minidl doctor` looks at: each probe gives findings, and none of them raises.

A package that is broken may raise anything when it is imported, hang, or end the process: each
optional one is imported in a Python of its own, with a time limit.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from minidl.cli import machine
from minidl.cli.finding import Finding

__all__ = ["Finding", "probe_all"]

_SECONDS = 60
"""How long an import may take; on a busy machine with a cold disk it takes a while."""


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
        [*(partial(_optional, package) for package in _OPTIONAL), machine.compiler, machine.gpu],
        [partial(_backend, name) for name in names()],
        [machine.data, machine.cache],
        [machine.cpu, machine.memory],
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
