"""`minidl data`."""

import sys

import pytest

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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
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
