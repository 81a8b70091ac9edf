"""The confusion matrix and the accuracy per class."""

import numpy as np
import pytest

import minidl
from minidl.errors import ArgumentError, OutOfRangeError, ShapeError
from minidl.train.metrics import accuracy, confusion_matrix, per_class_accuracy


def test_confusion_matrix_counts_true_rows_and_answered_columns():
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((50, 4)), rng.integers(0, 4, 50)
    expected = np.zeros((4, 4), int)
    for row, label in zip(logits, labels, strict=True):
        expected[label, int(np.argmax(row))] += 1
    matrix = confusion_matrix(minidl.tensor(logits), minidl.tensor(labels))
    assert np.array_equal(matrix, expected)
    assert matrix.diagonal().sum() / 50 == accuracy(minidl.tensor(logits), minidl.tensor(labels))


def test_a_tie_is_answered_with_the_first_class():
    matrix = confusion_matrix(minidl.tensor([[1.0, 1.0]]), minidl.tensor([1]))
    assert matrix.tolist() == [[0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("logits", "labels", "error"),
    [
        ((2, 3), [0, 3], OutOfRangeError),
        ((2, 3), [0, -1], OutOfRangeError),
        ((2, 3), [0], ShapeError),
        ((6,), [0], ShapeError),
        ((0, 3), [], ArgumentError),
    ],
)
def test_what_does_not_fit_is_refused(logits, labels, error):
    with pytest.raises(error, match="confusion_matrix"):
        confusion_matrix(minidl.zeros(logits), minidl.tensor(labels, dtype="int64"))


def test_accuracy_per_class_is_nan_where_there_is_no_image():
    result = per_class_accuracy(np.array([[1, 3, 0], [0, 0, 0], [0, 0, 5]]))
    assert result[[0, 2]].tolist() == [0.25, 1.0]
    assert np.isnan(result[1])
    with pytest.raises(ShapeError, match="per_class_accuracy"):
        per_class_accuracy(np.zeros((2, 3)))
