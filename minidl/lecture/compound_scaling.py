"""Slide "EfficientNet: Smart Compound Scaling": its rule, and what the real networks do."""

from __future__ import annotations

import math

from minidl.lecture.report import LectureTable, holds, row
from minidl.models.compound_scaling import ALPHA, BETA, GAMMA, measure, scale
from minidl.models.efficientnet import SCALES, EfficientNet, Scale


def efficientnet() -> LectureTable:
    """α · β² · γ² ≈ 2 as arithmetic; in the notes what MACs it makes, counted."""
    published = {name.removeprefix("efficientnet_"): _macs(s) for name, s in SCALES.items()}
    base = published.pop("b0")
    grown = ", ".join(f"{name} {macs / base:.3g}" for name, macs in published.items())
    phis = [math.log(s.resolution / SCALES["efficientnet_b0"].resolution, GAMMA)
            for s in list(SCALES.values())[1:]]  # fmt: skip
    wanted = ", ".join(f"{name} {2**phi:.3g}" for name, phi in zip(published, phis, strict=True))
    return LectureTable(
        "efficientnet",
        "EfficientNet: Smart Compound Scaling",
        (
            holds("α, β, γ", "≥ 1", min(ALPHA, BETA, GAMMA) >= 1, f"{ALPHA}, {BETA}, {GAMMA}"),
            row("α · β² · γ² ≈", "2", ("", math.prod((ALPHA, BETA, BETA, GAMMA, GAMMA)))),
        ),
        f"α, β, γ are the paper's; the slide has no figures for them. MACs of the real b0 grow "
        f"{_macs(scale(1)) / base:.2f} times with φ = 1, more than the product, since stages have "
        f"whole numbers of blocks. MACs of the published networks, in units of b0's: {grown}; "
        f"with the φ of their resolutions 2^φ is: {wanted}.",
    )


def _macs(size: Scale) -> int:
    return measure(EfficientNet, size)[1]
