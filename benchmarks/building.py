"""Building networks, and one inference: time and peak memory beside PyTorch's.

    python benchmarks/building.py               # writes results/building.json
    python benchmarks/building.py --rounds 1    # prints, keeps nothing
    python benchmarks/report.py                 # the tables in benchmarks/README.md

Each measurement has a process of its own; minidl and PyTorch (with torchvision's networks) take
turns. What is timed begins after the imports. Inference is the first one, on one image of 224×224,
without a graph. The memory is the whole process's at most, Python and the library included.

And the networks that are too large to build for a look: EfficientNet-B7 on the meta backend, and
its summary for images of 600×600.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from machine import cores, minidl_facts, torch_facts
from process import RESULTS, Sheet, answer, keep, measured, peak_bytes

NETWORKS = ("resnet50", "vgg16")
META = "efficientnet_b7"
TARGETS = {"build_seconds": 0.5, "summary_seconds": 1.0}
"""Of META."""
_KEPT_ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, help=f"default: {_KEPT_ROUNDS}; kept only then")
    parser.add_argument("--threads", type=int, default=cores(), help="default: all cores")
    parser.add_argument("--out", type=Path, help="where to keep the figures")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        library, network = options.measure
        answer({"minidl": of_minidl, "torch": of_torch, "meta": of_meta}[library](network))
        return
    libraries = ["minidl", "torch"] if importlib.util.find_spec("torchvision") else ["minidl"]
    cases = [(library, network) for network in NETWORKS for library in libraries]
    cases.append(("meta", META))
    sheet, found = Sheet(options.threads), {case: [] for case in cases}  # type: ignore[var-annotated]
    for _ in range(options.rounds or _KEPT_ROUNDS):
        for case, runs in found.items():
            runs.append(measured(__file__, "--measure", *case, threads=options.threads))
    rows = [
        {"library": library, "network": network, **medians(runs)}
        for (library, network), runs in found.items()
    ]
    for row in rows:
        print(row)
    path = options.out or (None if options.rounds else RESULTS / "building.json")
    if path is not None:
        facts = {"minidl": minidl_facts("numpy"), "torch": None}
        if "torch" in libraries:
            facts["torch"] = measured(__file__, "--measure", "torch", "", threads=options.threads)
        keep(sheet.finished(rounds=options.rounds or _KEPT_ROUNDS, **facts, rows=rows), path)


def medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Of each figure, over the rounds."""
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def of_minidl(network: str) -> dict[str, Any]:
    """Built and run by minidl's numpy backend."""
    import minidl
    from minidl import models

    image = minidl.randn(1, 3, 224, 224)
    start = time.perf_counter()
    model = models.create(network).eval()
    built, memory = time.perf_counter() - start, peak_bytes()
    with minidl.no_grad():
        start = time.perf_counter()
        model(image).numpy()
        ran = time.perf_counter() - start
    return _figures(built, memory, ran)


def of_torch(network: str) -> dict[str, Any]:
    """Built by torchvision and run by PyTorch; without a network: what it runs on."""
    import torch

    if not network:
        return torch_facts()
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from torchvision_oracle import import_torchvision

    maker = getattr(import_torchvision().models, network)
    image = torch.randn(1, 3, 224, 224)
    start = time.perf_counter()
    model = maker(weights=None).eval()
    built, memory = time.perf_counter() - start, peak_bytes()
    with torch.no_grad():
        start = time.perf_counter()
        model(image).numpy()
        ran = time.perf_counter() - start
    return _figures(built, memory, ran)


def of_meta(network: str) -> dict[str, Any]:
    """Built without data, and summed up for images of the card's size."""
    import minidl
    from minidl import analysis, models

    card = models.card(network)
    assert card is not None
    with minidl.use_backend("meta"):
        start = time.perf_counter()
        model = models.create(network)
        built = time.perf_counter() - start
        start = time.perf_counter()
        str(analysis.summary(model, (1, *card.input)))
        summed = time.perf_counter() - start
    return {"build_seconds": built, "summary_seconds": summed, "peak_bytes": peak_bytes()}


def _figures(built: float, memory: int, ran: float) -> dict[str, Any]:
    return {
        "build_seconds": built,
        "build_peak_bytes": memory,
        "inference_seconds": ran,
        "inference_peak_bytes": peak_bytes(),
    }


if __name__ == "__main__":
    main()
