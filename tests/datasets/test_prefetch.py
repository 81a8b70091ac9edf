"""Prefetching changes when batches are prepared, and nothing else."""

import contextlib
import gc
import itertools
import json
import signal
import threading
import time
import traceback

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl.datasets import DataLoader
from minidl.datasets.prefetch import prefetched
from minidl.datasets.transforms import RandomAffine
from minidl.errors import ArgumentError

PATIENCE = 30.0
"""Seconds after which a thread counts as hanging."""


def threads():
    return [t for t in threading.enumerate() if t.name == "minidl prefetch"]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    assert not threads()
    yield
    assert not threads()


def samples(size=23):
    return np.random.default_rng(0).integers(0, 256, (size, 6, 5), np.uint8), np.arange(size)


def loader(prefetch, **arguments):
    arguments = {"batch_size": 4, "shuffle": True, "seed": 7, **arguments}
    return DataLoader(samples(), transform=RandomAffine(20), prefetch=prefetch, **arguments)


def as_bytes(batches):
    return [(images.tobytes(), labels.tobytes()) for images, labels in batches]


# ------------------------------------------------------------------- the same batches


@pytest.mark.parametrize("prefetch", [1, 2, 50])
def test_batches_of_every_epoch_are_the_same_bit_for_bit(prefetch):
    ahead, none = loader(prefetch), loader(0)
    for _ in range(3):
        assert as_bytes(ahead.numpy_batches()) == as_bytes(none.numpy_batches())
    assert ahead.state_dict() == none.state_dict()


def test_tensors_are_the_same_and_made_in_the_consumers_thread():
    with minidl.use_backend("meta"):  # of this thread alone
        images, labels = next(iter(loader(2)))
    assert (images.backend.name, labels.backend.name) == ("meta", "meta")
    got = [(x.numpy(), y.numpy()) for x, y in loader(2)]
    assert as_bytes(got) == as_bytes(loader(0).numpy_batches())


def test_transform_runs_in_another_thread_with_prefetch_only():
    seen = set()

    def note(images, rng):
        seen.add(threading.current_thread().name)
        return images

    for prefetch, name in ((0, threading.current_thread().name), (1, "minidl prefetch")):
        seen.clear()
        list(DataLoader(samples(), 4, transform=note, prefetch=prefetch).numpy_batches())
        assert seen == {name}


@given(st.integers(1, 4), st.integers(0, 11))
def test_resumed_run_continues_after_what_was_handed_out_not_what_was_prepared(prefetch, stop):
    def run(loader):
        for _ in range(loader.epoch, 2):
            for images, labels in loader.numpy_batches():
                yield images.tobytes(), labels.tobytes(), json.dumps(loader.state_dict())

    everything = list(run(loader(0)))
    assert len(everything) == 12
    with contextlib.closing(run(loader(prefetch))) as stopped:
        *_, last = itertools.islice(stopped, stop + 1)
    assert last == everything[stop]
    resumed = loader(prefetch)
    resumed.load_state_dict(json.loads(last[2]))
    assert list(run(resumed)) == everything[stop + 1 :]


def test_state_of_a_loader_with_prefetch_fits_one_without():
    ahead, none = loader(3), loader(0)
    batches = ahead.numpy_batches()
    next(batches)
    none.load_state_dict(ahead.state_dict())
    assert as_bytes(batches) == as_bytes(none.numpy_batches())


def test_pass_left_early_starts_again_in_the_same_order():
    ahead = loader(2)
    for _ in ahead:
        break
    assert (ahead.epoch, ahead.position) == (0, 1)
    assert as_bytes(ahead.numpy_batches()) == as_bytes(loader(0).numpy_batches())


def test_two_passes_at_once_do_not_mix():
    ahead = loader(2)
    pairs = list(zip(ahead.numpy_batches(), loader(2).numpy_batches(), strict=True))
    assert as_bytes(a for a, _ in pairs) == as_bytes(b for _, b in pairs)


def test_empty_data_set_has_no_batches():
    empty = DataLoader((np.zeros((0, 2)), np.zeros(0, int)), 4, prefetch=2)
    assert list(empty) == []
    assert empty.epoch == 1


def test_negative_number_is_refused():
    with pytest.raises(ArgumentError, match="prefetch is -1, expected at least 0"):
        loader(-1)


# ------------------------------------------------------------------- the thread


def counting(prepared, end=None):
    for number in itertools.count() if end is None else range(end):
        prepared.append(number)
        yield number


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("ahead", [1, 3])
def test_as_many_are_prepared_as_asked_for_and_one_that_waits(ahead):
    prepared = []
    items = prefetched(counting(prepared), ahead)
    assert prepared == []  # nothing before the first is asked for
    assert next(items) == 0
    wait_until(lambda: len(prepared) == ahead + 2)
    time.sleep(0.02)
    assert len(prepared) == ahead + 2
    assert next(items) == 1
    wait_until(lambda: len(prepared) == ahead + 3)
    items.close()


