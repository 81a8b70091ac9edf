"""Every network that torchvision or timm has, held against theirs: `make test-zoo`.

    python benchmarks/agreement.py                          # writes docs/agreement.md
    python benchmarks/agreement.py --only resnet18 vgg11    # prints, keeps nothing

The list is `tests/models/references.py`, what is compared and the limits are in
`tests/models/zoo_oracle.py`. Each network has a process of its own, one at a time, so that the
memory of one is free before the next. A network that is above a limit, or whose process fails, is
in the table as such, and the command fails at its end.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from machine import minidl_facts, torch_facts
from process import Sheet, answer, measured, peak_bytes

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # the list, and the comparison

FIGURES = {
    "float32": "logits, float32",
    "float64": "logits, float64",
    "loss": "loss",
    "gradients": "gradients",
    "statistics": "statistics",
}
"""Of an Agreement, and what stands above them in the table."""
KEPT = ROOT / "docs" / "agreement.md"
TEXT = """\
# Agreement with torchvision and timm

<!-- written by benchmarks/agreement.py: edit that -->

Every network that torchvision or timm has, at its published width with {classes} classes, beside
theirs. The reference gets random weights and random statistics of its batch norms, and
`models.load_weights` puts its state dict, as it is, into ours. {batch} random images go through
both:

- logits in evaluation mode, in float32 and in float64;
- in training mode in float64, with dropout and stochastic depth switched off: the loss
  (auxiliary heads included), every parameter's gradient, and the updated running statistics.

The errors are max|Δ| / max|reference|, for gradients and statistics that of the worst parameter.
For a bias before a batch norm, whose gradient is zero but for rounding, a millionth of the
network's largest gradient stands in for max|reference|.

{verdict}

| network | reference | image | parameters | {heads} | seconds | memory |
| --- | --- | --: | --: | {rules} | --: | --: |
{limits}
{rows}

Measured by `{command}`, a process per network, with one thread each:

- {date}; {seconds:,.0f} s in all, beside {others} cores of other work
- {cpu}, {cores} cores, {system}, Python {python}
- minidl {minidl}, NumPy {numpy}, {blas}, BLAS kernel {blas_kernel}
- PyTorch {torch}, {instructions}; torchvision {torchvision}, timm {timm}

## Networks that neither library has

| network | why there is nothing to compare with |
| --- | --- |
{without}
"""


def main() -> None:
    from models.references import NOT_PUBLISHED, PUBLISHED

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these; nothing is kept")
    parser.add_argument("--out", type=Path, help="where to keep the table")
    parser.add_argument("--compare", metavar="NAME", help=argparse.SUPPRESS)
    parser.add_argument("--facts", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.only or ()) - PUBLISHED.keys():
        parser.error(f"torchvision and timm have no {', '.join(sorted(unknown))}.")
    if options.compare:
        answer(compare(options.compare))
        return
    if options.facts:
        answer(facts())
        return
    sheet, began, rows = Sheet(threads=1), time.perf_counter(), []
    for name in options.only or PUBLISHED:
        rows.append(row_of(name))
        print(*cells(rows[-1]), sep="   ", flush=True)
    path = options.out or (None if options.only else KEPT)
    if path is not None:
        record = sheet.finished(
            **measured(__file__, "--facts", threads=1),
            seconds=time.perf_counter() - began,
            rows=rows,
        )
        path.write_text(page(record, NOT_PUBLISHED))
        print(f"Written: {path}")
    if any(failed(row) for row in rows):
        raise SystemExit(f"Failed: {', '.join(row['model'] for row in rows if failed(row))}.")


# ---------------------------------------------------------------------- what each process does


def compare(name: str) -> dict[str, Any]:
    """The figures of one network."""
    from models.zoo_oracle import agreement, published

    found = agreement(published(name))
    return {**asdict(found), "misses": sorted(found.misses()), "peak_bytes": peak_bytes()}


def facts() -> dict[str, Any]:
    """What was compared on what."""
    from models.zoo_oracle import BATCH, CLASSES, LIMITS
    from torchvision_oracle import import_torchvision

    torchvision = import_torchvision()
    import timm  # which imports torchvision

    return {
        **{key: value for key, value in torch_facts().items() if key != "threads"},
        **{key: value for key, value in minidl_facts("numpy").items() if key != "threads"},
        "torchvision": torchvision.__version__,
        "timm": timm.__version__,
        "limits": LIMITS,
        "batch": BATCH,
        "classes": CLASSES,
    }


def row_of(name: str) -> dict[str, Any]:
    """Its figures and the time they took; "failed" with the reason if there are none."""
    from models.references import PUBLISHED

    reference, began = PUBLISHED[name], time.perf_counter()
    row = {
        "model": name,
        "reference": f"{reference.library} {reference.name}",
        "image": reference.image,
    }
    try:
        row |= measured(__file__, "--compare", name, threads=1)
    except subprocess.CalledProcessError as error:  # its traceback has been printed
        row["failed"] = f"failed, exit status {error.returncode}"
    return {**row, "seconds": time.perf_counter() - began}


def failed(row: dict[str, Any]) -> bool:
    """Whether it has no figures, or one above its limit."""
    return "failed" in row or bool(row["misses"])


# ------------------------------------------------------------------------------ the table


def page(record: dict[str, Any], without: dict[str, str]) -> str:
    """The whole of docs/agreement.md."""
    rows, machine = record["rows"], record["machine"]
    wrong = [row["model"] for row in rows if failed(row)]
    verdict = f"All {len(rows)} networks agree within the limits."
    if wrong:
        verdict = f"**{len(wrong)} of {len(rows)} networks don't agree: {', '.join(wrong)}.**"
    limits = ["**limit**", "", "", ""]
    limits += [f"{record['limits'][figure]:.0e}" for figure in FIGURES] + ["", ""]
    return TEXT.format(
        **{
            key: value
            for key, value in {**record, **machine}.items()
            if key not in ("limits", "rows")
        },
        verdict=verdict,
        heads=" | ".join(FIGURES.values()),
        rules=" | ".join("--:" for _ in FIGURES),
        limits=_line(limits),
        rows="\n".join(_line(cells(row)) for row in rows),
        without="\n".join(_line([name, why]) for name, why in without.items()),
    )


def cells(row: dict[str, Any]) -> list[str]:
    """A row's, as text."""
    height, width = row["image"]
    start = [row["model"], row["reference"], f"{height}×{width}"]
    end = [f"{row['seconds']:.0f}"]
    if "failed" in row:
        return [*start, "", f"**{row['failed']}**", *[""] * (len(FIGURES) - 1), *end, ""]
    figures = [_error(row[figure], figure in row["misses"]) for figure in FIGURES]
    memory = f"{row['peak_bytes'] / 2**30:.1f} GiB"
    return [*start, f"{row['parameters']:,}", *figures, *end, memory]


def _error(value: float | None, is_miss: bool) -> str:
    if value is None:
        return "–"
    return f"**{value:.1e}, failed**" if is_miss else f"{value:.1e}"


def _line(texts: list[str]) -> str:
    return "| " + " | ".join(texts) + " |"


if __name__ == "__main__":
    main()
