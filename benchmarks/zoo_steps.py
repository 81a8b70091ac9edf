"""One training step of every network up to 6 billion multiply-accumulates, on its own input.

    python benchmarks/zoo_steps.py                          # writes results/zoo_steps.json
    python benchmarks/zoo_steps.py --only lenet5 resnet18   # prints, keeps nothing
    python benchmarks/report.py                             # the table in benchmarks/README.md

Each network has a process of its own: it is built, as published, and takes two steps of SGD with
momentum on two images of the size on its card: two, for a batch norm can't learn from a single
value. The time is the second step's (the first one meets memory for the first time); the peak is
the whole process's, Python included.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from machine import cores, minidl_facts
from process import RESULTS, Sheet, answer, keep, measured, peak_bytes

LARGEST = 6e9
"""Multiply-accumulates for one image."""
BATCH = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these; nothing is kept")
    parser.add_argument("--threads", type=int, default=cores(), help="default: all cores")
    parser.add_argument("--out", type=Path, help="where to keep the figures")
    parser.add_argument("--step", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        answer(step(options.step))
        return
    sheet, rows = Sheet(options.threads), []
    for name in options.only or names():
        rows.append(measured(__file__, "--step", name, threads=options.threads))
        print(line(rows[-1]), flush=True)
    path = options.out or (None if options.only else RESULTS / "zoo_steps.json")
    if path is not None:
        keep(sheet.finished(batch=BATCH, minidl=minidl_facts("numpy"), rows=rows), path)


def names() -> list[str]:
    """Those small enough, the smallest first."""
    from minidl import models

    macs = {name: models.card(name).macs for name in models.list()}  # type: ignore[union-attr]
    return sorted((n for n in macs if macs[n] <= LARGEST), key=lambda n: macs[n])


def step(name: str) -> dict[str, Any]:
    """The figures of one network."""
    import numpy as np

    import minidl
    from minidl import models, optim
    from minidl.train import Recipe
    from minidl.train.ingredients import loss_and_logits

    card = models.card(name)
    assert card is not None
    before = peak_bytes()
    minidl.manual_seed(0)
    start = time.perf_counter()
    network = models.create(name).train()
    built = time.perf_counter() - start
    optimizer = optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
    rng = np.random.default_rng(0)
    images = minidl.tensor(rng.normal(size=(BATCH, *card.input)).astype(np.float32))
    labels = minidl.tensor(rng.integers(0, card.num_classes, BATCH))
    recipe = Recipe(epochs=1, batch_size=BATCH, lr=0.001)
    for _ in range(2):
        start = time.perf_counter()
        loss, _ = loss_and_logits(recipe, network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds = time.perf_counter() - start
    assert np.isfinite(loss.item()), f"{name}: the loss became {loss.item()}"
    return {
        "model": name,
        "input": list(card.input),
        "parameters": card.parameters,
        "macs": card.macs,
        "build_seconds": built,
        "step_seconds": seconds,
        "peak_bytes": peak_bytes(),
        "before_bytes": before,
    }


def line(row: dict[str, Any]) -> str:
    """For the screen."""
    return (
        f"{row['model']}: built in {row['build_seconds']:.2f} s, a step of {BATCH} images in "
        f"{row['step_seconds']:.2f} s, at most {row['peak_bytes'] / 2**20:,.0f} MiB"
    )


if __name__ == "__main__":
    main()
