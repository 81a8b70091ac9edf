"""Tensors in files, published weights into networks.

tensors        `save`, `load`: safetensors, and PyTorch's files
weights        `load_weights`, `export_weights`: state dicts under any published names
namings        which names there are; key_maps has them, one file per family
torch_file     reading files of torch.save (torch_zip, torch_legacy and torch_values are its parts)
torch_write    writing them
"""

from minidl.interop.tensors import load, read_file, save
from minidl.interop.weights import LoadedWeights, export_weights, find_state, load_weights

__all__ = [
    "LoadedWeights",
    "export_weights",
    "find_state",
    "load",
    "load_weights",
    "read_file",
    "save",
]
