"""How LeNet's recipes were chosen: a grid, judged on a tenth of the bundled training images.

    python benchmarks/tune_lenet.py lenet5          (about 10 minutes on one core)

The test images aren't read. Every pair of batch size and learning rate is trained for the recipe's
number of epochs on the other nine tenths, from several seeds; the table goes to the screen and to
benchmarks/tune_MODEL.json, best mean validation accuracy first.
"""

import argparse
import dataclasses
import itertools
import json
import os
import statistics
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # LeNet's products are too small to share

import minidl
from minidl import datasets, models
from minidl.train import Recipe, fit

BATCH_SIZES = (32, 64, 128)
LEARNING_RATES = (0.02, 0.05, 0.1, 0.2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=models.list("lenet*"))
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()

    bundled = datasets.MNIST(train=True, root=datasets.BUNDLED)
    training, validation = datasets.validation_split(bundled, 0.1)
    rows = []
    for batch_size, lr in itertools.product(BATCH_SIZES, LEARNING_RATES):
        recipe = Recipe(epochs=options.epochs, batch_size=batch_size, lr=lr)
        accuracies = [
            validation_accuracy(options.model, recipe, training, validation, seed)
            for seed in range(1, options.seeds + 1)
        ]
        rows.append({**dataclasses.asdict(recipe), "validation_accuracy": accuracies})
        print(rows[-1], flush=True)
    rows.sort(key=lambda row: -statistics.mean(row["validation_accuracy"]))
    path = Path(__file__).with_name(f"tune_{options.model}.json")
    path.write_text("[\n  " + ",\n  ".join(json.dumps(row) for row in rows) + "\n]\n")
    print(f"Best: {rows[0]}. All of them: {path}")


def validation_accuracy(model, recipe, training, validation, seed):
    """After the last epoch; 0 where training diverged."""
    minidl.manual_seed(seed)
    try:
        history = fit(models.create(model), training, validation, recipe, seed=seed)
    except minidl.MinidlError:
        return 0.0
    return history[-1].test_accuracy


if __name__ == "__main__":
    main()
