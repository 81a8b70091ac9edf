"""What the command that compares all networks does where one disagrees, or its process fails."""

import subprocess
import sys
from pathlib import Path

import pytest
from models.references import NOT_PUBLISHED, PUBLISHED

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FACTS = {
    **{"minidl": "0", "backend": "numpy", "numpy": "2", "blas": "B", "blas_kernel": "K"},
    **{"torch": "2", "instructions": "I", "torchvision": "0", "timm": "1"},
    "limits": {
        **{"float32": 1e-4, "float64": 1e-9},
        **dict.fromkeys(("loss", "gradients", "statistics"), 1e-6),
    },
    **{"batch": 4, "classes": 5},
}
FIGURES = {
    **{"parameters": 1234567, "float32": 1e-6, "float64": 1e-15, "loss": 1e-15},
    **{"gradients": 2.5e-12, "statistics": None, "misses": [], "peak_bytes": 2**30},
}


@pytest.fixture
def command(monkeypatch):
    """The command's module, and its `measured`, to be replaced: {network: figures or None}."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import agreement

    answers = {}

    def measured(script, *arguments, threads):
        if arguments == ("--facts",):
            return FACTS
        found = answers.get(arguments[1], FIGURES)
        if found is None:
            raise subprocess.CalledProcessError(-9, ["python"])
        return found

    monkeypatch.setattr(agreement, "measured", measured)
    yield agreement, answers
    for name in list(sys.modules):
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def run(agreement, monkeypatch, path):
    monkeypatch.setattr(sys, "argv", ["agreement.py", "--out", str(path)])
    agreement.main()


def test_the_table_has_every_network_and_the_reasons_of_the_others(command, monkeypatch, tmp_path):
    agreement, _ = command
    run(agreement, monkeypatch, tmp_path / "table.md")
    text = (tmp_path / "table.md").read_text()
    figures = "1,234,567 | 1.0e-06 | 1.0e-15 | 1.0e-15 | 2.5e-12 | – | 0 | 1.0 GiB |"
    for name, reference in PUBLISHED.items():
        height, width = reference.image
        start = f"| {name} | {reference.library} {reference.name} | {height}×{width} | "
        assert f"{start}{figures}\n" in text
    assert all(f"| {name} | {why} |\n" in text for name, why in NOT_PUBLISHED.items())
    assert f"All {len(PUBLISHED)} networks agree" in text
    assert "failed" not in text


@pytest.mark.parametrize(
    ("answer", "cell"),
    [
        ({**FIGURES, "gradients": 2e-6, "misses": ["gradients"]}, "**2.0e-06, failed**"),
        ({**FIGURES, "float32": float("nan"), "misses": ["float32"]}, "**nan, failed**"),
        (None, "**failed, exit status -9**"),
    ],
)
def test_a_network_that_fails_is_in_the_table_and_fails_the_command(
    command, monkeypatch, tmp_path, answer, cell
):
    agreement, answers = command
    answers["vgg16"] = answer
    with pytest.raises(SystemExit, match=r"Failed: vgg16\."):
        run(agreement, monkeypatch, tmp_path / "table.md")
    text = (tmp_path / "table.md").read_text()
    (row,) = [line for line in text.splitlines() if line.startswith("| vgg16 |")]
    assert cell in row
    (head,) = [line for line in text.splitlines() if line.startswith("| network | reference")]
    assert row.count("|") == head.count("|")
    assert f"1 of {len(PUBLISHED)} networks don't agree: vgg16." in text
    assert "networks agree within" not in text
