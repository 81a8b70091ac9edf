import re

import pytest

from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.common.errors import ArgumentError, DTypeError, ShapeError
from minidl_kernels.softmax_cross_entropy import spec
from minidl_kernels.softmax_cross_entropy.spec import (
    check_target_range,
    softmax_cross_entropy,
    softmax_cross_entropy_grad,
)

LOGITS = ArraySpec((8, 10), "float32")
TARGET = ArraySpec((8,), "int64")


@pytest.mark.parametrize("dtype", spec.TARGET_DTYPES)
def test_every_sample_gets_a_loss_of_the_logits_dtype(dtype):
    target = ArraySpec((8,), dtype)
    assert softmax_cross_entropy(LOGITS, target) == ArraySpec((8,), "float32")
    assert softmax_cross_entropy_grad(ArraySpec((8,), "float32"), LOGITS, target) == LOGITS


def test_every_pixel_of_a_segmentation_is_a_sample():
    logits, target = ArraySpec((2, 5, 7, 3), "float64"), ArraySpec((2, 7, 3), "int32")
    assert softmax_cross_entropy(logits, target) == ArraySpec((2, 7, 3), "float64")


@pytest.mark.parametrize("dtype", ["float32", "uint8", "bool"])
def test_targets_that_are_no_int32_or_int64_are_told_how_to_convert(dtype):
    message = (
        f"softmax_cross_entropy: target.dtype is {dtype}, expected int32 or int64, the number of "
        "each sample's class. Convert class numbers with target.long(), one-hot rows with "
        "target.argmax(1)."
    )
    with pytest.raises(DTypeError, match=re.escape(message)):
        softmax_cross_entropy(LOGITS, ArraySpec((8,), dtype))


def test_one_hot_targets_are_told_to_argmax():
    message = (
        "softmax_cross_entropy: target.shape is (8, 10), expected (8,): one class for each sample "
        "of logits (8, 10), whose axis 1 are the classes. Turn one-hot rows into class numbers "
        "with target.argmax(1)."
    )
    with pytest.raises(ShapeError, match=re.escape(message)):
        softmax_cross_entropy(LOGITS, ArraySpec((8, 10), "int64"))


def test_a_target_of_another_batch_is_refused():
    message = "target.shape is (7,), expected (8,): one class for each sample of logits (8, 10)"
    with pytest.raises(ShapeError, match=re.escape(message)):
        softmax_cross_entropy(LOGITS, ArraySpec((7,), "int64"))


def test_the_scores_of_a_single_sample_are_told_to_unsqueeze():
    message = (
        "softmax_cross_entropy: logits.shape is (10,), expected at least 2 dimensions (N, C, …). "
        "One sample's scores become a batch with logits.unsqueeze(0)."
    )
    with pytest.raises(ShapeError, match=re.escape(message)):
        softmax_cross_entropy(ArraySpec((10,), "float32"), ArraySpec((), "int64"))


def test_logits_without_classes_are_refused():
    message = "softmax_cross_entropy: logits.shape[1] (classes) is 0, expected at least 1."
    with pytest.raises(ShapeError, match=re.escape(message)):
        softmax_cross_entropy(ArraySpec((8, 0), "float32"), TARGET)


def test_integer_logits_are_refused():
    message = "softmax_cross_entropy: logits.dtype is int64, expected float32 or float64."
    with pytest.raises(DTypeError, match=re.escape(message)):
        softmax_cross_entropy(ArraySpec((8, 10), "int64"), TARGET)


def test_class_weights_of_another_precision_are_refused():
    message = "class_weight.dtype is float64, expected that of logits (float32)."
    with pytest.raises(DTypeError, match=re.escape(message)):
        softmax_cross_entropy(LOGITS, TARGET, ArraySpec((10,), "float64"))


def test_there_is_one_weight_per_class():
    message = "softmax_cross_entropy: class_weight.shape is (8,), expected (10,)."
    with pytest.raises(ShapeError, match=re.escape(message)):
        softmax_cross_entropy(LOGITS, TARGET, ArraySpec((8,), "float32"))


@pytest.mark.parametrize("smoothing", [-0.1, 1.5, float("nan")])
def test_label_smoothing_is_a_share(smoothing):
    message = (
        f"softmax_cross_entropy: label_smoothing is {smoothing}, expected a number from 0 to 1. "
        "It is the share of the loss that is spread over all classes; 0.1 is usual."
    )
    with pytest.raises(ArgumentError, match=re.escape(message)):
        softmax_cross_entropy(LOGITS, TARGET, label_smoothing=smoothing)


def test_the_gradient_checks_as_the_loss_does():
    losses = ArraySpec((8,), "float32")
    message = "softmax_cross_entropy_grad: target.dtype is float32, expected int32 or int64"
    with pytest.raises(DTypeError, match=re.escape(message)):
        softmax_cross_entropy_grad(losses, LOGITS, losses)


def test_a_grad_output_of_another_shape_is_refused():
    message = "softmax_cross_entropy_grad: grad_output.shape is (8, 10), expected (8,)."
    with pytest.raises(ShapeError, match=re.escape(message)):
        softmax_cross_entropy_grad(LOGITS, LOGITS, TARGET)


def test_a_grad_output_of_another_precision_is_refused():
    message = "grad_output.dtype is float64, expected that of logits (float32)."
    with pytest.raises(DTypeError, match=re.escape(message)):
        softmax_cross_entropy_grad(ArraySpec((8,), "float64"), LOGITS, TARGET)


def test_all_classes_are_in_range():
    check_target_range("cross_entropy", smallest=0, largest=9, classes=10)


@pytest.mark.parametrize(
    ("smallest", "largest", "wrong", "fix"),
    [
        (1, 10, 10, "Classes count from 0: subtract 1 if yours count from 1."),
        (0, 10, 10, "Does the network's last layer have one output per class?"),
        (0, 57, 57, "Does the network's last layer have one output per class?"),
        (-1, 9, -1, "Mark samples to be left out with ignore_index."),
    ],
)
def test_targets_out_of_range_are_explained(smallest, largest, wrong, fix):
    message = (
        f"cross_entropy: a target is {wrong}, expected a class from 0 to 9 (logits.shape[1] is "
        f"10), or ignore_index (-100). {fix}"
    )
    with pytest.raises(ArgumentError, match=re.escape(message)):
        check_target_range("cross_entropy", smallest, largest, classes=10)


def test_the_message_names_the_callers_ignore_index():
    with pytest.raises(ArgumentError, match=re.escape("or ignore_index (255)")):
        check_target_range("cross_entropy", 0, 254, classes=21, ignore_index=255)
