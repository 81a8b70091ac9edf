"""A run that is killed, at any moment, and resumed ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minidl.files.tensor_file import read_tensors
from minidl.train import load_checkpoint

PROGRAM = Path(__file__).with_name("killed_runs.py")
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
SETTINGS = ("--data-dir", "bundled", "--limit", "120", "--epochs", "2", "--seed", "5")


def result(folder):
    """Everything that a run leaves but the times: every array's bytes, every figure."""
    arrays, _ = read_tensors(folder / "last.safetensors")
    state, _ = load_checkpoint(folder / "last.safetensors")
    weights = {name: (array.shape, array.tobytes()) for name, array in arrays.items()}
    places = {key: state[key] for key in ("loader", "schedule", "generators")}
    return weights, places, (folder / "metrics.jsonl").read_bytes()


def assert_ended_alike(folder, other):
    for mine, others in zip(result(folder), result(other), strict=True):
        assert mine == others
    assert not list(folder.glob(".*.partial"))


@pytest.mark.parametrize(("how", "least"), [("random", 20), ("writing", 30)])
def test_killed_runs_end_as_an_unbroken_one(tmp_path, how, least):
    done = subprocess.run(
        [sys.executable, PROGRAM, how, tmp_path],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= least
    killed = sorted(tmp_path.glob("run-*"))
    assert killed
    for folder in killed:
        assert_ended_alike(folder, tmp_path / "unbroken")


def command(*arguments):
    return [sys.executable, "-m", "minidl", "train", *map(str, arguments)]


def start(*arguments):
    return subprocess.Popen(
        command(*arguments),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path, process, seconds=60):
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    subprocess.run(
        command("lenet5", *SETTINGS, "--out", folder),
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
    )
    return folder


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_command_that_was_stopped_resumes_to_the_same_result(tmp_path, unbroken, sent, code):
    folder = tmp_path / "a run"  # with a blank: the shell's command must quote it
    process = start("lenet5", *SETTINGS, "--out", folder, "--checkpoint-every", 1)
    wait_for(folder / "last.safetensors", process)
    process.send_signal(sent)
    _, error = process.communicate()
    assert process.returncode == code
    if sent == signal.SIGKILL:
        assert error == ""
        again = command("lenet5", *SETTINGS, "--out", folder, "--resume")
    else:
        first, advice = error.strip().splitlines()
        assert "Stopped; its state is in" in first
        assert advice == f"minidl train --resume --out '{folder}'"
        again = command("--resume", "--out", folder)
    done = subprocess.run(again, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert "Continues in epoch" in done.stdout
    assert_ended_alike(folder, unbroken)


def test_a_second_ctrl_c_stops_within_a_step(tmp_path):
    (tmp_path / "slow.py").write_text(
        "import time\n"
        "from pathlib import Path\n"
        "from minidl import models, nn\n"
        "class Slow(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.fc = nn.Linear(784, 10)\n"
        "    def forward(self, x):\n"
        "        if self.training:\n"
        f"            Path({str(tmp_path / 'asleep')!r}).touch()\n"
        "            time.sleep(300)\n"
        "        return self.fc(x.flatten(1))\n"
        "@models.register\n"
        "def slow(num_classes=10):\n"
        "    return Slow()\n"
    )
    process = start("slow", *SETTINGS, "--out", tmp_path / "run", "--load", tmp_path / "slow.py")
    wait_for(tmp_path / "asleep", process)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)  # it waits for the step
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in error
