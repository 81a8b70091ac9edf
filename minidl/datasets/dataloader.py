"""`DataLoader`: batches of a data set, in an order that its seed alone fixes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from typing import Any

import numpy as np

from minidl.backends import Backend
from minidl.creation import tensor
from minidl.datasets.dataset import Array, Dataset, as_dataset
from minidl.datasets.prefetch import prefetched
from minidl.datasets.transforms.base import check_callable, contains_normalize
from minidl.errors import ArgumentError, DTypeError, fail
from minidl.functional.operands import described, integer
from minidl.naming import PyTorchs, refuse_arguments
from minidl.random import default_generator
from minidl.tensor import Tensor

__all__ = ["DataLoader", "Transform"]

Transform = Callable[[Array, np.random.Generator], Array]
"""Augmentation of one batch: (images (N, C, H, W) in [0, 1], generator) → images (N, …).

`minidl.datasets.transforms` has the usual ones.
"""

_PYTORCHS: PyTorchs = {
    "num_workers": (0, "Arrays in memory need no processes; prefetch=2 has a thread prepare them"),
    "prefetch_factor": (None, "prefetch=2 has a thread prepare two batches ahead"),
    "persistent_workers": (False, "There are no processes; see prefetch"),
    "worker_init_fn": (None, "There are no processes; see prefetch"),
    "multiprocessing_context": (None, "There are no processes; see prefetch"),
    "timeout": (0, "There are no processes to wait for; see prefetch"),
    "pin_memory": (False, "backend= says where the batches' tensors are made"),
    "pin_memory_device": ("", "backend= says where the batches' tensors are made"),
    "generator": (None, "seed= fixes the order; without it, minidl.manual_seed does"),
    "sampler": (None, "shuffle= chooses the order, dataset.subset(indices, what) the samples"),
    "batch_sampler": (None, "batch_size=, shuffle= and drop_last= choose the batches"),
    "collate_fn": (None, "Samples are arrays already; a transform may change a whole batch"),
    "in_order": (True, "Batches come in order"),
}
"""PyTorch's arguments that are not minidl's: the value that means nothing, and what to do."""

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
    (seed, e, batch): on nothing that happened before. So a run continues exactly where
    `state_dict` was taken, in the middle of an epoch too. Whatever else the rest of the run depends
    on must be in the checkpoint as well: the model, the optimizer, a schedule if there is one, and
    the default generator, which dropout draws from. (`minidl.train.save_checkpoint` writes it to a
    file.)

    >>> import minidl
    >>> from minidl import nn, optim
    >>> generator = minidl.random.default_generator
    >>> samples = np.eye(6, 4, dtype=np.float32), np.arange(6) % 3
    >>> def train(checkpoint=None, stop=None):
    ...     model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(), nn.Linear(8, 3))
    ...     optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    ...     loader = DataLoader(samples, batch_size=2, shuffle=True)
    ...     parts = {"model": model, "optimizer": optimizer, "loader": loader}
    ...     if checkpoint is not None:
    ...         for name, part in parts.items():
    ...             part.load_state_dict(checkpoint[name])
    ...         generator.set_state(checkpoint["generator"])
    ...     for epoch in range(loader.epoch, 3):
    ...         for images, labels in loader:  # the rest of that epoch, then whole ones
    ...             loss = nn.functional.cross_entropy(model(images), labels)
    ...             optimizer.zero_grad()
    ...             loss.backward()
    ...             optimizer.step()
    ...             if (epoch, loader.position) == stop:
    ...                 state = {name: part.state_dict() for name, part in parts.items()}
    ...                 return {**state, "generator": generator.get_state()}
    ...     return model[0].weight.detach().numpy()
    >>> uninterrupted = minidl.manual_seed(0) and train()
    >>> checkpoint = minidl.manual_seed(0) and train(stop=(1, 2))  # within the second epoch
    >>> resumed = minidl.manual_seed(99) and train(checkpoint)
    >>> np.array_equal(resumed, uninterrupted)
    True

    A pass that is left early starts again from its first batch, in the same order, the next time.

    With `prefetch`, a background thread prepares batches while the caller computes; they are the
    same ones, bit for bit, and `position` counts those handed out, not those prepared. An
    exception in the transform arrives where the batch would have, and a loop that is left ends the
    thread. The transform runs in that thread, and must do with NumPy alone; tensors are made in
    the caller's. (PyTorch has processes for this, `num_workers`; arrays in memory need none.) It
    pays where a core is idle and preparing a batch takes a good part of the time of a step: large
    images, much augmentation. For a small network and small batches it doesn't: both threads
    spend their time in Python, which runs one at a time.

    Raises ArgumentError if batch_size is below 1, the seed or prefetch negative, or the transform
    has a `Normalize` although the loader normalises; DTypeError for arguments of another kind, or
    those of PyTorch's that are not minidl's.

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
        seed: fixes the order and the transform's random numbers; None: drawn from the default
            generator when the loader is made, so that `minidl.manual_seed` fixes it.
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
        seed: int | None = None,
        transform: Transform | None = None,
        backend: str | Backend | None = None,
        prefetch: int = 0,
        **pytorchs: Any,
    ) -> None:
        refuse_arguments("DataLoader", pytorchs, DataLoader.__init__, _PYTORCHS)
        self.dataset = as_dataset(dataset)
        self.batch_size = integer("DataLoader", "batch_size", batch_size, 1)
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.transform = transform
        self.backend = backend
        self.prefetch = integer("DataLoader", "prefetch", prefetch, 0)
        _check_transform(transform, self.dataset)
        self._seed_is_given = seed is not None
        if seed is not None:
            self.seed = integer("DataLoader", "seed", seed, 0)
        else:
            # Where nothing is drawn, such as of test images, the generator stays as it is.
            is_random = shuffle or getattr(transform, "is_random", transform is not None)
            self.seed = int(default_generator.bits((1,))[0]) if is_random else 0
        self.epoch = 0
        self.position = 0
        self._first = 0  # where the next pass starts: not at 0 after load_state_dict only

    def __repr__(self) -> str:
        dataset = f"{type(self.dataset).__name__} of {len(self.dataset):,} samples"
        arguments = f"batch_size={self.batch_size}, shuffle={self.shuffle}, seed={self.seed}"
        options = {"drop_last": False, "transform": None, "backend": None, "prefetch": 0}
        for name, default in options.items():
            value = getattr(self, name)
            if value != default:
                arguments += f", {name}={value!r}"
        return f"DataLoader({dataset}, {arguments})"

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
        self.epoch = integer("DataLoader.set_epoch", "epoch", epoch, 0)
        self.position = self._first = 0

    def state_dict(self) -> dict[str, int | bool]:
        """Where it is, in plain numbers, and what must be the same where it continues."""
        return {"epoch": self.epoch, "position": self.position, **self._identity()}

    def load_state_dict(self, state: dict[str, int | bool]) -> None:
        """Continue where `state_dict` was taken: the next pass hands out the rest of its epoch.

        A loader that was made without a seed takes the state's.

        Raises ArgumentError if the state is of a loader with another number of samples, batch
        size, seed or order, or lacks something; DTypeError if it isn't a dictionary.
        """
        if not isinstance(state, Mapping):
            fail("DataLoader.load_state_dict", "state", described(state),
                 "what state_dict() returned", error=DTypeError)  # fmt: skip
        missing = [key for key in self.state_dict() if key not in state]
        if missing:
            fail("DataLoader.load_state_dict", "state", f"without {', '.join(missing)}",
                 "what state_dict() returned", error=ArgumentError)  # fmt: skip
        for key, mine in self._identity().items():
            if state[key] != mine and (key != "seed" or self._seed_is_given):
                fail("DataLoader.load_state_dict", f"state[{key!r}]", state[key],
                     f"this loader's {mine}", "Make the loader as it was when the state was taken.",
                     error=ArgumentError)  # fmt: skip
        if not 0 <= state["position"] <= len(self):
            fail("DataLoader.load_state_dict", "state['position']", state["position"],
                 f"in 0 … {len(self)}, the number of batches", error=ArgumentError)  # fmt: skip
        self.set_epoch(state["epoch"])
        self.seed = state["seed"]
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


def _check_transform(transform: Transform | None, dataset: Dataset) -> None:
    """DTypeError for what can't be called as a transform is, ArgumentError if it normalises too."""
    if transform is None:
        return
    check_callable("DataLoader", "transform", transform)
    if dataset.mean is not None and dataset.std is not None and contains_normalize(transform):
        fail("DataLoader", "transform", "one with Normalize", "one without: the loader normalises "
             f"with the data set's own mean {dataset.mean} and std {dataset.std}, after it",
             "For other numbers, set dataset.mean and dataset.std; to None to do without.",
             error=ArgumentError)  # fmt: skip


def _per_channel(values: tuple[float, ...], images: Array) -> Array:
    """(C,) → (C, 1, 1), to broadcast over (N, C, H, W)."""
    return np.array(values, dtype=images.dtype).reshape(-1, *[1] * (images.ndim - 2))
