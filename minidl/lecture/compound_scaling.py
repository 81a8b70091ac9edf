"""Slide "EfficientNet: Smart Compound Scaling": its rule, and what the real networks do."""

from __future__ import annotations

import math

from minidl.lecture.report import LectureTable, Row, holds, row
from minidl.models.compound_scaling import ALPHA, BETA, GAMMA, measure, scale
from minidl.models.efficientnet import SCALES, EfficientNet, Scale


def efficientnet() -> LectureTable:
    """The rule for d, w and r beside the published networks; α · β² · γ² ≈ 2 as arithmetic.

    The note says what MACs they make, counted.
    """
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
            _power("depth", "d = α^φ", ALPHA),
            _power("width", "w = β^φ", BETA),
            _power("resolution", "r = γ^φ", GAMMA),
            holds("α, β, γ", "≥ 1", min(ALPHA, BETA, GAMMA) >= 1, f"{ALPHA}, {BETA}, {GAMMA}"),
            row("α · β² · γ² ≈", "2", ("", math.prod((ALPHA, BETA, BETA, GAMMA, GAMMA)))),
        ),
        f"α, β, γ are the paper's; the slide has no figures for them. MACs of the real b0 grow "
        f"{_macs(scale(1)) / base:.2f} times with φ = 1, more than the product, since stages have "
        f"whole numbers of blocks. MACs of the published networks, in units of b0's: {grown}; "
        f"with the φ of their resolutions 2^φ is: {wanted}.",
    )


def _power(what: str, slide: str, base: float) -> Row:
    """One axis of `scale`, in units of b0, and the φ that each published network has there."""
    whole = range(1, 8)
    grown = [_in_units(scale(phi), what) for phi in whole]
    powers = [base**phi for phi in whole]
    close = 0.5 / SCALES["efficientnet_b0"].resolution if what == "resolution" else 1e-12
    phis = [math.log(_in_units(size, what), base) for size in list(SCALES.values())[1:]]
    return holds(
        what,
        slide,
        all(abs(g - p) <= close for g, p in zip(grown, powers, strict=True)),
        f"{base} for φ = 1, {grown[-1]:.3g} for φ = 7",
        f"the published b1 to b7 have φ = {', '.join(f'{phi:.1f}' for phi in phis)} here",
    )


def _in_units(size: Scale, what: str) -> float:
    """Depth, width or resolution, in units of b0's."""
    return float(getattr(size, what) / getattr(SCALES["efficientnet_b0"], what))


def _macs(size: Scale) -> int:
    return measure(EfficientNet, size)[1]
