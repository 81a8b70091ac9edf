"""The cases of every kernel, one file per family."""

from __future__ import annotations

from minidl.testing.conformance.suite import Suite
from minidl.testing.conformance.suites import (
    activation,
    conv,
    norm,
    optimizer,
    pool,
    randomness,
    softmax,
)

SUITES: dict[str, Suite] = {
    **conv.SUITES,
    **pool.SUITES,
    **norm.SUITES,
    **activation.SUITES,
    **softmax.SUITES,
    **randomness.SUITES,
    **optimizer.SUITES,
}
"""By the kernel's name."""
