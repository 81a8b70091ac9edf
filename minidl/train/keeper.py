"""The watcher that writes a run's checkpoint and figures."""

from __future__ import annotations

import time
from typing import Any

from minidl.train.folder import RunFolder
from minidl.train.trainer import Epoch, Trainer, Watcher

__all__ = ["Keeper"]


class Keeper(Watcher):
    """Writes the checkpoint after each epoch, and after so many steps or half a minute between.

    The figures are written after each epoch.
    """

    def __init__(
        self, trainer: Trainer, folder: RunFolder, config: dict[str, Any], every: int | None
    ) -> None:
        self.trainer, self.folder, self.config = trainer, folder, config
        self.every = every
        self.steps, self.pause, self.last = 0, 30.0, time.monotonic()

    def on_step(self, epoch: int, images: int, loss: float, accuracy: float) -> None:
        """Save the state, if it is due."""
        self.steps += 1
        due = time.monotonic() - self.last > self.pause
        if due if self.every is None else self.steps >= self.every:
            self.save()

    def on_epoch(self, epoch: Epoch) -> None:
        """Save the state, and write the figures."""
        self.save()  # first: figures without a checkpoint could be of any run
        self.folder.write_history(self.trainer.history)

    def save(self) -> None:
        """Replace the checkpoint."""
        began = time.monotonic()
        self.folder.save(self.trainer.state_dict(), self.config)
        self.steps, self.last = 0, time.monotonic()
        self.pause = max(30.0, 20 * (self.last - began))  # a twentieth of the time at most
