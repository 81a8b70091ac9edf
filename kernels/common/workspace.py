"""A small pool of large buffers: `empty(shape, dtype)` like NumPy's, without the fresh pages.

An array just obtained from the operating system has no memory yet. Each of its 4 KiB pages is
found, zeroed and mapped when it is first written, which costs about three times what the
writing itself does; and the library gives big arrays back as soon as they die, so the next one
pays again. A training step allocates the same sizes over and over: columns, activations,
gradients. Keeping the dead ones and handing them out again removes that cost.

A buffer is handed out again only when nobody else holds it. Every array `empty` returns is a view
whose `base` is the buffer, and so is every view of that view, so the buffer's own reference count
tells: it must be the count of a buffer that only the pool holds. Nothing is ever freed by hand.
"""

from __future__ import annotations

import math
import os
import sys
import threading
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

SMALL = 64 * 1024
"""Arrays of fewer bytes come from np.empty: the C library keeps and reuses such blocks itself."""


def _references(buffers: list[Array], index: int) -> int:
    return sys.getrefcount(buffers[index])


def _view(buffer: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    view: Array = buffer.view(dtype).reshape(shape)
    return view


# How many references a buffer has when only its list holds it. Measured, because what
# sys.getrefcount counts of the call itself differs between versions of Python.
_ALONE = _references([np.empty(1, np.uint8)], 0)


class Workspace:
    """A pool that tracks at most `limit` bytes, those in use included; safe between threads.

    >>> pool = Workspace()
    >>> first = pool.empty((512, 512), "float32")
    >>> row = first[3]
    >>> del first  # `row` still looks into the buffer, so it is not handed out again
    >>> bool(np.shares_memory(row, pool.empty((512, 512), "float32")))
    False
    """

    def __init__(self, limit: int = 1 << 30) -> None:
        self.limit = limit
        self.start_anew()

    def start_anew(self) -> None:
        """Begin with no buffers and an open lock: also what a forked child must do, in which no
        thread is left to open a lock that was held.
        """
        self.nbytes = 0
        self._lock = threading.Lock()
        # Buffers by their number of bytes; the size asked for last stands last.
        self._buffers: dict[int, list[Array]] = {}

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """A C-contiguous array with arbitrary contents that shares memory with no living array."""
        dtype = np.dtype(dtype)
        nbytes = math.prod(shape) * dtype.itemsize
        if not SMALL <= nbytes <= self.limit:
            return np.empty(shape, dtype)
        with self._lock:
            buffers = self._buffers.pop(nbytes, [])
            self._buffers[nbytes] = buffers
            for index in range(len(buffers)):
                if _references(buffers, index) == _ALONE:
                    # The view is made under the lock: it is what marks the buffer as taken.
                    return _view(buffers[index], shape, dtype)
            self._make_room(nbytes)
            buffer = np.empty(nbytes, np.uint8)
            if self.nbytes + nbytes <= self.limit:
                buffers.append(buffer)
                self.nbytes += nbytes
            return _view(buffer, shape, dtype)

    def clear(self) -> None:
        """Forget all buffers. Those in use live on until their arrays die."""
        with self._lock:
            self._buffers.clear()
            self.nbytes = 0

    def _make_room(self, nbytes: int) -> None:
        """Drop free buffers, the sizes not asked for longest first, until `nbytes` more fit."""
        for size, buffers in list(self._buffers.items()):
            for index in reversed(range(len(buffers))):
                if self.nbytes + nbytes <= self.limit:
                    return
                if _references(buffers, index) == _ALONE:
                    del buffers[index]
                    self.nbytes -= size
            if not buffers and size != nbytes:
                del self._buffers[size]


_shared = Workspace()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_shared.start_anew)
empty = _shared.empty
clear = _shared.clear
