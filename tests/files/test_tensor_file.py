"""Tensor files: what is written comes back, and anything else is refused with one error."""

import json
import os
import struct

import numpy as np
import pytest

from minidl.errors import ArgumentError, DataError, DTypeError
from minidl.files.tensor_file import read_tensors, write_tensors

ARRAYS = {
    "conv.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "scalar": np.array(2.5),
    "empty": np.zeros((0, 3), np.int64),
    "flags": np.array([True, False, True]),
    "steps": np.array([7], np.int64),
}


def handmade(header, data=b""):
    """A safetensors file, of a header that nobody checked."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(shape=(2,), dtype="F32", offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def assert_same(first, second):
    assert set(first) == set(second)
    for name in first:
        assert first[name].dtype == second[name].dtype
        assert first[name].shape == second[name].shape
        np.testing.assert_array_equal(first[name], second[name])


def test_arrays_and_metadata_come_back_as_they_were(tmp_path):
    metadata = {"floats": [0.1, 1e-300, -0.0], "nested": {'é\n"': [None, True, 2**80]}}
    write_tensors(tmp_path / "a", ARRAYS, metadata)
    arrays, found = read_tensors(tmp_path / "a")
    assert_same(arrays, ARRAYS)
    assert found == metadata
    assert str(found["floats"][2]) == "-0.0"


def test_arrays_that_were_read_can_be_changed(tmp_path):
    write_tensors(tmp_path / "a", ARRAYS)
    arrays, _ = read_tensors(tmp_path / "a")
    arrays["conv.weight"] += 1


@pytest.mark.parametrize("shape", [(), (2, 3), (0, 3), (1,)])
def test_bfloat16_becomes_float32_of_the_same_values(tmp_path, shape):
    values = np.array([1, -2, 0.5, np.inf, -0.0, 3.0e-39], np.float32)
    values = (values.view(np.uint32) & 0xFFFF0000).view(np.float32)  # those that bfloat16 has
    values = np.resize(values, shape)
    halves = (values.view(np.uint32) >> 16).astype("<u2")
    fields = entry(shape, "BF16", (0, halves.nbytes))
    (tmp_path / "a").write_bytes(handmade({"x": fields}, halves.tobytes()))
    arrays, _ = read_tensors(tmp_path / "a")
    assert isinstance(arrays["x"], np.ndarray)
    assert_same(arrays, {"x": values})
    np.testing.assert_array_equal(np.signbit(arrays["x"]), np.signbit(values))


@pytest.mark.parametrize("dtype", [*"?bBhHiIlLefd", ">f4", ">i8"])
def test_every_dtype_comes_back_with_its_bits(tmp_path, dtype):
    array = np.array([[0, 1, 100], [7, 0, 3]]).astype(dtype)
    write_tensors(tmp_path / "a", {"x": array})
    (found,) = read_tensors(tmp_path / "a")[0].values()
    assert found.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(found, array)


def test_not_a_number_and_infinity_keep_their_bits_in_arrays(tmp_path):
    array = np.array([np.nan, -np.inf, -0.0, 5e-324])
    write_tensors(tmp_path / "a", {"x": array})
    assert read_tensors(tmp_path / "a")[0]["x"].tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.T,
        lambda x: x[::-1, ::2],
        lambda x: np.broadcast_to(x[0], (3, 6)),
        lambda x: x[:, 1:2],
    ],
)
def test_arrays_with_any_strides_are_written_in_their_order(tmp_path, view):
    array = view(np.arange(24.0).reshape(4, 6))
    write_tensors(tmp_path / "a", {"x": array})
    np.testing.assert_array_equal(read_tensors(tmp_path / "a")[0]["x"], array)


def test_two_writes_are_byte_identical(tmp_path):
    metadata = {"z": 1, "a": {"lr": 0.1}, "m": [1, 2]}
    for name in ("first", "second"):
        write_tensors(tmp_path / name, ARRAYS, metadata)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_the_order_of_the_arrays_does_not_change_the_bytes(tmp_path):
    write_tensors(tmp_path / "first", ARRAYS)
    write_tensors(tmp_path / "second", dict(reversed(ARRAYS.items())))
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_the_safetensors_library_reads_our_files_and_we_read_its(tmp_path):
    from safetensors.numpy import load_file, save_file

    write_tensors(tmp_path / "ours", ARRAYS, {"epoch": 3})
    assert_same(load_file(tmp_path / "ours"), ARRAYS)
    save_file(ARRAYS, tmp_path / "theirs", metadata={"format": "pt"})
    arrays, metadata = read_tensors(tmp_path / "theirs")
    assert_same(arrays, ARRAYS)
    assert metadata == {}


def test_a_file_without_arrays_is_one(tmp_path):
    write_tensors(tmp_path / "a", {}, {"only": "words"})
    assert read_tensors(tmp_path / "a") == ({}, {"only": "words"})


def test_any_single_changed_byte_is_refused(tmp_path):
    """Every byte of a file, with three other values each: the smallest change, all bits, zero."""
    path = tmp_path / "a"
    write_tensors(path, {"x": np.arange(3, dtype=np.float32), "b": np.array([True])}, {"e": 0.5})
    data = path.read_bytes()
    for position in range(len(data)):
        for value in (data[position] ^ 1, data[position] ^ 255, 0):
            if value == data[position]:
                continue
            path.write_bytes(data[:position] + bytes([value]) + data[position + 1 :])
            with pytest.raises(DataError):
                read_tensors(path)


def test_every_truncation_and_extension_is_refused(tmp_path):
    path = tmp_path / "a"
    write_tensors(path, {"x": np.arange(3, dtype=np.float32)}, {"epoch": 1})
    data = path.read_bytes()
    for end in range(len(data)):
        path.write_bytes(data[:end])
        with pytest.raises(DataError):
            read_tensors(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(DataError, match="its header says"):
        read_tensors(path)


def test_a_flipped_bit_in_the_data_is_named_damage(tmp_path):
    write_tensors(tmp_path / "a", {"x": np.zeros(4)})
    data = bytearray((tmp_path / "a").read_bytes())
    data[-1] ^= 4
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(DataError, match="damaged: its checksum"):
        read_tensors(tmp_path / "a")


@pytest.mark.parametrize(
    ("header", "data", "message"),
    [
        (b"[]", b"", "not a JSON object"),
        (b"[" * 100_000, b"", "not a safetensors file"),
        (b"\xff{}", b"", "not a safetensors file"),
        (b"1" * 6000, b"", "not a safetensors file"),
        (b'{"x": NaN}', b"", "NaN is no JSON"),
        (b'{"x": {"dtype":"F32"}, "x": {}}', b"", "given twice"),
        ({"__metadata__": ["minidl"]}, b"", "table of strings"),
        ({"__metadata__": {"a": 1}}, b"", "table of strings"),
        ({"__metadata__": {"minidl": "{}"}}, b"", "checksum is damaged"),
        ({"__metadata__": {"minidl": "no"}}, b"", "damaged"),
        ({"x": 3}, b"", "lacks"),
        ({"x": {"dtype": "F32", "shape": [2]}}, b"", "lacks"),
        ({"x": entry(dtype="BF16", offsets=(0, 8))}, bytes(8), "as many bytes"),
        ({"x": entry(dtype="F8_E4M3", offsets=(0, 2))}, bytes(2), "F8_E4M3, which NumPy lacks"),
        ({"x": entry(dtype=["F32"])}, bytes(8), "NumPy lacks"),
        ({"x": entry(shape=[-2])}, bytes(8), "whole numbers"),
        ({"x": entry(shape=[2.0])}, bytes(8), "whole numbers"),
        ({"x": entry(shape=[True, 2])}, bytes(8), "whole numbers"),
        ({"x": entry(shape="ab")}, bytes(8), "whole numbers"),
        ({"x": entry(shape=[1] * 65, offsets=(0, 4))}, bytes(4), "whole numbers"),
        ({"x": entry(shape=[2**62, 8])}, bytes(8), "as many bytes"),
        ({"x": entry(shape=[2**64], offsets=(0, 2**66))}, b"", "whole numbers"),
        ({"x": entry(shape=[0, 2**62, 2**62], offsets=(0, 0))}, b"", "too large"),
        ({"x": entry(shape=[2**40], offsets=(0, 2**42))}, bytes(8), "bytes of data"),
        ({"x": entry(offsets=(8, 0))}, bytes(8), "as many bytes"),
        ({"x": entry(offsets=(4, 12))}, bytes(12), "begins at byte 4"),
        ({"x": entry(), "y": entry()}, bytes(8), "begins at byte 0"),
        ({"x": entry(), "y": entry(offsets=(12, 20))}, bytes(20), "begins at byte 12"),
        ({"x": entry()}, bytes(16), "bytes of data"),
        ({"x": entry(dtype="BOOL", offsets=(0, 2))}, b"\x01\x02", "other bytes than 0 and 1"),
    ],
)
def test_wrong_content_is_a_data_error_that_says_what_is_wrong(tmp_path, header, data, message):
    (tmp_path / "a").write_bytes(handmade(header, data))
    with pytest.raises(DataError, match=message):
        read_tensors(tmp_path / "a")


@pytest.mark.parametrize("data", [b"", b"\0" * 7, b"\xff" * 64, b"PK\x03\x04" * 40, b"\x80\x02}q."])
def test_other_kinds_of_files_are_refused(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(DataError, match="not a safetensors file"):
        read_tensors(tmp_path / "a")


def test_a_huge_sparse_file_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "a").open("wb") as file:
        file.truncate(2**33)  # zeros: a header of no bytes
    with pytest.raises(DataError):
        read_tensors(tmp_path / "a")
    with (tmp_path / "a").open("r+b") as file:
        file.write(struct.pack("<Q", 2**32))
    with pytest.raises(DataError, match="header would have"):
        read_tensors(tmp_path / "a")


def test_a_file_larger_than_allowed_is_refused(tmp_path):
    write_tensors(tmp_path / "a", ARRAYS)
    with pytest.raises(DataError, match="more than the 100 allowed"):
        read_tensors(tmp_path / "a", max_bytes=100)


def test_what_is_no_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "pipe", "/dev/zero", "a\0b"):
        with pytest.raises(DataError):
            read_tensors(path)


@pytest.mark.parametrize("name", ["", "__metadata__", "\ud800", 3, None])
def test_names_that_the_format_lacks_are_refused(tmp_path, name):
    with pytest.raises(ArgumentError, match="a name"):
        write_tensors(tmp_path / "a", {name: np.zeros(1)})
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("array", [np.zeros(1, complex), np.array(["a"]), np.array([{}]), "text"])
def test_dtypes_that_the_format_lacks_are_refused(tmp_path, array):
    with pytest.raises(DTypeError, match="the dtype of x"):
        write_tensors(tmp_path / "a", {"x": array})
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, np.float32(1), b"bytes"])
def test_metadata_that_json_lacks_is_refused(tmp_path, value):
    with pytest.raises(ArgumentError, match="no form in JSON"):
        write_tensors(tmp_path / "a", {}, {"key": [value]})
    assert not (tmp_path / "a").exists()


def test_a_header_too_large_to_read_is_not_written(tmp_path):
    with pytest.raises(ArgumentError, match="8 MiB"):
        write_tensors(tmp_path / "a", {}, {"key": "x" * (8 * 2**20)})
