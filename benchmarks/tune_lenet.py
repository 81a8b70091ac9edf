"""How LeNet's recipes were chosen: a grid, judged on a part of the training images.

    python benchmarks/tune_lenet.py lenet5 --batch-size 32 64 128 --lr 0.01 0.02 0.05 0.1
    python benchmarks/tune_lenet.py lenet5 --data-dir FOLDER --augmentation shift --epochs 10

The test images aren't read. A fifth of the bundled training images is for validation, or a sixth of
the full set's, where --data-dir names its folder. Every combination is trained on the rest, from
several seeds. The rows go to the screen and into benchmarks/tune_MODEL.json (tune_MODEL_full.json),
which keeps those of earlier calls, best mean validation accuracy first.
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=models.list("lenet*"))
    parser.add_argument("--epochs", type=int, nargs="+", default=[5])
    parser.add_argument("--batch-size", type=int, nargs="+", default=[32])
    parser.add_argument("--lr", type=float, nargs="+", default=[0.02])
    parser.add_argument("--weight-decay", type=float, nargs="+", default=[0.0])
    parser.add_argument("--augmentation", nargs="*", default=[], help="of all combinations")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--data-dir", help="of the full MNIST; default: the bundled images")
    options = parser.parse_args()

    full = options.data_dir is not None
    images = datasets.MNIST(options.data_dir if full else datasets.BUNDLED, train=True)
    training, validation = datasets.validation_split(images, 1 / 6 if full else 1 / 5)
    name = f"tune_{options.model}_full.json" if full else f"tune_{options.model}.json"
    grid = (options.epochs, options.batch_size, options.lr, options.weight_decay)
    for epochs, batch_size, lr, weight_decay in itertools.product(*grid):
        recipe = Recipe(
            epochs=epochs,
            batch_size=batch_size,
            lr=lr,
            weight_decay=weight_decay,
            augmentation=tuple(options.augmentation),
        )
        accuracies = [
            validation_accuracy(options.model, recipe, training, validation, seed)
            for seed in range(1, options.seeds + 1)
        ]
        row = {**dataclasses.asdict(recipe), "validation_accuracy": accuracies}
        print(row, flush=True)
        keep(row, Path(__file__).with_name(name))


def keep(row, path):
    """Put a row among those in the file, in place of one with the same recipe."""

    def recipe(any_row):
        settings = {name: any_row[name] for name in any_row if name != "validation_accuracy"}
        return Recipe(**settings)  # rows written before a setting existed lack it

    earlier = json.loads(path.read_text()) if path.exists() else []
    rows = [row, *(each for each in earlier if recipe(each) != recipe(row))]
    rows.sort(key=lambda each: -statistics.mean(each["validation_accuracy"]))
    path.write_text("[\n  " + ",\n  ".join(json.dumps(each) for each in rows) + "\n]\n")


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
