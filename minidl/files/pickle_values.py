"""What a pickle may name, as a table of our own functions; the entries for plain values."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minidl.errors import DataError

__all__ = ["PLAIN", "Constructor", "Named", "UnknownNameError", "check_key", "printable"]

MAX_KEY_LENGTH = 1 << 12


@dataclass(frozen=True)
class Constructor:
    """What a pickle may use under one name: a trusted function that builds something inert.

    Both functions see values that can't be trusted; they check them and raise ValueError or
    TypeError, whose message the reader completes with file, position and name.

    Attributes:
        make: called with a REDUCE's arguments; None: the name may be mentioned, not called.
        fill: called with what `make` returned and a BUILD's state, once at most; None: it has
            no state.
        hashes: whether `make` puts the items it is given into a hash table.
        constant: what the name itself stands for, where it isn't called; None: for nothing.

    """

    make: Callable[..., Any] | None = None
    fill: Callable[[Any, Any], None] | None = None
    hashes: bool = False
    constant: Any = None


@dataclass(frozen=True)
class Named:
    """What GLOBAL pushes: a name and the table's entry of it; nothing was imported."""

    name: str
    constructor: Constructor


class UnknownNameError(DataError):
    """A pickle names something that isn't in the table; `name` is what."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


def printable(name: str) -> str:
    r"""A name for a message: as it is if it looks like one, else as a short literal.

    A terminal obeys what isn't printable: a file could hide a line, or write one.

    >>> printable("conv1.weight"), printable("\x1b[2J")
    ('conv1.weight', "'\\x1b[2J'")
    """
    return name if name.isprintable() and len(name) <= 100 else repr(name[:100])


def check_key(key: Any) -> Any:
    """`key` itself if it is fit for a dictionary or set: hashing and comparing it is quick.

    A tuple of tuples, each of the same one, takes exponential time to hash, and any number of
    tuples can be made to have the same hash; so can integers. Raises ValueError for anything but
    short strings, 64-bit integers, floats, booleans and None.
    """
    kind = type(key)
    if kind in (str, bytes):
        if len(key) > MAX_KEY_LENGTH:
            raise ValueError(f"a key of {len(key):,} characters")
    elif kind is int:
        if not -(1 << 63) <= key < 1 << 64:
            raise ValueError("a key of more than 64 bits")
    elif key is not None and kind not in (bool, float):
        raise ValueError(f"a {kind.__name__} as a key")
    return key


def _make_encoded(text: Any, encoding: Any) -> bytes:
    """`_codecs.encode`: how protocols 0 to 2 write bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise ValueError("bytes in an unknown form")
    return text.encode("latin1")


def _make_bytes() -> bytes:
    """`bytes()`: how protocols 0 to 2 write no bytes."""
    return b""


def _make_bytearray(content: Any = b"", encoding: Any = "latin-1") -> bytearray:
    if isinstance(content, str):
        content = _make_encoded(content, encoding)
    if not isinstance(content, bytes):
        raise ValueError(f"a bytearray of a {type(content).__name__}")
    return bytearray(content)


def _make_set(items: Any = ()) -> set[Any]:
    if not isinstance(items, list | tuple):
        raise ValueError(f"a set of a {type(items).__name__}")
    return {check_key(item) for item in items}


def _make_frozenset(items: Any = ()) -> frozenset[Any]:
    return frozenset(_make_set(items))


def _make_ordered_dict(pairs: Any = ()) -> OrderedDict[Any, Any]:
    if not isinstance(pairs, list | tuple) or any(
        not isinstance(pair, list | tuple) or len(pair) != 2 for pair in pairs
    ):
        raise ValueError("an OrderedDict of something else than pairs")
    return OrderedDict((check_key(key), value) for key, value in pairs)


def _fill_ordered_dict(target: OrderedDict[Any, Any], state: Any) -> None:
    """Nothing: attributes that somebody set on it, as PyTorch does, are not its content."""
    if not isinstance(state, dict):
        raise ValueError("attributes in something else than a dict")


def _named_in(modules: tuple[str, ...], makers: dict[str, Constructor]) -> dict[str, Constructor]:
    return {f"{module}.{name}": maker for module in modules for name, maker in makers.items()}


PLAIN: dict[str, Constructor] = {
    "_codecs.encode": Constructor(_make_encoded),
    "collections.OrderedDict": Constructor(_make_ordered_dict, _fill_ordered_dict, hashes=True),
    **_named_in(
        ("builtins", "__builtin__"),  # in Python 3, in Python 2
        {
            "bytes": Constructor(_make_bytes),
            "bytearray": Constructor(_make_bytearray),
            "set": Constructor(_make_set, hashes=True),
            "frozenset": Constructor(_make_frozenset, hashes=True),
        },
    ),
}
