"""`minidl eval`."""

import numpy as np
import pytest
from PIL import Image

import minidl as package
from minidl import models
from minidl.train import Recipe, run
from minidl.train.trained import SHIPPED

pytestmark = pytest.mark.usefixtures("no_data_but_the_bundled")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run of a moment, with its history."""
    import io

    from rich.console import Console

    folder = tmp_path_factory.mktemp("run") / "lenet"
    history = run(
        "lenet5",
        data_dir="bundled",
        recipe=Recipe(epochs=1, batch_size=32, lr=0.05),
        limit=320,
        out=folder,
        console=Console(file=io.StringIO()),
    )
    return folder, history[-1]


def test_figures_of_the_shipped_weights(minidl):
    code, out, _ = minidl("eval", SHIPPED)
    assert code == 0
    assert "lenet5, trained on mnist" in out
    assert "MNIST, a subset of 2,000 test images" in out
    row = next(line.split() for line in out.splitlines() if line.startswith("0 "))
    assert row[0] == "0"
    assert int(row[1]) > 195
    assert row[-1].endswith("%")


def test_a_run_folder_is_evaluated_on_its_data(minidl, run_folder):
    folder, _ = run_folder
    code, out, _ = minidl("eval", folder)
    assert code == 0
    assert "lenet5, trained on mnist" in out
    assert minidl("eval", folder / "last.safetensors")[1].splitlines()[1:] == out.splitlines()[1:]


def test_batch_size_changes_no_figure(minidl, run_folder):
    folder, _ = run_folder
    one, other = (minidl("eval", folder, "--batch-size", size)[1] for size in (7, 2000))
    assert one == other


def test_confusion_rows_sum_to_the_images_of_a_class(minidl):
    _, out, _ = minidl("eval", SHIPPED)
    rows = [line.replace("·", "0").split() for line in out.splitlines() if line[:1].isdigit()]
    counts = np.array([[int(cell) for cell in row[1:11]] for row in rows])
    assert counts.sum(axis=1).tolist() == [200] * 10
    right = counts.diagonal().sum()
    assert f"{right / 2000:.2%}, {right:,} of 2,000 images" in out


def test_out_writes_the_picture(minidl, tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    code, out, _ = minidl("eval", SHIPPED, "--out", tmp_path / "a")
    assert code == 0
    assert (tmp_path / "a" / "confusion.png").read_bytes().startswith(b"\x89PNG")
    assert "confusion.png" in out


def test_names_of_classes_stand_beside_the_rows(minidl):
    _, out, _ = minidl("eval", SHIPPED, "--data", "fashion-mnist", columns=80)
    assert "9 Ankle boot" in out
    assert "taken for" in out
    assert max(map(len, out.splitlines()[2:-1])) <= 80


def test_weights_alone_need_the_names(minidl, tmp_path):
    path = tmp_path / "weights.safetensors"
    package.save(models.create("lenet5").state_dict(), path)
    code, _, err = minidl("eval", path)
    assert code == 2
    assert "doesn't say of which model" in err
    code, _, err = minidl("eval", path, "--model", "lenet5")
    assert code == 2
    assert "--data" in err
    assert minidl("eval", path, "--model", "lenet5", "--data", "mnist")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no such file",), "no such file"),
        ((SHIPPED, "--data", "mnits"), "Did you mean mnist?"),
        ((SHIPPED, "--data-dir", "no such folder"), "no such folder"),
        ((SHIPPED, "--backend", "nunpy"), "Did you mean numpy?"),
        ((SHIPPED, "--model", "lenet5_1998"), "lenet5"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(minidl, arguments, message):
    code, out, err = minidl("eval", *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_a_folder_without_a_checkpoint_is_named(minidl, tmp_path):
    code, _, err = minidl("eval", tmp_path)
    assert code == 2
    assert "no checkpoint" in err


def test_a_model_of_other_classes_is_refused(minidl, tmp_path):
    path = tmp_path / "three.safetensors"
    from minidl.train.checkpoint import save_checkpoint

    state = {"model": models.create("lenet5", num_classes=3).state_dict()}
    config = {"model": "lenet5", "options": {"num_classes": 3}, "data": "mnist"}
    save_checkpoint(path, state, config)
    code, _, err = minidl("eval", path)
    assert code == 2
    assert "distinguishes 3 classes" in err


def test_a_model_of_ones_own_folder_knows_its_classes(minidl, tmp_path):
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for name, color in (("red", (220, 30, 30)), ("blue", (30, 30, 220))):
            (tmp_path / "own" / part / name).mkdir(parents=True)
            for n in range(3):
                noisy = np.clip(rng.normal(color, 20, (40, 50, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(noisy).save(tmp_path / "own" / part / name / f"{n}.png")
    settings = ("--data", "folder", "--data-dir", tmp_path / "own", "--out", tmp_path / "run")
    assert minidl("train", "resnet20", *settings, "--epochs", 1, "--batch-size", 2)[0] == 0
    code, out, _ = minidl("eval", tmp_path / "run")
    assert code == 0
    assert f"resnet20, trained on {tmp_path / 'own'}" in out
    assert "of 6 images" in out
    names = {line.split()[0] for line in out.splitlines() if line}
    assert {"red", "blue"} <= names
    picture = tmp_path / "own" / "test" / "red" / "0.png"
    code, out, _ = minidl("predict", picture, "--weights", tmp_path / "run")
    assert code == 0
    assert "the middle 32×32 cut out" in out
    assert "red" in out.splitlines()[-1].removeprefix(str(picture))
