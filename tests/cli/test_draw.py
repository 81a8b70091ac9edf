"""`minidl draw`."""

import xml.etree.ElementTree as ET

import pytest


def test_a_picture_is_written_beside_one(minidl, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = minidl("draw", "lenet5")
    assert code == 0
    assert out.split(":")[0] == "lenet5.svg"
    assert "14 boxes" in out
    assert ET.parse(tmp_path / "lenet5.svg").getroot().get("viewBox")


def test_options_reach_the_picture(minidl, tmp_path):
    path = tmp_path / "net.svg"
    command = ("draw", "resnet20", "--depth", 2, "--out", path, "--num-classes", 7)
    assert minidl(*command, "--input", "4x40x48")[0] == 0
    svg = path.read_text(encoding="utf-8")
    assert "input 1×4×40×48" in svg
    assert "Linear 7" in svg
    assert "BasicBlock × 3" in svg
    assert minidl(*command, "--no-fold")[0] == 0
    assert "BasicBlock × 3" not in path.read_text(encoding="utf-8")


def test_training_draws_the_auxiliary_heads(minidl, tmp_path):
    path = tmp_path / "net.svg"
    for options, expected in (((), False), (("--training",), True)):
        assert minidl("draw", "googlenet", "--depth", 1, "--out", path, *options)[0] == 0
        assert ('data-path="aux2"' in path.read_text(encoding="utf-8")) is expected


def test_the_title_is_the_name_and_the_class(minidl, tmp_path):
    path = tmp_path / "net.svg"
    assert minidl("draw", "seresnet18", "--depth", 1, "--out", path)[0] == 0
    assert "<title>seresnet18 (ResNet)</title>" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["net.png", "net.pdf", "net"])
def test_a_file_of_another_format_is_refused(minidl, tmp_path, name):
    code, _, err = minidl("draw", "lenet5", "--out", tmp_path / name)
    assert code == 2
    assert f"draw: the file is {name}, expected a name that ends in .svg." in err
    assert not list(tmp_path.iterdir())


def test_what_does_not_fit_writes_nothing(minidl, tmp_path):
    path = tmp_path / "net.svg"
    code, _, err = minidl("draw", "lenet5", "--input", "1x32x32", "--out", path)
    assert code == 2
    assert "the layer fc1" in err
    assert not path.exists()


def test_a_folder_that_is_not_there_is_an_error(minidl, tmp_path):
    code, _, err = minidl("draw", "lenet5", "--out", tmp_path / "no" / "net.svg")
    assert (code, "folder" in err) == (2, True)
