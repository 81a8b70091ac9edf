"""Items of an iterator, prepared ahead by a background thread."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["prefetched"]

T = TypeVar("T")


def prefetched(items: Iterator[T], ahead: int) -> Generator[T, None, None]:
    """The same items in the same order; a thread prepares up to `ahead` of them in advance.

    >>> list(prefetched(iter("abc"), ahead=2))
    ['a', 'b', 'c']

    The thread starts with the first item that is asked for. It ends after the last one, or when
    this generator is closed: by `close()`, an exception in it, or because nobody refers to it any
    more. Closing waits for the item that is being prepared.

    What `items` raises is raised here, in its turn and with its own traceback. The thread sees the
    context variables of its starter, such as `np.errstate`.

    NumPy releases the interpreter's lock in long operations, so another thread can compute
    meanwhile. `items` must not use minidl's tensors: the default backend and whether gradients are
    recorded belong to a thread, and kernels with threads of their own may not be entered by two.

    Args:
        items: made and consumed in the thread alone.
        ahead: at least 1; as many items, and one that waits to be taken over, are in memory.

    """
    ready: queue.Queue[T | _Raised | _End] = queue.Queue(maxsize=ahead)
    stop = threading.Event()
    # The thread gets what it needs and not this generator: nobody would ever collect that.
    context = contextvars.copy_context()
    thread = threading.Thread(
        target=context.run,
        args=(_prepare, items, ready, stop),
        name="minidl prefetch",
        daemon=True,  # an interpreter that ends doesn't wait for it
    )
    thread.start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, _End):
                return
            if isinstance(item, _Raised):
                try:
                    raise item.exception
                finally:
                    del item  # its traceback holds this frame, which would hold it: a cycle
            yield item
            del item  # not kept alive while the next one is awaited
    finally:
        stop.set()
        _empty(ready)  # a thread that waits for room gets it, and then sees `stop`
        thread.join()


@dataclass(frozen=True)
class _Raised:
    exception: BaseException


class _End:
    """After the last item."""


def _prepare(
    items: Iterator[T], ready: queue.Queue[T | _Raised | _End], stop: threading.Event
) -> None:
    try:
        for item in items:
            ready.put(item)
            if stop.is_set():
                return
    except BaseException as exception:
        ready.put(_Raised(exception))
    else:
        ready.put(_End())


def _empty(ready: queue.Queue[T]) -> None:
    while True:
        try:
            ready.get_nowait()
        except queue.Empty:
            return
