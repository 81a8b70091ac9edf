"""`minidl summary`."""

import pytest


def test_lenet_table(minidl):
    code, out, _ = minidl("summary", "lenet5")
    assert code == 0
    assert "lenet5 (LeNet5), input 1×1×28×28" in out
    assert "416,520 MACs = 833,040 FLOPs" in out
    assert out.splitlines()[5].split() == ["conv1", "Conv2d", "1×6×28×28", "156", "117,600", "5×5"]


def test_options_reach_the_model(minidl):
    code, out, _ = minidl(
        *("summary", "lenet5", "--num-classes", 7, "--input", "2x3x28x28", "--depth", 0)
    )
    assert code == 0
    row = next(line for line in out.splitlines() if line.startswith("LeNet5  "))
    assert row.split()[:3] == ["LeNet5", "LeNet5", "2×7"]
    assert f"{61_706 + 2 * 150 - 3 * 85:,}" in row
    assert "conv1" not in out


def test_a_size_that_does_not_fit_prints_the_table_up_to_there(minidl):
    code, out, err = minidl("summary", "lenet5", "--input", "1x32x32")
    assert code == 2
    assert "conv2" in out
    assert "failed" in out
    assert [line.split()[:3] for line in out.splitlines() if "not run" in line] == [
        ["fc2", "Linear", "not"],
        ["fc3", "Linear", "not"],
    ]
    assert "kept for backward" not in out
    layer = "Linear(in_features=400, out_features=120, bias=True)"
    assert f"the layer fc1, {layer}, can't take its input 1×576" in err
    assert "nn.Linear(576, 120), or give the network images of the size that it was made f" in err
    assert err.endswith("\nlenet5 was made for images of 1×28×28.\n")


@pytest.mark.parametrize("size", ["28", "1x-3x4", "axb", "", "1x28x²"])
def test_a_size_that_is_none_is_an_error(minidl, size):
    code, _, err = minidl("summary", "lenet5", "--input", size)
    assert code == 2
    assert "size" in err or "--input" in err or "expected" in err


def test_html_page(minidl, tmp_path):
    assert minidl("summary", "lenet5", "--html", tmp_path / "table.html")[0] == 0
    page = (tmp_path / "table.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "416,520" in page


def test_a_model_without_a_card_needs_a_size(minidl, tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        "from minidl import nn\nfrom minidl.models import register\n"
        "@register\ndef own_summary_net():\n    return nn.Flatten()\n"
    )
    code, _, err = minidl("summary", "own_summary_net", "--load", file)
    assert (code, "--input" in err) == (2, True)


@pytest.mark.parametrize("command", ["summary", "profile", "draw"])
@pytest.mark.parametrize(
    ("model", "size", "card"),
    [("lenet5", "1x32x32", "1×28×28"), ("nin", "3x28x28", "3×224×224")],
)
def test_images_of_another_size_are_told_which_the_model_was_made_for(
    minidl, command, model, size, card
):
    code, _, err = minidl(command, model, "--input", size)
    assert code == 2
    assert err.endswith(f"\n{model} was made for images of {card}.\n")


@pytest.mark.parametrize("command", ["summary", "profile", "draw"])
@pytest.mark.parametrize(("size", "whole"), [("28", "1x28x28"), ("32x28", "1x32x28")])
def test_an_input_without_channels_is_told_how_to_write_it(minidl, command, size, whole):
    code, _, err = minidl(command, "lenet5", "--input", size)
    assert code == 2
    assert f"--input is {size}, expected three numbers" in err
    assert f"Write --input {whole}." in err
