"""The emulator itself: kernels that are wrong must be reported, and correct ones must not.

`broken_kernels.cu` and `correct_kernels.cu` stand beside this file.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from minidl_kernels.cuda_on_cpu.errors import KernelError, LaunchError
from minidl_kernels.cuda_on_cpu.loader import ORDERS, RawModule, thread_order

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="cuda_on_cpu needs g++")

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def broken():
    return RawModule(path=HERE / "broken_kernels.cu")


@pytest.fixture(scope="module")
def correct():
    return RawModule(
        path=HERE / "correct_kernels.cu", name_expressions=["scale<float>", "scale<double>"]
    )


def in_every_order(run):
    """Results of `run()`, one for each thread order."""
    results = []
    for order in ORDERS:
        with thread_order(order):
            results.append(run())
    return results


def all_same(results):
    return all(result.tobytes() == results[0].tobytes() for result in results)


def numbers(count, dtype=np.float32):
    return np.arange(1, count + 1, dtype=dtype)


# ------------------------------------------------------------------------- synchronisation


def test_correct_reversal_is_the_same_in_every_order(correct):
    x = numbers(96)

    def run():
        y = np.zeros_like(x)
        correct.get_function("reverse")((1,), (96,), (x, y))
        return y

    results = in_every_order(run)
    np.testing.assert_array_equal(results[0], x[::-1])
    assert all_same(results)


def test_missing_barrier_before_a_read_shows_as_nan_in_every_order(broken):
    def run():
        y = np.zeros(96, np.float32)
        broken.get_function("reverse_without_barrier")((1,), (96,), (numbers(96), y))
        return y

    for result in in_every_order(run):
        assert np.isnan(result).any()


def test_missing_barrier_before_overwriting_shows_as_a_difference_between_orders(broken):
    def run():
        y = np.zeros(64, np.float32)
        kernel = broken.get_function("overwrites_too_early")
        kernel((1,), (64,), (numbers(64 * 3), y, np.int32(3)))
        return y

    assert not all_same(in_every_order(run))


def test_result_that_depends_on_the_order_of_blocks_differs(broken):
    def run():
        y = np.zeros(1, np.int32)
        broken.get_function("last_block_wins")((8,), (1,), (y,))
        return y

    assert not all_same(in_every_order(run))


@pytest.mark.parametrize("order", ORDERS)
def test_barrier_that_some_threads_skip_is_reported_with_threads_and_line(broken, order):
    with thread_order(order), pytest.raises(KernelError) as caught:
        broken.get_function("barrier_for_some")((2,), (64,), (np.zeros(64, np.float32),))
    message = str(caught.value)
    line = line_of("broken_kernels.cu", "BARRIER FOR SOME")
    assert "divergent barrier" in message
    assert f"3 of 64 threads wait in __syncthreads at broken_kernels.cu:{line}" in message
    assert "61 of 64 threads have returned, first thread (3, 0, 0) of block " in message


def test_threads_at_two_different_barriers_are_reported(broken):
    with pytest.raises(KernelError, match=r"divergent barrier.*32 of 64.*32 of 64"):
        broken.get_function("two_barriers")((1,), (64,), (np.zeros(64, np.float32),))


def test_shuffle_that_half_a_warp_skips_is_reported(broken):
    with pytest.raises(KernelError, match=r"divergent barrier.*16 of 32.*__shfl_xor_sync"):
        broken.get_function("shuffle_for_half")((1,), (32,), (np.zeros(32, np.float32),))


def test_mask_without_the_calling_lane_is_reported(broken):
    with pytest.raises(KernelError, match="leaves out the calling lane 16"):
        broken.get_function("mask_without_self")((1,), (32,), (np.zeros(32, np.float32),))


def test_lane_outside_the_mask_reads_as_nan_even_if_it_shuffles_too(broken):
    y = numbers(32)
    broken.get_function("shuffle_across_halves")((1,), (32,), (y,))
    assert np.isnan(y[:16]).all()
    np.testing.assert_array_equal(y[16:], 21)  # lane 20 belongs to the second half


# --------------------------------------------------------------------------------- memory


@pytest.mark.parametrize("index", [64, 65, 1000, -1, -2])
def test_write_outside_an_array_is_reported_with_its_place(broken, index):
    y = np.zeros(64, np.float32)
    with pytest.raises(KernelError, match=f"argument 0 .*wrote outside it, at element {index} of"):
        broken.get_function("write_at")((1,), (1,), (y, np.int32(index)))
    np.testing.assert_array_equal(y, 0)


@pytest.mark.parametrize("index", [64, -1, 5000])
def test_read_outside_an_array_gives_nan(broken, index):
    y = np.zeros(1, np.float32)
    broken.get_function("read_at")((1,), (1,), (numbers(64), y, np.int32(index)))
    assert np.isnan(y[0])


def test_index_outside_shared_memory_is_reported_with_thread_and_line(broken):
    with pytest.raises(KernelError) as caught:
        broken.get_function("shared_overrun")((1,), (64,), (np.zeros(64, np.float32),))
    line = line_of("broken_kernels.cu", "SHARED OVERRUN")
    assert "index 64 is outside the array of type 'float [64]'" in str(caught.value)
    assert f"broken_kernels.cu:{line}, thread (63, 0, 0) of block (0, 0, 0)" in str(caught.value)


def test_dynamic_shared_memory_beyond_what_was_asked_for_is_reported(broken):
    kernel = broken.get_function("fill_dynamic_shared")
    kernel((1,), (4,), (np.zeros(4, np.float32),), shared_mem=16)
    with pytest.raises(KernelError, match="wrote byte 16 of dynamic shared memory"):
        kernel((1,), (5,), (np.zeros(5, np.float32),), shared_mem=16)


def test_shared_memory_is_nan_again_in_every_block(broken):
    y = np.zeros(4, np.float32)
    broken.get_function("reads_fresh_shared")((4,), (1,), (y,))
    assert np.isnan(y).all()


def test_const_parameter_that_changes_is_reported(broken):
    with pytest.raises(KernelError, match=r"argument 0.*changed it, though its parameter is const"):
        broken.get_function("writes_const")((1,), (1,), (numbers(4),))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wild_pointer", "which lies in no array"),
        ("stack_overflow", "stack of 256 KiB is full"),
        ("divides_by_zero", "integer division by zero"),
    ],
)
def test_fault_that_would_kill_the_process_is_an_error(broken, correct, name, message):
    y = np.ones(64, np.int32)
    with pytest.raises(KernelError, match=message):
        broken.get_function(name)((1,), (64,), (y, np.int32(0)))
    x, z = numbers(8), np.zeros(8, np.float32)
    correct.get_function("reverse")((1,), (8,), (x, z))  # and the next launch is fine
    np.testing.assert_array_equal(z, x[::-1])


# ------------------------------------------------------------------------------ arguments


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), r"0 arguments, expected 2: \(float32\*, int32\)"),
        ((numbers(4),), "1 arguments, expected 2"),
        ((numbers(4), np.int32(0), np.int32(0)), "3 arguments, expected 2"),
        ((numbers(4), np.int64(0)), "argument 1 is the int64 scalar 0, expected int32"),
        ((numbers(4), np.float32(0)), "argument 1 is the float32 scalar 0.0, expected int32"),
        ((numbers(4), 0), "argument 1 is 0, a Python int, expected a NumPy scalar"),
        ((numbers(4), numbers(4)), "argument 1 is an array"),
        ((numbers(4, np.float64), np.int32(0)), r"float64, expected float32\*"),
        ((numbers(4, np.int32), np.int32(0)), r"int32, expected float32\*"),
        ((np.int32(4), np.int32(0)), "argument 0 is the int32 scalar 4, expected an array"),
        ((np.uintp(64), np.int32(0)), "argument 0 is the uint64 scalar 64, expected an array"),
        ((numbers(8)[::2], np.int32(0)), "isn't C-contiguous"),
        ((np.broadcast_to(np.float32(1), 4), np.int32(0)), "isn't C-contiguous"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(broken, args, message):
    with pytest.raises(LaunchError, match=message):
        broken.get_function("write_at")((1,), (1,), args)


def test_read_only_array_for_a_parameter_that_is_not_const_is_refused(broken):
    y = numbers(4)
    y.flags.writeable = False
    with pytest.raises(LaunchError, match="argument 0 is a read-only array"):
        broken.get_function("write_at")((1,), (1,), (y, np.int32(0)))


@pytest.mark.parametrize(
    ("grid", "block", "shared_mem", "message"),
    [
        ((1,), (1025,), 0, "block is"),
        ((1,), (32, 33), 0, "1056 threads, expected at most 1024"),
        ((1,), (1, 1, 65), 0, "block is"),
        ((1,), (0,), 0, "block is"),
        ((0,), (1,), 0, "grid is"),
        ((1, 65536), (1,), 0, "grid is"),
        ((1,), (1,), 48 * 1024 + 1, "shared_mem is 49153 bytes, expected at most 49152"),
    ],
)
def test_sizes_beyond_a_gpu_are_refused(broken, grid, block, shared_mem, message):
    kernel = broken.get_function("write_at")
    with pytest.raises(LaunchError, match=message):
        kernel(grid, block, (numbers(4), np.int32(0)), shared_mem=shared_mem)


# ------------------------------------------------------------------ what correct kernels use


def test_thread_and_block_indices_in_three_dimensions(correct):
    grid, block = (2, 3, 2), (4, 2, 3)
    count = np.prod(grid) * np.prod(block)
    y = np.full((count, 6), -1, np.int32)
    correct.get_function("where_am_i")(grid, block, (y,))
    expected = [
        [tx, ty, tz, bx, by, bz]
        for bz in range(2)
        for by in range(3)
        for bx in range(2)
        for tz in range(3)
        for ty in range(2)
        for tx in range(4)
    ]
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("width", [32, 8])
def test_shuffles_follow_their_definition(correct, width):
    x = numbers(64)
    y = np.zeros((4, 64), np.float32)
    kernel = correct.get_function("shuffles")
    kernel((1,), (64,), (x, y, np.int32(width)))
    for thread in range(64):
        begin, lane = thread - thread % width, thread % width
        source = [
            begin + 3,
            thread ^ 9 if (thread ^ 9) // width <= thread // width else thread,
            thread + 2 if lane + 2 < width else thread,
            thread - 2 if lane >= 2 else thread,
        ]
        np.testing.assert_array_equal(y[:, thread], x[source])


def test_votes_of_a_warp_with_missing_lanes(correct):
    y = np.zeros((4, 40), np.uint32)
    correct.get_function("warp_votes")((1,), (40,), (y,))
    odd_lanes = 0xAAAAAAAA
    np.testing.assert_array_equal(y[0], [odd_lanes] * 32 + [odd_lanes & 0xFF] * 8)  # ballot
    np.testing.assert_array_equal(y[1], [0] * 32 + [1] * 8)  # all: thread ≥ 32
    np.testing.assert_array_equal(y[2], [1] * 32 + [0] * 8)  # any: thread < 32
    np.testing.assert_array_equal(y[3], [20] * 40)  # __syncthreads_count of odd threads


def test_block_sum_by_shuffles_is_the_same_in_every_order(correct):
    x = np.random.default_rng(0).standard_normal(300).astype(np.float32)

    def run():
        y = np.zeros(1, np.float32)
        correct.get_function("block_sum")((1,), (128,), (x, y, np.int32(x.size)))
        return y

    results = in_every_order(run)
    np.testing.assert_allclose(results[0], x.astype(np.float64).sum(), rtol=1e-5)
    assert all_same(results)


def test_groups_of_one_warp_synchronise_separately(correct):
    y = np.zeros(32, np.float32)
    correct.get_function("two_groups")((1,), (32,), (y,))
    np.testing.assert_array_equal(y, [sum(range(8))] * 8 + [sum(range(8, 32))] * 24)


def test_dynamic_shared_memory_can_be_larger_than_48_kib_when_asked_for(correct):
    x = numbers(20_000)
    y = np.zeros_like(x)
    kernel = correct.get_function("reverse_dynamic")
    kernel.max_dynamic_shared_size_bytes = x.nbytes
    kernel((1,), (256,), (x, y, np.int32(x.size)), shared_mem=x.nbytes)
    np.testing.assert_array_equal(y, x[::-1])


def test_atomics_count_and_return_the_old_value(correct):
    data = np.random.default_rng(1).integers(0, 5, 1000).astype(np.int32)
    counts, tickets, largest = np.zeros(5, np.int32), np.zeros(1000, np.int32), np.zeros(1, "f4")
    kernel = correct.get_function("histogram")
    kernel((4,), (64,), (data, counts, tickets, largest, np.int32(1000)))
    np.testing.assert_array_equal(counts, [sum(data == value) for value in range(5)])
    for value in range(5):  # every element of a bin drew a ticket of its own
        assert sorted(tickets[data == value]) == list(range(counts[value]))
    assert largest[0] == 999


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_templates_are_found_by_their_name_expression(correct, dtype):
    name = {np.float32: "scale<float>", np.float64: "scale<double>"}[dtype]
    x = numbers(10, dtype)
    y = np.zeros_like(x)
    correct.get_function(name)((1,), (10,), (x, y, dtype(0.1)))
    np.testing.assert_array_equal(y, x * dtype(0.1))


def test_one_array_given_twice_stays_one_array(correct):
    x = numbers(10)
    correct.get_function("double_both")((1,), (10,), (x, x))
    np.testing.assert_array_equal(x, 4 * numbers(10))


def test_null_pointer_arrives_as_null(correct):
    y = np.full(1, -1, np.int32)
    kernel = correct.get_function("is_null")
    kernel((1,), (1,), (np.uintp(0), y))
    assert y[0] == 1
    kernel((1,), (1,), (numbers(1), y))
    assert y[0] == 0


def line_of(file, remark):
    """Number of the line of a .cu file that carries this remark."""
    lines = (HERE / file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if remark in line)
