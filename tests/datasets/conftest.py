from pathlib import Path

import pytest

from minidl.datasets import FashionMNIST

FULL_DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture(autouse=True)
def no_data_but_the_bundled(monkeypatch, tmp_path):
    """Nothing on the machine that runs the tests decides what they find."""
    monkeypatch.delenv("MINIDL_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(FashionMNIST, "system_folder", str(tmp_path / "no system package"))


@pytest.fixture
def full_data():
    if not (FULL_DATA / "mnist").is_dir():
        pytest.skip(f"the full MNIST and Fashion-MNIST are not in {FULL_DATA}")
    return FULL_DATA
