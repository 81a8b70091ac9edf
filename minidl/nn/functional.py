"""The operations of `minidl.functional`, at the place where PyTorch has them."""

from minidl.functional import *  # noqa: F403
from minidl.functional import __all__ as __all__
