"""Compound scaling: how EfficientNet was made larger. Tan & Le 2019, arXiv:1905.11946, §3. In the
lecture: "EfficientNet: Smart Compound Scaling".

    depth d = α^φ,  width w = β^φ,  resolution r = γ^φ      with α · β² · γ² ≈ 2,  α, β, γ ≥ 1

A convolution's work grows with d, w² and r²; so φ doubles it with every step, and α, β, γ say where
it goes. `search` lists what α, β and γ may be, with what each choice costs; `scale` is the rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from minidl.backends import use_backend
from minidl.creation import zeros
from minidl.errors import ArgumentError, fail
from minidl.grad_mode import no_grad
from minidl.models.efficientnet import EfficientNet, Scale
from minidl.nn import Conv2d, Linear, Module
from minidl.tensor import Tensor

__all__ = ["ALPHA", "BETA", "GAMMA", "Candidate", "measure", "scale", "search"]

ALPHA, BETA, GAMMA = 1.2, 1.1, 1.15
"""What the paper found for b0, §3.3: their product α · β² · γ² is 1.92."""


def scale(
    phi: float,
    alpha: float = ALPHA,
    beta: float = BETA,
    gamma: float = GAMMA,
    resolution: int = 224,
) -> Scale:
    """The rule: how large a network is for 2^φ times the work.

    The published b1 to b7 follow it roughly. Their authors rounded: b7's depth of 3.1 would be
    φ = 6.2, its width of 2.0 φ = 7.3, its resolution of 600 φ = 7.0 (`efficientnet.SCALES`).

    >>> scale(phi=0)
    Scale(width=1.0, depth=1.0, resolution=224)
    >>> scale(phi=1)
    Scale(width=1.1, depth=1.2, resolution=258)
    """
    return Scale(width=beta**phi, depth=alpha**phi, resolution=round(resolution * gamma**phi))


@dataclass(frozen=True)
class Candidate:
    """One choice of α, β and γ, and the network that it makes of the baseline with φ = 1."""

    alpha: float
    beta: float
    gamma: float
    scale: Scale
    product: float
    """α · β² · γ²: what the work should grow by."""
    parameters: int
    macs: int
    """Multiply-accumulates of the real network, whose channels and blocks are whole numbers."""
    growth: float
    """macs in units of the baseline's: what the work does grow by."""
    score: float | None = None
    """What the caller's function said of it."""


def search(
    budget: float = 2.0,
    tolerance: float = 0.1,
    step: float = 0.05,
    resolution: int = 224,
    make: Callable[..., Module] = EfficientNet,
    score: Callable[[Candidate], float] | None = None,
) -> list[Candidate]:
    """Every α, β, γ ≥ 1 on a grid for which α · β² · γ² lies within `tolerance` of `budget`.

    The paper trained the network of each and took the most accurate: that is `score`, a function
    of a candidate that trains `make(width=…, depth=…)` on images of the candidate's resolution and
    returns the accuracy. Without one nothing is trained, and nothing here says which of them is
    best: only what each costs, counted on the real network. That is seldom what the formula says:
    the paper's own choice makes 2.57 times b0's work out of 1.92, since a stage has a whole number
    of blocks, rounded up.

    Args:
        budget: how many times the baseline's work may be done; the paper's is 2, for φ = 1.
        tolerance: of the product.
        step: of the grid in each of α, β, γ.
        resolution: of the baseline's images.
        make: (width, depth) → network; with both 1 the baseline.
        score: candidate → accuracy, or None.

    Returns:
        The best score first; without `score` those first whose measured growth is nearest to the
        budget. Those that tie come in the order of α, β, γ.

    Raises:
        ArgumentError: budget < 1, tolerance < 0 or step ≤ 0.

    >>> for c in search(step=0.2, tolerance=0.15):
    ...     print(c.alpha, c.beta, c.gamma, f"{c.product:.2f} {c.growth:.2f} {c.macs:,}")
    1.0 1.0 1.4 1.96 2.02 779,990,512
    2.0 1.0 1.0 2.00 2.03 782,254,048
    1.0 1.4 1.0 1.96 1.93 743,811,776
    1.0 1.2 1.2 2.07 2.32 893,396,912
    1.4 1.2 1.0 2.02 2.50 962,708,240
    1.4 1.0 1.2 2.02 2.55 985,475,904

    """
    for name, value, least in (("budget", budget, 1.0), ("tolerance", tolerance, 0.0)):
        if not value >= least:
            fail("search", name, value, f"a number ≥ {least:g}", error=ArgumentError)
    if not step > 0:
        fail("search", "step", step, "a number > 0", error=ArgumentError)
    _, baseline = measure(make, Scale(1.0, 1.0, resolution))
    found = []
    for alpha, beta, gamma in _grid(budget, tolerance, step):
        scaled = scale(1, alpha, beta, gamma, resolution)
        product = alpha * beta**2 * gamma**2
        parameters, macs = measure(make, scaled)
        candidate = Candidate(
            alpha, beta, gamma, scaled, product, parameters, macs, growth=macs / baseline
        )
        if score is not None:
            candidate = replace(candidate, score=score(candidate))
        found.append(candidate)
    return sorted(found, key=lambda c: abs(c.growth - budget) if c.score is None else -c.score)


def _grid(budget: float, tolerance: float, step: float) -> Iterator[tuple[float, float, float]]:
    """(α, β, γ) with a product near the budget, in order."""
    largest, rounding = budget + tolerance, 1e-9  # 1 + 2 · 0.05 isn't quite 1.1

    def values(end: float) -> list[float]:
        """1, 1 + step, … up to `end`."""
        return [round(1 + i * step, 9) for i in range(int((end - 1) / step + rounding) + 1)]

    for alpha in values(largest):
        for beta in values(math.sqrt(largest)):
            for gamma in values(math.sqrt(largest)):
                if abs(alpha * beta**2 * gamma**2 - budget) <= tolerance + rounding:
                    yield alpha, beta, gamma


def measure(make: Callable[..., Module], scaled: Scale, in_channels: int = 3) -> tuple[int, int]:
    """(parameters, multiply-accumulates for one image) of make(width, depth), on the meta backend.

    Convolutions and dense layers count, as everywhere. `minidl.analysis` counts the same and more,
    but models and analysis stand side by side and neither imports the other; a test compares them.

    >>> measure(EfficientNet, Scale(width=1.0, depth=1.0, resolution=224))
    (5288548, 385814752)
    """
    macs = 0

    def count(layer: Conv2d | Linear, inputs: tuple[Tensor], y: Tensor) -> None:
        """Each output takes as many as there are weights that lead to it."""
        nonlocal macs
        macs += y.numel() * layer.weight[0].numel()

    with use_backend("meta"), no_grad():
        network = make(width=scaled.width, depth=scaled.depth).eval()
        hooks = [
            layer.register_forward_hook(count)
            for layer in network.modules()
            if isinstance(layer, (Conv2d, Linear))
        ]
        network(zeros(1, in_channels, scaled.resolution, scaled.resolution))
        for hook in hooks:
            hook.remove()
    return sum(p.numel() for p in network.parameters()), macs
