"""Checks anyone can run: gradients, two backends compared, naive truths, the conformance suite.

`minidl.testing.naive` and `minidl.testing.conformance` are imported by name.
"""

from minidl.testing.compare import ComparisonError, compare_backends
from minidl.testing.gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = [
    "ComparisonError",
    "GradcheckError",
    "compare_backends",
    "gradcheck",
    "gradgradcheck",
]
