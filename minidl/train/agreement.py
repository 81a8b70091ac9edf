"""Whether the run that is to be continued is the one that began."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from minidl.errors import ArgumentError
from minidl.train.folder import RunFolder

__all__ = ["check_agrees", "check_same_run", "normal"]

_SETTINGS = ("model", "options", "data", "limit", "backend", "threads", "seed", "recipe")
_OF_THE_DATA = ("class_names", "mean", "std")
"""What a checkpoint's figures depend on, besides the fingerprint of the images and labels."""
_VERSIONS = ("minidl", "numpy", "python")


def normal(config: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from JSON, so that the two can be compared."""
    found: dict[str, Any] = json.loads(json.dumps(config))
    return found


def check_same_run(
    folder: RunFolder,
    saved: Mapping[str, Any],
    config: Mapping[str, Any],
    say: Callable[[str], None],
) -> None:
    """Raise if the checkpoint is of another run; say so if only the versions differ."""
    check_agrees(folder, saved, {key: config[key] for key in _SETTINGS})
    if saved.get("fingerprint") != config["fingerprint"]:
        raise ArgumentError(
            f"train: the run in {folder.path} began with other images or labels. Then it had: "
            f"{saved.get('training')} Now: {config['training']} Continue it with those it began "
            "with, or begin anew with --overwrite."
        )
    check_agrees(folder, saved, {key: config[key] for key in _OF_THE_DATA})
    changed = [key for key in _VERSIONS if saved.get(key) != config[key]]
    if changed:
        versions = ", ".join(f"{key} {saved.get(key)} → {config[key]}" for key in changed)
        say(f"Versions changed since this run began, so its last bits may too: {versions}.")


def check_agrees(folder: RunFolder, saved: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise ArgumentError, naming it, for the first setting that differs from the saved one."""
    for key, value in given.items():
        there = saved.get(key)
        if isinstance(there, dict) and isinstance(value, dict):
            check_agrees(folder, there, value)
        elif there != value:
            raise ArgumentError(
                f"train: the run in {folder.path} is another one: its {key} is {there!r}, not "
                f"{value!r}. Leave that setting out, or name another folder."
            )
