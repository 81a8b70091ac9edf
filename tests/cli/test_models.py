"""`minidl models`."""

import fnmatch

import pytest

import minidl as package
from minidl import models as zoo


def names_in(out):
    lines = out.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("─")) + 1
    return [line.split()[0] for line in lines[start:] if not line.startswith(("top-1", "minidl"))]


def test_every_model_is_listed_by_name(minidl):
    code, out, _ = minidl("models")
    assert code == 0
    names = names_in(out)
    assert sorted(names) == zoo.list()
    assert names.index("resnet18") < names.index("resnet50") < names.index("resnet101")


def test_a_row_says_what_the_card_says(minidl):
    _, out, _ = minidl("models", "lenet5*")
    row = out.splitlines()[2].split()
    assert row[:3] == ["lenet5", "1998", "LeCun:"]
    assert row[-4:] == ["1×28×28", "61,706", "417", "K"]


def test_a_pattern_filters(minidl):
    _, out, _ = minidl("models", "*net*[05]*")
    assert sorted(names_in(out)) == fnmatch.filter(zoo.list(), "*net*[05]*")


def test_a_part_of_names_filters(minidl):
    assert names_in(minidl("models", "inception")[1]) == [
        "inception_v2",
        "inception_v3",
        "inception_v4",
    ]


@pytest.mark.parametrize("column", ["name", "year", "paper", "input", "parameters", "macs", "top1"])
def test_any_column_sorts(minidl, column):
    code, out, _ = minidl("models", "*", "--sort", column)
    assert code == 0
    assert sorted(names_in(out)) == zoo.list()


def test_figures_sort_from_the_largest_and_without_one_last(minidl):
    names = names_in(minidl("models", "--sort", "macs")[1])
    macs = [zoo.card(name).macs for name in names if zoo.card(name)]
    assert macs == sorted(macs, reverse=True)
    names = names_in(minidl("models", "--sort", "top1")[1])
    known = [zoo.card(name) is not None and zoo.card(name).top1 is not None for name in names]
    assert known == sorted(known, reverse=True)


@pytest.mark.parametrize("columns", [80, 160])
def test_a_line_per_model_fits_the_terminal(minidl, columns):
    _, out, _ = minidl("models", columns=columns)
    assert max(map(len, out.splitlines())) <= columns
    assert len(names_in(out)) == len(zoo.list())


def test_a_narrow_list_names_the_author_and_no_crumb_of_the_title(minidl):
    row = minidl("models", "shufflenet", columns=80)[1].splitlines()[2].split()
    assert row[:4] == ["shufflenet_v1_g1", "2017", "Zhang", "3×224×224"]


def test_one_model_shows_its_card_and_its_layers(minidl):
    code, out, _ = minidl("models", "lenet5")
    assert code == 0
    for words in ("Proceedings of the IEEE", "61,706", "416,520", "LeNet Architecture", "conv1"):
        assert words in out


def words_of(card):
    """Everything that a card says, as a reader would look for it."""
    paper, asked = card.paper, card.preprocessing
    yield from (paper.title, paper.authors, str(paper.year), paper.venue, paper.lecture)
    yield from ("×".join(map(str, card.input)), f"{card.num_classes:,}")
    yield from (f"{card.parameters:,}", f"{card.macs:,}", card.reference, card.notes)
    yield "none known" if card.top1 is None else f"{card.top1} %, {card.top1_source}"
    if asked is None:
        yield "as they are in the data set"
    else:
        yield f"resized to {asked.resize} pixels ({asked.interpolation})"
        yield f"the middle {asked.crop}×{asked.crop}"
        yield f"{asked.channel_order}:"


@pytest.mark.parametrize("name", ["lenet5", "resnet34", "googlenet_2014", "inception_v4", "nin"])
def test_everything_of_the_card_is_shown_in_80_columns(minidl, name):
    out = minidl("models", name, columns=80)[1]
    shown = out.split("\n\n")[0]
    assert max(map(len, shown.splitlines())) <= 80
    flowing = " ".join(shown.split())
    for words in words_of(zoo.card(name)):
        assert " ".join(words.split()) in flowing


@pytest.mark.parametrize(
    ("name", "pixels"),
    [
        ("resnet18", "from 0 to 1, less 0.485, 0.456, 0.406, divided by 0.229, 0.224, 0.225 (red,"),
        ("inception_v4", "from 0 to 1, less 0.5, divided by 0.5 channels RGB: red first"),
        ("inception_v2", "from 0 to 255, less 128, 117, 104 (red, green, blue) channels BGR: blue"),
    ],
)
def test_a_card_shows_how_pixels_are_normalised(minidl, name, pixels):
    assert pixels in " ".join(minidl("models", name, columns=80)[1].split())


def test_a_model_without_a_card_shows_its_parameters(minidl, tmp_path):
    (tmp_path / "own.py").write_text(
        "from minidl import models, nn\n"
        "@models.register\n"
        "def without_a_card(num_classes=10):\n"
        "    return nn.Linear(3, num_classes)\n"
    )
    code, out, _ = minidl("models", "without_a_card", "--load", tmp_path / "own.py")
    assert code == 0
    assert "40" in out
    assert minidl("models", "without*")[0] == 0
    assert names_in(minidl("models", "--sort", "year")[1])[-1] == "without_a_card"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lenet6",), "Did you mean lenet5?"),
        (("lenet5", "--sort", "yaer"), "Did you mean year?"),
        (("nothing*",), "no model's name matches"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(minidl, arguments, message):
    code, out, err = minidl("models", *arguments)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("command", ["models", "summary", "profile", "draw", "train"])
def test_a_class_that_is_not_registered_is_told_how(minidl, tmp_path, command):
    path = tmp_path / "own.py"
    path.write_text("from minidl import nn\nclass Net(nn.Module):\n    pass\n")
    code, out, err = minidl(command, "Net", "--load", path)
    assert (code, out) == (2, "")
    assert f"Net is in {path}, but not registered" in err
    assert "@models.register" in err


@pytest.mark.parametrize("command", ["summary", "profile", "draw", "train"])
def test_messages_begin_with_no_name_of_a_python_function(minidl, command):
    code, _, err = minidl(command, "lenet6")
    assert code == 2
    assert "Did you mean lenet5?" in err
    for name in ("card:", "create:", "Recipe:"):
        assert name not in err


def test_a_message_about_weights_begins_with_their_file(minidl, tmp_path):
    package.save(zoo.create("lenet5").state_dict(), tmp_path / "w.safetensors")
    _, _, err = minidl("predict", "--weights", tmp_path / "w.safetensors", tmp_path / "x.png")
    assert err.startswith(f"minidl: {tmp_path / 'w.safetensors'} holds weights only")
