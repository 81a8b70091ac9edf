"""The readers that are fuzzed: files to damage, how to read one, what may come out of it."""

import gzip
import io
import pickle
import struct
import subprocess
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cifar_batches import archive_of, python2_batch
from interop import torch_files
from PIL import Image

from minidl.datasets import idx
from minidl.datasets.cifar10 import parse_cifar_batch
from minidl.files import tensor_file
from minidl.files.archive import read_members
from minidl.files.images import read_image
from minidl.files.pickle_reader import read_pickle
from minidl.interop.torch_file import read_torch
from minidl.interop.torch_write import write_torch
from minidl.train.checkpoint import load_checkpoint, save_checkpoint

rng = np.random.default_rng(0)


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        seeds: makes undamaged files' contents; it is given a folder to work in.
        read: reads a file, given its path.
        check: raises AssertionError if what came out of a damaged file isn't acceptable.
        repair: what to do to a damaged file so that the damage gets past the outermost check,
            given the content and a random generator.

    """

    seeds: Callable[[Path], list[bytes]]
    read: Callable[[Path], Any]
    check: Callable[[Any], None]
    repair: Callable[[bytes, Any], bytes] = lambda content, rng: content


# -------------------------------------------------------------------------------- IDX


def idx_seeds(folder):
    shapes = [(3, 5, 4), (1, 2, 2), (0, 28, 28)]
    return [idx.encode_idx(rng.integers(0, 256, shape).astype(np.uint8)) for shape in shapes]


def some_gzipped(content, rng):
    return gzip.compress(content, 1, mtime=0) if rng.random() < 0.3 else content


def check_idx(images):
    assert images.dtype == np.uint8
    assert images.ndim == 3
    assert images.nbytes < 1 << 16


def gzip_seeds(folder):
    return [gzip.compress(content, mtime=0) for content in idx_seeds(folder)]


# ------------------------------------------------------------------------ CIFAR and pickles


def batch_seeds(folder):
    images = rng.integers(0, 256, (2, 3, 32, 32)).astype(np.uint8)
    content = {b"data": images.reshape(2, -1), b"labels": [1, 9], b"filenames": [b"a", b"b"]}
    return [python2_batch(images, [3, 4]), python2_batch(images[:1], [0]), pickle.dumps(content, 2)]


def read_batch(path):
    return parse_cifar_batch(path.read_bytes(), str(path))


def check_batch(batch):
    images, labels = batch
    assert images.dtype == labels.dtype == np.uint8
    assert images.shape == (len(labels), 3, 32, 32)
    assert (labels < 10).all()


def archive_seeds(folder):
    files = {"data_batch_1": b"one" * 300, "test_batch": b"test", "readme.html": b"<html>"}
    return [gzip.decompress(archive_of(files, name)) for name in ("cifar-10-batches-py", "other")]


def tar_repaired(content, rng):
    """With the checksums of the headers as they would have to be, and packed."""
    content = bytearray(content)
    if rng.random() < 0.7:
        for start in range(0, min(len(content), 4096) - 511, 512):
            if content[start + 257 : start + 262] == b"ustar":
                content[start + 148 : start + 156] = b" " * 8
                total = sum(content[start : start + 512])
                content[start + 148 : start + 156] = b"%06o\0 " % total
    return gzip.compress(content, 1, mtime=0)


MEMBERS = ("cifar-10-batches-py/data_batch_1", "cifar-10-batches-py/test_batch")


def read_archive(path):
    return read_members(path, MEMBERS, 1 << 16, 1 << 20)


def check_archive(members):
    assert tuple(sorted(members)) == MEMBERS
    assert all(type(content) is bytes and len(content) <= 1 << 16 for content in members.values())


def pickle_seeds(folder):
    value = {
        "array": rng.standard_normal((2, 3)),
        "more": [np.arange(3, dtype=">i2"), np.float32(1.5), np.asfortranarray(np.eye(2))],
        "plain": (None, True, -7, 10**20, 2.5, "text", b"bytes", {1, "two"}, frozenset([3.0])),
        "ordered": OrderedDict(a=bytearray(b"abc"), b=[]),
    }
    return [*(pickle.dumps(value, protocol) for protocol in range(6)), *AMPLIFYING]


# Seeds that damage multiplies: a byte makes a container, or a key that others have to be told from.
AMPLIFYING = [
    b"(" * 60 + b"l" * 60 + b".",
    b"]" + b"]0}0\x8f0)0" * 30 + b".",
    b"ccollections\nOrderedDict\nq\x000]" + b"h\x00)Ra" * 30 + b".",
    b"}(" + b"".join(b"J" + struct.pack("<i", key << 20) + b"N" for key in range(99)) + b"u.",
    b"]q\x00(" + b"K\x01K\x02K\x03" * 20 + b"ec__builtin__\nset\n" + b"2h\x00\x85R0" * 30 + b"0.",
    b"(\x96" + struct.pack("<Q", 500) + bytes(500) + b"q\x00" + b"h\x00\x85\x94" * 50 + b"t.",
]


def read_any_pickle(path):
    with path.open("rb") as file:
        return read_pickle(file, str(path), encoding="latin1")


def check_plain(value):
    if isinstance(value, dict | list | tuple | set | frozenset):
        for item in value:
            check_plain(item)
        if isinstance(value, dict):
            check_plain(list(value.values()))
    elif isinstance(value, np.ndarray | np.generic):
        assert value.dtype.kind in "biufc"
        assert value.nbytes < 1 << 21
    else:
        plain = (bool, int, float, str, bytes, bytearray, type(None), np.dtype)
        assert isinstance(value, plain), type(value)


# ---------------------------------------------------------------------- tensors, checkpoints


def tensor_seeds(folder):
    from safetensors.numpy import save

    arrays = {
        "conv.weight": rng.standard_normal((2, 3, 1)).astype(np.float32),
        "flags": np.array([True, False]),
        "steps": np.array(7),
    }
    return [save(arrays), save(arrays, metadata={"format": "pt"}), save({"x": np.zeros((0, 3))})]


def header_repaired(content, rng):
    """With the length of the header as it is now, half of the time."""
    end = content.rfind(b"}") + 1
    if rng.random() < 0.5 or end < 9:
        return content
    return struct.pack("<Q", end - 8) + content[8:]


def check_tensors(found):
    arrays, metadata = found
    assert metadata == {}
    for name, array in arrays.items():
        assert isinstance(name, str)
        assert array.dtype.newbyteorder("<") in tensor_file._DTYPES.values()
        assert array.nbytes < 1 << 16


def checkpoint_seeds(folder):
    path = folder / "checkpoint"
    seeds = []
    for epoch in (3, 40):
        weight = rng.standard_normal((2, 3)).astype(np.float32)
        state = {"model": {"fc.weight": weight}, "epoch": epoch, "loss": [0.5, float("inf")]}
        save_checkpoint(path, state, {"model": "lenet5", "options": {}, "seed": 1})
        seeds.append(path.read_bytes())
    return seeds


def check_never(value):
    raise AssertionError("a damaged file was read as if it were whole")


# ---------------------------------------------------------------------- files of torch.save


def torch_state():
    """Views of two storages, in containers: pieces of a pickle."""
    double = torch_files.storage("1", 3, "torch.DoubleStorage")
    return torch_files.state(
        epoch=torch_files.integer(7),
        state_dict=torch_files.state(
            weight=torch_files.tensor(),
            turned=torch_files.tensor((3, 2), steps=(1, 3)),
            part=torch_files.tensor((2,), offset=1, steps=(2,)),
            bias=torch_files.tensor((3,), stored=double),
        ),
    )


STORAGES = {"0": torch_files.BYTES, "1": np.arange(3.0).tobytes()}


def zip_seeds(folder):
    path = folder / "state.pth"
    write_torch(path, {"a": rng.standard_normal((2, 3)).astype(np.float32), "b": np.arange(4)})
    flags = torch_files.tensor((2,), stored=torch_files.storage("0", 2, "torch.BoolStorage"))
    return [
        path.read_bytes(),
        torch_files.archive(torch_state(), STORAGES),
        torch_files.archive(torch_files.state(flags=flags), {"0": b"\0\1"}, folder="x"),
    ]


def zip_repaired(content, rng):
    """Half of the time with the checksums and sizes of members as they would have to be."""
    if rng.random() < 0.5:
        return content
    content, start = bytearray(content), 0
    while (start := content.find(b"PK\x01\x02", start)) >= 0 and start + 46 <= len(content):
        (size,) = struct.unpack_from("<I", content, start + 24)
        (at,) = struct.unpack_from("<I", content, start + 42)
        if at + 30 <= len(content) and content[at : at + 4] == b"PK\x03\x04":
            at += 30 + sum(struct.unpack_from("<HH", content, at + 26))
            struct.pack_into("<I", content, start + 16, zlib.crc32(content[at : at + size]))
        start += 4
    return bytes(content)


def legacy_seeds(folder):
    bfloat16 = torch_files.storage("0", 12, "torch.BFloat16Storage")
    narrow = torch_files.state(x=torch_files.tensor((3, 4), stored=bfloat16))
    view = torch_files.group(*map(torch_files.text, "v"), *map(torch_files.integer, (1, 4)))
    part = torch_files.storage("0", 6, "torch.FloatStorage", view)
    return [
        torch_files.legacy(torch_state(), STORAGES, counts={"1": 3}),
        torch_files.legacy(narrow, {"0": torch_files.BYTES}, counts={"0": 12}),
        torch_files.legacy(torch_files.state(x=torch_files.tensor((2, 2), stored=part))),
    ]


def check_torch(value):
    """Plain values and arrays, no larger than a small file can make them."""
    seen = {}

    def add(value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list | tuple):
            for each in value:
                add(each)
        elif isinstance(value, np.ndarray):
            assert value.dtype.isnative
            seen[id(value)] = value.nbytes

    check_plain(value)
    add(value)
    assert sum(seen.values()) < 1 << 21


# ------------------------------------------------------------------------------ images


def image_seeds(folder):
    colour = Image.fromarray(rng.integers(0, 256, (6, 9, 3)).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    pictures = [
        *((colour, name, {}) for name in ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")),
        (colour, "PNG", {"exif": exif}),
        (colour, "JPEG", {"exif": exif, "progressive": True}),
        (colour, "WEBP", {"exif": exif, "lossless": True}),
        (colour.convert("P"), "PNG", {"transparency": 3}),
        (colour.convert("L"), "GIF", {"transparency": 3}),
        (colour.convert("CMYK"), "JPEG", {}),
        (colour.convert("1"), "PPM", {}),
        (Image.fromarray(rng.integers(0, 1 << 16, (6, 9)).astype(np.uint16)), "PNG", {}),
    ]
    seeds = []
    for image, name, options in pictures:
        buffer = io.BytesIO()
        image.save(buffer, name, **options)
        seeds.append(buffer.getvalue())
    return seeds


def png_repaired(content, rng):
    """With the checksums of PNG's chunks as they would have to be, half of the time."""
    if not content.startswith(b"\x89PNG") or rng.random() < 0.5:
        return content
    content, start = bytearray(content), 8
    while start + 12 <= len(content):
        stop = start + 8 + int.from_bytes(content[start : start + 4])
        if stop + 4 > len(content):
            break
        content[stop : stop + 4] = struct.pack(">I", zlib.crc32(content[start + 4 : stop]))
        start = stop + 4
    return bytes(content)


