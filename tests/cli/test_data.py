"""`minidl data`."""

import sys

import pytest
from PIL import Image

from minidl.datasets import places

pytestmark = pytest.mark.usefixtures("no_data_but_the_bundled")


def test_every_data_set_is_listed_with_its_size_and_place(minidl):
    code, out, _ = minidl("data", columns=80)
    assert code == 0
    row = next(line.split() for line in out.splitlines() if line.startswith("mnist"))
    assert row == [
        *("mnist", "28×28", "grey", "10,000", "2,000", "10", "CC", "BY-SA", "3.0", "bundled")
    ]
    assert "fashion-mnist" in out
    assert max(map(len, out.splitlines())) <= 80


def test_what_is_not_found_is_listed_with_the_command_that_fetches_it(minidl, tmp_path):
    code, out, _ = minidl("data", "--data-dir", tmp_path)
    assert code == 0
    assert "not found: minidl data mnist --fetch" in out


def test_one_data_set_shows_its_classes(minidl):
    code, out, _ = minidl("data", "fashion-mnist", "--data-dir", "bundled")
    assert code == 0
    assert "Fashion-MNIST, a subset of 10,000 training images" in out
    row = next(line.split() for line in out.splitlines() if "Ankle boot" in line)
    assert row == ["9", "Ankle", "boot", "1,000", "200"]


def test_picture_shows_images_of_each_class(minidl, tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    path = tmp_path / "digits.png"
    assert minidl("data", "mnist", "--picture", path)[0] == 0
    assert path.read_bytes().startswith(b"\x89PNG")


def test_fetch_without_pooch_says_what_to_install(minidl, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    code, _, err = minidl("data", "mnist", "--fetch")
    assert code == 2
    assert 'pip install "minidl[data]"' in err


def test_fetch_without_network_is_one_message(minidl, monkeypatch):
    pooch = pytest.importorskip("pooch", reason="downloads need pooch")

    def no_network(*arguments, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(pooch, "retrieve", no_network)
    code, _, err = minidl("data", "mnist", "--fetch")
    assert code == 2
    assert "could not be fetched" in err
    assert "no route to host" in err


def test_fetch_downloads_both_parts_to_the_cache(minidl, monkeypatch):
    fetched = []

    def download(url, checksum, folder):
        fetched.append(url.rsplit("/", 1)[1])
        (found,) = places.BUNDLED.glob(f"mnist/{fetched[-1]}")
        return found

    monkeypatch.setattr("minidl.datasets.mnist.download", download)
    assert minidl("data", "mnist", "--fetch")[0] == 0
    assert len(fetched) == 4


@pytest.fixture
def pictures(tmp_path):
    """One's own images, of different sizes: three cats and one dog to train on, one of each."""
    counts = {"train/cat": 3, "train/dog": 1, "test/cat": 1, "test/dog": 1}
    for folder, count in counts.items():
        (tmp_path / "pets" / folder).mkdir(parents=True)
        for n in range(count):
            Image.new("RGB", (20 + n, 30)).save(tmp_path / "pets" / folder / f"{n}.png")
    return tmp_path / "pets"


def test_ones_own_folder_shows_its_classes(minidl, pictures):
    code, out, _ = minidl("data", "folder", "--data-dir", pictures)
    assert code == 0
    assert "4 images of 2 classes" in out
    row = next(line.split() for line in out.splitlines() if "cat" in line)
    assert row == ["0", "cat", "3", "1"]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("train", "Did you mean --data-dir {pictures}?"),
        ("train/cat", "has no folder train nor test. Name the one that holds train/ and test/"),
        ("nowhere", "nowhere doesn't exist"),
        ("train/cat/0.png", "0.png is no folder"),
    ],
)
def test_a_folder_that_holds_no_parts_is_explained(minidl, pictures, place, message):
    for command in (("data", "folder"), ("train", "lenet5", "--data", "folder")):
        code, _, err = minidl(*command, "--data-dir", pictures / place)
        assert code == 2
        assert message.format(pictures=pictures) in err
        assert "ImageFolder" not in err


def test_a_wrong_minidl_data_is_not_hidden(minidl, monkeypatch, tmp_path):
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path / "typo"))
    code, out, err = minidl("data")
    assert code == 2
    assert "not found" not in out
    assert err.count("MINIDL_DATA names") == 1


def test_damaged_files_are_not_called_missing(minidl, tmp_path):
    (tmp_path / "mnist").mkdir()
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (tmp_path / "mnist" / name).write_bytes(b"damaged")
    code, out, err = minidl("data", "--data-dir", tmp_path)
    assert code == 2
    assert "train-images-idx3-ubyte" in err
    assert "not found: minidl data fashion-mnist --fetch" in out
    assert "not found: minidl data mnist" not in out


def test_what_is_not_found_says_the_command_that_fetches_it(minidl):
    code, _, err = minidl("data", "cifar10")
    assert code == 2
    assert "minidl data cifar10 --fetch" in err
    assert "--data-dir" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("folder",), "needs --data-dir DIR"),
        (("folder", "--fetch"), "can't be fetched"),
        (("--data-dir", "no such folder"), "no such folder"),
        (("mnits",), "Did you mean mnist?"),
        (("--fetch",), "needs the name of a data set"),
        (("--picture", "a.png"), "needs the name of a data set"),
        (("mnist", "--fetch", "--data-dir", "bundled"), "leave out --data-dir"),
        (("mnist", "--data-dir", "no such folder"), "no such folder"),
        (("mnist", "--picture", "no/such/folder/a.png"), "can't be written"),
        (("mnist", "--picture", "a.jpg"), ".png"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(minidl, arguments, message):
    code, _, err = minidl("data", *arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
