"""The CUDA C kernels on NumPy arrays, for machines without a GPU: to test them, not to be fast.

Source and host code are those that run on a GPU; g++ compiles them, see
`minidl_kernels/cuda_on_cpu/README.md`. Only kernels written in CUDA C are here. None is borrowed
from another backend, so a test that passes has really run the `.cu` file.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import numpy as np

from minidl.backends.numpy_arrays import NumpyArrays
from minidl_kernels.activation import cuda_launch as activation
from minidl_kernels.common.cuda_launch import CudaPlatform
from minidl_kernels.conv2d import cuda_launch as conv2d
from minidl_kernels.cuda_on_cpu.loader import RawModule

_CPU = CudaPlatform(np, RawModule)


class CudaOnCpuBackend(NumpyArrays):
    """NumPy's arrays, CUDA C kernels."""

    name: ClassVar[str] = "cuda-on-cpu"

    conv2d = staticmethod(partial(conv2d.conv2d, _CPU))
    relu = staticmethod(partial(activation.relu, _CPU))