MAX_PIXELS = 1 << 20


def read_small_image(path):
    return read_image(path, max_pixels=MAX_PIXELS)


def check_image(pixels):
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
    assert 0 < pixels.shape[0] * pixels.shape[1] <= MAX_PIXELS


TARGETS = {
    "IDX": Target(idx_seeds, lambda path: idx.read_idx(path, 3), check_idx, some_gzipped),
    "IDX in gzip": Target(gzip_seeds, lambda path: idx.read_idx(path, 3), check_idx),
    "CIFAR batch": Target(batch_seeds, read_batch, check_batch),
    "CIFAR archive": Target(archive_seeds, read_archive, check_archive, tar_repaired),
    "pickle": Target(pickle_seeds, read_any_pickle, check_plain),
    "safetensors": Target(tensor_seeds, tensor_file.read_tensors, check_tensors, header_repaired),
    "torch zip": Target(zip_seeds, read_torch, check_torch, zip_repaired),
    "torch legacy": Target(legacy_seeds, read_torch, check_torch),
    "checkpoint": Target(checkpoint_seeds, load_checkpoint, check_never, header_repaired),
    "image": Target(image_seeds, read_small_image, check_image, png_repaired),
}


# ------------------------------------------------- readers with a fault, which must be noticed


def naive_idx(path):
    content = path.read_bytes()
    sizes = struct.unpack(">3I", content[4:16])  # struct.error where it breaks off
    return np.frombuffer(content, np.uint8, offset=16).reshape(sizes)


