"""Time minidl beside PyTorch on the CPU: `python benchmarks/cpu.py`, with --quick for a first look.

Each library runs in a process of its own, and they take turns, case by case: in one process, or
at the same time, their thread pools would spin against one another. A round starts two fresh
processes; the figure of a case is the median over the rounds of the ratio of the two times.
"""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
import shlex
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import machine
import typer
from cases import GROUPS
from record import Case, Record
from rich.console import Console
from rich.progress import Progress
from rich.table import Table as RichTable
from tables import Table, conditions, missed, summary, tables

HERE = Path(__file__).parent
QUICK_SECONDS, FULL_SECONDS = 0.05, 0.3


class Worker:
    """A process with one library, stopped whenever it isn't its turn."""

    def __init__(self, library: str, backend: str, threads: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), library, backend],
            env=machine.worker_environment(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.facts = self._read()
        self._stop()

    def measure(self, case: Case, seconds: float) -> dict[str, Any]:
        """Its answer, as worker.py describes it."""
        assert self._process.stdin is not None
        self._resume()
        self._process.stdin.write(json.dumps({**case, "seconds": seconds}) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        self._stop()
        return answer

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("A worker process ended; its message is above.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _stop(self) -> None:
        """Hold all its threads still: a pool's threads go on spinning after the work is done."""
        if hasattr(signal, "SIGSTOP"):
            self._process.send_signal(signal.SIGSTOP)

    def _resume(self) -> None:
        if hasattr(signal, "SIGCONT"):
            self._process.send_signal(signal.SIGCONT)


def measure(
    groups: list[str], backend: str, with_torch: bool, rounds: int, seconds: float, threads: int
) -> Record:
    """All cases of the groups, `rounds` times."""
    results: list[Case] = [
        {"group": group, "name": layer.name, "part": part}
        for group in groups
        for layer in GROUPS[group].layers
        for part in layer.parts
    ]
    record: Record = {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
        "command": shlex.join(["python", "benchmarks/cpu.py", *sys.argv[1:]]),
        "rounds": rounds,
        "seconds": seconds,
        "threads": threads,
        "overrides": {k: os.environ[k] for k in machine.BLAS_OVERRIDES if k in os.environ},
        "machine": machine.machine(),
    }
    others = machine.OtherWork()
    libraries = ["minidl", "torch"] if with_torch else ["minidl"]
    with Progress(transient=True) as progress:
        bar = progress.add_task("", total=rounds * len(results))
        for _ in range(rounds):
            with ExitStack() as processes:
                workers = {
                    library: processes.enter_context(Worker(library, backend, threads))
                    for library in libraries
                }
                for result in results:
                    progress.update(bar, description=f"{result['name']}, {result['part']}")
                    _take_turns(result, workers, seconds)
                    progress.advance(bar)
    facts: dict[str, Any] = {library: workers[library].facts for library in libraries}
    return {**record, "others": others.cores(), "torch": None, **facts, "cases": results}


def _take_turns(result: Case, workers: dict[str, Worker], seconds: float) -> None:
    """One round of a case: every worker's time is appended to the result."""
    request = {key: result[key] for key in ("group", "name", "part")}
    for library, worker in workers.items():
        answer = worker.measure(request, seconds)
        if "missing" in answer:
            result["missing"] = answer["missing"]
            return
        result.setdefault(library, []).append(float(f"{answer['seconds']:.4g}"))


def show(record: Record, console: Console) -> None:
    """All tables, on the terminal."""
    for line in conditions(record):
        console.print(line, highlight=False)
    for table in [*tables(record), missed(record), summary(record)]:
        if table.rows:
            console.print(_rich(table))


def _rich(table: Table) -> RichTable:
    made = RichTable(*table.columns, title=table.title, title_justify="left")
    for column in made.columns[1:]:
        column.justify = "right" if table.columns[-1] != "why" else "left"
    for row in table.rows:
        made.add_row(*row)
    return made


def main(
    backend: Annotated[str, typer.Option(help="minidl's backend.")] = "numpy",
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=f"Only this of {', '.join(GROUPS)}; may be repeated."),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Default: 7, or 2 with --quick.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A first look: short and noisy.")] = False,
    threads: Annotated[
        int, typer.Option(min=1, help="For both libraries. Default: all cores.")
    ] = machine.cores(),
    with_torch: Annotated[
        bool, typer.Option("--torch/--no-torch", help="Beside PyTorch, or minidl alone.")
    ] = True,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json",
            metavar="FILE",
            help="Where the figures go. Default: results/cpu.json for a complete run with numpy, "
            "results/cpu-NAME.json with another backend; nowhere for quick and partial runs, "
            "without PyTorch, and when other programs kept the machine busy.",
        ),
    ] = None,
) -> None:
    """Time minidl beside PyTorch on the CPU."""
    console = Console()
    groups = group or list(GROUPS)
    for unknown in set(groups) - set(GROUPS):
        raise typer.BadParameter(f"--group {unknown}: expected one of {', '.join(GROUPS)}.")
    if with_torch and importlib.util.find_spec("torch") is None:
        console.print("PyTorch is not installed (pip install torch): minidl is measured alone.")
        with_torch = False
    record = measure(
        groups,
        backend,
        with_torch,
        rounds=rounds or (2 if quick else 7),
        seconds=QUICK_SECONDS if quick else FULL_SECONDS,
        threads=threads,
    )
    show(record, console)
    if json_file is None and not quick and not group and with_torch:
        if not machine.is_quiet(record["others"]):
            console.print("Not kept, because the machine was busy; --json FILE keeps it anyway.")
            raise typer.Exit(1)
        name = "cpu.json" if backend == "numpy" else f"cpu-{backend}.json"
        json_file = HERE / "results" / name
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(to_json(record))
        console.print(f"Written: {json_file}", highlight=False, soft_wrap=True)


def to_json(record: Record) -> str:
    """Indented JSON with every case on one line."""
    cases = ",\n  ".join(json.dumps(case, ensure_ascii=False) for case in record["cases"])
    head = json.dumps({**record, "cases": []}, indent=1, ensure_ascii=False)
    return head.replace('"cases": []', f'"cases": [\n  {cases}\n ]') + "\n"


if __name__ == "__main__":
    typer.run(main)
