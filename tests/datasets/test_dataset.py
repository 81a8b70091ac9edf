import numpy as np
import pytest

from minidl.datasets import Dataset, FashionMNIST, validation_split
from minidl.errors import ArgumentError, DTypeError, ShapeError


def numbered(counts):
    """Samples numbered 0 … N-1, with counts[c] of class c, mixed."""
    labels = np.random.default_rng(3).permutation(np.repeat(np.arange(len(counts)), counts))
    return Dataset(np.arange(len(labels), dtype=np.float64)[:, None], labels)


def test_sample_is_its_image_and_label():
    data = FashionMNIST(train=False)
    image, label = data[3]
    assert image.shape == (28, 28)
    assert label == data.labels[3]
    assert type(label) is int
    assert data[-1][1] == data[np.int64(len(data) - 1)][1]


def test_iteration_ends_after_the_last_sample():
    data = numbered([2, 3])
    assert [int(x[0]) for x, _ in data] == [0, 1, 2, 3, 4]
    with pytest.raises(IndexError):
        data[5]


def test_representation_tells_size_and_source():
    assert repr(numbered([2, 3])) == "<Dataset: 5 × 1 float64. Arrays given by the caller.>"


@pytest.mark.parametrize(
    ("images", "labels", "error", "message"),
    [
        (np.zeros((3, 2)), np.zeros(2, int), ShapeError, r"labels.shape is \(2,\), .* \(3,\)"),
        (np.zeros((3, 2)), np.zeros((3, 1), int), ShapeError, r"labels.shape is \(3, 1\)"),
        (np.zeros(()), np.zeros((), int), ShapeError, r"labels.shape is \(\)"),
        (np.zeros((3, 2), int), np.zeros(3, int), DTypeError, "images.dtype is int64"),
        (np.zeros((3, 2)), np.zeros(3), DTypeError, "labels.dtype is float64"),
        (np.zeros((3, 2)), np.array([0, 2, 1]), ArgumentError, "a label is 2, expected in 0 … 1"),
        (np.zeros((3, 2)), np.array([0, -1, 1]), ArgumentError, "a label is -1"),
    ],
)
def test_what_does_not_fit_is_refused(images, labels, error, message):
    with pytest.raises(error, match=message):
        Dataset(images, labels, class_names=("no", "yes"))


@pytest.mark.parametrize("fraction", [0.1, 0.25, 1 / 3, 0.9])
def test_validation_split_takes_the_fraction_of_every_class(fraction):
    counts = [10, 40, 7, 100]
    training, validation = validation_split(numbered(counts), fraction)
    expected = [round(fraction * count) for count in counts]
    assert np.bincount(validation.labels, minlength=4).tolist() == expected
    assert len(training) + len(validation) == sum(counts)


def test_validation_split_parts_are_disjoint_keep_their_order_and_their_labels():
    data = numbered([10, 20, 30])
    parts = validation_split(data, 0.3)
    numbers = [part.images[:, 0].astype(int) for part in parts]
    assert sorted(np.concatenate(numbers).tolist()) == list(range(60))
    for part, number in zip(parts, numbers, strict=True):
        assert number.tolist() == sorted(number)
        assert part.labels.tolist() == data.labels[number].tolist()


def test_validation_split_depends_on_the_seed_alone():
    data = numbered([10, 20, 30])
    np.random.seed(1)
    first = validation_split(data, 0.3, seed=5)[1].images.tolist()
    np.random.seed(2)
    assert validation_split(data, 0.3, seed=5)[1].images.tolist() == first
    assert validation_split(data, 0.3, seed=6)[1].images.tolist() != first


def test_validation_split_passes_on_what_a_model_must_know():
    data = FashionMNIST(train=False)
    for part, what in zip(validation_split(data, 0.2), ("Without", "Only"), strict=True):
        assert (part.mean, part.std, part.class_names) == (data.mean, data.std, data.class_names)
        assert part.source == f"{data.source} {what} a validation part of 0.2."


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_validation_split_refuses_a_fraction_outside_0_to_1(fraction):
    with pytest.raises(ArgumentError, match="expected between 0 and 1, both excluded"):
        validation_split(numbered([5, 5]), fraction)


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_validation_split_refuses_to_leave_a_part_empty(fraction):
    with pytest.raises(ArgumentError, match=r"samples in both parts of classes with \[5, 5\]"):
        validation_split(numbered([5, 5]), fraction)


def test_validation_split_refuses_what_is_no_data_set():
    with pytest.raises(DTypeError, match=r"data is list, expected a Dataset or a pair"):
        validation_split([1, 2, 3], 0.5)
