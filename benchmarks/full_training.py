"""Accuracies on full data sets: `minidl train` with its default recipe, from several seeds.

    python benchmarks/full_training.py lenet5 --data mnist --data-dir FOLDER --seeds 0 1 2
    python benchmarks/report.py

Each run is the command itself in a process of its own. Its figures, of the last epoch and over all
of them, go into results/full_training.json, which keeps those of other models, data and seeds;
report.py makes the table in benchmarks/README.md and draws the curves.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from machine import OtherWork, machine, minidl_facts, worker_environment

RESULTS = Path(__file__).parent / "results" / "full_training.json"
_KEY = ("model", "data", "seed")


def main() -> None:
    """Run every seed, keep each as it ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--data-dir", required=True, help="the folder of the full set")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    for seed in options.seeds:
        row = trained(options.model, options.data, options.data_dir, seed, options.threads)
        keep(row)
        print(f"{row['model']} on {row['data']}, seed {seed}: {row['test_accuracy']:.2%}")


def trained(model: str, data: str, data_dir: str, seed: int, threads: int) -> dict[str, Any]:
    """The settings and the last figures of one run."""
    with tempfile.TemporaryDirectory() as folder:
        others = OtherWork()
        arguments = ["--data", data, "--data-dir", data_dir, "--seed", str(seed)]
        arguments += ["--threads", str(threads), "--out", folder]
        subprocess.run(
            [sys.executable, "-m", "minidl", "train", model, *arguments],
            check=True,
            env=worker_environment(threads),
        )
        config = json.loads((Path(folder) / "config.json").read_text())
        lines = (Path(folder) / "metrics.jsonl").read_text().splitlines()
        used = others.cores()
    epochs = [json.loads(line) for line in lines]
    facts = {key: config[key] for key in ("backend", "threads", "recipe", "minidl", "numpy")}
    figures = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
    return {
        "model": model,
        "data": data,
        "seed": seed,
        "training": config["training"].split(", from ")[0],  # without this machine's folder
        **{key: epochs[-1][key] for key in figures},
        "curves": {key: [round(epoch[key], 5) for epoch in epochs] for key in figures},
        **facts,
        "blas_kernel": minidl_facts(config["backend"])["blas_kernel"],
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "others": used,
    }


def keep(row: dict[str, Any]) -> None:
    """Put a row into the file, in place of the same run's."""
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    rows = [each for each in rows if [each[k] for k in _KEY] != [row[k] for k in _KEY]]
    rows = sorted([*rows, row], key=lambda each: [each[k] for k in _KEY])
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
