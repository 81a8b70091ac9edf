"""What CuPy would compile compiles for real GPUs, within a budget of registers, without spills.

Needs NVRTC (pip install nvidia-cuda-nvrtc), but no GPU.
"""

import numpy as np
import pytest

from minidl_kernels.activation import cuda_launch as activation
from minidl_kernels.common.cuda_launch import CudaPlatform
from minidl_kernels.conv2d import cuda_launch as conv2d
from minidl_kernels.cuda_on_cpu.errors import CompilationError, MissingCompilerError
from minidl_kernels.cuda_on_cpu.nvrtc import load_nvrtc, resource_usage

try:
    load_nvrtc()
except MissingCompilerError as error:
    pytest.skip(str(error), allow_module_level=True)

ARCHITECTURES = ["sm_75", "sm_80", "sm_90"]
FLOATS = [np.float32, np.float64]
# 256 threads of R registers: a multiprocessor's 65,536 hold 65,536 / (256·R) such blocks.
CONV2D_BUDGET = {
    (conv2d.LARGE, np.float32): 128,
    (conv2d.LARGE, np.float64): 255,  # never chosen, but must compile
    (conv2d.MEDIUM, np.float32): 80,
    (conv2d.MEDIUM, np.float64): 96,
    (conv2d.FEW_CHANNELS, np.float32): 80,
    (conv2d.FEW_CHANNELS, np.float64): 80,
}


def usage_of_launch(launch, architecture):
    """Compile what `launch(platform)` asks RawModule for; its kernel does nothing."""
    asked_for = {}

    class Recorder:
        def __init__(self, *, code, options, name_expressions):
            asked_for.update(resource_usage(code, name_expressions, architecture, options))

        def get_function(self, name):
            return lambda grid, block, args: None

    launch(CudaPlatform(np, Recorder))
    (usage,) = asked_for.values()
    return usage


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("tile", "dtype"), CONV2D_BUDGET)
def test_conv2d_keeps_its_registers(tile, dtype, architecture, monkeypatch):
    monkeypatch.setattr(conv2d, "choose_tile", lambda *sizes: tile)
    x, weight = np.zeros((1, 1, 3, 3), dtype), np.zeros((1, 1, 1, 1), dtype)
    usage = usage_of_launch(lambda cuda: conv2d.conv2d(cuda, x, weight), architecture)
    assert usage.spilled_bytes == 0
    assert usage.registers <= CONV2D_BUDGET[tile, dtype]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_relu_leaves_room_for_all_threads_of_a_multiprocessor(dtype, architecture):
    x = np.zeros(3, dtype)
    usage = usage_of_launch(lambda cuda: activation.relu(cuda, x), architecture)
    assert usage.spilled_bytes == 0
    assert usage.registers <= 32


def test_source_that_does_not_compile_shows_the_message():
    with pytest.raises(CompilationError, match="oops"):
        resource_usage("__global__ void f(int* y) { y[0] = oops; }", ["f"], "sm_80")


def test_spills_are_seen():
    code = """
        __global__ void __launch_bounds__(1024, 2) f(const float* x, float* y) {
            float value[64];
            for (int i = 0; i < 64; ++i) value[i] = x[i * 1024 + threadIdx.x];
            __syncthreads();
            for (int i = 0; i < 64; ++i) y[(63 - i) * 1024 + threadIdx.x] = value[i] * value[5];
        }"""
    usage = resource_usage(code, ["f"], "sm_80")["f"]
    assert usage.registers <= 32
    assert usage.spilled_bytes > 0
