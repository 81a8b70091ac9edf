"""Measurements that need a process of their own: peak memory is one of a whole process."""

from __future__ import annotations

import datetime
import json
import resource
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from machine import OtherWork, is_quiet, machine, worker_environment

RESULTS = Path(__file__).parent / "results"


def measured(script: str, *arguments: str, threads: int) -> dict[str, Any]:
    """The last line that `python script arguments` writes: JSON. What it runs on goes beside it."""
    done = subprocess.run(
        [sys.executable, script, *arguments],
        env=worker_environment(threads),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def answer(figures: dict[str, Any]) -> None:
    """What `measured` reads, from its process."""
    rounded = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in figures.items()}
    print(json.dumps(rounded), flush=True)


def peak_bytes() -> int:
    """The most memory that this process has had so far, Python and all libraries included."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


class Sheet:
    """A record under way: what it was measured on, and how busy the machine was meanwhile."""

    def __init__(self, threads: int) -> None:
        self._others = OtherWork()
        self._record = {
            "date": datetime.date.today().isoformat(),
            "command": shlex.join(
                ["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]
            ),
            "threads": threads,
            "machine": machine(),
        }

    def finished(self, **figures: Any) -> dict[str, Any]:
        """The record, with these figures."""
        return {**self._record, "others": self._others.cores(), **figures}


def keep(record: dict[str, Any], path: Path) -> None:
    """Write it; say so if the machine was busy. One row a line."""
    rows = ",\n  ".join(json.dumps(row) for row in record["rows"])
    head = json.dumps({**record, "rows": []}, indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head.replace('"rows": []', f'"rows": [\n  {rows}\n ]') + "\n")
    print(f"Written: {path}")
    if not is_quiet(record["others"]):
        print(f"Other programs used {record['others']:.2f} cores: these times mean little.")
