"""CIFAR-10: found, checked, read from folder or archive, on files made here in its format."""

import gzip
import hashlib
import io
import pickle
import sys
import tarfile
import types

import numpy as np
import pytest
from cifar_batches import archive_of, python2_batch

from minidl.datasets import CIFAR10, cache_folder
from minidl.datasets.cifar10 import parse_cifar_batch
from minidl.errors import ArgumentError, DataError, MissingDependencyError

rng = np.random.default_rng(0)
NAMES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
IMAGES = {name: rng.integers(0, 256, (4, 3, 32, 32)).astype(np.uint8) for name in NAMES}
LABELS = {name: rng.integers(0, 10, 4).tolist() for name in NAMES}
FILES = {name: python2_batch(IMAGES[name], LABELS[name]) for name in NAMES}
ARCHIVE = "cifar-10-python.tar.gz"


def md5(content):
    return hashlib.md5(content).hexdigest()


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """As if these small files were the published ones."""
    for files in CIFAR10.files.values():
        for name in files:
            monkeypatch.setitem(files, name, md5(FILES[name]))


def unpacked(folder, files=FILES):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def packed(folder, files=FILES, inside="cifar-10-batches-py"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ARCHIVE).write_bytes(archive_of(files, inside))
    return folder


BOTH = pytest.mark.parametrize("put", [unpacked, packed])


# ------------------------------------------------------------------------------ one batch


def test_a_batch_of_python_2_is_images_and_labels():
    images, labels = parse_cifar_batch(FILES["test_batch"], "file")
    assert images.dtype == labels.dtype == np.uint8
    np.testing.assert_array_equal(images, IMAGES["test_batch"])
    assert labels.tolist() == LABELS["test_batch"]


def test_the_hand_written_batch_is_one_to_pickle_too():
    batch = pickle.loads(FILES["test_batch"], encoding="bytes")
    assert set(batch) == {b"data", b"labels", b"batch_label", b"filenames"}
    np.testing.assert_array_equal(batch[b"data"], IMAGES["test_batch"].reshape(4, 3072))


def test_channels_are_red_green_blue_and_rows_come_before_columns():
    data = np.zeros((1, 3072), np.uint8)
    data[0, 1024 + 32 * 5 + 7] = 9  # green, row 5, column 7
    images, _ = parse_cifar_batch(pickle.dumps({b"data": data, b"labels": [3]}, 2), "file")
    assert np.argwhere(images).tolist() == [[0, 1, 5, 7]]


DATA = IMAGES["test_batch"].reshape(4, 3072)


def batch(data=DATA, labels=(1, 2, 3, 9)):
    labels = list(labels) if isinstance(labels, tuple) else labels
    return pickle.dumps({b"data": data, b"labels": labels}, 2)


