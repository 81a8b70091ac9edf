"""The benchmark compares like with like, and its arithmetic is right."""

import sys
from pathlib import Path

import numpy as np
import pytest

import minidl

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks_on_path(monkeypatch):
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_names_are_unique_within_each_group():
    from cases import GROUPS

    for group in GROUPS.values():
        names = [layer.name for layer in group.layers]
        assert len(names) == len(set(names))


def test_resnet50_has_23_different_convolutions():
    from cases import GROUPS

    layers = GROUPS["convolution"].layers
    assert sum(layer.network == "ResNet-50" for layer in layers) == 23


@pytest.mark.oracle
@pytest.mark.parametrize("group", ["convolution", "depthwise", "layers"])
def test_both_libraries_compute_the_same(group):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from cases import GROUPS

    for layer in GROUPS[group].layers:
        ours, theirs = layer.minidl(minidl.backends.get("numpy")), layer.torch(torch)
        assert tuple(ours) == tuple(theirs) == layer.parts
        for part in layer.parts:
            expected = _first(theirs[part]())
            error = np.abs(_first(ours[part]()) - expected).max()
            assert error <= 5e-5 * np.abs(expected).max(), f"{layer.name}, {part}"


def _first(result):
    """The first array of a result that may be several, with None for those not asked for."""
    several = result if isinstance(result, (tuple, list)) else [result]
    return next(np.asarray(array) for array in several if array is not None)


def test_ratio_is_the_median_of_the_rounds_ratios():
    from record import ratio

    # Ratios 2, 3, 10; the quotient of the two medians would be 20 / 4 = 5.
    assert ratio({"minidl": [8.0, 30.0, 20.0], "torch": [4.0, 10.0, 2.0]}) == 3.0
    assert ratio({"minidl": [1.0], "torch": []}) is None


def test_geometric_mean_of_a_ratio_and_its_inverse_is_one():
    from record import geometric_mean

    cases = [{"minidl": [4.0], "torch": [1.0]}, {"minidl": [1.0], "torch": [4.0]}]
    assert geometric_mean(cases) == pytest.approx(1.0)


def test_misses_leave_out_what_has_no_target():
    from record import misses

    def step(batch):
        return {
            "group": "lenet",
            "name": f"batch {batch}",
            "part": "training step",
            "minidl": [4.0],
            "torch": [1.0],
        }

    record = {"minidl": {"backend": "numpy"}, "cases": [step(32), step(64)]}
    assert [miss.case["name"] for miss in misses(record)] == ["batch 64"]


def test_workers_environment_lets_openblas_choose_its_kernel(monkeypatch):
    from machine import worker_environment

    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "1")
    environment = worker_environment(threads=3)
    assert not {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"} & set(environment)
    assert environment["OMP_NUM_THREADS"] == environment["OPENBLAS_NUM_THREADS"] == "3"


def test_report_replaces_only_what_stands_between_the_markers():
    from report import BEGIN, END, insert

    begin, end = BEGIN.format("figures"), END.format("figures")
    text = f"above\n{begin}\nold\n{end}\nbelow"
    assert insert(text, "figures", "new") == f"above\n{begin}\n\nnew\n\n{end}\nbelow"
    with pytest.raises(SystemExit, match="accuracies"):
        insert(text, "accuracies", "new")
