import gzip
import inspect
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from minidl.datasets import BUNDLED, CIFAR10, MNIST, FashionMNIST, cache_folder
from minidl.datasets.idx import encode_idx, gzip_idx
from minidl.errors import ArgumentError, DataError, DTypeError, MissingDependencyError

BOTH = pytest.mark.parametrize("dataset", [MNIST, FashionMNIST])
NAMES = (
    *("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    *("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)


def put(dataset, folder, raw=False):
    """Copy the bundled files of a set into a folder, as a user would have them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        stored = (BUNDLED / dataset.subfolders[0] / f"{name}.gz").read_bytes()
        if raw:
            (folder / name).write_bytes(gzip.decompress(stored))
        else:
            (folder / f"{name}.gz").write_bytes(stored)
    return folder


# ------------------------------------------------------------------ the bundled subset


@BOTH
@pytest.mark.parametrize(("train", "per_class"), [(True, 1000), (False, 200)])
def test_bundled_subset_has_as_many_images_of_every_class(dataset, train, per_class):
    data = dataset(train=train)
    assert np.bincount(data.labels).tolist() == [per_class] * 10
    assert data.images.shape == (10 * per_class, 28, 28)
    assert data.images.dtype == data.labels.dtype == np.uint8


@BOTH
def test_bundled_training_and_test_images_are_disjoint_and_distinct(dataset):
    images = np.concatenate([dataset(train=train).images for train in (True, False)])
    assert len({image.tobytes() for image in images}) == 12000


@BOTH
def test_bundled_classes_are_mixed_so_that_any_batch_has_most_of_them(dataset):
    labels = dataset().labels
    for start in range(0, 10000, 100):
        assert len(set(labels[start : start + 100].tolist())) >= 8


@BOTH
def test_bundled_files_come_with_their_licence(dataset):
    text = (BUNDLED / dataset.subfolders[0] / "LICENSE.txt").read_text(encoding="utf-8")
    owner = {"mnist": "Yann LeCun", "fashion-mnist": "© 2017 Zalando SE"}
    licence = {"mnist": "Attribution-Share Alike 3.0", "fashion-mnist": "MIT License"}
    assert owner[dataset.subfolders[0]] in text
    assert licence[dataset.subfolders[0]] in text


def test_bundled_files_stay_small():
    assert sum(file.stat().st_size for file in BUNDLED.rglob("*.gz")) < 7.3e6


@BOTH
def test_changed_pixel_is_noticed_although_the_file_is_well_formed(dataset, tmp_path):
    folder = put(dataset, tmp_path / "data")
    images = dataset(train=False).images.copy()
    images[77, 14, 14] ^= 1
    (folder / f"{NAMES[2]}.gz").write_bytes(gzip_idx(images))
    with pytest.raises(DataError, match=f"is not {dataset.title}'s {NAMES[2]}: the MD5 of its"):
        dataset(train=False, root=folder)


@BOTH
@pytest.mark.parametrize("train", [True, False])
def test_bundled_images_are_in_the_right_part_of_the_full_set(full_data, dataset, train):
    subset, full = dataset(train=train), dataset(train=train, root=full_data)
    label_of = {image.tobytes(): label for image, label in full}
    assert [label_of[image.tobytes()] for image in subset.images] == subset.labels.tolist()
    other = {image.tobytes() for image in dataset(train=not train, root=full_data).images}
    assert not other & {image.tobytes() for image in subset.images}


@BOTH
def test_mean_and_std_are_those_of_all_training_pixels(full_data, dataset):
    pixels = dataset(root=full_data).images / 255.0
    assert dataset.training_mean == (round(pixels.mean(), 4),)
    assert dataset.training_std == (round(pixels.std(), 4),)


def test_bundling_again_gives_the_same_files(full_data, tmp_path, monkeypatch, capsys):
    source = Path(__file__).resolve().parents[2] / "tools" / "bundle_data.py"
    namespace = {"__name__": "bundle_data", "__file__": str(source)}
    exec(compile(source.read_text(encoding="utf-8"), str(source), "exec"), namespace)
    monkeypatch.setattr(sys, "argv", ["bundle_data", str(full_data), "--output", str(tmp_path)])
    namespace["main"]()
    assert capsys.readouterr().out.count(", as known\n") == 8
    for bundled in BUNDLED.rglob("*.gz"):
        again = tmp_path / bundled.relative_to(BUNDLED)
        assert gzip.decompress(again.read_bytes()) == gzip.decompress(bundled.read_bytes())


# --------------------------------------------------------------------- where it is found


def test_bundled_subset_is_used_when_there_is_nothing_else():
    assert MNIST().source == (
        "MNIST, a subset of 10,000 training images, from the subset bundled with minidl "
        f"({BUNDLED / 'mnist'})."
    )


@BOTH
def test_full_set_says_so(full_data, dataset):
    data = dataset(train=False, root=full_data)
    assert len(data) == 10000
    folder = full_data / dataset.subfolders[0]
    assert (
        data.source == f"{dataset.title}, all 10,000 test images, from the folder given ({folder})."
    )


@BOTH
@pytest.mark.parametrize("raw", [True, False], ids=["raw", "gz"])
@pytest.mark.parametrize("which", [None, 0, 1], ids=["directly", "own name", "torchvision"])
def test_root_may_hold_the_files_in_several_ways(dataset, which, raw, tmp_path):
    root = tmp_path / "data"
    folder = put(dataset, root if which is None else root / dataset.subfolders[which], raw)
    data = dataset(train=False, root=str(root))
    assert data.source.endswith(f"from the folder given ({folder}).")
    assert data.images.tobytes() == dataset(train=False).images.tobytes()


@BOTH
@pytest.mark.parametrize("missing", NAMES[:2])
def test_root_that_lacks_a_file_is_an_error_and_not_passed_over(dataset, missing, tmp_path):
    put(dataset, cache_folder() / dataset.subfolders[0])
    root = put(dataset, tmp_path / "data")
    (root / f"{missing}.gz").unlink()
    with pytest.raises(DataError) as caught:
        dataset(root=root)
    first, second = dataset.subfolders
    assert str(caught.value) == (
        f"{dataset.__name__}: no {NAMES[0]} and {NAMES[1]} (with .gz or without) in root = {root}, "
        f"nor in its {first}/, {second}/. Without root, the other places are tried."
    )


def test_only_the_files_of_the_asked_part_are_needed(tmp_path):
    root = put(MNIST, tmp_path / "data")
    for name in NAMES[:2]:
        (root / f"{name}.gz").unlink()
    assert len(MNIST(root, train=False)) == 2000


def test_places_are_tried_in_their_order(tmp_path, monkeypatch):
    sources = [FashionMNIST(train=False).source]
    put(FashionMNIST, cache_folder() / "fashion-mnist")
    sources.append(FashionMNIST(train=False).source)
    put(FashionMNIST, Path(FashionMNIST.system_folder))
    sources.append(FashionMNIST(train=False).source)
    monkeypatch.setenv("MINIDL_DATA", str(put(FashionMNIST, tmp_path / "mine")))
    sources.append(FashionMNIST(train=False).source)
    put(FashionMNIST, tmp_path / "root")
    sources.append(FashionMNIST(tmp_path / "root", train=False).source)
    starts = ["the subset bundled", "the cache", "the system's", "$MINIDL_DATA", "the folder given"]
    for source, start in zip(sources, starts, strict=True):
        assert f"test images, from {start}" in source


def test_bundled_as_root_asks_for_the_subset_although_there_is_another(tmp_path):
    put(MNIST, cache_folder() / "mnist")
    assert str(BUNDLED) in MNIST(BUNDLED).source


def test_minidl_data_that_lacks_the_set_is_named_in_the_source(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    assert MNIST(train=False).source.endswith(
        f"({BUNDLED / 'mnist'}); $MINIDL_DATA ({tmp_path}) lacks {NAMES[2]} or {NAMES[3]}."
    )


def test_minidl_data_that_is_no_folder_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path / "typo"))
    with pytest.raises(DataError, match=r"MINIDL_DATA names .*typo, which is not a folder"):
        MNIST()


def test_empty_minidl_data_is_the_same_as_none(monkeypatch):
    monkeypatch.setenv("MINIDL_DATA", "")
    assert "MINIDL_DATA" not in MNIST(train=False).source


def test_cache_follows_xdg_and_falls_back_to_the_home_folder(tmp_path, monkeypatch):
    assert cache_folder() == tmp_path / "cache" / "minidl"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for invalid in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", invalid)
        assert cache_folder() == tmp_path / "home" / ".cache" / "minidl"


# ----------------------------------------------------------------------- arguments


@pytest.mark.parametrize("dataset", [MNIST, FashionMNIST, CIFAR10])
def test_arguments_stand_in_torchvisions_order(dataset, tmp_path):
    names = list(inspect.signature(dataset).parameters)
    assert names[:3] == ["root", "train", "download"]
    with pytest.raises(DataError, match=f"root = {tmp_path}"):
        dataset(tmp_path)


@pytest.mark.parametrize("dataset", [MNIST, FashionMNIST, CIFAR10])
@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((False,), {}, r"root is False, expected a folder or None\. .*\(train=False\)"),
        ((None, "yes"), {}, "train is 'yes', expected True or False"),
        ((None, 1), {}, "train is 1, expected True or False"),
        ((None, True, abs), {}, "download is <built-in function abs>, expected True or False"),
        ((), {"transform": abs}, r"transform=.*Give it to the loader: DataLoader"),
        ((), {"target_transform": abs}, r"target_transform=.*Change the labels themselves"),
        ((), {"tarin": True}, "no argument 'tarin'. Did you mean train"),
    ],
)
def test_misplaced_and_foreign_arguments_are_explained(dataset, arguments, options, message):
    with pytest.raises(DTypeError, match=f"{dataset.__name__}: .*{message}"):
        dataset(*arguments, **options)


def test_arguments_of_torchvision_that_change_nothing_are_accepted():
    assert len(MNIST(train=False, transform=None, target_transform=None)) == 2000


# ----------------------------------------------------------------------- mixed-up files


def test_file_of_the_other_set_is_recognised(tmp_path):
    with pytest.raises(DataError) as caught:
        MNIST(put(FashionMNIST, tmp_path / "data"), train=False)
    assert "is not MNIST's t10k-images-idx3-ubyte" in str(caught.value)
    assert str(caught.value).endswith("(it is Fashion-MNIST's t10k-images-idx3-ubyte).")


def test_renamed_part_is_recognised(tmp_path):
    root = put(MNIST, tmp_path / "data")
    shutil.copy(root / f"{NAMES[2]}.gz", root / f"{NAMES[0]}.gz")
    with pytest.raises(DataError, match=r"\(it is MNIST's t10k-images-idx3-ubyte\)\.$"):
        MNIST(root)


def test_images_and_labels_exchanged_are_recognised(tmp_path):
    root = put(MNIST, tmp_path / "data")
    shutil.copy(root / f"{NAMES[3]}.gz", root / f"{NAMES[2]}.gz")
    with pytest.raises(DataError, match=r"has 1 dimension.*expected 3"):
        MNIST(root, train=False)


def test_other_images_in_the_same_format_are_refused(tmp_path):
    root = put(MNIST, tmp_path / "data", raw=True)
    (root / NAMES[2]).write_bytes(encode_idx(np.zeros((2000, 28, 28), np.uint8)))
    with pytest.raises(DataError, match=r"expected 2646ac647ad5339dbf082846283269ea\.$"):
        MNIST(root, train=False)


def test_full_images_with_the_subsets_labels_are_refused(full_data, tmp_path):
    root = put(MNIST, tmp_path / "data")
    shutil.copy(full_data / "mnist" / f"{NAMES[2]}.gz", root / f"{NAMES[2]}.gz")
    with pytest.raises(DataError, match="don't belong together"):
        MNIST(root, train=False)


# ---------------------------------------------------------------------------- download


@pytest.fixture
def server(monkeypatch):
    """A pooch whose network has the bundled files; it records what it was asked for."""
    asked = []

    def retrieve(url, known_hash, fname, path):
        asked.append((url, known_hash))
        dataset = FashionMNIST if "fashion" in url else MNIST
        path.mkdir(parents=True, exist_ok=True)
        shutil.copy(BUNDLED / dataset.subfolders[0] / fname, path / fname)
        return str(path / fname)

    monkeypatch.setitem(sys.modules, "pooch", types.SimpleNamespace(retrieve=retrieve))
    return asked


@BOTH
def test_download_goes_to_the_cache_and_is_found_there_afterwards(dataset, server):
    data = dataset(train=False, download=True)
    folder = cache_folder() / dataset.subfolders[0]
    assert data.source.endswith(f"from the cache ({folder}).")
    assert server == [
        (f"{dataset.url}{file.name}.gz", f"md5:{file.md5_of_gzip}") for file in dataset.files[False]
    ]
    assert dataset(train=False).source == data.source
    dataset(train=False, download=True)
    assert len(server) == 2


def test_nothing_is_downloaded_unless_asked_for(server):
    MNIST()
    assert server == []


def test_download_and_root_exclude_each_other(server, tmp_path):
    with pytest.raises(ArgumentError, match="download is True, expected False where root is given"):
        MNIST(tmp_path, download=True)
    assert server == []


def test_download_without_pooch_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "minidl\[data\]"'):
        MNIST(download=True)


@pytest.mark.parametrize("error", [OSError("no route to host"), ValueError("MD5 differs")])
def test_failed_download_names_the_address_and_the_cause(monkeypatch, error):
    def retrieve(*args, **kwargs):
        raise error

    monkeypatch.setitem(sys.modules, "pooch", types.SimpleNamespace(retrieve=retrieve))
    with pytest.raises(DataError) as caught:
        MNIST(download=True)
    assert str(caught.value) == (
        f"{MNIST.url}{NAMES[0]}.gz could not be fetched into {cache_folder() / 'mnist'}: {error}"
    )


def test_real_pooch_takes_a_file_that_is_in_the_folder_without_the_network(tmp_path):
    pytest.importorskip("pooch", reason="pooch (minidl[data]) is not installed")
    import hashlib

    from minidl.datasets.places import download

    (tmp_path / "file.gz").write_bytes(b"content")
    checksum = f"md5:{hashlib.md5(b'content').hexdigest()}"
    assert download("https://unreachable.invalid/file.gz", checksum, tmp_path) == (
        tmp_path / "file.gz"
    )


def test_published_files_are_the_ones_the_table_knows(full_data):
    for dataset in (MNIST, FashionMNIST):
        for file in (*dataset.files[True], *dataset.files[False]):
            path = full_data / dataset.subfolders[0] / f"{file.name}.gz"
            ndim = 3 if "images" in file.name else 1
            assert dataset._read(path, file, ndim)[1]