def test_items_are_prepared_while_the_consumer_is_busy():
    prepared = []
    items = prefetched(counting(prepared, end=4), ahead=2)
    next(items)
    wait_until(lambda: len(prepared) == 4)  # nobody asks for anything meanwhile
    assert list(items) == [1, 2, 3]


def test_loop_that_is_left_ends_the_thread():
    for _ in loader(3):
        assert len(threads()) == 1
        break
    assert not threads()


def test_exception_in_the_loop_ends_the_thread():
    def train():
        for _ in loader(3):
            raise RuntimeError("the loss is nan")

    with pytest.raises(RuntimeError, match="the loss is nan") as caught:
        train()
    # The traceback keeps the loop's frame, and this its iterator, until it is dropped itself.
    del caught
    gc.collect()


def test_iterator_that_nobody_refers_to_ends_the_thread():
    batches = iter(loader(3))
    next(batches)
    assert len(threads()) == 1
    del batches
    gc.collect()
    assert not threads()


def test_iterator_that_was_never_started_has_no_thread():
    batches = loader(3).numpy_batches()
    assert not threads()
    del batches


def test_end_of_the_pass_ends_the_thread():
    batches = loader(3).numpy_batches()
    for _ in range(6):
        next(batches)
    assert next(batches, None) is None
    assert not threads()


def test_closing_waits_for_the_item_being_prepared_and_prepares_no_more():
    prepared, go = [], threading.Event()

    def slow():
        for number in counting(prepared):
            if number == 1:
                go.wait(PATIENCE)
            yield number

    items = prefetched(slow(), ahead=1)
    next(items)
    wait_until(lambda: len(prepared) == 2)
    closing = threading.Thread(target=items.close)
    closing.start()
    go.set()
    closing.join(PATIENCE)
    assert not closing.is_alive()
    assert prepared == [0, 1]


def test_many_passes_left_at_any_moment_never_hang():
    for number in range(200):
        items = prefetched(iter(range(5)), ahead=1 + number % 3)
        assert list(itertools.islice(items, number % 6)) == list(range(number % 6))[:5]
        items.close()


# ------------------------------------------------------------------- exceptions


def broken_transform(images, rng):
    if rng.random() < 2:  # always
        raise ZeroDivisionError("in the transform")
    return images


def test_exception_of_the_transform_arrives_with_its_traceback():
    with pytest.raises(ZeroDivisionError, match="in the transform") as caught:
        next(iter(DataLoader(samples(), 4, transform=broken_transform, prefetch=2)))
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "broken_transform" in frames
    assert "numpy_batches" in frames


def test_exception_arrives_in_its_turn_after_the_items_before_it():
    def items():
        yield 1
        yield 2
        raise KeyError("third")

    got = prefetched(items(), ahead=5)
    assert [next(got), next(got)] == [1, 2]
    with pytest.raises(KeyError, match="third"):
        next(got)
    assert list(got) == []


def test_position_counts_no_batch_that_failed():
    calls = []

    def third_fails(images, rng):
        calls.append(1)
        if len(calls) == 3:
            raise ValueError("the third")
        return images

    failing = DataLoader(samples(), 4, transform=third_fails, prefetch=4)
    with pytest.raises(ValueError, match="the third"):
        list(failing.numpy_batches())
    assert (failing.epoch, failing.position) == (0, 2)


def test_exception_is_not_kept_alive_by_a_cycle():
    freed = []

    class Witness:
        def __del__(self):
            freed.append(True)

    def items():
        yield 0
        raise LookupError(Witness())

    gc.disable()
    try:
        with contextlib.suppress(LookupError):
            list(prefetched(items(), ahead=2))
        assert freed == [True]
    finally:
        gc.enable()


def test_numpys_error_settings_are_those_of_the_consumer():
    def divide(images, rng):
        return images / np.zeros(1, images.dtype)

    dividing = DataLoader((np.ones((3, 2)), np.arange(3)), 3, transform=divide, prefetch=1)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        list(dividing.numpy_batches())


def test_interrupt_from_the_keyboard_reaches_a_consumer_that_waits():
    waiting, go = threading.Event(), threading.Event()

    def items():
        waiting.set()
        go.wait(PATIENCE)
        yield 0

    def interrupt():
        waiting.wait(PATIENCE)
        time.sleep(0.02)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        go.set()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        next(prefetched(items(), ahead=1))
    thread.join(PATIENCE)
