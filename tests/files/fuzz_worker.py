"""Reads damaged files in a process of its own: `fuzz_worker.py TARGET FIRST COUNT FOLDER`.

Memory and the time per file are limited, and an audit hook sees every import, execution and open
that Python makes. Prints a JSON object: how many were read, how many refused, and what went wrong.
"""

import codecs
import contextlib
import json
import random
import resource
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from files.corruption import corrupted
from files.fuzz_targets import TARGETS

from minidl.errors import DataError

MEMORY = 1 << 30
"""Address space beyond what the process has when it starts reading."""

SECONDS = 1
"""Of processor time, for one file; a reader takes less than a millisecond."""

FORBIDDEN = (
    *("import", "exec", "compile", "open", "ctypes", "os.", "pickle.", "shutil.", "socket."),
    *("subprocess.", "tempfile.", "urllib.", "sys.addaudithook", "sys._"),
)
MOST_REPORTED = 5


class TooSlow(BaseException):
    """Not caught by any `except Exception` of the code under test."""


class Watch:
    """Notes what a reader does besides reading its file."""

    def __init__(self, path):
        self.path = str(path)
        self.active = False
        self.seen = []
        sys.addaudithook(self.hook)

    def hook(self, event, arguments):
        if not self.active or not event.startswith(FORBIDDEN):
            return
        self.active = False  # str() below may raise events of its own
        if event != "open" or str(arguments[0]) != self.path or arguments[1] not in ("rb", "r"):
            self.seen.append(f"{event} {str(arguments)[:80]}")
        self.active = True


def main(name, first, count, folder):
    target = TARGETS[name]
    path = Path(folder) / "damaged"
    seeds = target.seeds(Path(folder))
    signal.signal(signal.SIGPROF, stop)
    prepare(target, seeds, path)
    limit_memory()
    watch = Watch(path)
    report = {"read": 0, "refused": 0, "wrong": []}
    for number in range(first, first + count):
        rng = random.Random(f"{name} {number}")
        path.write_bytes(target.repair(corrupted(seeds, rng), rng))
        outcome = read_one(target, path, watch)
        if outcome in report:
            report[outcome] += 1
        else:
            report["wrong"].append(f"{name}, file {number}: {outcome}")
        if len(report["wrong"]) == MOST_REPORTED:
            break
    print(json.dumps(report))


def prepare(target, seeds, path):
    """Read the undamaged files, so that what Python imports at the first use is imported."""
    for seed in seeds:
        path.write_bytes(target.repair(seed, random.Random(0)))
        with contextlib.suppress(DataError, MemoryError, TooSlow), limited_time():
            target.read(path)
    for encoding in ("raw-unicode-escape", "utf-8", "latin1", "ascii"):
        codecs.lookup(encoding)


def limit_memory():
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def stop(signal_number, frame):
    raise TooSlow


@contextlib.contextmanager
def limited_time():
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def read_one(target, path, watch):
    """ "read", "refused", or what went wrong."""
    watch.active = True
    try:
        with limited_time():
            value = target.read(path)
        outcome = "read"
    except DataError as error:
        outcome = "refused"
        if str(path) not in str(error) or len(str(error)) > len(str(path)) + 1000:
            outcome = f"the message doesn't name the file, or is long: {str(error)[:200]}"
    except BaseException as error:
        outcome = f"{type(error).__name__}: {str(error)[:200]}"
    finally:
        watch.active = False
    if watch.seen:
        return f"it did {watch.seen.pop()}"
    if outcome == "read":
        try:
            target.check(value)
        except AssertionError as error:
            return f"it returned what it must not: {error}"
    return outcome


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