WRONG = {
    "no dictionary": (pickle.dumps([1, 2]), "something else than a dictionary"),
    "Python 3's keys": (pickle.dumps({"data": 0, "labels": 0}), "something else than a dictionary"),
    "no labels": (pickle.dumps({b"data": 0}), "something else than a dictionary"),
    "data in a list": (batch(data=[[0] * 3072] * 4), "no array of unsigned bytes"),
    "data in floating point": (batch(data=np.zeros((4, 3072))), "no array of unsigned bytes"),
    "images of 28 × 28": (batch(data=np.zeros((4, 784), np.uint8)), "the shape (4, 784)"),
    "four dimensions": (batch(data=IMAGES["test_batch"]), "the shape (4, 3, 32, 32)"),
    "labels in an array": (batch(labels=np.arange(4)), "no list of 4"),
    "a label too few": (batch(labels=(1, 2, 3)), "no list of 4"),
    "a label of 10": (batch(labels=(1, 2, 3, 10)), "no integer in 0 … 9"),
    "a label below zero": (batch(labels=(1, 2, 3, -1)), "no integer in 0 … 9"),
    "a label of 2⁷⁰": (batch(labels=(1, 2, 3, 2**70)), "no integer in 0 … 9"),
    "a label in text": (batch(labels=(1, 2, 3, "4")), "no integer in 0 … 9"),
    "a boolean label": (batch(labels=(1, 2, 3, True)), "no integer in 0 … 9"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_pickle_of_something_else_is_refused(case):
    content, why = WRONG[case]
    with pytest.raises(DataError) as caught:
        parse_cifar_batch(content, "the/file")
    assert str(caught.value).startswith("the/file is no batch of CIFAR-10: ")
    assert why in str(caught.value)


def test_a_batch_that_wants_to_call_something_is_refused_by_its_name():
    with pytest.raises(DataError, match=r"^the/file wants to call os\.system, which minidl never"):
        parse_cifar_batch(b"cos\nsystem\n(S'true'\ntR.", "the/file")


# ------------------------------------------------------------------------------ the data set


@BOTH
def test_training_part_is_five_batches_and_test_part_one(put, tmp_path):
    training = CIFAR10(put(tmp_path / "data"))
    expected = np.concatenate([IMAGES[name] for name in NAMES[:5]])
    np.testing.assert_array_equal(training.images, expected)
    assert training.labels.tolist() == [label for name in NAMES[:5] for label in LABELS[name]]
    assert training.images.dtype == training.labels.dtype == np.uint8
    assert not training.images.flags.writeable
    assert not training.labels.flags.writeable

    test = CIFAR10(str(tmp_path / "data"), train=False)
    np.testing.assert_array_equal(test.images, IMAGES["test_batch"])
    assert test.class_names[8] == "ship"
    assert len(test.mean) == len(test.std) == 3
    assert test.source == (
        f"CIFAR-10, all 4 test images, from the folder given ({tmp_path / 'data'})."
    )


@BOTH
@pytest.mark.parametrize("folder", ["", "cifar-10", "cifar-10-batches-py"])
def test_root_may_hold_the_files_in_several_ways(put, folder, tmp_path):
    put(tmp_path / folder)
    assert len(CIFAR10(tmp_path)) == 20


def test_unpacked_files_come_before_the_archive(tmp_path):
    (packed(tmp_path) / ARCHIVE).write_bytes(b"not needed")
    unpacked(tmp_path / "cifar-10-batches-py")
    assert len(CIFAR10(tmp_path)) == 20


def test_only_the_files_of_the_asked_part_are_needed(tmp_path):
    assert len(CIFAR10(unpacked(tmp_path, {"test_batch": FILES[NAMES[5]]}), train=False)) == 4


def test_places_are_tried_in_their_order(tmp_path, monkeypatch):
    packed(cache_folder() / "cifar-10")
    assert f"from the cache ({cache_folder() / 'cifar-10'})." in CIFAR10().source
    monkeypatch.setenv("MINIDL_DATA", str(packed(tmp_path / "mine")))
    assert f"from $MINIDL_DATA ({tmp_path / 'mine'})." in CIFAR10().source


def test_without_files_anywhere_the_message_says_how_to_get_them():
    with pytest.raises(DataError) as caught:
        CIFAR10()
    for part in (
        *(CIFAR10.url, "download=True", "minidl data cifar10 --fetch", "root=…", "--data-dir"),
        *("$MINIDL_DATA", str(cache_folder())),
    ):
        assert part in str(caught.value)


def test_root_without_the_files_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"CIFAR10: no test_batch, and no cifar-10-python.tar.gz, "):
        CIFAR10(tmp_path, train=False)


def test_published_checksums_are_those_of_the_original(monkeypatch):
    monkeypatch.undo()
    files = {**CIFAR10.files[True], **CIFAR10.files[False]}
    assert list(files) == list(NAMES)
    assert all(len(checksum) == 32 for checksum in (*files.values(), CIFAR10.md5_of_archive))
    assert len(set(files.values())) == 6


# ------------------------------------------------------------------------- other files


@BOTH
def test_a_changed_pixel_is_noticed_although_the_file_is_well_formed(put, tmp_path):
    changed = IMAGES["test_batch"].copy()
    changed[2, 1, 0, 31] ^= 1
    content = python2_batch(changed, LABELS["test_batch"])
    put(tmp_path, {**FILES, "test_batch": content})
    with pytest.raises(DataError) as caught:
        CIFAR10(tmp_path, train=False)
    assert str(caught.value).endswith(
        f"test_batch is not CIFAR-10's test_batch: its MD5 is {md5(content)}, "
        f"expected {md5(FILES['test_batch'])}."
    )


def test_a_renamed_batch_is_recognised(tmp_path):
    unpacked(tmp_path, {**FILES, "data_batch_2": FILES["data_batch_4"]})
    with pytest.raises(DataError, match=r"\(it is data_batch_4\)\.$"):
        CIFAR10(tmp_path)


def test_an_archive_cut_anywhere_is_refused(tmp_path):
    content = archive_of({"test_batch": FILES["test_batch"]}, CIFAR10.folder)
    whole = gzip.decompress(content)
    end = 1024 + len(FILES["test_batch"])  # after it come only zeros
    for length in [*range(0, len(content) - 60, 101), 1, 9, 10, 11]:
        (tmp_path / ARCHIVE).write_bytes(content[:length])
        with pytest.raises(DataError, match=ARCHIVE):
            CIFAR10(tmp_path, train=False)
    for length in (0, 1, 511, 512, 600, 1023, 1024, 1025, end - 1):
        (tmp_path / ARCHIVE).write_bytes(gzip.compress(whole[:length]))
        with pytest.raises(DataError, match=ARCHIVE):
            CIFAR10(tmp_path, train=False)


def test_an_archive_with_other_names_is_refused(tmp_path):
    packed(tmp_path, inside="../cifar-10-batches-py")
    with pytest.raises(DataError, match="it lacks cifar-10-batches-py/test_batch"):
        CIFAR10(tmp_path, train=False)


def special(change):
    """An archive whose member isn't a file as it should be."""
    member = tarfile.TarInfo("cifar-10-batches-py/test_batch")
    change(member)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(member)
    return gzip.compress(buffer.getvalue())


def link(member):
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"


def device(member):
    member.type = tarfile.CHRTYPE


def huge(member):
    member.size = 1 << 40


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (link, "holds cifar-10-batches-py/test_batch as something else than a file"),
        (device, "holds cifar-10-batches-py/test_batch as something else than a file"),
        (huge, "of 1,099,511,627,776 bytes, more than the 33,554,432 allowed"),
    ],
)
def test_a_link_a_device_and_a_huge_member_are_refused(tmp_path, change, message):
    (tmp_path / ARCHIVE).write_bytes(special(change))
    with pytest.raises(DataError, match=message):
        CIFAR10(tmp_path, train=False)


