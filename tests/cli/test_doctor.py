"""`minidl doctor`."""

import os

import pytest

from minidl.cli import machine, probes

pytestmark = pytest.mark.usefixtures("no_data_but_the_bundled")


@pytest.fixture
def package(monkeypatch, tmp_path):
    """A module of that name and content comes before the installed one, here and in children."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)

    def write(name, content):
        (tmp_path / f"{name}.py").write_text(content)

    return write


def test_the_report_names_everything_and_exits_with_0(minidl, monkeypatch):
    few = [package for package in probes._OPTIONAL if package.module in ("scipy", "pooch")]
    monkeypatch.setattr(probes, "_OPTIONAL", few)
    code, out, err = minidl("doctor", columns=80)
    assert (code, err) == (0, "")
    for subject in (
        *("minidl", "Python", "NumPy", "BLAS", "SciPy", "pooch", "g++", "GPU", "backend numpy"),
        *("backend cuda-on-cpu", "data mnist", "cache", "CPU"),
    ):
        assert any(line.startswith(subject) for line in out.splitlines()), subject
    assert "minidl works" in out
    assert max(map(len, out.splitlines())) <= 80


def probe(module, **changes):
    fields = {"subject": "It", "module": module, "purpose": "a test", "fix": "bring it", **changes}
    (finding,) = probes._optional(probes._Package(**fields))
    return finding


def test_a_missing_package_is_reported_with_what_brings_it():
    finding = probe("no_such_package")
    assert (finding.state, finding.fix) == ("missing", "bring it")
    assert "a test" in finding.detail


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("raise RuntimeError('the driver is too old')", "RuntimeError: the driver is too old"),
        ("raise OSError('libcuda.so.1 not found')", "libcuda.so.1 not found"),
        ("def f(:", "SyntaxError"),
        ("import os; os._exit(3)", "ended Python (code 3)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended Python"),
    ],
)
def test_a_broken_package_is_reported_whatever_it_does(package, content, words):
    package("broken_package", content)
    finding = probe("broken_package")
    assert finding.state == "broken"
    assert words in finding.detail
    assert "--force-reinstall" in finding.fix


def test_a_package_that_hangs_is_given_up(package, monkeypatch):
    monkeypatch.setattr(probes, "_SECONDS", 1)
    package("hanging_package", "import time; time.sleep(60)")
    finding = probe("hanging_package")
    assert finding.state == "broken"
    assert "more than 1 s" in finding.detail


def test_a_working_package_shows_its_version_and_more(package):
    package("working_package", "__version__ = 'v1.2'")
    finding = probe("working_package", code="print('and', 3 + 4)")
    assert (finding.state, finding.detail) == ("ok", "1.2, and 7")


def test_a_backend_whose_package_is_broken_is_missing(package):
    package("numba", "raise RuntimeError('no')")
    (finding,) = probes._backend("numba")
    assert finding.state == "missing"
    assert "RuntimeError('no')" in finding.detail


def test_a_core_that_fails_is_exit_code_1(minidl, monkeypatch):
    def wrong(*arguments, **options):
        raise OSError("a broken library")

    monkeypatch.setattr(probes, "_OPTIONAL", ())
    monkeypatch.setattr("minidl.functional.conv2d", wrong)
    code, out, _ = minidl("doctor")
    assert code == 1
    assert "a broken library" in out
    assert "minidl can't work here: numpy." in out


def test_variables_that_slow_down_are_named(monkeypatch):
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NPY_DISABLE_CPU_FEATURES"):
        monkeypatch.delenv(name, raising=False)
    assert probes._blas_variables() == []
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    (finding,) = probes._blas_variables()
    assert finding.state == "note"
    assert "OPENBLAS_CORETYPE=Prescott" in finding.detail
    assert finding.fix == "For speed: unset OPENBLAS_CORETYPE"


def test_a_damaged_data_set_is_reported(monkeypatch, tmp_path):
    (tmp_path / "mnist").mkdir()
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (tmp_path / "mnist" / name).write_bytes(b"damaged")
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    finding = next(each for each in machine.data() if each.subject == "data mnist")
    assert finding.state == "missing"
    assert str(tmp_path) in finding.detail
