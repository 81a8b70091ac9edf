"""How much a pickle may build: bounded by the bytes that it took to say it.

One byte can make a container of a few hundred, recall a megabyte to be copied, or set a key that a
dictionary has to look for past all the others. Each of these is counted in bytes, and refused when
the sum is beyond what any honest pickle needs:

    FREE + PER_BYTE · (bytes read so far)

A count is never given back, so it bounds the time as well as the memory.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from minidl.files.pickle_stream import PickleStream

__all__ = ["Budget"]

FREE = 1 << 24
PER_BYTE = 16
"""The pickle of a network's weights needs about ten."""

CONTAINER = 128
"""What a container takes besides itself: the collector's header, a place on the stack, the notes
of those who check it."""

ENTRY = 64
"""A key and its value, in a dictionary that was just doubled."""

LOOKS_PER_BYTE = 8
"""How many places of a hash table may be looked at for the price of a byte."""


class Budget:
    """Counts for one pickle."""

    def __init__(self, source: PickleStream) -> None:
        self.source = source
        self.spent = 0

    def spend(self, amount: int) -> None:
        """Count so many bytes; raise DataError if they are too many."""
        self.spent += amount
        if self.spent > FREE + PER_BYTE * self.source.opcode_at:
            self.source.refuse("what it builds grows far beyond the file's size")

    def container(self, value: Any) -> None:
        """A new object."""
        self.spend(sys.getsizeof(value) + CONTAINER)

    def keys(self, keys: Sequence[Any], size: int) -> None:
        """Keys that come into a table of `size` entries.

        Numbers that meet at the same places of a table are easily found: each may then be compared
        with all others. Text is safe: how Python hashes it is secret and new in every process.
        """
        numbers = sum(type(key) not in (str, bytes) for key in keys)
        self.spend(ENTRY * len(keys) + numbers * (size + len(keys)) // LOOKS_PER_BYTE)

    def arguments(self, values: Any, hashed: bool) -> None:
        """What a constructor is given: it may copy it, or make a hash table of it.

        What stands once in the file and is recalled a thousand times would else be copied a
        thousand times.
        """
        for value in values if isinstance(values, tuple) else (values,):
            if isinstance(value, str | bytes | bytearray):
                self.spend(len(value))
            elif isinstance(value, tuple | list | dict):
                size = len(value)
                self.spend(ENTRY * size + hashed * size * size // LOOKS_PER_BYTE)
