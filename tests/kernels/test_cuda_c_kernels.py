"""The CUDA C kernels and their host code, run on the CPU, against naive loops."""

import shutil

import numpy as np
import pytest

from minidl.backends.contract import kernel_names, origin
from minidl.backends.cuda_on_cpu import CudaOnCpuBackend
from minidl.errors import MinidlError, MissingKernelError
from minidl.testing import naive
from minidl_kernels.common.cuda_launch import CudaPlatform, read_source
from minidl_kernels.conv2d import cuda_launch as conv2d_launch
from minidl_kernels.conv2d import spec
from minidl_kernels.cuda_on_cpu.errors import CudaOnCpuError
from minidl_kernels.cuda_on_cpu.loader import ORDERS, RawModule, thread_order

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="cuda_on_cpu needs g++")

BACKEND = CudaOnCpuBackend()
FLOATS = [np.float32, np.float64]
TILES = [conv2d_launch.LARGE, conv2d_launch.MEDIUM, conv2d_launch.FEW_CHANNELS]

# x, weight, and the arguments that aren't the default
GEOMETRIES = {
    "one of everything": ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    "uneven": (
        (2, 3, 9, 7),
        (5, 3, 3, 2),
        {"stride": (2, 1), "padding": (1, 0, 2, 3), "dilation": (1, 2)},
    ),
    "stride that doesn't divide": ((1, 2, 8, 11), (3, 2, 3, 3), {"stride": (3, 4)}),
    "stride beyond the kernel": ((2, 2, 9, 9), (3, 2, 2, 1), {"stride": (4, 3)}),
    "padding beyond the kernel": ((1, 2, 2, 3), (2, 2, 2, 2), {"padding": (3, 4, 2, 0)}),
    "window as large as the padded input": (
        (2, 3, 4, 2),
        (4, 3, 5, 5),
        {"padding": (1, 2, 0, 1)},
    ),
    "grouped": (
        (2, 6, 5, 4),
        (4, 3, 3, 2),
        {"groups": 2, "padding": (1, 1, 1, 1), "stride": (1, 2)},
    ),
    "depthwise": ((2, 5, 6, 4), (10, 1, 3, 3), {"groups": 5, "padding": (0, 1, 1, 0)}),
    "1×1": ((3, 19, 3, 5), (33, 19, 1, 1), {}),
    "more than one tile each way": ((2, 3, 9, 11), (133, 3, 2, 3), {"padding": (1, 1, 0, 1)}),
    "large dilation": (
        (1, 2, 13, 12),
        (3, 2, 3, 2),
        {"dilation": (5, 7), "padding": (0, 2, 1, 2)},
    ),
}


