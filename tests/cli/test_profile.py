"""`minidl profile`."""

import pytest


def test_lenet_tables_and_the_folder(minidl, tmp_path):
    pytest.importorskip("matplotlib")
    folder = tmp_path / "deep" / "folder"
    code, out, _ = minidl("profile", "lenet5", "--batch", 2, "--steps", 1, "--out", folder)
    assert code == 0
    assert "lenet5 (LeNet5), input 2×1×28×28, backend numpy" in out
    assert next(line for line in out.splitlines() if line.startswith("matmul")).split()[1:3] == [
        "3",
        "6",
    ]
    assert (folder / "profile.txt").read_text(encoding="utf-8") == out
    assert (folder / "profile.png").read_bytes().startswith(b"\x89PNG")


def test_forward_alone(minidl):
    code, out, _ = minidl("profile", "lenet5", "--batch", 1, "--steps", 1, "--forward-only")
    assert code == 0
    assert "conv2d" in out
    assert "conv2d_weight_grad" not in out


def test_the_size_is_one_images(minidl):
    code, _, err = minidl("profile", "lenet5", "--input", "2x1x28x28")
    assert code == 2
    assert "--batch" in err


def test_an_unknown_backend_is_refused(minidl):
    code, _, err = minidl("profile", "lenet5", "--backend", "nunpy")
    assert code == 2
    assert "nunpy" in err
