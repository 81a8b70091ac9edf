import gzip
import re
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.datasets.idx import MAX_BYTES, encode_idx, gzip_idx, md5_of_idx, read_idx
from minidl.errors import DataError

IMAGES = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 3, 1) + bytes([1, 2, 3, 4, 5, 255])
LABELS = bytes([0, 0, 8, 1]) + struct.pack(">I", 4) + bytes([7, 0, 9, 2])


def flipped(content, position, mask=0xFF):
    return content[:position] + bytes([content[position] ^ mask]) + content[position + 1 :]


@pytest.fixture
def file(tmp_path):
    def write(content, name="file"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("name", ["images", "images.gz", "images.txt"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["raw", "gzip"])
def test_content_and_not_name_tells_whether_it_is_compressed(file, compress, name):
    images = read_idx(file(compress(IMAGES), name), ndim=3)
    assert images.dtype == np.uint8
    assert images.tolist() == [[[1], [2], [3]], [[4], [5], [255]]]


def test_labels_have_one_dimension(file):
    assert read_idx(file(LABELS), ndim=1).tolist() == [7, 0, 9, 2]


def test_no_images_are_a_valid_file(file):
    empty = bytes([0, 0, 8, 3]) + struct.pack(">3I", 0, 28, 28)
    assert read_idx(file(empty), ndim=3).shape == (0, 28, 28)
    assert read_idx(file(gzip.compress(empty)), ndim=3).shape == (0, 28, 28)


def test_result_is_read_only(file):
    images = read_idx(file(IMAGES), ndim=3)
    with pytest.raises(ValueError, match="read-only"):
        images[0, 0, 0] = 9


def test_path_may_be_a_string(file):
    assert read_idx(str(file(LABELS)), ndim=1).tolist() == [7, 0, 9, 2]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.booleans(), st.integers(0, 99))
def test_what_is_written_is_read_back(tmp_path_factory, shape, compressed, seed):
    array = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    path = tmp_path_factory.mktemp("idx") / "file"
    path.write_bytes(gzip_idx(array) if compressed else encode_idx(array))
    back = read_idx(path, ndim=len(shape))
    assert back.shape == array.shape
    assert back.tolist() == array.tolist()


def test_writing_matches_the_hand_built_bytes():
    assert encode_idx(np.array([[[1], [2], [3]], [[4], [5], [255]]], np.uint8)) == IMAGES


def test_writing_a_transposed_array_writes_its_elements_in_row_major_order():
    array = np.arange(6, dtype=np.uint8).reshape(2, 3).T
    assert encode_idx(array)[12:] == bytes([0, 3, 1, 4, 2, 5])
    assert md5_of_idx(array) == md5_of_idx(array.copy())


def test_md5_is_of_the_uncompressed_file():
    # md5sum of the ten bytes 00 00 08 01 00 00 00 02 07 02
    assert md5_of_idx(np.array([7, 2], np.uint8)) == "9a120c0acba3fd690aa95fbff3d4f128"


def test_gzip_holds_neither_time_nor_name():
    content = gzip_idx(np.array([7, 2], np.uint8))
    assert content[3] == 0  # flags: no name, no comment
    assert content[4:8] == b"\0\0\0\0"  # time


Z = gzip.compress(IMAGES, mtime=0)
HUGE = bytes([0, 0, 8, 3]) + struct.pack(">3I", 60000, 65535, 65535)

MALFORMED = {
    "empty": (b"", "is empty."),
    "a web page": (
        b"<html>404</html>",
        "is neither IDX nor gzip-compressed IDX: its content starts with b'<htm'.",
    ),
    "a zip archive": (
        b"PK\x03\x04" + bytes(40),
        "is neither IDX nor gzip-compressed IDX: its content starts with b'PK\\x03\\x04'.",
    ),
    "compressed twice": (
        gzip.compress(Z),
        "is neither IDX nor gzip-compressed IDX: its content starts with b'\\x1f\\x8b\\x08\\x00'.",
    ),
    "gzip of nothing": (gzip.compress(b""), "is truncated: its header ends after 0 bytes."),
    "magic cut": (IMAGES[:3], "is truncated: its header ends after 3 bytes."),
    "dimensions cut": (IMAGES[:13], "is truncated: its header ends after 13 bytes."),
    "dimensions cut, gzip": (
        gzip.compress(IMAGES[:15]),
        "is truncated: its header ends after 15 bytes.",
    ),
    "elements cut": (
        IMAGES[:-1],
        "is truncated: it declares 2 × 3 × 1 = 6 elements and holds 5.",
    ),
    "no elements": (
        IMAGES[:16],
        "is truncated: it declares 2 × 3 × 1 = 6 elements and holds 0.",
    ),
    "elements cut, gzip": (
        gzip.compress(IMAGES[:-2]),
        "is truncated: it declares 2 × 3 × 1 = 6 elements and holds 4.",
    ),
    "one byte too many": (
        IMAGES + b"\0",
        "has bytes after the 2 × 3 × 1 = 6 elements it declares.",
    ),
    "one byte too many, gzip": (
        gzip.compress(IMAGES + b"\0"),
        "has bytes after the 2 × 3 × 1 = 6 elements it declares.",
    ),
    "bytes after the gzip stream": (Z + b"\0", "has bytes after the end of its gzip stream."),
    "two gzip streams": (Z + Z, "has bytes after the end of its gzip stream."),
    "gzip without its length": (
        Z[:-4],
        "is truncated: its gzip stream breaks off after 22 bytes.",
    ),
    "gzip without its checksum": (
        Z[:-8],
        "is truncated: its gzip stream breaks off after 22 bytes.",
    ),
    "gzip header only": (Z[:10], "is truncated: its gzip stream breaks off after 0 bytes."),
    "gzip magic only": (Z[:2], "is truncated: its gzip stream breaks off after 0 bytes."),
    "wrong checksum": (flipped(Z, -8), "is damaged: the CRC-32 of its gzip stream is wrong."),
    "wrong length": (
        Z[:-4] + b"\7\0\0\0",
        "is damaged: its gzip stream does not decompress "
        "(Error -3 while decompressing data: incorrect length check).",
    ),
    "invalid compressed block": (
        Z[:10] + b"\x07" + Z[11:],
        "is damaged: its gzip stream does not decompress "
        "(Error -3 while decompressing data: invalid block type).",
    ),
    "signed bytes": (
        flipped(IMAGES, 2, 0x08 ^ 0x09),
        "has elements of type 0x09 (signed byte), expected 0x08 (unsigned byte).",
    ),
    "floats": (
        flipped(IMAGES, 2, 0x08 ^ 0x0D),
        "has elements of type 0x0D (32-bit float), expected 0x08 (unsigned byte).",
    ),
    "a type that isn't": (
        flipped(IMAGES, 2, 0x08 ^ 0x55),
        "has elements of type 0x55 (no type that IDX knows), expected 0x08 (unsigned byte).",
    ),
    "labels for images": (
        LABELS + bytes(40),
        "has 1 dimension(s) (magic number 2049), expected 3 (magic number 2051); "
        "images have 3, labels have 1.",
    ),
    "four dimensions": (
        flipped(IMAGES, 3, 3 ^ 4),
        "has 4 dimension(s) (magic number 2052), expected 3 (magic number 2051); "
        "images have 3, labels have 1.",
    ),
    "little-endian magic": (
        bytes([3, 8, 0, 0]) + IMAGES[4:],
        "is neither IDX nor gzip-compressed IDX: its content starts with b'\\x03\\x08\\x00\\x00'.",
    ),
    "huge": (
        HUGE,
        f"declares 60000 × 65535 × 65535 bytes, more than the {MAX_BYTES:,} allowed.",
    ),
    "huge, gzip": (
        gzip.compress(HUGE),
        f"declares 60000 × 65535 × 65535 bytes, more than the {MAX_BYTES:,} allowed.",
    ),
    "no images of huge size": (
        bytes([0, 0, 8, 3]) + struct.pack(">3I", 0, 2**32 - 1, 2**32 - 1),
        f"declares 0 × 4294967295 × 4294967295 bytes, more than the {MAX_BYTES:,} allowed.",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_file_is_refused_with_its_own_message(file, case):
    content, message = MALFORMED[case]
    path = file(content)
    with pytest.raises(DataError) as caught:
        read_idx(path, ndim=3)
    assert str(caught.value) == f"{path} {message}"


def test_missing_file_says_so(tmp_path):
    with pytest.raises(DataError, match=re.escape("cannot be read: No such file or directory.")):
        read_idx(tmp_path / "nothing", ndim=3)


def test_folder_in_place_of_a_file_says_so(tmp_path):
    with pytest.raises(DataError, match=re.escape("cannot be read: Is a directory.")):
        read_idx(tmp_path, ndim=3)


@pytest.mark.parametrize("position", range(2, len(Z)))
def test_a_flipped_byte_anywhere_in_a_compressed_file_never_changes_the_images(file, position):
    try:
        images = read_idx(file(flipped(Z, position)), ndim=3)
    except DataError:
        return
    # time, extra flags and operating system of the gzip header mean nothing
    assert position in (4, 5, 6, 7, 8, 9)
    assert images.tobytes() == IMAGES[16:]


@pytest.mark.parametrize("length", range(len(Z)))
def test_a_compressed_file_cut_anywhere_is_refused(file, length):
    with pytest.raises(DataError):
        read_idx(file(Z[:length]), ndim=3)


def test_a_decompression_bomb_is_never_expanded(file):
    compressor = zlib.compressobj(9, wbits=31)
    parts = [compressor.compress(IMAGES)]
    parts += [compressor.compress(bytes(1 << 20)) for _ in range(200)]
    bomb = file(b"".join([*parts, compressor.flush()]))  # 200 MB from 200 kB
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="has bytes after the 2 × 3 × 1 = 6 elements"):
            read_idx(bomb, ndim=3)
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


def test_memory_follows_the_content_and_not_the_declared_size(file):
    declared = bytes([0, 0, 8, 3]) + struct.pack(">3I", 1 << 18, 28, 28)  # 205 MB, allowed
    liar = file(gzip.compress(declared + bytes(100)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="and holds 100"):
            read_idx(liar, ndim=3)
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


def test_the_allowed_size_is_allowed_and_one_more_is_not(file):
    path = file(LABELS)
    assert len(read_idx(path, ndim=1, max_bytes=4)) == 4
    with pytest.raises(DataError, match="declares 4 bytes, more than the 3 allowed"):
        read_idx(path, ndim=1, max_bytes=3)


def test_a_file_longer_than_allowed_is_not_read(file):
    path = file(IMAGES + bytes(1 << 20))
    with pytest.raises(DataError, match="has 1,048,598 bytes, more than the 65,542 allowed"):
        read_idx(path, ndim=3, max_bytes=6)
