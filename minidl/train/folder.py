"""The folder of a run: settings, figures, checkpoint. A killed run leaves every file whole."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minidl.errors import ArgumentError, DataError
from minidl.files.atomic import remove_leftovers, write_atomically
from minidl.train.checkpoint import load_checkpoint, save_checkpoint
from minidl.train.trainer import Epoch

__all__ = ["RunFolder", "last_folder", "new_folder"]


class RunFolder:
    """Where the files of a run are.

    config.json        the settings
    metrics.jsonl      the figures, a line of JSON per epoch: the same for the same seed
    times.jsonl        the seconds, likewise: never the same
    last.safetensors   the state of the run; after its end, the result
    curves.png         the figures over the epochs
    predictions.png    what the model says of some test images
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.metrics = path / "metrics.jsonl"
        self.times = path / "times.jsonl"
        self.checkpoint = path / "last.safetensors"
        self.curves = path / "curves.png"
        self.predictions = path / "predictions.png"

    @property
    def resume_command(self) -> str:
        """What a shell is told to continue this run."""
        return f"minidl train --resume --out {shlex.quote(str(self.path))}"

    def begin(self, config: Mapping[str, Any]) -> None:
        """Make the folder, remove what a finished run left in it, write the settings.

        Raises ArgumentError where a run stands that can be continued.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArgumentError(
                f"train: the folder {self.path} for the run can't be made: {error.strerror}. "
                "Name another."
            ) from error
        self._check_finished()
        for earlier in (
            *(self.config, self.checkpoint, self.metrics, self.times),
            *(self.curves, self.predictions),
        ):
            try:
                earlier.unlink(missing_ok=True)
            except OSError as error:
                raise DataError(
                    f"{earlier} can't be replaced: {error.strerror}. Name another folder."
                ) from error
        write_atomically(self.config, json.dumps(config, indent=2) + "\n")
        self.write_history([])

    def _check_finished(self) -> None:
        try:
            state, config = self.load() or ({}, {})
            done, epochs = len(state["history"]), config["recipe"]["epochs"]
        except (DataError, KeyError, TypeError):  # none, or damaged: nothing is lost with it
            return
        if done < epochs:
            raise ArgumentError(
                f"train: the run in {self.path} isn't finished, {done} of {epochs} epochs are "
                f"done. Continue it with: {self.resume_command}\nOr name another folder, or remove "
                "that one."
            )

    def read_config(self) -> dict[str, Any] | None:
        """The settings; None where no run has begun."""
        try:
            config = json.loads(self.config.read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(f"{self.config} can't be read: {error}.") from error
        if not isinstance(config, dict):
            raise DataError(f"{self.config} is not a table of settings.")
        return config

    def write_history(self, history: Sequence[Epoch]) -> None:
        """All lines at once: those that a killed run wrote after its checkpoint disappear."""
        rows = [dataclasses.asdict(epoch) for epoch in history]
        times = [{"epoch": row["epoch"], "seconds": row.pop("seconds")} for row in rows]
        write_atomically(self.metrics, "".join(json.dumps(row) + "\n" for row in rows))
        write_atomically(self.times, "".join(json.dumps(row) + "\n" for row in times))

    def save(self, state: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        """Replace the checkpoint; where that fails, the last one stays."""
        save_checkpoint(self.checkpoint, state, config)

    @contextmanager
    def advising(self) -> Iterator[None]:
        """To what is said when a file can't be written, add what to do then."""
        try:
            yield
        except DataError as error:
            kept = "The checkpoint before is kept. " if self.checkpoint.exists() else ""
            raise DataError(
                f"{error} The run stopped. {kept}Then continue with: {self.resume_command}"
            ) from error

    def load(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The last state and its settings; None where none was saved yet."""
        remove_leftovers(self.path)
        if not self.checkpoint.exists():
            return None
        try:
            return load_checkpoint(self.checkpoint)
        except DataError as error:
            raise DataError(f"{error} Without that file, the run starts anew.") from error


def new_folder(name: str) -> RunFolder:
    """The first of runs/NAME, runs/NAME-2 … that doesn't exist."""
    return RunFolder(next(path for path in _numbered(name) if not path.exists()))


def last_folder(name: str) -> RunFolder:
    """The last of runs/NAME, runs/NAME-2 … that exists; runs/NAME if none does."""
    existing = list(itertools.takewhile(Path.exists, _numbered(name)))
    return RunFolder(existing[-1] if existing else Path("runs") / name)


def _numbered(name: str) -> itertools.chain[Path]:
    later = (Path("runs") / f"{name}-{n}" for n in itertools.count(2))
    return itertools.chain([Path("runs") / name], later)