def trusting_pickle(path):
    return pickle.loads(path.read_bytes())


def unchecked_checkpoint(path):
    original = tensor_file._metadata
    tensor_file._metadata = lambda *arguments: (None, original(*arguments)[1])
    try:
        return load_checkpoint(path)
    finally:
        tensor_file._metadata = original


def nameless(path):
    try:
        return idx.read_idx(path, 3)
    except ValueError as error:
        raise type(error)("the file is damaged") from error


def endless(path):
    while path:
        pass


def greedy(path):
    return bytearray(1 << 40)


def curious(path):
    Path(__file__).read_bytes()
    return idx.read_idx(path, 3)


def obedient(path):
    subprocess.run(["true"], check=True)
    return idx.read_idx(path, 3)


FAULTY = {
    "struct.error": (naive_idx, idx_seeds, check_idx),
    "UnpicklingError": (trusting_pickle, pickle_seeds, check_plain),
    "read as if it were whole": (unchecked_checkpoint, checkpoint_seeds, check_never),
    "doesn't name the file": (nameless, idx_seeds, check_idx),
    "TooSlow": (endless, lambda folder: [b"a file"], check_idx),
    "MemoryError": (greedy, idx_seeds, check_idx),
    "open": (curious, idx_seeds, check_idx),
    "subprocess.Popen": (obedient, idx_seeds, check_idx),
}
"""By what the report must say of them."""

TARGETS |= {
    f"faulty: {sign}": Target(seeds, read, check) for sign, (read, seeds, check) in FAULTY.items()
}
