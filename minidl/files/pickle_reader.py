"""Pickles read as data: plain values and arrays, and nothing is imported or executed.

Python's `pickle.load` runs what the file says; a file from elsewhere can run anything. This reader
has a stack machine of its own (`pickle_machine`) and builds

    None, bool, int, float, str, bytes, bytearray      tuple, list, dict, set, frozenset
    OrderedDict                                        NumPy arrays, scalars and dtypes of numbers

from pickles of protocols 0 to 5, also those of Python 2. Whatever else a pickle names is refused by
its name. Time and memory are bounded by the size of the file (`pickle_budget`), and nothing that is
nested too deeply, or in itself, or repeated without end, is handed out.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, NoReturn

from minidl.errors import ArgumentError, DataError, fail
from minidl.files.pickle_machine import PickleMachine
from minidl.files.pickle_numpy import NUMPY
from minidl.files.pickle_opcodes import run
from minidl.files.pickle_stream import PickleStream
from minidl.files.pickle_values import PLAIN, Constructor, Named, UnknownNameError

__all__ = ["Constructor", "Named", "UnknownNameError", "read_pickle"]

MAX_BYTES = 1 << 26
MAX_DEPTH = 100
FREE_ITEMS = 1 << 20
"""How many items the value may have beyond one per byte of the file."""

ENCODINGS = ("ASCII", "latin1", "bytes")


def read_pickle(
    source: bytes | BinaryIO,
    name: str,
    *,
    encoding: str = "ASCII",
    constructors: Mapping[str, Constructor] | None = None,
    persistent_load: Callable[[Any], Any] | None = None,
    max_bytes: int = MAX_BYTES,
) -> Any:
    r"""The value in a pickle.

    >>> import pickle
    >>> read_pickle(pickle.dumps({"epoch": 3, "loss": [0.5, 0.25]}), "state.pkl")
    {'epoch': 3, 'loss': [0.5, 0.25]}
    >>> read_pickle(b"cos\nsystem\n(S'rm x'\ntR.", "state.pkl")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
      ...
    minidl.files.pickle_values.UnknownNameError: state.pkl wants to call os.system, which ...

    Dictionary keys and members of sets are short strings, numbers, booleans and None.

    Raises DataError, naming the file and the position in it, if it is no whole pickle, names
    something unknown, or is larger, deeper or more repetitive than any honest one.

    Args:
        source: the bytes of one pickle, or a seekable stream; a stream is left behind the
            pickle's end, where another may follow.
        name: what messages call the source: the path.
        encoding: of Python 2's strings: "ASCII", "latin1", or "bytes", which leaves them bytes.
        constructors: what the pickle may name besides, such as
            {"torch._utils._rebuild_tensor_v2": Constructor(our_own_function)}.
        persistent_load: makes the object that the pickle refers to by an identity.
        max_bytes: the most that are read.

    """
    if encoding not in ENCODINGS:
        fail("read_pickle", "encoding", repr(encoding), f"one of {', '.join(ENCODINGS)}",
             error=ArgumentError)  # fmt: skip
    if isinstance(source, bytes) and len(source) > max_bytes:
        raise DataError(f"{name} has {len(source):,} bytes, more than the {max_bytes:,} allowed.")
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    stream = PickleStream(file, name, max_bytes)
    machine = PickleMachine(
        stream, {**PLAIN, **NUMPY, **(constructors or {})}, persistent_load, encoding
    )
    value = run(machine)
    _check_structure(value, FREE_ITEMS + stream.opcode_at, stream.refuse)
    if isinstance(source, bytes) and stream.opcode_at + 1 != len(source):
        stream.refuse("bytes follow after its end")
    return value


def _check_structure(root: Any, max_items: int, refuse: Callable[[str], NoReturn]) -> None:
    """Refuse what is dangerous to walk: too deep, within itself, or repeated without end.

    Each container is visited once, and its size counted as often as it occurs: ten lists, each
    of ten references to the next one, are 10¹⁰ items to whoever prints or copies them.
    """
    sizes: dict[int, int] = {}  # by id(), of containers that are done: their items, all levels
    path: dict[int, tuple[Any, Iterator[Any], list[int]]] = {}  # from the root to here

    def enter(value: Any) -> None:
        if len(path) >= MAX_DEPTH:
            refuse(f"its values are nested deeper than {MAX_DEPTH} levels")
        inside = value.values() if isinstance(value, dict) else value
        path[id(value)] = (value, iter(inside), [len(value)])

    holder = [root]
    enter(holder)
    while path:
        key, (_, items, size) = next(reversed(path.items()))
        for item in items:
            if isinstance(item, Named):
                refuse(f"{item.name} stands in it as a value")
            if not isinstance(item, list | tuple | dict):
                continue
            if id(item) in path:
                refuse("one of its values contains itself")
            if id(item) not in sizes:
                enter(item)
                break
            size[0] += sizes[id(item)]
        else:
            del path[key]
            sizes[key] = size[0]
            if size[0] > max_items:
                refuse("it repeats the same values so often that they can't be gone through")
            if path:
                next(reversed(path.values()))[2][0] += size[0]
