"""`Dataset`: images and labels in memory, with what a model must know about them."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, DTypeError, OutOfRangeError, fail

__all__ = ["Dataset", "as_dataset", "validation_split"]

Array = np.ndarray[Any, Any]


class Dataset:
    """Samples and their labels, as NumPy arrays.

    Every data set of minidl is one, whatever its files look like; a subset is one too.

    >>> dataset = Dataset(np.zeros((3, 28, 28), np.uint8), np.array([2, 0, 1]))
    >>> len(dataset)
    3
    >>> image, label = dataset[-1]
    >>> image.shape, label
    ((28, 28), 1)

    Raises ShapeError if there aren't as many labels as images, DTypeError if labels aren't
    integers or images neither uint8 nor floating point, ArgumentError if `class_names` has no name
    for a label.

    Args:
        images: (N, …). Images are uint8: (N, H, W), or (N, C, H, W) with channels. Other samples
            are floating point, of any shape.
        labels: (N,) integers, the classes.
        class_names: what the integers mean, in their order.
        mean, std: of the training set's pixels in [0, 1], one number per channel; a loader
            normalises with them. None: it doesn't.
        source: where the samples come from, a sentence.

    """

    def __init__(
        self,
        images: Array,
        labels: Array,
        *,
        class_names: Sequence[str] = (),
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
        source: str = "Arrays given by the caller.",
    ) -> None:
        self.images = np.asarray(images)
        self.labels = np.asarray(labels)
        self.class_names = tuple(class_names)
        self.mean = mean
        self.std = std
        self.source = source
        self._check()

    def _check(self) -> None:
        images, labels = self.images, self.labels
        if images.dtype not in (np.uint8, np.float32, np.float64):
            fail("Dataset", "images.dtype", images.dtype, "uint8, float32 or float64",
                 "Pixels 0 … 255 are uint8.", error=DTypeError)  # fmt: skip
        if not np.issubdtype(labels.dtype, np.integer):
            fail("Dataset", "labels.dtype", labels.dtype, "an integer type", error=DTypeError)
        if images.ndim < 1 or labels.shape != images.shape[:1]:
            expected = f"one label per image, {images.shape[:1]}"
            fail("Dataset", "labels.shape", labels.shape, expected)
        if self.class_names and labels.size:
            wrong = labels[(labels < 0) | (labels >= len(self.class_names))]
            if wrong.size:
                expected = f"in 0 … {len(self.class_names) - 1}, one per class name"
                fail("Dataset", "a label", wrong[0], expected, error=ArgumentError)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Array, int]:
        """The image and the label of one sample; OutOfRangeError, an IndexError, past the end."""
        position = operator.index(index)
        if not -len(self) <= position < len(self):
            raise OutOfRangeError(
                f"{type(self).__name__}: the index is {position}, expected one of {len(self)}."
            )
        return self.images[position], int(self.labels[position])

    def __iter__(self) -> Iterator[tuple[Array, int]]:
        return (self[index] for index in range(len(self)))

    def subset(self, indices: Array, what: str) -> Dataset:
        """The samples at `indices`, in that order; `what` says in `source` which they are."""
        return Dataset(
            self.images[indices],
            self.labels[indices],
            class_names=self.class_names,
            mean=self.mean,
            std=self.std,
            source=f"{self.source} {what}",
        )

    def __repr__(self) -> str:
        shape = " × ".join(str(size) for size in self.images.shape)
        return f"<{type(self).__name__}: {shape} {self.images.dtype}. {self.source}>"


def as_dataset(data: Dataset | tuple[Array, Array]) -> Dataset:
    """`data` itself, or the `Dataset` of an (images, labels) pair."""
    if isinstance(data, Dataset):
        return data
    if isinstance(data, tuple | list) and len(data) == 2:
        return Dataset(*data)
    is_class = isinstance(data, type)
    got = f"the class {data.__name__}" if is_class else type(data).__name__
    fail("as_dataset", "data", got, "a Dataset or a pair (images, labels)",
         f"Make one: {data.__name__}(…)." if is_class else "", error=DTypeError)  # fmt: skip


def validation_split(
    dataset: Dataset | tuple[Array, Array], fraction: float, seed: int = 0
) -> tuple[Dataset, Dataset]:
    """Cut a training set in two: (the rest to train on, a part to choose settings by).

    Stratified: of each class with n samples, round(fraction · n) go to the validation part, drawn
    by `seed`. Both parts keep the samples' order. Test images are for the one last measurement;
    what is tuned on them is tuned to them.

    >>> dataset = Dataset(np.zeros((6, 1)), np.array([0, 1, 0, 1, 0, 1]))
    >>> training, validation = validation_split(dataset, 1 / 3)
    >>> len(training), sorted(validation.labels.tolist())
    (4, [0, 1])

    Raises ArgumentError if `fraction` isn't between 0 and 1, both excluded, or a part would be
    empty.
    """
    dataset = as_dataset(dataset)
    if not 0 < fraction < 1:
        fail("validation_split", "fraction", fraction, "between 0 and 1, both excluded",
             "0.1 keeps a tenth of each class for validation.", error=ArgumentError)  # fmt: skip
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(dataset), dtype=bool)
    for label in np.unique(dataset.labels):
        of_class = np.flatnonzero(dataset.labels == label)
        chosen[rng.permutation(of_class)[: round(fraction * len(of_class))]] = True
    if chosen.all() or not chosen.any():
        counts = np.unique(dataset.labels, return_counts=True)[1].tolist()
        fail("validation_split", "fraction", fraction, f"one that leaves samples in both parts of "
             f"classes with {counts} samples", error=ArgumentError)  # fmt: skip
    return (
        dataset.subset(np.flatnonzero(~chosen), f"Without a validation part of {fraction:g}."),
        dataset.subset(np.flatnonzero(chosen), f"Only a validation part of {fraction:g}."),
    )
