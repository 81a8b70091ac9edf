"""The benchmarks that measure in processes of their own."""

import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
MACHINE = {"cpu": "C", "cores": 2, "system": "S", "python": "3"}
FACTS = {"minidl": "0", "backend": "numpy", "numpy": "2", "blas": "B", "blas_kernel": "K"}
RECORD = {"date": "today", "threads": 1, "others": 0.0, "machine": MACHINE, "minidl": FACTS}


@pytest.fixture(autouse=True)
def _benchmarks_on_path(monkeypatch):
    """Their modules are found as for `python benchmarks/…`, and forgotten afterwards."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield
    for name in list(sys.modules):
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_steps_are_taken_by_networks_up_to_6_billion_macs():
    from zoo_steps import names

    found = names()
    assert found[0] == "lenet5_1998" or found[0] == "lenet5"
    assert {"resnet50", "densenet201", "inception_v3"} <= set(found)
    assert not {"vgg16", "vgg11", "resnet101", "inception_v4"} & set(found)


def test_a_step_is_measured_in_a_process_of_its_own():
    from process import measured

    row = measured(str(BENCHMARKS / "zoo_steps.py"), "--step", "lenet5", threads=1)
    assert (row["model"], row["parameters"], row["input"]) == ("lenet5", 61_706, [1, 28, 28])
    assert row["peak_bytes"] >= row["before_bytes"] > 1e6
    assert row["build_seconds"] > 0
    assert row["step_seconds"] > 0


def test_a_record_is_kept_with_a_row_on_a_line(tmp_path, capsys):
    from process import keep

    record = {**RECORD, "others": 0.5, "rows": [{"model": "a"}, {"model": "b"}]}
    keep(record, tmp_path / "new" / "file.json")
    text = (tmp_path / "new" / "file.json").read_text()
    assert json.loads(text) == record
    assert '\n  {"model": "a"},\n  {"model": "b"}\n' in text
    assert "mean little" in capsys.readouterr().out


def test_tables_show_times_and_memory():
    from tables import building, ran_on, zoo_steps

    step = {"model": "m", "input": [3, 8, 8], "parameters": 2_500_000, "macs": 3e9,
            "build_seconds": 0.25, "step_seconds": 1.5, "peak_bytes": 3 * 2**20}  # fmt: skip
    table = zoo_steps({**RECORD, "batch": 2, "rows": [step]})
    assert table.rows == [["m", "3×8×8", "2.50", "3.000", "250 ms", "1.50 s", "3 MiB"]]
    run = {"network": "r", "build_seconds": 2.0, "build_peak_bytes": 2**20,
           "inference_seconds": 0.5, "inference_peak_bytes": 2**21}  # fmt: skip
    meta = {"library": "meta", "network": "e", "build_seconds": 0.1, "summary_seconds": 0.2,
            "peak_bytes": 2**20}  # fmt: skip
    rows = [{**run, "library": "minidl"}, {**run, "library": "torch"}, meta]
    beside, without_data = building({**RECORD, "rows": rows})
    assert beside.rows[1] == ["r", "PyTorch", "2.00 s", "1 MiB", "500 ms", "2 MiB"]
    assert without_data.rows == [["e", "100 ms", "200 ms", "1 MiB"]]
    assert "BUSY" in ran_on({**RECORD, "others": 1.0})[-1]
    assert "BUSY" not in " ".join(ran_on(RECORD))


def test_networks_on_meta_are_built_and_summed_up():
    from building import of_meta

    figures = of_meta("lenet5")
    assert set(figures) == {"build_seconds", "summary_seconds", "peak_bytes"}


def trained(seed, test):
    recipe = {"options": {"width": 16}, "image_size": None, "augmentation": ["flip"], "epochs": 2,
              "optimizer": "sgd", "lr": 0.1, "batch_size": 64}  # fmt: skip
    curves = {"train_accuracy": [0.5, 0.8], "test_accuracy": [0.6, test]}
    return {"model": "m", "data": "d", "seed": seed, "test_accuracy": test, "recipe": recipe,
            "date": "today", "machine": {"cpu": "C (of a kind)"}, "curves": curves}  # fmt: skip


def test_accuracies_of_all_seeds_stand_beside_the_recipe():
    from tables import accuracies

    rows = accuracies([trained(0, 0.75), trained(1, 0.8)]).rows
    recipe = "width 16; flip; 2 epochs, SGD 0.1, batch 64"
    assert rows == [["m", "d", recipe, "0, 1", "75.00%, 80.00%", "today, C"]]


def test_curves_have_a_panel_for_each_model_and_data_set(tmp_path):
    pytest.importorskip("matplotlib")
    import numpy as np
    from curves import draw_curves
    from PIL import Image
    from tables import trainings

    runs = [trained(0, 0.75), {**trained(0, 0.8), "data": "e"}]
    for count in (1, 2):
        draw_curves(trainings(runs[:count]), tmp_path / f"{count}.png")
    one, two = (np.asarray(Image.open(tmp_path / f"{n}.png").convert("L")) < 250 for n in (1, 2))
    width = one.shape[1]
    axes, second = slice(30, -60), slice(int(0.4 * width), int(0.6 * width))
    assert one[axes, : width // 3].any()
    assert not one[axes, second].any()
    assert two[axes, second].any()