def random(shape, dtype, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def assert_within_rounding(y, x, weight, bias, **geometry):
    """No sum of K products may be further off than K rounding errors of their absolute values."""
    expected = naive.conv2d(x, weight, bias, **geometry)
    magnitude = naive.conv2d(abs(x), abs(weight), None if bias is None else abs(bias), **geometry)
    terms = np.prod(weight.shape[1:]) + 2
    error = abs(y.astype(np.float64) - expected)
    assert y.shape == expected.shape
    assert (error <= terms * np.finfo(y.dtype).eps * magnitude).all(), error.max()


@pytest.fixture(params=TILES, ids=lambda tile: f"{tile.o}x{tile.m}")
def tile(request, monkeypatch):
    monkeypatch.setattr(conv2d_launch, "choose_tile", lambda *sizes: request.param)
    return request.param


# --------------------------------------------------------------------------------- conv2d


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_conv2d_is_the_naive_sum_in_every_thread_order(geometry, dtype, tile):
    x_shape, weight_shape, arguments = GEOMETRIES[geometry]
    x, weight = random(x_shape, dtype), random(weight_shape, dtype)
    bias = random(weight_shape[:1], dtype)
    results = []
    for order in ORDERS:
        with thread_order(order):
            out = np.full(spec.conv2d(x, weight, **arguments).shape, np.nan, dtype)
            assert BACKEND.conv2d(x, weight, bias, **arguments, out=out) is out
            results.append(out.tobytes())
    assert out.dtype == dtype
    assert_within_rounding(out, x, weight, bias, **arguments)
    assert len(set(results)) == 1


@pytest.mark.parametrize("dtype", FLOATS)
def test_conv2d_without_bias(dtype):
    x, weight = random((2, 3, 5, 4), dtype), random((4, 3, 2, 3), dtype)
    assert_within_rounding(BACKEND.conv2d(x, weight), x, weight, None)


def test_conv2d_takes_any_strides_and_changes_no_input():
    x = random((7, 9, 3, 2), np.float32).transpose(3, 2, 1, 0)[:, :, ::-1, ::2]
    weight = random((3, 2, 3, 4), np.float32).transpose(3, 2, 1, 0)[::-1, :, :, ::-1]
    weight = np.broadcast_to(weight[:, :, :, :1], weight.shape)
    bias = random((8,), np.float32)[::-2]
    before = [array.copy() for array in (x, weight, bias)]
    assert_within_rounding(BACKEND.conv2d(x, weight, bias), x, weight, bias)
    for array, copy in zip((x, weight, bias), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_conv2d_lets_nan_through_to_the_windows_that_see_it():
    x, weight = random((1, 1, 5, 6), np.float32), random((2, 1, 2, 3), np.float32)
    x[0, 0, 2, 3] = np.nan
    y = BACKEND.conv2d(x, weight)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(naive.conv2d(x, weight)))


def test_conv2d_of_an_empty_batch_is_empty():
    x, weight = np.zeros((0, 3, 5, 4), np.float32), random((4, 3, 2, 3), np.float32)
    assert BACKEND.conv2d(x, weight).shape == (0, 4, 4, 2)


def test_conv2d_refuses_more_pixels_than_an_int_counts():
    x = np.broadcast_to(np.float32(0), (2, 1, 33000, 33000))
    with pytest.raises(MinidlError, match="N · out_h · out_w is 2178000000"):
        BACKEND.conv2d(x, np.zeros((1, 1, 1, 1), np.float32))


@pytest.mark.parametrize(
    ("out_channels", "pixels", "itemsize", "expected"),
    [
        (6, 10**6, 4, conv2d_launch.FEW_CHANNELS),
        (64, 10**6, 4, conv2d_launch.MEDIUM),
        (65, 10**6, 4, conv2d_launch.LARGE),
        (65, 10**6, 8, conv2d_launch.MEDIUM),
        (512, 8 * 49, 4, conv2d_launch.MEDIUM),
    ],
)
def test_conv2d_tile_follows_the_shape(out_channels, pixels, itemsize, expected):
    assert conv2d_launch.choose_tile(out_channels, pixels, itemsize) == expected


@pytest.mark.parametrize("barrier", range(3))
def test_conv2d_with_any_of_its_barriers_removed_is_caught(barrier):
    """That the checks above can fail: no barrier of the kernel goes unwatched."""
    before, *after = read_source(conv2d_launch.SOURCE).split("__syncthreads();")
    assert len(after) == 3
    pieces = [before, *(f"__syncthreads();{piece}" for piece in after)]
    pieces[barrier + 1] = after[barrier]
    broken = CudaPlatform(np, lambda code, **options: RawModule(code="".join(pieces), **options))
    x, weight = random((2, 3, 7, 6), np.float32), random((5, 3, 3, 3), np.float32)
    results = []
    for order in ORDERS:
        with thread_order(order):
            results.append(conv2d_launch.conv2d(broken, x, weight))
    differ = len({result.tobytes() for result in results}) > 1
    assert differ or np.isnan(results[0]).any()


# ----------------------------------------------------------------------------------- relu


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (257,), (3, 5, 7)])
def test_relu_is_the_naive_one(shape, dtype):
    x = random(shape, dtype)
    out = np.full(shape, np.nan, dtype)
    assert BACKEND.relu(x, out=out) is out
    np.testing.assert_array_equal(out, naive.relu(x))


def test_relu_keeps_nan_and_infinity():
    x = np.array([np.nan, -np.inf, np.inf, -0.0, 0.0, 1e-45, -1e-45], np.float32)
    np.testing.assert_array_equal(BACKEND.relu(x), [np.nan, 0, np.inf, 0, 0, x[5], 0])


def test_relu_takes_any_strides():
    x = random((6, 8), np.float32).T[::-1, ::2]
    np.testing.assert_array_equal(BACKEND.relu(x), naive.relu(x))
    x = np.broadcast_to(random((1, 4), np.float32), (3, 4))
    np.testing.assert_array_equal(BACKEND.relu(x), naive.relu(x))


def test_relu_of_more_elements_than_the_grid_has_threads(monkeypatch):
    monkeypatch.setattr("minidl_kernels.activation.cuda_launch.MOST_BLOCKS", 2)
    x = random((1300,), np.float32)
    np.testing.assert_array_equal(BACKEND.relu(x), np.where(x > 0, x, 0))


# -------------------------------------------------------------------------------- backend


def test_backend_has_no_kernel_but_those_in_cuda_c():
    own = [name for name in kernel_names() if origin(CudaOnCpuBackend, name) is not None]
    assert own == ["conv2d", "relu"]
    with pytest.raises(MissingKernelError, match="sigmoid"):
        BACKEND.sigmoid(np.ones(3))


def test_backend_without_a_compiler_says_so(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    without = CudaPlatform(np, RawModule)
    with pytest.raises(CudaOnCpuError, match=r"g\+\+"):
        conv2d_launch.conv2d(without, np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1)))
