"""The bytes of a pickle, and the ways its opcodes write their arguments.

    fixed     a number of a struct format: BININT is `<i`
    counted   a length, then so many bytes: BINUNICODE is `<I` and UTF-8
    line      text up to a newline (protocol 0): INT is decimal

Every read knows how much is left: a length that the file can't hold is refused before anything is
allocated for it.

Source: the comments of Python's Lib/pickletools.py, which define the format.
"""

from __future__ import annotations

import re
import struct
from typing import Any, BinaryIO, NoReturn

from minidl.errors import DataError

__all__ = ["PickleStream"]

MAX_LONG_BYTES = 1024
"""The longest integer read. Decimal ones are held to 4,300 digits by Python itself."""

_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\\": b"\\", b"'": b"'", b'"': b'"'}


class PickleStream:
    """Reads arguments from a seekable stream, from where it stands.

    Raises DataError from any method if the file ends too early or its bytes aren't what the
    method reads; the message names the file and the position of the opcode.

    Attributes:
        stream: the file.
        name: what messages call it.
        opcode_at: where the opcode stands whose arguments are read now, from the pickle's start.

    """

    def __init__(self, stream: BinaryIO, name: str, max_bytes: int) -> None:
        self.stream = stream
        self.name = name
        start = stream.tell()
        self._size = self._left = min(stream.seek(0, 2) - start, max_bytes)
        stream.seek(start)
        self.opcode_at = 0

    def refuse(self, what: str, cause: Exception | None = None) -> NoReturn:
        """Raise the DataError that says where and why this pickle isn't read."""
        raise DataError(
            f"{self.name} can't be read: {what} (the pickle's byte {self.opcode_at:,})."
        ) from cause

    def opcode(self) -> bytes:
        """The next opcode, one byte."""
        self.opcode_at = self._size - self._left
        return self.read(1)

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes."""
        content = self.stream.read(size) if size <= self._left else b""
        if len(content) != size:
            self.refuse(f"it breaks off: {size:,} bytes more are needed, {self._left:,} are left")
        self._left -= size
        return content

    def fixed(self, layout: str) -> Any:
        """One number, in the struct format `layout`."""
        return struct.unpack(layout, self.read(struct.calcsize(layout)))[0]

    def counted(self, layout: str) -> bytes:
        """As many bytes as the number before them says."""
        size = self.fixed(layout)
        if size < 0:
            self.refuse(f"a length of {size}")
        return self.read(size)

    def counted_integer(self, layout: str) -> int:
        """A counted integer: two's complement, little-endian; no bytes are 0."""
        size = self.fixed(layout)
        if not 0 <= size <= MAX_LONG_BYTES:
            self.refuse(f"an integer of {size:,} bytes; {MAX_LONG_BYTES:,} are the most")
        return int.from_bytes(self.read(size), "little", signed=True)

    def utf8(self, layout: str) -> str:
        """A counted text; like Python's, its UTF-8 may hold halves of surrogate pairs."""
        return self.text(self.counted(layout), "utf-8", "surrogatepass")

    def frame(self) -> None:
        """The length of the frame that follows, which only promises that it is all there."""
        if (size := self.fixed("<Q")) > self._left:
            self.refuse(f"it breaks off: {size:,} bytes more are needed, {self._left:,} are left")

    def line(self) -> bytes:
        """The text up to the next newline, without it."""
        content = self.stream.readline(self._left)
        self._left -= len(content)
        if not content.endswith(b"\n"):
            self.refuse("it breaks off within a line")
        return content[:-1]

    def decimal(self) -> int:
        """A line that is an integer in decimal."""
        return self.integer_in(self.line())

    def integer_in(self, text: bytes) -> int:
        """What a decimal text says; Python 2 wrote some with an L behind."""
        try:
            return int(text.removesuffix(b"L"))
        except ValueError as error:
            self.refuse(f"{_shortened(text)} is no integer", error)

    def decimal_float(self) -> float:
        """A floating point number in decimal."""
        text = self.line()
        try:
            return float(text)
        except ValueError as error:
            self.refuse(f"{_shortened(text)} is no number", error)

    def quoted(self) -> bytes:
        """A string as Python 2's repr() wrote it, in quotes and with escapes."""
        text = self.line()
        if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in (b"'", b'"'):
            self.refuse(f"{_shortened(text)} is no string in quotes")
        return _ESCAPE.sub(self._unescaped, text[1:-1])

    def name_line(self) -> str:
        """A line that names something: a module, an attribute, an object elsewhere."""
        return self.text(self.line(), "utf-8")

    def text(self, content: bytes, encoding: str, errors: str = "strict") -> str:
        """`content` decoded."""
        try:
            return content.decode(encoding, errors)
        except UnicodeDecodeError as error:
            self.refuse(f"{_shortened(content)} is not text in {encoding}", error)

    def _unescaped(self, match: re.Match[bytes]) -> bytes:
        escape = match[1]
        if len(escape) == 3:
            return bytes([int(escape[1:], 16)])
        if escape not in _ESCAPED:
            self.refuse(f"a string with the unknown escape {match[0]!r}")
        return _ESCAPED[escape]


def _shortened(content: bytes) -> str:
    return repr(content if len(content) <= 40 else content[:40] + b"...")
