"""Kernels: array in, array out. No autograd, no Tensor, nothing of minidl.

One folder per operation; in each, the same operation stands side by side as `spec.py` (what it
accepts and returns, in pure Python), `numpy_reference.py`, and where they exist `numba_cpu.py`,
`numba_cuda.py` and `*.cu`.
"""
