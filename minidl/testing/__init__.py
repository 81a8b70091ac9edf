"""Checks anyone can run: gradcheck, the naive truths, and the conformance suite for backends.

`minidl.testing.naive` and `minidl.testing.conformance` are imported by name.
"""

from minidl.testing.gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]
