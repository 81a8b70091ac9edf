"""How far a kernel may be from the truth: the rule, in one place.

    |result − truth| ≤ 4 · ε · (1 + √n) · scale

ε is the spacing of the dtype's numbers at 1 (float32: 1.2e-7, float64: 2.2e-16). n is the size of
the call's largest array: nobody adds up more numbers than there are, and n rounding errors of
either sign add up to about √n of them. scale is the size of the numbers that go into the sums
(each suite says which); for a convolution it is the largest Σ|w|·|x|, not |y|, which may be small
because large terms cancel. The 4 leaves room for other ways to compute the same (Winograd's,
fast exponentials), and none for another formula: in float64 the bound is some 1e-14 · scale.

NaN must stand where the truth has NaN, and infinities must be the truth's. A suite without a scale
(maxima, indices, masks, copies) allows no error at all.
"""

from __future__ import annotations

import math

import numpy as np

from minidl.testing.conformance.data import Array


def allowed(dtype: str, terms: int, scale: float) -> float:
    """The largest error that passes.

    >>> print(f"{allowed('float32', terms=100, scale=1.0):.1e}")
    5.2e-06
    """
    return 4 * float(np.finfo(dtype).eps) * (1 + math.sqrt(terms)) * scale


def errors(result: Array, truth: Array) -> Array:
    """|result − truth|, infinite where one is NaN or infinite and the other isn't the same."""
    wide = result.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        same = (wide == truth) | (np.isnan(wide) & np.isnan(truth))
        difference = np.where(same, 0.0, np.abs(wide - truth))
    return np.where(np.isnan(difference), np.inf, difference)
