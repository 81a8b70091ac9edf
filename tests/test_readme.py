"""The README's Python runs, its commands exist, and its links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from minidl import models

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
README_TEXT = README.read_text(encoding="utf-8") if README.exists() else ""

pytestmark = pytest.mark.skipif(not README.exists(), reason="needs the repository")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README_TEXT, re.MULTILINE | re.DOTALL)


def block_with(text):
    (found,) = [block for block in blocks("python") if text in block]
    return found


def python(*arguments, cwd):
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_lenet_by_hand_learns(tmp_path):
    done = python("-c", block_with("optimizer.step()"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) < 1.0  # 2.3 before training


def test_the_networks_are_all_there(tmp_path):
    """Endings stand for the name before with that ending: `shufflenet_v1_g1` `_g2`."""
    table = README_TEXT.partition("## The lecture's networks")[2].partition("```")[0]
    named = set()
    for row in table.splitlines():
        last = ""
        names, _, _ = row.rpartition("|")[0].rpartition("|")
        for name in re.findall(r"`(\w+)`", names.replace("each with `_bn`", "")):
            last = re.sub(r"_(g\d|x\d_\d)$", name, last) if name.startswith("_") else name
            named.add(last)
    named |= {f"vgg{n}_bn" for n in (11, 13, 16, 19)}  # "each with", and "…"
    named |= {f"plain{n}" for n in (32, 44, 56)} | {f"efficientnet_b{n}" for n in range(1, 7)}
    assert named == set(models.list())
    files = set(re.findall(r"`(\w+\.py)`", table))
    assert all((ROOT / "minidl" / "models" / name).exists() for name in files)
    done = python("-c", block_with("analysis.summary"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "11,181,642" in done.stdout  # with ten classes
    assert done.stdout.endswith("11689512\n")


def test_the_backend_of_ones_own_passes_its_check(tmp_path):
    pytest.importorskip("hypothesis", reason="the conformance suite needs hypothesis")
    (tmp_path / "my_backend.py").write_text(block_with('register("mine"'))
    (command,) = re.findall(r"^minidl (check mine .*)$", README_TEXT, re.MULTILINE)
    done = python("-m", "minidl", *command.split(), "--examples", "5", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MyBackend" in done.stdout
    graded = block_with('register("mine"') + block_with("assert_conforms")
    done = python("-c", graded, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_network_of_ones_own_trains_and_is_summarised(tmp_path):
    (tmp_path / "my_net.py").write_text(block_with("@models.register"))
    commands = re.findall(
        r"^minidl ((?:summary|train) my_net --load .*)$", README_TEXT, re.MULTILINE
    )
    summary, training, _ = (command.split("#")[0].split() for command in commands)
    done = python("-m", "minidl", *summary, cwd=tmp_path)
    assert "1,370" in done.stdout, done.stderr  # 8·9 + 8 and 10·128 + 10
    short = ["--epochs", "1", "--limit", "64", "--data-dir", "bundled"]
    done = python("-m", "minidl", *training, *short, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "test accuracy" in done.stdout


def test_every_make_target_named_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make ([a-z-]+)", README_TEXT, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_path_named_exists():
    text = README_TEXT
    paths = re.findall(r"\]\(([^)#:]+)\)", text)
    paths += re.findall(r"`((?:minidl|kernels|tests|benchmarks|\.ci)/[\w./]*)`", text)
    assert len(paths) > 15
    assert [path for path in paths if not (ROOT / path).exists()] == []
