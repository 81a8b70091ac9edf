"""Files of torch.save that end too early, are missing or too large; and whole ones."""

import numpy as np
import pytest
from interop.torch_files import NUMBERS, archive, legacy, state, tensor

import minidl
from minidl.errors import DataError
from minidl.interop.torch_file import is_torch_file, read_torch

GOOD = archive(state(x=tensor()))
WHOLE = legacy(state(x=tensor()))


def test_the_files_that_are_broken_in_these_tests_are_read_while_they_are_whole(tmp_path):
    for content in (GOOD, WHOLE):
        (tmp_path / "x").write_bytes(content)
        np.testing.assert_array_equal(read_torch(tmp_path / "x")["x"], NUMBERS.reshape(2, 3))


@pytest.mark.parametrize("content", [GOOD, WHOLE], ids=["zip", "legacy"])
def test_every_truncation_is_refused(tmp_path, content):
    path = tmp_path / "x"
    for end in range(1, len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(DataError, match=str(path)):
            minidl.load(path)


def test_what_cannot_be_opened_is_said(tmp_path):
    (tmp_path / "folder").mkdir()
    for name_of in ("missing", "folder", "nul\0"):
        assert not is_torch_file(tmp_path / name_of)
        with pytest.raises(DataError):
            minidl.load(tmp_path / name_of)
    with pytest.raises(DataError, match="missing can't be read: No such file"):
        read_torch(tmp_path / "missing")
    (tmp_path / "x").write_bytes(GOOD)
    with pytest.raises(DataError, match="more than the 100 allowed"):
        read_torch(tmp_path / "x", max_bytes=100)
