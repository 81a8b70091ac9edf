"""What is installed: every package and data file, and nothing heavy on import."""

import configparser
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"minidl": ROOT / "minidl", "minidl_kernels": ROOT / "kernels"}
LEFTOVERS = (
    *(".git", ".venv", "build", "dist", "runs", "*.egg-info", "__pycache__"),
    *(".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache", ".import_linter_cache"),
)
DATA = (
    *("*.cu", "*.cuh", "*.h", "README.md", "py.typed"),
    *("*-ubyte.gz", "LICENSE.txt", "*.safetensors", "imagenet_classes.txt"),
)

pytestmark = pytest.mark.skipif(
    not (ROOT / "setup.cfg").exists(), reason="needs the repository, not only the installed package"
)


def package_folders():
    """Dotted name → folder, of every folder with an __init__.py."""
    return {
        ".".join((name, *init.parent.relative_to(top).parts)): init.parent
        for name, top in FOLDERS.items()
        for init in top.rglob("__init__.py")
    }


def test_every_package_folder_is_listed_in_setup_cfg():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert sorted(package_folders()) == sorted(config["options"]["packages"].split())


def test_every_folder_with_python_files_is_a_package():
    with_python = {path.parent for top in FOLDERS.values() for path in top.rglob("*.py")}
    assert with_python == set(package_folders().values())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names of the files in a wheel built from a copy without build leftovers."""
    pytest.importorskip("setuptools", minversion="77", reason="building a wheel needs setuptools")
    pytest.importorskip("pip", reason="building a wheel needs pip")
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    tracked = ["minidl", "kernels", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"]
    for name in tracked:
        (source / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--no-index", "--wheel-dir", str(target), str(source)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (path,) = target.glob("*.whl")
    return set(zipfile.ZipFile(path).namelist())


def test_wheel_holds_every_module_and_data_file(wheel):
    wanted = {
        f"{name}/{path.relative_to(top).as_posix()}"
        for name, top in FOLDERS.items()
        for pattern in ("*.py", *DATA)
        for path in top.rglob(pattern)
    }
    assert len(wanted) > 100
    assert sorted(wanted - wheel) == []


def test_wheel_holds_nothing_of_tests_or_leftovers(wheel):
    tops = {name.split("/")[0].split("-")[0] for name in wheel}
    assert tops == {"minidl", "minidl_kernels"}
    assert not [name for name in wheel if name.endswith(".pyc")]


def test_import_minidl_brings_nothing_heavy():
    heavy = ["numba", "matplotlib", "rich", "typer", "torch", "cupy", "scipy", "hypothesis"]
    code = f"import sys, minidl; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_sdist_builds_a_package_that_works_and_carries_the_tests(tmp_path):
    pytest.importorskip("setuptools", minversion="77", reason="building needs setuptools")
    code = (
        "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"
    )
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*LEFTOVERS), symlinks=True)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=source, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    for wanted in (
        "Makefile",
        "CHANGELOG.md",
        "CITATION.cff",
        "tests/conftest.py",
        "benchmarks/cpu.py",
    ):
        assert wanted in names
    tests = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")}
    assert tests <= names

    target = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*install, "--no-index", "--target", str(target), str(archive)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    code = (
        "import minidl; from minidl.datasets import MNIST, BUNDLED; "
        "x = minidl.ones(1, requires_grad=True); (x * 2).backward(); "
        "print(minidl.__file__, x.grad.item(), len(MNIST(BUNDLED, train=False)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    file, gradient, images = done.stdout.rsplit(maxsplit=2)
    assert Path(file).is_relative_to(target)
    assert (float(gradient), int(images)) == (2.0, 2000)
