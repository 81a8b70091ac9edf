"""A line of `minidl doctor`'s report."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    subject: str
    state: str
    """ok, note (works, but slower than it could), missing (optional), broken."""
    detail: str
    fix: str = ""
    """What to do, in words or as a command."""
    core: bool = False
    """Whether minidl is of no use without it."""
