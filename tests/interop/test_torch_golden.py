"""Files that PyTorch itself wrote are read without it: stored by golden/make_torch_files.py."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl.interop.torch_file import read_torch

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize("name", ["zip", "legacy"])
def test_what_pytorch_saved_is_read_bit_for_bit(name):
    found = read_torch(GOLDEN / f"torch_{name}.pth")
    expected = np.load(GOLDEN / "torch_files.npz")
    assert (found["epoch"], found["size"]) == (7, (2, 3))
    assert found["plain"] == [1, 2.5, "text", None, (True, False)]
    state = found["state_dict"]
    assert type(state) is OrderedDict
    assert list(state) == [key for key in expected if key != "made_with"]
    for key, array in state.items():
        assert (array.shape, array.dtype) == (expected[key].shape, expected[key].dtype)
        assert array.tobytes() == expected[key].tobytes()
    assert found["parameter"].tobytes() == expected["weight"].tobytes()


@pytest.mark.parametrize("name", ["zip", "legacy"])
def test_what_pytorch_saved_becomes_tensors(name):
    found = minidl.load(GOLDEN / f"torch_{name}.pth")
    assert all(isinstance(value, minidl.Tensor) for value in found["state_dict"].values())
    assert found["state_dict"]["bfloat16"].dtype == np.float32
