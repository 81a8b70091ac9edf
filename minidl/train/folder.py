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
from minidl.train.lock import exclusive
from minidl.train.trainer import Epoch

__all__ = ["RunFolder", "last_folder", "new_folder"]

_REPLACES = "replaces_what_is_here"
"""A setting that config.json has while the files of an earlier run are being removed."""


class RunFolder:
    """Where the files of a run are.

    config.json        the settings
    metrics.jsonl      the figures, a line of JSON per epoch: the same for the same seed
    times.jsonl        the seconds, likewise: never the same
    last.safetensors   the state of the run; after its end, the result
    curves.png         the figures over the epochs
    predictions.png    what the model says of some test images

    While it trains, `.running` holds the number of its process. Nothing else is ever touched.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.metrics = path / "metrics.jsonl"
        self.times = path / "times.jsonl"
        self.checkpoint = path / "last.safetensors"
        self.curves = path / "curves.png"
        self.predictions = path / "predictions.png"
        self._results = (self.checkpoint, self.metrics, self.times, self.curves, self.predictions)

    @property
    def resume_command(self) -> str:
        """What a shell is told to continue this run."""
        return f"minidl train --resume --out {shlex.quote(str(self.path))}"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder; within `with` no other process runs in it (`minidl.train.lock`).

        What killed runs left half-written is removed, if the folder could be locked: else it might
        be another one's that is alive.

        Raises ArgumentError where the folder can't be made or another run is under way.
        """
        _make(self.path, exist_ok=True)
        with exclusive(self.path) as locked:
            for file in (self.config, *self._results) if locked else ():
                remove_leftovers(file)
            yield

    def begin(self, config: Mapping[str, Any], overwrite: bool = False) -> None:
        """Write the settings; remove what an earlier run left, if `overwrite`.

        That happens at once: whenever it is killed, either the earlier run stands as it was, or
        the new one has begun.

        Raises ArgumentError where something stands that isn't to be overwritten, or is no run's.
        """
        self._check_replaceable(overwrite)
        if any(file.exists() for file in self._results):
            self._write_config({**config, _REPLACES: True})
            for file in self._results:
                try:
                    file.unlink(missing_ok=True)
                except OSError as error:
                    raise DataError(
                        f"{file} can't be replaced: {error.strerror}. Name another folder."
                    ) from error
        self._write_config(config)
        self.write_history([])

    def _check_replaceable(self, overwrite: bool) -> None:
        """Raise unless nothing is lost, or a run that is to be overwritten."""
        try:
            config = self._read_config_file()
            ours = config is None or {"model", "recipe"} <= config.keys()
        except DataError:
            config, ours = None, False
        if config is not None and _REPLACES in config:
            return
        try:
            found = load_checkpoint(self.checkpoint) if self.checkpoint.exists() else None
        except DataError as error:
            found, lost = None, str(error)
        else:
            full = [f.name for f in self._results if f.exists() and f.stat().st_size]
            lost = f"It holds {', '.join(full)} of a run without its checkpoint." if full else ""
        if found is not None:
            lost, ours = self._what_stands(*found), True
        elif config is None:
            ours = ours and not lost
        if not ours:
            raise ArgumentError(
                f"train: {self.path} holds files with the names that a run's have, which may not "
                "be a run's. Name another folder, or remove them."
            )
        if lost and not overwrite:
            raise ArgumentError(
                f"train: there is a run in {self.path}. {lost}\nName another folder, or replace "
                "it: --overwrite."
            )

    def _what_stands(self, state: Mapping[str, Any], config: Mapping[str, Any]) -> str:
        try:
            done, epochs = len(state["history"]), config["recipe"]["epochs"]
        except (KeyError, TypeError):
            return "How far it came can't be told."
        if done >= epochs:
            return f"It has finished: {epochs} epochs of {config.get('model')}."
        return (
            f"It isn't finished: {done} of {epochs} epochs are done. Continue it with: "
            f"{self.resume_command}"
        )

    def read_config(self) -> dict[str, Any] | None:
        """The settings; None where no run has begun.

        Where config.json is missing or damaged, those in the checkpoint, if that is whole.
        """
        try:
            config, damage = self._read_config_file(), None
        except DataError as error:
            config, damage = None, error
        if config is None:
            try:
                found = self.load()
            except DataError:
                found = None
            if found is not None:
                return found[1]
        if damage is not None:
            raise damage
        return config

    def restore_config(self, config: Mapping[str, Any]) -> None:
        """Write config.json, where it is missing or damaged, with what the checkpoint says."""
        try:
            missing = self._read_config_file() is None
        except DataError:
            missing = True
        if missing:
            self._write_config(config)

    def _read_config_file(self) -> dict[str, Any] | None:
        try:
            config = json.loads(self.config.read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(f"{self.config} can't be read: {error}.") from error
        if not isinstance(config, dict):
            raise DataError(f"{self.config} is not a table of settings.")
        return config

    def _write_config(self, config: Mapping[str, Any]) -> None:
        write_atomically(self.config, json.dumps(config, indent=2) + "\n")

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
        if not self.checkpoint.exists() or self._is_being_replaced():
            return None
        try:
            return load_checkpoint(self.checkpoint)
        except DataError as error:
            raise DataError(
                f"{error} So nothing can be continued. To begin anew: --overwrite, not --resume."
            ) from error

    def _is_being_replaced(self) -> bool:
        try:
            return _REPLACES in (self._read_config_file() or {})
        except DataError:
            return False


def new_folder(name: str) -> RunFolder:
    """The first of runs/NAME, runs/NAME-2 … that doesn't exist; it is made, so that it's taken.

    Raises ArgumentError if it can't be made.
    """
    for path in _numbered(name):
        try:
            _make(path, exist_ok=False)
        except FileExistsError:
            continue
        return RunFolder(path)
    raise AssertionError  # there is no last number


def last_folder(name: str) -> RunFolder:
    """The last of runs/NAME, runs/NAME-2 … that exists; runs/NAME if none does."""
    existing = list(itertools.takewhile(Path.exists, _numbered(name)))
    return RunFolder(existing[-1] if existing else Path("runs") / name)


def _numbered(name: str) -> itertools.chain[Path]:
    later = (Path("runs") / f"{name}-{n}" for n in itertools.count(2))
    return itertools.chain([Path("runs") / name], later)


def _make(path: Path, exist_ok: bool) -> None:
    try:
        path.mkdir(parents=True, exist_ok=exist_ok)
    except OSError as error:
        if isinstance(error, FileExistsError) and not exist_ok:
            raise
        raise ArgumentError(
            f"train: the folder {path} for the run can't be made: {error.strerror}. Name another."
        ) from error
