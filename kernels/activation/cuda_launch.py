"""Launches the CUDA C activations; see `minidl_kernels.common.cuda_launch` for the convention."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from minidl_kernels.common.cuda_launch import CudaPlatform, blocks_for, c_type

SOURCE = Path(__file__).resolve().parent / "relu.cu"
THREADS = 256
MOST_BLOCKS = 4096
"""Enough to fill any GPU several times over; beyond that the threads loop."""


def relu(cuda: CudaPlatform, x: Any, *, out: Any = None) -> Any:
    """max(x, 0); NaN stays NaN."""
    y = cuda.result(out, x.shape, x.dtype)
    if x.size == 0:
        return y
    kernel = cuda.function(SOURCE, f"relu<{c_type(x.dtype)}>")
    blocks = min(blocks_for(x.size, THREADS), MOST_BLOCKS)
    kernel((blocks,), (THREADS,), (cuda.xp.ascontiguousarray(x), y, np.int64(x.size)))
    return y
