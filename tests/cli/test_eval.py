"""`minidl eval`."""

import numpy as np
import pytest
from PIL import Image

import minidl as package
from minidl import models
from minidl.models import registry
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
    assert "MNIST, a subset of 2,000 test images, bundled with minidl." in out
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


def biased(number, classes):
    """Weights of a LeNet-5 whose every answer is the class `number`."""
    weights = models.create("lenet5", num_classes=classes).state_dict()
    weights["fc3.bias"] = package.tensor(1000 * np.eye(classes, dtype=np.float32)[number])
    return weights


def test_the_most_frequent_mistakes_are_named_truth_first(minidl, tmp_path):
    """Every image is answered with 7: all others are taken for it, and it for nothing."""
    package.save(biased(7, 10), tmp_path / "seven.safetensors")
    arguments = ("--model", "lenet5", "--data", "mnist")
    _, out, _ = minidl("eval", tmp_path / "seven.safetensors", *arguments)
    most = out.splitlines()[-1]
    assert most == "Most often: 0 taken for 7 (200×), 1 taken for 7 (200×), 2 taken for 7 (200×)."


def test_of_many_classes_the_worst_are_shown_worst_first():
    """Class 3 has no images: it is neither good nor bad."""
    from minidl.cli.eval import _worst_table

    matrix = np.diag([9, 1, 5, 0, *[10] * 10])
    matrix[:, 13] += [1, 9, 5, 0, *[0] * 10]
    table = _worst_table(matrix, tuple(f"class {k}" for k in range(14)))
    names, images, shares = (list(column.cells) for column in table.columns)
    assert [str(name) for name in names[:4]] == ["class 1", "class 2", "class 0", "class 4"]
    assert images[:4] == ["10", "10", "10", "10"]
    assert shares[:4] == ["10.0%", "50.0%", "90.0%", "100.0%"]


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


def test_a_model_of_ones_own_needs_its_file(minidl, tmp_path):
    (tmp_path / "own.py").write_text(
        "from minidl import models\n"
        "@models.register\n"
        "def model_of_a_student(num_classes=10):\n"
        "    return models.create('lenet5', num_classes=num_classes)\n"
    )
    settings = ("--data-dir", "bundled", "--limit", 32, "--epochs", 1, "--out", tmp_path / "run")
    load = ("--load", tmp_path / "own.py")
    assert minidl("train", "model_of_a_student", *settings, *load)[0] == 0
    del registry._makers["model_of_a_student"]  # as in another process
    for command in (("eval", tmp_path / "run"), ("train", "--resume", "--out", tmp_path / "run")):
        code, out, err = minidl(*command)
        assert (code, out) == (2, "")
        assert "model_of_a_student, a model of your own" in err
        assert "--load FILE" in err
        assert minidl(*command, *load)[0] == 0
        del registry._makers["model_of_a_student"]


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
