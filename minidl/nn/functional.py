"""The operations of `minidl.functional`, at the place where PyTorch has them."""

from typing import TYPE_CHECKING, NoReturn

from minidl import naming
from minidl.functional import *  # noqa: F403
from minidl.functional import __all__ as __all__

if not TYPE_CHECKING:  # else type checkers would take every name for a known one

    def __getattr__(name: str) -> NoReturn:
        """Explain a name that doesn't exist."""
        naming.missing_name("minidl.nn.functional", name, __all__, naming.FUNCTIONAL)
