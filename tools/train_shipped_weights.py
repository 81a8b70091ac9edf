"""Train the weights that come with minidl: LeNet-5 on MNIST, for `minidl predict`.

    python tools/train_shipped_weights.py [FOLDER] [--output minidl/models/weights]

FOLDER holds the full MNIST; without it, the bundled images are used. The recipe is that of
`minidl train lenet5`, the seed 0: the same images, minidl and NumPy give the same weights. The
file's settings say what was trained on what, and the accuracy that was reached.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import platform
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

import minidl
from minidl import models
from minidl.datasets import BUNDLED, MNIST
from minidl.train import Epoch, evaluate, fit, recipe_for
from minidl.train.checkpoint import save_checkpoint
from minidl.train.trained import SHIPPED
from minidl.train.trainer import Watcher

MODEL, SEED = "lenet5", 0


class Printer(Watcher):
    """A line per epoch."""

    def on_epoch(self, epoch: Epoch) -> None:
        """Print it."""
        print(f"epoch {epoch.epoch}: {epoch.test_accuracy:.2%} of the test images")


def main() -> None:
    """Train, measure, write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=BUNDLED)
    parser.add_argument("--output", type=Path, default=SHIPPED.parent)
    arguments = parser.parse_args()

    training, test = (MNIST(arguments.folder, train=train) for train in (True, False))
    recipe = recipe_for(MODEL)
    minidl.manual_seed(SEED)
    network = models.create(MODEL)
    with threadpool_limits(1, "blas"):
        fit(network, training, test, recipe, seed=SEED, watchers=[Printer()])
        loss, accuracy = evaluate(network, test)
        _, of_bundled = evaluate(network, MNIST(BUNDLED, train=False))
    config = {
        "model": MODEL,
        "data": "mnist",
        "options": {"num_classes": 10},
        "recipe": dataclasses.asdict(recipe),
        "seed": SEED,
        "training_images": len(training),
        "test_images": len(test),
        "test_loss": loss,
        "test_accuracy": accuracy,
        "bundled_test_accuracy": of_bundled,
        "date": datetime.date.today().isoformat(),
        "minidl": minidl.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    path = arguments.output / SHIPPED.name
    path.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(path, {"model": network.state_dict()}, config)
    print(f"{path}: {path.stat().st_size:,} bytes, {accuracy:.2%} of {len(test):,} test images")


if __name__ == "__main__":
    main()
