"""The `minidl` command, called as a shell does but for the process."""

import subprocess
import sys

import pytest

from minidl.cli import main

REVERSED = '''
from minidl.backends import register
from minidl.backends.numpy import NumpyBackend

class Mine(NumpyBackend):
    """NumPy's, with a wrong relu."""

    def relu(self, x, *, out=None):
        return self.xp.add(x, 1.0)

register("{name}", Mine)
'''


@pytest.fixture
def minidl(monkeypatch, capsys):
    """Call it: (exit code, standard output, standard error)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["minidl", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "160")
        monkeypatch.setenv("TERM", "dumb")
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, captured.err

    return call


def test_help_names_every_command(minidl):
    code, out, _ = minidl("--help")
    assert code == 0
    for command in ("train", "check", "models", "backends"):
        assert command in out


def test_version(minidl):
    import minidl as package

    assert minidl("--version")[:2] == (0, f"minidl {package.__version__}\n")


def test_train_makes_the_run_folder(minidl, tmp_path):
    code, out, _ = minidl(
        *("train", "lenet5", "--data-dir", "bundled", "--limit", 64, "--epochs", 1),
        *("--batch-size", 16, "--lr", 0.01, "--seed", 3, "--out", tmp_path / "run"),
    )
    assert code == 0
    assert "test accuracy" in out
    assert (tmp_path / "run" / "metrics.jsonl").read_text().count("\n") == 1
    config = (tmp_path / "run" / "config.json").read_text()
    for setting in ('"batch_size": 16', '"lr": 0.01', '"seed": 3', '"epochs": 1'):
        assert setting in config


def test_train_reaches_fashion_mnist_too(minidl, tmp_path):
    code, out, _ = minidl(
        *("train", "lenet5_1998", "--data", "fashion-mnist", "--data-dir", "bundled"),
        *("--limit", 32, "--epochs", 1, "--out", tmp_path),
    )
    assert code == 0
    assert "Fashion-MNIST" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "lenet6"), "Did you mean lenet5?"),
        (("train", "lenet5", "--data", "cifar"), "There are: mnist"),
        (("train", "lenet5", "--backend", "abacus"), "There are: numpy"),
        (("train", "lenet5", "--epochs", "0"), "epochs"),
        (("train", "lenet5", "--backend", "meta", "--limit", "8"), "meta"),
        (("train", "lenet5", "--load", "no.py"), "no.py"),
        (("check", "abacus"), "There are: numpy"),
        (("check", "numpy", "--kernel", "sorcery"), "sorcery"),
    ],
)
def test_a_mistake_is_one_message_on_stderr_and_exit_code_2(minidl, tmp_path, arguments, message):
    out = ("--out", tmp_path, "--data-dir", "bundled") if arguments[0] == "train" else ()
    if "--data" in arguments:
        out = out[:2]
    code, _, err = minidl(*arguments, *out)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_check_passes_for_numpy(minidl):
    pytest.importorskip("hypothesis", reason="the conformance suite needs hypothesis")
    code, out, _ = minidl("check", "numpy", "--kernel", "relu", "--examples", 3)
    assert code == 0
    assert "relu" in out


def test_check_of_a_wrong_backend_exits_with_1(minidl, tmp_path):
    pytest.importorskip("hypothesis", reason="the conformance suite needs hypothesis")
    (tmp_path / "mine.py").write_text(REVERSED.format(name="wrong-relu"))
    code, out, _ = minidl(
        *("check", "wrong-relu", "--load", tmp_path / "mine.py"),
        *("--kernel", "relu", "--kernel", "tanh", "--examples", 3),
    )
    assert code == 1
    assert "fail" in out
    assert "tanh" in out


def test_check_of_a_kernel_that_is_named_and_missing_exits_with_1(minidl, tmp_path):
    pytest.importorskip("hypothesis", reason="the conformance suite needs hypothesis")
    (tmp_path / "only.py").write_text(
        "from minidl.backends import register\n"
        "from minidl.backends.numpy_arrays import NumpyArrays\n"
        "class Only(NumpyArrays): pass\n"
        "register('only-arrays', Only)\n"
    )
    code, out, _ = minidl(
        *("check", "only-arrays", "--load", tmp_path / "only.py", "--kernel", "conv2d")
    )
    assert code == 1
    assert "0 kernels pass, 0 fail, 1 is missing" in out
    assert "def conv2d(self, x, weight, bias=None, *, stride" in out


def test_lines_to_paste_load_the_file_and_fail_in_a_fresh_python(minidl, tmp_path):
    pytest.importorskip("hypothesis", reason="the conformance suite needs hypothesis")
    file = tmp_path / "mine.py"
    file.write_text(REVERSED.format(name="wrong-again"))
    _, out, _ = minidl(
        *("check", "wrong-again", "--load", file, "--kernel", "relu", "--examples", 3)
    )
    script = out[out.index("import runpy") : out.index("wrong-again: 0 kernels")]
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    message = out.split("A call that fails: ")[1].splitlines()[0].rstrip(".")
    assert done.stderr.splitlines()[-1].endswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ndef f(:\n", "SyntaxError"),
        ("import numpy\nimport no_such_module\n", "No module named 'no_such_module'"),
        ("def f():\n    return {}['key']\n\nf()\n", "KeyError: 'key'"),
        ("import numpy\nnumpy.reshape([1, 2], (3,))\n", "cannot reshape"),
    ],
)
def test_an_error_in_a_loaded_file_shows_its_lines_only(minidl, tmp_path, text, message):
    file = tmp_path / "broken.py"
    file.write_text(text)
    code, out, err = minidl("check", "mine", "--load", file)
    assert (code, out) == (2, "")
    assert err.startswith(f"minidl: --load: {file} could not be run.")
    assert message in err
    assert f'File "{file}", line ' in err
    files = [line for line in err.splitlines() if line.strip().startswith("File ")]
    assert all(str(file) in line for line in files)


def test_a_misspelt_kernel_is_named_when_the_file_is_loaded(minidl, tmp_path):
    file = tmp_path / "misspelt.py"
    file.write_text(REVERSED.format(name="misspelt").replace("def relu(", "def reluu("))
    code, _, err = minidl("check", "misspelt", "--load", file)
    assert code == 2
    assert "did you mean relu?" in err


def test_models_shows_the_parameters(minidl):
    code, out, _ = minidl("models")
    assert code == 0
    assert "lenet5" in out
    assert "61,706" in out


def test_backends_shows_what_each_implements(minidl):
    from minidl.backends import kernel_names

    code, out, _ = minidl("backends")
    assert code == 0
    total = len(kernel_names())
    assert f"{total} of {total}" in out
    assert "meta" in out


def test_an_unusable_backend_is_listed_with_the_reason(minidl, monkeypatch):
    import minidl.backends.registry as registry

    monkeypatch.setitem(registry._BUILT_IN, "broken", "minidl.no_such_module:Broken")
    code, out, _ = minidl("backends")
    assert code == 0
    assert "no_such_module" in out


def test_python_dash_m_minidl_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "minidl", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("minidl ")


def test_train_takes_a_folder_of_images(minidl, tmp_path):
    Image = pytest.importorskip("PIL.Image", reason="images are read with Pillow")
    for part in ("train", "test"):
        for name, level in (("dark", 40), ("light", 200)):
            folder = tmp_path / "images" / part / name
            folder.mkdir(parents=True)
            Image.new("L", (40, 30), level).save(folder / "1.png")
    code, out, _ = minidl(
        *("train", "lenet5", "--data", "folder", "--data-dir", tmp_path / "images"),
        *("--epochs", 1, "--out", tmp_path / "run"),
    )
    assert code == 0
    assert "2 images of 2 classes" in out
    assert '"num_classes": 2' in (tmp_path / "run" / "config.json").read_text()


def test_train_without_a_model_asks_for_one(minidl):
    code, _, err = minidl("train")
    assert code == 2
    assert "minidl models" in err


def test_train_resumes_only_with_the_settings_it_began_with(minidl, tmp_path):
    run = ("--data-dir", "bundled", "--limit", 32, "--epochs", 1, "--out", tmp_path)
    assert minidl("train", "lenet5", *run)[0] == 0
    code, out, _ = minidl("train", "lenet5", *run, "--resume")
    assert code == 0
    assert "This run has finished" in out
    code, _, err = minidl("train", "--resume", "--out", tmp_path, "--seed", 1)
    assert code == 2
    assert "its seed is 0, not 1" in err


def test_train_replaces_a_finished_run_only_when_told_to(minidl, tmp_path):
    run = ("train", "lenet5", "--data-dir", "bundled", "--limit", 32, "--epochs", 1)
    run += ("--out", tmp_path)
    assert minidl(*run)[0] == 0
    before = (tmp_path / "config.json").read_bytes()
    code, _, err = minidl(*run, "--seed", 1)
    assert code == 2
    assert "--overwrite" in err
    assert (tmp_path / "config.json").read_bytes() == before
    assert minidl(*run, "--seed", 1, "--overwrite", "--resume")[0] == 2
    assert minidl(*run, "--seed", 1, "--overwrite")[0] == 0
    assert '"seed": 1' in (tmp_path / "config.json").read_text()
    assert "--overwrite" in minidl("train", "--help")[1]
