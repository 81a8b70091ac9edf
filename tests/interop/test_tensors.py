"""State dicts go into files and come back."""

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.errors import DataError, DTypeError
from minidl.files.tensor_file import write_tensors


def test_a_state_dict_comes_back_bit_for_bit(tmp_path):
    network = nn.Sequential(nn.Conv2d(2, 3, kernel_size=3), nn.BatchNorm2d(3))
    path = tmp_path / "network.safetensors"
    minidl.save(network.state_dict(), path)
    loaded = minidl.load(path)
    assert sorted(loaded) == sorted(network.state_dict())
    for name, value in network.state_dict().items():
        assert isinstance(loaded[name], minidl.Tensor)
        assert loaded[name].dtype == value.dtype
        assert loaded[name].numpy().tobytes() == value.numpy().tobytes()
    minidl.manual_seed(9)
    other = nn.Sequential(nn.Conv2d(2, 3, kernel_size=3), nn.BatchNorm2d(3))
    other.load_state_dict(loaded)
    x = minidl.randn(1, 2, 5, 4)
    np.testing.assert_array_equal(
        other.eval()(x).detach().numpy(), network.eval()(x).detach().numpy()
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "uint8", "bool"])
def test_dtypes_are_kept(tmp_path, dtype):
    minidl.save({"x": minidl.tensor([0, 1], dtype=dtype)}, tmp_path / "x")
    assert minidl.load(tmp_path / "x")["x"].dtype.name == dtype


def test_arrays_and_parameters_are_saved_like_tensors(tmp_path):
    layer = nn.Linear(2, 3)
    minidl.save({"a": np.eye(2), "b": layer.weight}, tmp_path / "x")
    loaded = minidl.load(tmp_path / "x")
    np.testing.assert_array_equal(loaded["a"].numpy(), np.eye(2))
    assert not loaded["b"].requires_grad


def test_tensors_are_loaded_to_the_default_backend(tmp_path):
    minidl.save({"x": minidl.ones(2)}, tmp_path / "x")
    with minidl.use_backend("cuda-on-cpu"):
        assert minidl.load(tmp_path / "x")["x"].backend.name == "cuda-on-cpu"


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (nn.Linear(2, 2), r"Give model.state_dict\(\)"),
        (minidl.zeros(2), "a dict of tensors by name"),
        ([minidl.zeros(2)], "a list"),
        ({"optimizer": {"step": 1}}, "flattened"),
        ({"epoch": 3}, r"state\['epoch'\] is a int.*minidl.tensor"),
    ],
)
def test_what_is_no_state_dict_is_refused_with_advice(tmp_path, state, message):
    with pytest.raises(DTypeError, match=message):
        minidl.save(state, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_swapped_arguments_are_noticed(tmp_path):
    with pytest.raises(DTypeError, match="The dict comes first"):
        minidl.save(tmp_path / "x", {"a": minidl.zeros(1)})


def test_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "weights.pth").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(DataError, match="its directory of contents can't be read"):
        minidl.load(tmp_path / "weights.pth")
    (tmp_path / "text").write_text("no weights at all")
    with pytest.raises(DataError, match="not a safetensors file"):
        minidl.load(tmp_path / "text")


def test_a_dtype_that_tensors_lack_is_named(tmp_path):
    write_tensors(tmp_path / "x", {"x": np.zeros(2, np.uint64)})
    with pytest.raises(DataError, match="uint64"):
        minidl.load(tmp_path / "x")
