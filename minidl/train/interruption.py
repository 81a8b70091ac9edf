"""Ctrl-C and SIGTERM end a run between two steps, in a state that can be saved."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from minidl.train.trainer import Epoch, Watcher

__all__ = ["Interrupted", "Interruption"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """A run was asked to stop, and did. Its message says how to continue.

    Attributes:
        signal: the number of the signal; shells expect the exit code 128 + signal.

    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.signal = number


class Interruption(Watcher):
    """Within `with`, the first signal only asks: the next time the loop tells, it ends.

    A second one acts as it would without: Ctrl-C stops at once. Outside of the main thread, which
    gets all signals, it does nothing.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            self._former = {number: signal.signal(number, self._ask) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._restore()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        self._restore()

    def _restore(self) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)
        self._former = {}

    def check(self) -> None:
        """Raise Interrupted if a signal came."""
        if self.number is not None:
            raise Interrupted("The training was interrupted.", self.number)

    def on_step(self, epoch: int, images: int, loss: float, accuracy: float) -> None:
        """Stop after this step, if asked."""
        self.check()

    def on_evaluation(self, images: int) -> None:
        """Stop here, if asked."""
        self.check()

    def on_epoch(self, epoch: Epoch) -> None:
        """Stop after this epoch, if asked."""
        self.check()
