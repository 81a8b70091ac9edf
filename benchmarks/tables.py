"""A record as tables of text, for the terminal (cpu.py) and for the README (report.py)."""

from __future__ import annotations

from typing import Any, NamedTuple

import record as figures
from cases import GROUPS
from machine import is_quiet
from record import Case, Record


class Table(NamedTuple):
    """Rows of text under a title; the last row may be a summary."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def conditions(record: Record) -> list[str]:
    """Date, machine, libraries and method, one fact a line."""
    machine, ours, theirs = record["machine"], record["minidl"], record["torch"]
    lines = [
        record["date"],
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, "
        f"Python {machine['python']}",
        f"minidl {ours['minidl']}, backend {ours['backend']}, NumPy {ours['numpy']}, "
        f"{ours['blas']}, BLAS kernel {ours['blas_kernel']}, {record['threads']} threads",
    ]
    if theirs:
        lines.append(
            f"PyTorch {theirs['torch']}, {theirs['instructions']}, {theirs['threads']} threads"
        )
    else:
        lines.append("PyTorch was not measured: minidl alone, no ratios")
    if record["overrides"]:
        removed = ", ".join(f"{k}={v}" for k, v in record["overrides"].items())
        lines.append(f"taken out of the workers' environment: {removed}")
    lines.append(
        f"{record['rounds']} rounds of fresh processes, "
        f"about {record['seconds']} s a case and library in each"
    )
    if record["others"] is not None:
        lines.append(f"other programs used {record['others']:.2f} cores meanwhile")
    if not is_quiet(record["others"]):
        lines.append("THE MACHINE WAS BUSY: these ratios mean little, in both directions")
    return lines


def tables(record: Record) -> list[Table]:
    """One table a group: a row for every setting, a column for every part."""
    made = [_group_table(record, group) for group in GROUPS]
    return [table for table in made if table.rows]


def summary(record: Record) -> Table:
    """Geometric means beside the targets."""
    rows = []
    for name, group in GROUPS.items():
        mean = figures.geometric_mean(figures.in_group(record, name))
        if mean is None:
            continue
        over = [miss for miss in figures.misses(record) if miss.case["group"] == name]
        wanted, reached = "–", "–"
        if group.target is not None:
            wanted = f"≤ {group.target:.1f}× {'each' if group.of_each else 'on the mean'}"
            reached = "no" if (over if group.of_each else mean > group.target) else "yes"
        rows.append([group.title, f"{mean:.2f}×", wanted, reached, str(len(over)) if over else ""])
    columns = ["group", "geometric mean", "target", "reached", "cases above"]
    return Table("Summary: minidl's time over PyTorch's", columns, rows)


def missed(record: Record) -> Table:
    """Cases above their target, with the reason."""
    rows = [
        [
            f"{miss.case['name']}, {miss.case['part']}",
            f"{miss.ratio:.2f}×",
            f"{miss.target:.1f}×",
            miss.reason,
        ]
        for miss in figures.misses(record)
    ]
    return Table("Above the target", ["case", "ratio", "target", "why"], rows)


def trainings(rows: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Full training runs by model and data set, one for every seed."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["model"], row["data"]), []).append(row)
    return groups


def accuracies(rows: list[dict[str, Any]]) -> Table:
    """Full training runs: a row for every model and data set, a figure for every seed."""
    lines = []
    for (model, data), runs in trainings(rows).items():
        seeds = ", ".join(str(run["seed"]) for run in runs)
        found = ", ".join(f"{run['test_accuracy']:.2%}" for run in runs)
        recipes = " or ".join(sorted({recipe_text(run["recipe"]) for run in runs}))
        dates = " … ".join(sorted({run["date"] for run in runs}))
        machines = " and ".join(sorted({run["machine"]["cpu"].split(" (")[0] for run in runs}))
        lines.append([model, data, recipes, seeds, found, f"{dates}, {machines}"])
    columns = ["model", "data", "recipe", "seeds", "test accuracy", "recorded"]
    return Table("Accuracies on full data sets", columns, lines)


def recipe_text(recipe: dict[str, Any]) -> str:
    """A recipe in a line: what is trained, how long, by what.

    >>> made = {"options": {"width": 16}, "image_size": None, "augmentation": ["flip"]}
    >>> recipe_text({**made, "epochs": 2, "optimizer": "sgd", "lr": 0.1, "batch_size": 64})
    'width 16; flip; 2 epochs, SGD 0.1, batch 64'
    """
    options = ", ".join(f"{name} {value}" for name, value in recipe["options"].items())
    size = recipe["image_size"]
    optimizer = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop"}
    parts = [
        options,
        f"images of {size}×{size}" if size not in (None, 28) else "",
        ", ".join(recipe["augmentation"]),
        f"{recipe['epochs']} epochs, {optimizer[recipe['optimizer']]} {recipe['lr']:g}, "
        f"batch {recipe['batch_size']}",
    ]
    return "; ".join(part for part in parts if part)


def ran_on(record: Record) -> list[str]:
    """Date, machine and libraries of a record with rows, one fact a line."""
    machine, ours, theirs = record["machine"], record["minidl"], record.get("torch")
    lines = [
        record["date"],
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, "
        f"Python {machine['python']}",
        f"minidl {ours['minidl']}, backend {ours['backend']}, NumPy {ours['numpy']}, "
        f"{ours['blas']}, BLAS kernel {ours['blas_kernel']}; {record['threads']} threads",
    ]
    if theirs:
        lines.append(
            f"PyTorch {theirs['torch']}, {theirs['instructions']}, {theirs['threads']} threads"
        )
    if "rounds" in record:
        lines.append(f"medians of {record['rounds']} rounds of fresh processes")
    if record["others"] is not None:
        lines.append(f"other programs used {record['others']:.2f} cores meanwhile")
    if not is_quiet(record["others"]):
        lines.append("THE MACHINE WAS BUSY: these times mean little")
    return lines


def zoo_steps(record: Record) -> Table:
    """A row for every network."""
    rows = [
        [
            row["model"],
            "×".join(map(str, row["input"])),
            f"{row['parameters'] / 1e6:.2f}",
            f"{row['macs'] / 1e9:.3f}",
            _seconds(row["build_seconds"]),
            _seconds(row["step_seconds"]),
            _megabytes(row["peak_bytes"]),
        ]
        for row in record["rows"]
    ]
    columns = ["model", "image", "million parameters", "billion MACs", "building"]
    columns += [f"step of {record['batch']} images", "peak memory"]
    return Table("Training steps", columns, rows)


def building(record: Record) -> list[Table]:
    """Beside PyTorch; then what is built without data."""
    beside, meta = [], []
    for row in record["rows"]:
        build = _seconds(row["build_seconds"])
        if row["library"] == "meta":
            times = [build, _seconds(row["summary_seconds"])]
            meta.append([row["network"], *times, _megabytes(row["peak_bytes"])])
            continue
        times = [build, _megabytes(row["build_peak_bytes"]), _seconds(row["inference_seconds"])]
        library = {"minidl": "minidl", "torch": "PyTorch"}[row["library"]]
        beside.append([row["network"], library, *times, _megabytes(row["inference_peak_bytes"])])
    columns = ["network", "library", "building", "peak memory", "first inference", "peak memory"]
    return [
        Table("Building and one inference", columns, beside),
        Table("On meta", ["on meta", "building", "summary", "peak memory"], meta),
    ]


def _seconds(value: float) -> str:
    scale, unit = _unit(value)
    return f"{_number(value, scale)} {unit}"


def _megabytes(count: float) -> str:
    return f"{count / 2**20:,.0f} MiB"


def _group_table(record: Record, name: str) -> Table:
    group, cases = GROUPS[name], figures.in_group(record, name)
    parts = group.layers[0].parts
    by_place = {(case["name"], case["part"]): case for case in cases}
    rows = [
        [layer.name, *(_cell(by_place[layer.name, part]) for part in parts)]
        for layer in group.layers
        if (layer.name, parts[0]) in by_place
    ]
    means = [figures.geometric_mean(figures.in_group(record, name, part)) for part in parts]
    if len(rows) > 1 and any(means):
        rows.append(["geometric mean", *("" if m is None else f"{m:.2f}×" for m in means)])
    return Table(group.title, ["minidl / PyTorch", *parts], rows)


def _cell(case: Case) -> str:
    """Medians, and the range over the rounds: 8.1 / 5.4 ms = 1.50× (1.44–1.61)."""
    if "missing" in case:
        return "missing"
    ours, theirs = figures.seconds(case, "minidl"), figures.seconds(case, "torch")
    scale, unit = _unit(max(ours or 0, theirs or 0))
    if theirs is None:
        return f"{_number(ours, scale)} {unit}"
    every = figures.ratios(case)
    return (
        f"{_number(ours, scale)} / {_number(theirs, scale)} {unit} = "
        f"{figures.ratio(case):.2f}× ({min(every):.2f}–{max(every):.2f})"
    )


def _unit(longest: float) -> tuple[float, str]:
    for scale, unit in ((1.0, "s"), (1e3, "ms")):
        if longest * scale >= 1:
            return scale, unit
    return 1e6, "µs"


def _number(value: Any, scale: float) -> str:
    """Three digits: 0.123, 1.23, 12.3, 123."""
    scaled = value * scale
    return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f}"
