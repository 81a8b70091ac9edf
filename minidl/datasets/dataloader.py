"""`DataLoader`: batches of a data set, in an order that its seed alone fixes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing

import numpy as np

from minidl.backends import Backend
from minidl.creation import tensor
from minidl.datasets.dataset import Array, Dataset, as_dataset
from minidl.datasets.prefetch import prefetched
from minidl.errors import ArgumentError, fail
from minidl.tensor import Tensor

__all__ = ["DataLoader", "Transform"]

Transform = Callable[[Array, np.random.Generator], Array]
"""Augmentation of one batch: (images (N, C, H, W) in [0, 1], generator) → images (N, …).

`minidl.datasets.transforms` has the usual ones.
"""

_ORDER, _AUGMENTATION = 0, 1
"""What a generator is for: independent streams of the same seed."""


class DataLoader:
    """Iterates over a data set in batches; each pass is one epoch, and sees every sample once.

    A batch is (images, labels): images floating point (N, C, H, W), labels int64 (N,). Pixels of
    uint8 become float32 in [0, 1], then go through `transform`, then are normalised with the
    data set's `mean` and `std`, if it has them. Samples in floating point keep their dtype and
    shape.

    >>> dataset = Dataset(np.zeros((5, 28, 28), np.uint8), np.arange(5))
    >>> loader = DataLoader(dataset, batch_size=2)
    >>> [images.shape for images, labels in loader.numpy_batches()]
    [(2, 1, 28, 28), (2, 1, 28, 28), (1, 1, 28, 28)]

    The order of epoch e depends on (seed, e), and the random numbers of a transform on
    (seed, e, batch): on nothing that happened before, and no global state. So a run continues
    exactly where `state_dict` was taken, in the middle of an epoch too:

        loader.load_state_dict(checkpoint["loader"])
        for epoch in range(loader.epoch, epochs):
            for images, labels in loader:      # the rest of that epoch, then whole ones
                ...

    A pass that is left early starts again from its first batch, in the same order, the next time.

    With `prefetch`, a background thread prepares batches while the caller computes; they are the
    same ones, bit for bit, and `position` counts those handed out, not those prepared. An
    exception in the transform arrives where the batch would have, and a loop that is left ends the
    thread. The transform runs in that thread, and must do with NumPy alone; tensors are made in
    the caller's. (PyTorch has processes for this, `num_workers`; arrays in memory need none.) It
    pays where a core is idle and preparing a batch takes a good part of the time of a step: large
    images, much augmentation. For a small network and small batches it doesn't: both threads
    spend their time in Python, which runs one at a time.

    Raises ArgumentError if batch_size is below 1, or the seed or prefetch negative.

    Attributes:
        dataset: what it loads, a `Dataset`.
        epoch: of the current or the next pass; a pass that ends raises it by one.
        position: how many batches of this epoch have been handed out.

    Args:
        dataset: a `Dataset`, or a pair of arrays (images, labels).
        batch_size: samples per batch; the last one may be smaller.
        shuffle: a new order in each epoch, or else the data set's own.
        drop_last: leave out a last batch that would be smaller (of other samples each epoch,
            where they are shuffled).
        seed: fixes the order and the transform's random numbers.
        transform: augmentation, called with a whole batch and a `numpy.random.Generator`; see
            `minidl.datasets.transforms`.
        backend: where the tensors are made; None: the default one at that time.
        prefetch: how many batches are prepared ahead; 0: each when it is asked for.

    """

    def __init__(
        self,
        dataset: Dataset | tuple[Array, Array],
        batch_size: int,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int = 0,
        transform: Transform | None = None,
        backend: str | Backend | None = None,
        prefetch: int = 0,
    ) -> None:
        if batch_size < 1:
            fail("DataLoader", "batch_size", batch_size, "at least 1", error=ArgumentError)
        if seed < 0:
            fail("DataLoader", "seed", seed, "at least 0", error=ArgumentError)
        if prefetch < 0:
            fail("DataLoader", "prefetch", prefetch, "at least 0", "2 is usually enough.",
                 error=ArgumentError)  # fmt: skip
        self.dataset = as_dataset(dataset)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.seed = seed
        self.transform = transform
        self.backend = backend
        self.prefetch = prefetch
        self.epoch = 0
        self.position = 0
        self._first = 0  # where the next pass starts: not at 0 after load_state_dict only

    def __len__(self) -> int:
        """Number of batches in a whole epoch."""
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of one epoch as pairs of tensors."""
        with closing(self.numpy_batches()) as batches:
            for images, labels in batches:
                yield tensor(images, backend=self.backend), tensor(labels, backend=self.backend)

    def numpy_batches(self) -> Generator[tuple[Array, Array], None, None]:
        """The batches of one epoch as pairs of NumPy arrays, which are the caller's to change."""
        epoch, first, self._first = self.epoch, self._first, 0
        self.position = first
        with closing(self._batches(epoch, first)) as batches:
            for number, batch in enumerate(batches, first):
                # Counted before it is handed out: a checkpoint written after the training step on
                # this batch continues with the next one.
                self.position = number + 1
                yield batch
        self.set_epoch(epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        """The next pass is epoch number `epoch`, from its first batch."""
        if epoch < 0:
            fail("DataLoader.set_epoch", "epoch", epoch, "at least 0", error=ArgumentError)
        self.epoch = epoch
        self.position = self._first = 0

    def state_dict(self) -> dict[str, int | bool]:
        """Where it is, in plain numbers, and what must be the same where it continues."""
        return {"epoch": self.epoch, "position": self.position, **self._identity()}

    def load_state_dict(self, state: dict[str, int | bool]) -> None:
        """Continue where `state_dict` was taken: the next pass hands out the rest of its epoch.

        Raises ArgumentError if the state is of a loader with another number of samples, batch
        size, seed or order, or lacks something.
        """
        missing = [key for key in self.state_dict() if key not in state]
        if missing:
            fail("DataLoader.load_state_dict", "state", f"without {', '.join(missing)}",
                 "what state_dict() returned", error=ArgumentError)  # fmt: skip
        for key, mine in self._identity().items():
            if state[key] != mine:
                fail("DataLoader.load_state_dict", f"state[{key!r}]", state[key],
                     f"this loader's {mine}", "Make the loader as it was when the state was taken.",
                     error=ArgumentError)  # fmt: skip
        if not 0 <= state["position"] <= len(self):
            fail("DataLoader.load_state_dict", "state['position']", state["position"],
                 f"in 0 … {len(self)}, the number of batches", error=ArgumentError)  # fmt: skip
        self.set_epoch(state["epoch"])
        self.position = self._first = state["position"]

    def _identity(self) -> dict[str, int | bool]:
        return {
            "samples": len(self.dataset),
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
            "seed": self.seed,
        }

    def _order(self, epoch: int) -> Array:
        """Indices of the samples in the order of that epoch."""
        if not self.shuffle:
            return np.arange(len(self.dataset))
        return np.random.default_rng([self.seed, _ORDER, epoch]).permutation(len(self.dataset))

    def _batches(self, epoch: int, first: int) -> Generator[tuple[Array, Array], None, None]:
        """The batches of that epoch from number `first` on, prepared ahead if asked for."""
        order = self._order(epoch)
        batches = (self._batch(order, epoch, number) for number in range(first, len(self)))
        return prefetched(batches, self.prefetch) if self.prefetch else batches

    def _batch(self, order: Array, epoch: int, number: int) -> tuple[Array, Array]:
        chosen = order[number * self.batch_size : (number + 1) * self.batch_size]
        images = self.dataset.images[chosen]  # a copy: from here on it is changed in place
        if images.dtype == np.uint8:
            images = images.astype(np.float32)
            images /= 255
            if images.ndim == 3:
                images = images[:, None]  # (N, H, W) → (N, 1, H, W)
        if self.transform is not None:
            rng = np.random.default_rng([self.seed, _AUGMENTATION, epoch, number])
            images = self._transformed(self.transform, images, rng)
        if self.dataset.mean is not None and self.dataset.std is not None:
            images -= _per_channel(self.dataset.mean, images)
            images /= _per_channel(self.dataset.std, images)
        return images, self.dataset.labels[chosen].astype(np.int64)

    @staticmethod
    def _transformed(transform: Transform, images: Array, rng: np.random.Generator) -> Array:
        # A copy, because a transform may return an array that it keeps.
        result = np.array(transform(images, rng), dtype=images.dtype)
        if result.shape[:1] != images.shape[:1]:
            expected = f"({len(images)}, …), as many images as it was given"
            fail("DataLoader", "the shape of transform's result", result.shape, expected)
        return result


def _per_channel(values: tuple[float, ...], images: Array) -> Array:
    """(C,) → (C, 1, 1), to broadcast over (N, C, H, W)."""
    return np.array(values, dtype=images.dtype).reshape(-1, *[1] * (images.ndim - 2))
