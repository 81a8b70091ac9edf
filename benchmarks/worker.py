"""One library in one process: reads requests from stdin, times, and writes answers to stdout.

`python worker.py minidl numpy` or `python worker.py torch -`. The first line it writes says what
it runs on. Then each line it reads is a request {"group", "name", "part", "seconds"}; the answer
is {"seconds": the median time of an operation}, or {"missing": why} if the backend lacks the
kernel. It ends when stdin does.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from cases import find
from cases.layer import Layer, Runs
from machine import minidl_facts, torch_facts

WARM_UP = 0.25
"""Share of the time of a measurement that is spent before it: caches, threads, compilers."""
FEWEST = 3
"""Repetitions, even if one takes longer than all of the time."""


def main() -> None:
    library, backend = sys.argv[1:3]
    if library == "minidl":
        runs_of, synchronize = _minidl(backend)
        facts = minidl_facts(backend)
    else:
        runs_of, synchronize = _torch()
        facts = torch_facts()
    _answer(facts)
    layer: Layer | None = None
    runs: Runs = {}
    for line in sys.stdin:
        request = json.loads(line)
        wanted = find(request["group"], request["name"])
        try:
            if wanted != layer:
                layer, runs = wanted, {}  # let go of the last layer's arrays first
                runs = runs_of(layer)
                gc.collect()
                gc.freeze()  # or every collection would go through all of a library's objects
            once = runs[request["part"]]
            seconds = median_seconds(once, synchronize, request["seconds"])
        except NotImplementedError as error:  # minidl's MissingKernelError is one
            layer = None
            _answer({"missing": str(error)})
        else:
            _answer({"seconds": seconds / wanted.operations})


def median_seconds(run: Callable[[], Any], synchronize: Callable[[], Any], budget: float) -> float:
    """Median time of a call, over as many as fit into `budget` seconds, after a warm-up."""
    warm_until = time.perf_counter() + WARM_UP * budget
    run()
    while time.perf_counter() < warm_until:
        run()
    synchronize()
    times: list[float] = []
    stop = time.perf_counter() + budget
    while len(times) < FEWEST or time.perf_counter() < stop:
        start = time.perf_counter()
        run()
        synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _minidl(name: str) -> tuple[Callable[[Any], Any], Callable[[], Any]]:
    import minidl

    minidl.use_backend(name)
    backend = minidl.backends.get(name)
    return lambda layer: layer.minidl(backend), backend.synchronize


def _torch() -> tuple[Callable[[Any], Any], Callable[[], Any]]:
    import torch

    return lambda layer: layer.torch(torch), lambda: None


def _answer(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main()
