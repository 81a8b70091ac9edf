"""State dicts in files: `save` and `load`."""

from minidl.interop.tensors import load, save

__all__ = ["load", "save"]
