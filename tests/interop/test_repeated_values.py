"""What a file refers to many times takes its memory once, and stays one."""

import pickle
import tracemalloc

import numpy as np
import pytest
from interop.torch_files import archive, legacy, state, tensor

import minidl
from minidl.errors import DataError
from minidl.interop import tensors


def several(value, times, number):
    """A list of a value and of references to it, which the pickle remembers under a number."""
    remember, recall = pickle.BINPUT + bytes([number]), pickle.BINGET + bytes([number])
    items = value + remember + recall * (times - 1)
    return pickle.EMPTY_LIST + pickle.MARK + items + pickle.APPENDS


MANY = several(tensor(), 100_000, 0)
NESTED = several(several(several(tensor(), 20, 0), 20, 1), 20, 2)


def load(tmp_path, content):
    """What is loaded, and how many bytes it took."""
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        loaded = minidl.load(path)
        return loaded, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("format_of", [archive, legacy])
def test_a_tensor_saved_a_hundred_thousand_times_is_one(tmp_path, format_of):
    loaded, peak = load(tmp_path, format_of(state(x=MANY)))
    assert len(loaded["x"]) == 100_000
    assert {id(each) for each in loaded["x"]} == {id(loaded["x"][0])}
    np.testing.assert_array_equal(loaded["x"][0].numpy(), np.arange(6.0).reshape(2, 3))
    assert peak < 1 << 23


def test_lists_within_lists_are_not_multiplied(tmp_path):
    (outer, *others), peak = load(tmp_path, archive(NESTED))
    assert (len(outer), len(outer[0]), len(others)) == (20, 20, 19)
    assert all(each is outer for each in others)
    assert all(each is outer[0] for each in outer)
    assert all(each is outer[0][0] for each in outer[0])
    assert peak < 1 << 20


def test_equal_tensors_that_were_saved_apart_stay_apart(tmp_path):
    minidl.save({"a": np.zeros(2), "b": np.zeros(2)}, tmp_path / "x.pth")
    loaded = minidl.load(tmp_path / "x.pth")
    assert loaded["a"] is not loaded["b"]


def test_what_does_not_fit_into_the_memory_is_refused(tmp_path, monkeypatch):
    def without_memory(array):
        raise MemoryError

    minidl.save({"a": np.zeros(2)}, tmp_path / "x")
    monkeypatch.setattr(tensors, "tensor", without_memory)
    with pytest.raises(DataError, match=r"x can't be read: it doesn't fit into the memory\.$"):
        minidl.load(tmp_path / "x")
