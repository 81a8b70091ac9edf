"""Damaged files are refused with one kind of error that names them, whatever the damage.

Where a format has no checksum, a damaged file may be read; then what comes out has the dtype, shape
and bounds that the format promises. No reader crashes, hangs, fills the memory, imports, executes
or opens anything else.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from files.fuzz_targets import FAULTY, TARGETS

WORKER = Path(__file__).with_name("fuzz_worker.py")
FILES = 10_000


@pytest.fixture
def folder():
    """In memory where there is such a place: a disk takes longer to write than a reader to read."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield name


def fuzz(target, count, folder):
    result = subprocess.run(
        [sys.executable, str(WORKER), target, "0", str(count), folder],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, f"exit status {result.returncode}: {result.stderr[-2000:]}"
    return json.loads(result.stdout)


@pytest.mark.parametrize("target", [name for name in TARGETS if not name.startswith("faulty")])
def test_ten_thousand_damaged_files_are_read_within_bounds_or_refused(target, folder):
    report = fuzz(target, FILES, folder)
    assert report["wrong"] == []
    assert report["read"] + report["refused"] == FILES
    # Else the damage is so heavy, or so light, that little of the reader was tried.
    assert report["refused"] > FILES // 10
    assert report["read"] > FILES // 200 or target in ("checkpoint", "IDX in gzip")


@pytest.mark.parametrize("sign", FAULTY)
def test_a_faulty_reader_is_noticed(sign, folder):
    report = fuzz(f"faulty: {sign}", 150 if sign != "TooSlow" else 1, folder)
    assert any(sign in wrong for wrong in report["wrong"]), report
