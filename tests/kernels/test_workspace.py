import os
import signal
import threading

import numpy as np
import pytest

from minidl_kernels.common import workspace
from minidl_kernels.common.workspace import SMALL, Workspace

LARGE = (SMALL,)  # with dtype uint8, the smallest pooled array


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8"])
@pytest.mark.parametrize("shape", [(), (0, 3), (5, 7), (3, 130, 131), (1, 2, 300, 1, 400)])
def test_empty_returns_a_writable_c_contiguous_array_of_the_shape_and_dtype(shape, dtype):
    array = Workspace().empty(shape, dtype)
    assert array.shape == shape
    assert array.dtype == np.dtype(dtype)
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert array.flags.aligned


def test_a_dead_buffer_is_handed_out_again():
    pool = Workspace()
    first = pool.empty((400, 500), "float32")
    where = address(first)
    del first
    assert address(pool.empty((400, 500), "float32")) == where
    assert pool.nbytes == 400 * 500 * 4


def test_a_dead_buffer_serves_another_shape_and_dtype_of_the_same_bytes():
    pool = Workspace()
    where = address(pool.empty((400, 500), "float32"))
    assert address(pool.empty((250, 400), "float64")) == where


def test_a_living_array_keeps_its_buffer():
    pool = Workspace()
    first = pool.empty((400, 500), "float32")
    second = pool.empty((400, 500), "float32")
    assert not np.shares_memory(first, second)


@pytest.mark.parametrize(
    "hold",
    [
        lambda a: a[3],
        lambda a: a[::-2, 5:9],
        lambda a: a.T,
        lambda a: a.reshape(-1)[17:18],
        lambda a: a.view("uint8"),
        lambda a: a.view("int32")[1:][1:],
        lambda a: np.broadcast_to(a[0], (7, 500)),
        lambda a: np.lib.stride_tricks.sliding_window_view(a, (2, 2)),
        lambda a: memoryview(a),
        lambda a: memoryview(a[2:])[1:],
        lambda a: np.frombuffer(a, "float32"),
        lambda a: np.asarray(memoryview(a)),
        lambda a: np.from_dlpack(a),
        lambda a: [a[1:2]],
        lambda a: a.flat,
    ],
)
def test_whatever_still_looks_into_a_buffer_keeps_it(hold):
    pool = Workspace()
    array = pool.empty((400, 500), "float32")
    where = address(array)
    holder = hold(array)
    del array
    others = [pool.empty((400, 500), "float32") for _ in range(3)]
    assert where not in [address(other) for other in others]
    del holder, others
    again = [pool.empty((400, 500), "float32") for _ in range(4)]
    assert where in [address(array) for array in again]


def test_small_arrays_are_not_pooled():
    pool = Workspace()
    array = pool.empty((SMALL - 1,), "uint8")
    assert array.base is None
    assert pool.nbytes == 0
    assert pool.empty(LARGE, "uint8").base is not None
    assert pool.nbytes == SMALL


def test_the_pool_is_bounded_and_drops_the_size_not_asked_for_longest():
    pool = Workspace(limit=3 * SMALL + 20)
    for extra in (0, 1, 2):
        pool.empty((SMALL + extra,), "uint8")
    kept = {SMALL + extra: address(pool.empty((SMALL + extra,), "uint8")) for extra in (1, 2, 0)}
    pool.empty((SMALL + 3,), "uint8")  # needs room: SMALL + 1 was asked for longest ago
    assert pool.nbytes == 3 * SMALL + 5
    assert address(pool.empty((SMALL,), "uint8")) == kept[SMALL]
    assert address(pool.empty((SMALL + 2,), "uint8")) == kept[SMALL + 2]
    assert pool.nbytes <= pool.limit


def test_buffers_in_use_are_never_dropped_and_the_bound_still_holds():
    pool = Workspace(limit=2 * SMALL)
    living = [pool.empty(LARGE, "uint8") for _ in range(5)]
    for number, array in enumerate(living):
        array[...] = number
    assert pool.nbytes == 2 * SMALL
    for number, array in enumerate(living):
        assert (array == number).all()


def test_an_array_larger_than_the_bound_is_plain():
    pool = Workspace(limit=2 * SMALL)
    assert pool.empty((2 * SMALL + 1,), "uint8").base is None
    assert pool.nbytes == 0


def test_clear_forgets_the_buffers_and_leaves_living_arrays_alone():
    pool = Workspace()
    array = pool.empty(LARGE, "uint8")
    array[...] = 7
    pool.clear()
    assert pool.nbytes == 0
    other = pool.empty(LARGE, "uint8")
    assert not np.shares_memory(array, other)
    other[...] = 1
    assert (array == 7).all()


def test_threads_never_share_a_living_buffer():
    pool = Workspace(limit=6 * SMALL)
    clashes = []

    def work(number):
        for round_number in range(300):
            array = pool.empty(LARGE, "uint8")
            mark = (number * 31 + round_number) % 251
            array[...] = mark
            if not (array == mark).all():
                clashes.append((number, round_number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clashes == []
    assert pool.nbytes <= pool.limit


def test_the_module_functions_share_one_pool():
    workspace.clear()
    where = address(workspace.empty((300, 400), "float32"))
    assert address(workspace.empty((300, 400), "float32")) == where
    workspace.clear()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forked_child_does_not_wait_for_a_lock_that_its_parent_held():
    with workspace._shared._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(20)  # kills the child if it waits
            array = workspace.empty((1 << 16,), "float32")
            os._exit(0 if array.shape == (1 << 16,) else 1)
    assert os.waitpid(child, 0)[1] == 0
