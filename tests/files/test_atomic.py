"""A file is written whole, or stays what it was."""

import errno
import os
import resource
import signal
import subprocess
import sys

import pytest

from minidl.errors import DataError
from minidl.files.atomic import remove_leftovers, write_atomically

CALLS = ["open", "write", "fsync", "close", "replace"]
"""What writing asks of the system, in this order."""


def inject(monkeypatch, call, error):
    """Let the first call of os.`call` do nothing but raise; a close still closes."""
    original, calls = getattr(os, call), []

    def failing(*arguments, **options):
        calls.append(arguments)
        if call == "close":
            original(*arguments)
        if len(calls) == 1:
            raise error
        return original(*arguments, **options) if call != "close" else None

    monkeypatch.setattr(os, call, failing)
    return calls


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "note"
    write_atomically(path, b"first")
    write_atomically(path, "sécond")
    assert path.read_text() == "sécond"
    assert names(tmp_path) == ["note"]


def test_data_that_the_system_takes_in_pieces_is_written_whole(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    write_atomically(tmp_path / "a", bytes(range(256)))
    assert (tmp_path / "a").read_bytes() == bytes(range(256))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "the disk is full. Free some space"),
        (errno.EDQUOT, "the quota is used up"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "the disk reports an error"),
        (errno.EMFILE, "Too many open files"),
    ],
)
@pytest.mark.parametrize("existed", [True, False])
def test_a_failing_system_call_leaves_the_old_file(
    tmp_path, monkeypatch, call, number, message, existed
):
    path = tmp_path / "note"
    if existed:
        path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        inject(patch, call, OSError(number, os.strerror(number)))
        with pytest.raises(DataError, match=message) as raised:
            write_atomically(path, b"new")
    assert str(path) in str(raised.value)
    assert names(tmp_path) == (["note"] if existed else [])
    if existed:
        assert path.read_bytes() == b"old"


@pytest.mark.parametrize("call", CALLS)
def test_ctrl_c_leaves_the_old_file(tmp_path, monkeypatch, call):
    (tmp_path / "note").write_bytes(b"old")
    with monkeypatch.context() as patch:
        inject(patch, call, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            write_atomically(tmp_path / "note", b"new")
    assert names(tmp_path) == ["note"]
    assert (tmp_path / "note").read_bytes() == b"old"


def test_a_folder_that_cannot_be_synchronised_is_no_error(tmp_path, monkeypatch):
    """Some file systems have no fsync for folders; the file is in place by then."""
    fsync, calls = os.fsync, []

    def only_files(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    write_atomically(tmp_path / "note", b"new")
    assert len(calls) == 2
    assert (tmp_path / "note").read_bytes() == b"new"


def test_the_bytes_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    order = []
    for call in ("fsync", "replace"):
        original = getattr(os, call)
        monkeypatch.setattr(
            os, call, lambda *a, call=call, original=original: (order.append(call), original(*a))
        )
    write_atomically(tmp_path / "note", b"new")
    assert order == ["fsync", "replace", "fsync"]


def test_no_descriptor_stays_open(tmp_path, monkeypatch):
    before = len(os.listdir("/proc/self/fd"))
    write_atomically(tmp_path / "a", b"data")
    for call in CALLS:
        with monkeypatch.context() as patch:
            inject(patch, call, OSError(errno.EIO, "broken"))
            with pytest.raises(DataError):
                write_atomically(tmp_path / "a", b"data")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=r"its folder doesn't exist\. Make the folder first"):
        write_atomically(tmp_path / "missing" / "note", b"")


def test_a_folder_in_the_way_is_an_error_and_stays(tmp_path):
    (tmp_path / "note").mkdir()
    (tmp_path / "note" / "inside").write_text("kept")
    with pytest.raises(DataError, match="can't be written"):
        write_atomically(tmp_path / "note", b"")
    assert names(tmp_path) == ["note"]
    assert names(tmp_path / "note") == ["inside"]


def test_a_file_as_the_folder_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="its folder is a file"):
        write_atomically(tmp_path / "file" / "note", b"")


def test_a_name_that_is_too_long_is_an_error(tmp_path):
    with pytest.raises(DataError, match="too long"):
        write_atomically(tmp_path / ("x" * 300), b"")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into read-only folders")
def test_a_read_only_folder_is_an_error(tmp_path):
    (tmp_path / "note").write_bytes(b"old")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(DataError, match="may not be written"):
            write_atomically(tmp_path / "note", b"new")
        assert (tmp_path / "note").read_bytes() == b"old"
    finally:
        tmp_path.chmod(0o700)


def test_a_link_stays_a_link_to_the_new_content(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_limit_on_the_size_of_files_leaves_the_old_file(tmp_path):
    """A real failure half way through the bytes, as on a disk that fills up."""
    (tmp_path / "note").write_bytes(b"old")
    script = (
        "from minidl.files.atomic import write_atomically\n"
        f"write_atomically({str(tmp_path / 'note')!r}, bytes(100_000))\n"
    )

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that write fails instead
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    done = subprocess.run(
        [sys.executable, "-c", script],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "DataError" in done.stderr
    assert "files of this size aren't allowed" in done.stderr
    assert names(tmp_path) == ["note"]
    assert (tmp_path / "note").read_bytes() == b"old"


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / "note").write_bytes(b"old")
    script = (
        "import os, signal\n"
        "from minidl.files.atomic import write_atomically\n"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"write_atomically({str(tmp_path / 'note')!r}, b'new')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 2
    (tmp_path / ".download.1.partial").write_bytes(b"somebody else's")
    remove_leftovers(tmp_path / "note")
    assert names(tmp_path) == [".download.1.partial", "note"]
    assert (tmp_path / "note").read_bytes() == b"old"
