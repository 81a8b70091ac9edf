"""Runs that are killed again and again; `test_kill.py` starts this file as a program.

    python killed_runs.py random FOLDER      20 kills at random moments
    python killed_runs.py writing FOLDER     a kill at each of the first 40 system calls of writing

Every attempt is a process of its own, forked from this one after the imports, which take longer
than the run itself. Prints how many were killed.
"""

import io
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console

from minidl import nn
from minidl.datasets import Dataset
from minidl.models import register
from minidl.train import Recipe, run
from minidl.train.data import DATASETS

sys.modules["matplotlib.figure"] = None  # no pictures: they take longer than the run

RECIPE = Recipe(
    epochs=3,
    batch_size=8,
    lr=0.05,
    warmup_epochs=1,
    augmentation=("shift", "erase"),
    label_smoothing=0.1,
    ema_decay=0.9,
)


@register
def breakable(num_classes=10, in_channels=1):
    """Batch norm has running statistics, dropout draws from the default generator."""
    return nn.Sequential(
        nn.Conv2d(in_channels, 4, kernel_size=3, stride=2),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(4 * 5 * 4, num_classes),
    )


def noisy_stripes(train, root=None):
    """Images of 12 × 10 in three classes; 60 to train on, so that the last batch is smaller."""
    rng = np.random.default_rng(int(train))
    labels = np.arange(60) % 3
    images = rng.integers(0, 128, (60, 12, 10), dtype=np.uint8)
    for label in range(3):
        images[labels == label, label::3] += 100
    return Dataset(images, labels, mean=(0.4,), std=(0.3,))


DATASETS["noisy-stripes"] = noisy_stripes


def train(folder):
    """One attempt: from the beginning, or from what earlier ones left."""
    console = Console(file=io.StringIO())
    run("breakable", "noisy-stripes", recipe=RECIPE, seed=3, out=folder, checkpoint_every=1,
        resume=True, console=console)  # fmt: skip


def start(folder, prepare=lambda: None):
    """Fork a process that trains; returns its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        prepare()
        train(folder)
        code = 0
    finally:
        os._exit(code)


def was_killed(child):
    """Wait for it to end: killed, or finished."""
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def kill_at_random(folder):
    """Several runs, until there were 20 kills; each is killed until it has finished."""
    rng = random.Random(0)
    began = time.monotonic()
    assert not was_killed(start(folder / "unbroken"))
    longest = 0.4 * (time.monotonic() - began)
    kills = runs = 0
    while kills < 20:
        runs += 1
        finished = False
        while not finished:
            child = start(folder / f"run-{runs}")
            if kills < 20:
                time.sleep(rng.uniform(0, longest))
                os.kill(child, signal.SIGKILL)
            finished = not was_killed(child)
            kills += not finished
    return kills


def kill_while_writing(folder):
    """One run; attempt n is killed at its n-th system call that writes."""
    assert not was_killed(start(folder / "unbroken"))
    kills = 0
    for number in range(1, 41):
        if not was_killed(start(folder / "run-1", lambda number=number: kill_at_call(number))):
            break
        kills += 1
    assert not was_killed(start(folder / "run-1"))
    return kills


def kill_at_call(number):
    """Let this process end at its n-th call of open, write, fsync, replace or unlink.

    Before the call; of a write, half is done.
    """
    calls = 0

    def counted(name):
        original = getattr(os, name)

        def call(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == number:
                if name == "write":
                    file, data = arguments
                    original(file, data[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)

        setattr(os, name, call)

    for name in ("open", "write", "fsync", "replace", "unlink"):
        counted(name)


if __name__ == "__main__":
    how, where = sys.argv[1:]
    print({"random": kill_at_random, "writing": kill_while_writing}[how](Path(where)))