def test_an_archive_that_unpacks_to_far_too_much_is_not_unpacked(tmp_path):
    def other(member):
        member.name, member.size = "other", 1 << 29

    zeros = gzip.compress(bytes(1 << 20)) * (1 << 9)  # 512 MiB in 540 kB
    (tmp_path / ARCHIVE).write_bytes(special(other) + zeros)
    with pytest.raises(DataError, match="unpacks to more than the 268,435,456 bytes allowed"):
        CIFAR10(tmp_path, train=False)


# ---------------------------------------------------------------------------- download


def test_download_goes_to_the_cache_and_is_found_there_afterwards(monkeypatch):
    asked = []

    def retrieve(url, known_hash, fname, path):
        asked.append((url, known_hash))
        return str(packed(path) / fname)

    monkeypatch.setitem(sys.modules, "pooch", types.SimpleNamespace(retrieve=retrieve))
    data = CIFAR10(download=True)
    assert data.source.endswith(f"from the cache ({cache_folder() / 'cifar-10'}).")
    assert asked == [(CIFAR10.url, "md5:c58f30108f718f92721af3b95e74349a")]
    assert CIFAR10().source == data.source
    CIFAR10(download=True)
    assert len(asked) == 1


def test_download_and_root_exclude_each_other(tmp_path):
    with pytest.raises(ArgumentError, match="download is True, expected False where root is given"):
        CIFAR10(tmp_path, download=True)


def test_download_without_pooch_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "minidl\[data\]"'):
        CIFAR10(download=True)
