"""What users read when they make a mistake: the whole sentence."""

import pytest
from mistakes import assert_explained

import minidl
from minidl import functional as F
from minidl import nn
from minidl.errors import ArgumentError, DTypeError, OutOfRangeError, ShapeError

image = minidl.zeros(2, 3, 8, 9)
kernel = minidl.zeros(4, 3, 3, 3)
logits = minidl.zeros(2, 5)
labels = minidl.tensor([1, 4])
doubles = minidl.zeros(2, 5, dtype="float64")

PRECISIONS = (
    "minidl never mixes precisions silently: convert one of them with .float() (float32) or "
    ".double() (float64)."
)

MISTAKES = {
    # ------------------------------------------------------------------------- convolution
    "a list instead of a tensor": (
        lambda: F.conv2d([1.0], kernel),
        DTypeError,
        "conv2d: x is a list, expected a Tensor. Make one with minidl.tensor(...).",
    ),
    "a list instead of a bias": (
        lambda: F.conv2d(image, kernel, [0.0] * 4),
        DTypeError,
        "conv2d: bias is a list, expected a Tensor. Make one with minidl.tensor(...).",
    ),
    "wrong channels": (
        lambda: F.conv2d(minidl.zeros(2, 4, 8, 9), kernel),
        ShapeError,
        "conv2d: x.shape[1] (channels) is 4, expected weight.shape[1] · groups = 3 · 1 = 3. "
        "x is (2, 4, 8, 9) in the order (N, C, H, W), weight is (4, 3, 3, 3). "
        "Make the layer, or the network, with in_channels=4.",
    ),
    "no batch dimension": (
        lambda: F.conv2d(image[0], kernel),
        ShapeError,
        "conv2d: x.shape is (3, 8, 9), expected 4 dimensions (N, C, H, W). "
        "Add a batch dimension with x.unsqueeze(0).",
    ),
    "no channel dimension": (
        lambda: F.conv2d(minidl.zeros(2, 8, 9), minidl.zeros(4, 1, 3, 3)),
        ShapeError,
        "conv2d: x.shape is (2, 8, 9), expected 4 dimensions (N, C, H, W). "
        "Add the channels' axis with x.unsqueeze(1).",
    ),
    "neither batch nor channel dimension": (
        lambda: F.conv2d(minidl.zeros(8, 9), minidl.zeros(4, 1, 3, 3)),
        ShapeError,
        "conv2d: x.shape is (8, 9), expected 4 dimensions (N, C, H, W). "
        "Add the axes of batch and channels with x.unsqueeze(0).unsqueeze(0).",
    ),
    "channels in the last place": (
        lambda: F.conv2d(minidl.zeros(2, 8, 9, 3), kernel),
        ShapeError,
        "conv2d: x.shape[1] (channels) is 8, expected weight.shape[1] · groups = 3 · 1 = 3. "
        "x is (2, 8, 9, 3) in the order (N, C, H, W), weight is (4, 3, 3, 3). "
        "Channels look last: x.permute(0, 3, 1, 2).",
    ),
    "a dense layer for fewer features": (
        lambda: F.linear(minidl.zeros(2, 3456), minidl.zeros(10, 5)),
        ShapeError,
        "linear: x.shape is (2, 3456), expected (…, 5), since weight is (10, 5) = "
        "(out_features, in_features). Make the layer nn.Linear(3456, 10), or give the network "
        "images of the size that it was made for.",
    ),
    "a dense layer for images of another size": (
        lambda: F.linear(image, minidl.zeros(10, 5)),
        ShapeError,
        "linear: x.shape is (2, 3, 8, 9), expected (…, 5), since weight is (10, 5) = (out_features,"
        " in_features). Flatten images first with x.flatten(1), and make the layer "
        "nn.Linear(216, 10).",
    ),
    "batch norm's weight in evaluation": (
        lambda: F.batch_norm(image, minidl.zeros(3), minidl.ones(3), minidl.ones(4)),
        ShapeError,
        "batch_norm: weight.shape is (4,), expected (3,).",
    ),
    "a loss made of logits and labels": (
        lambda: nn.CrossEntropyLoss(logits, labels),
        DTypeError,
        "CrossEntropyLoss: ignore_index is a Tensor, expected an int. Make the loss first and then "
        "call it: CrossEntropyLoss()(outputs, target).",
    ),
    "a list of layers": (
        lambda: nn.Sequential([nn.ReLU(), nn.ReLU()]),
        DTypeError,
        "Sequential: a layer is a list, expected a Module. Write Sequential(*layers).",
    ),
    "a layer made of a tensor": (
        lambda: nn.ReLU(image),
        DTypeError,
        "ReLU: the arguments are a Tensor, expected none. Make the module first and then call it "
        "with tensors: ReLU()(x).",
    ),
    "a kernel larger than the image": (
        lambda: F.conv2d(minidl.zeros(1, 3, 2, 2), kernel),
        ShapeError,
        "conv2d: the input is 2×2, expected at least the window's 3×3. "
        "Use a larger image, a smaller kernel or more padding.",
    ),
    "groups that do not divide": (
        lambda: F.conv2d(image, kernel, groups=2),
        ArgumentError,
        "conv2d: groups is 2, expected a common divisor of x.shape[1] (3) and "
        "weight.shape[0] (4). Take 1 or one of its divisors.",
    ),
    "groups that are no number": (
        lambda: F.conv2d(image, kernel, groups=1.0),
        DTypeError,
        "conv2d: groups is 1.0, expected an int.",
    ),
    "mixed precisions": (
        lambda: F.conv2d(image, kernel.double()),
        DTypeError,
        "conv2d: weight.dtype is float64, expected that of x (float32). " + PRECISIONS,
    ),
    "integer images": (
        lambda: F.conv2d(image.long(), kernel),
        DTypeError,
        "conv2d: x.dtype is int64, expected float32 or float64. Convert it with x.float().",
    ),
    "a bias of the wrong length": (
        lambda: F.conv2d(image, kernel, minidl.zeros(3)),
        ShapeError,
        "conv2d: bias.shape is (3,), expected (4,).",
    ),
    "stride zero": (
        lambda: F.conv2d(image, kernel, stride=0),
        ArgumentError,
        "conv2d: stride is 0, expected at least 1.",
    ),
    "half a stride": (
        lambda: F.conv2d(image, kernel, stride=0.5),
        ArgumentError,
        "conv2d: stride is 0.5, expected an int or a pair of ints.",
    ),
    "negative padding": (
        lambda: F.conv2d(image, kernel, padding=-1),
        ArgumentError,
        "conv2d: padding is -1, expected at least 0.",
    ),
    "unknown padding": (
        lambda: F.conv2d(image, kernel, padding="full"),
        ArgumentError,
        'conv2d: padding is \'full\', expected a number, "same", "valid" or "tf_same".',
    ),
    "same padding with a stride": (
        lambda: F.conv2d(image, kernel, stride=2, padding="same"),
        ArgumentError,
        'conv2d: stride is (2, 2), expected stride 1 with padding="same". '
        'TensorFlow\'s rule for other strides is padding="tf_same".',
    ),
    "transposed convolution with conv2d's weight": (
        lambda: F.conv_transpose2d(image, kernel),
        ShapeError,
        "conv_transpose2d: x.shape[1] (channels) is 3, expected weight.shape[0] (4). A transposed "
        "convolution's weight is (in_channels, out_channels / groups, kh, kw).",
    ),
    "transposed convolution of mixed precision": (
        lambda: F.conv_transpose2d(image, minidl.zeros(3, 4, 2, 2, dtype="float64")),
        DTypeError,
        "conv_transpose2d: weight.dtype is float64, expected that of x (float32). " + PRECISIONS,
    ),
    "transposed convolution's groups": (
        lambda: F.conv_transpose2d(image, minidl.zeros(3, 4, 2, 2), groups=2),
        ArgumentError,
        "conv_transpose2d: groups is 2, expected a divisor of x.shape[1] (3).",
    ),
    "too much output padding": (
        lambda: F.conv_transpose2d(image, minidl.zeros(3, 4, 2, 2), stride=2, output_padding=2),
        ArgumentError,
        "conv_transpose2d: output_padding is 2, expected less than stride (2) or dilation (1).",
    ),
    # ----------------------------------------------------------------------------- pooling
    "a pool that is all padding": (
        lambda: F.max_pool2d(image, 2, padding=2),
        ArgumentError,
        "max_pool2d: padding (top, left, bottom, right) is (2, 2, 2, 2), expected at most half "
        "the window's 2×2 on every side: 1 for top and bottom, 1 for left and right. With more, "
        "a window could hold nothing but padding. Use less padding or a larger kernel.",
    ),
    "a pool's divisor": (
        lambda: F.avg_pool2d(image, 2, divisor_override=0),
        ArgumentError,
        "avg_pool2d: divisor_override is 0, expected a number other than 0, or None. "
        "None divides by the number of elements in the window.",
    ),
    "an adaptive size of zero": (
        lambda: F.adaptive_avg_pool2d(image, 0),
        ArgumentError,
        "adaptive_avg_pool2d: output_size is (0, 0), expected at least 1.",
    ),
    "an adaptive size that is no number": (
        lambda: F.adaptive_avg_pool2d(image, None),
        DTypeError,
        "adaptive_avg_pool2d: output_size is None, expected an int.",
    ),
    # ------------------------------------------------------------------------------ losses
    "labels as floats": (
        lambda: F.cross_entropy(logits, labels.float()),
        DTypeError,
        "cross_entropy: target.dtype is float32, expected int32 or int64, the number of each "
        "sample's class. Convert class numbers with target.long(), one-hot rows with "
        "target.argmax(1).",
    ),
    "a label that is no class": (
        lambda: F.cross_entropy(logits, minidl.tensor([1, 5])),
        ArgumentError,
        "cross_entropy: a target is 5, expected a class from 0 to 4 (logits.shape[1] is 5), or "
        "ignore_index (-100). Classes count from 0: subtract 1 if yours count from 1.",
    ),
    "labels that count from one": (
        lambda: F.nll_loss(logits, minidl.tensor([1, 5])),
        ArgumentError,
        "nll_loss: a target is 5, expected a class from 0 to 4 (logits.shape[1] is 5), or "
        "ignore_index (-100). Classes count from 0: subtract 1 if yours count from 1.",
    ),
    "a negative label": (
        lambda: F.cross_entropy(logits, minidl.tensor([1, -1])),
        ArgumentError,
        "cross_entropy: a target is -1, expected a class from 0 to 4 (logits.shape[1] is 5), or "
        "ignore_index (-100). Mark samples to be left out with ignore_index.",
    ),
    "one label too few": (
        lambda: F.cross_entropy(logits, labels[:1]),
        ShapeError,
        "cross_entropy: target.shape is (1,), expected (2,): one class for each sample of logits "
        "(2, 5), whose axis 1 are the classes.",
    ),
    "a label too few for nll_loss": (
        lambda: F.nll_loss(logits, labels[:1]),
        ShapeError,
        "nll_loss: target.shape is (1,), expected (2,): one class for each sample of logits "
        "(2, 5), whose axis 1 are the classes.",
    ),
    "logits and labels exchanged": (
        lambda: F.cross_entropy(labels, logits),
        DTypeError,
        "cross_entropy: the first argument's dtype is int64, expected float32 or float64. "
        "cross_entropy takes (logits, target), in this order.",
    ),
    "labels in a column": (
        lambda: F.cross_entropy(logits, labels.unsqueeze(1)),
        ShapeError,
        "cross_entropy: target.shape is (2, 1), expected (2,): one class for each sample of logits "
        "(2, 5), whose axis 1 are the classes. Drop the axis of length 1 with target.squeeze(1).",
    ),
    "logits that are images": (
        lambda: F.cross_entropy(minidl.zeros(2, 5, 1, 1), labels),
        ShapeError,
        "cross_entropy: target.shape is (2,), expected (2, 1, 1): one class for each sample of "
        "logits (2, 5, 1, 1), whose axis 1 are the classes. For one class per image the logits are "
        "(N, C): flatten with x.flatten(1) before the network's last layer.",
    ),
    "an unknown reduction": (
        lambda: F.cross_entropy(logits, labels, reduction="average"),
        ArgumentError,
        'cross_entropy: reduction is \'average\', expected "mean", "sum" or "none".',
    ),
    "too much smoothing": (
        lambda: F.cross_entropy(logits, labels, label_smoothing=2),
        ArgumentError,
        "cross_entropy: label_smoothing is 2.0, expected a number from 0 to 1. It is the share "
        "of the loss that is spread over all classes; 0.1 is usual.",
    ),
    "a trained class weight": (
        lambda: F.cross_entropy(logits, labels, minidl.ones(5, requires_grad=True)),
        ArgumentError,
        "cross_entropy: weight is a tensor that requires a gradient, expected a constant. "
        "The loss isn't differentiated in it: use weight.detach().",
    ),
    "a loss that would broadcast": (
        lambda: F.mse_loss(minidl.zeros(4, 1), minidl.zeros(4)),
        ShapeError,
        "mse_loss: target.shape is (4,), expected x's (4, 1). "
        "Broadcasting here is nearly always a mistake: reshape one of them.",
    ),
    "a loss of integers": (
        lambda: F.mse_loss(labels, labels),
        DTypeError,
        "mse_loss: x.dtype is int64, expected float32 or float64. Convert it with x.float().",
    ),
    # ----------------------------------------------------------------------- normalisation
    "batch norm of one value": (
        lambda: F.batch_norm(minidl.zeros(1, 3), None, None, training=True),
        ShapeError,
        "batch_norm: the number of values per channel is 1 (x is (1, 3)), expected more than 1 "
        "value per channel when training. A single value is its own mean, so every output would "
        "be the bias alone. Use a larger batch (a DataLoader with drop_last=True leaves out a "
        "short last one), or call model.eval() to normalise with the running statistics.",
    ),
    "batch norm without statistics": (
        lambda: F.batch_norm(image, None, None),
        ArgumentError,
        "batch_norm: running_mean and running_var are None, expected given statistics when "
        "training=False. Give both, or use training=True.",
    ),
    "batch norm with one statistic": (
        lambda: F.batch_norm(image, minidl.zeros(3), None, training=True),
        DTypeError,
        "batch_norm: running_var is a NoneType, expected a Tensor. "
        "Make one with minidl.tensor(...).",
    ),
    "running statistics of another size": (
        lambda: F.batch_norm(image, minidl.zeros(4), minidl.zeros(4), training=True),
        ShapeError,
        "batch_norm: running_mean.shape is (4,), expected (3,).",
    ),
    "running statistics of another precision": (
        lambda: F.batch_norm(image.double(), minidl.zeros(3), minidl.zeros(3), training=True),
        DTypeError,
        "batch_norm: running_mean.dtype is float32, expected that of x (float64). " + PRECISIONS,
    ),
    "no momentum": (
        lambda: F.batch_norm(image, minidl.zeros(3), minidl.ones(3), training=True, momentum=None),
        DTypeError,
        "batch_norm: momentum is None, expected a number.",
    ),
    "an unknown activation": (
        lambda: F.batch_norm(image, None, None, training=True, activation="swish"),
        ArgumentError,
        "batch_norm: activation is 'swish', expected None or one of 'relu', 'relu6', 'silu', "
        "'hardswish', 'sigmoid'. Apply any other activation as an operation of its own, after "
        "this one.",
    ),
    "dropout of everything twice": (
        lambda: F.dropout(logits, 1.5),
        ArgumentError,
        "dropout: p is 1.5, expected a probability from 0 to 1. "
        "p is the share that is dropped, not the share that is kept.",
    ),
    "dropout with NumPy's generator": (
        lambda: F.dropout(logits, 0.5, generator=3),
        DTypeError,
        "dropout: generator is a int, expected a minidl.Generator.",
    ),
    # ------------------------------------------------------------- shapes and arithmetic
    "reshape to another size": (
        lambda: logits.reshape(3, 4),
        ShapeError,
        "reshape: shape is (3, 4), expected sizes that multiply to x.numel() = 10.",
    ),
    "reshape with two unknowns": (
        lambda: logits.reshape(-1, -1),
        ShapeError,
        "reshape: shape is (-1, -1), expected sizes that multiply to x.numel() = 10.",
    ),
    "reshape to a float": (
        lambda: logits.reshape(5.0, 2),
        DTypeError,
        "reshape: shape is (5.0, 2), expected ints.",
    ),
    "shapes that do not broadcast": (
        lambda: minidl.zeros(2, 3) + minidl.zeros(2),
        ShapeError,
        "add: the operands' shapes are (2, 3) and (2,), expected sizes that agree from the last "
        "axis backwards, or are 1. Use reshape or unsqueeze to line the axes up.",
    ),
    "precisions that do not add": (
        lambda: logits + doubles,
        DTypeError,
        "add: the operands' dtypes are float32 and float64, expected one floating dtype. "
        "minidl never mixes precisions silently: use .float() (float32) or .double().",
    ),
    "matmul of sizes that do not fit": (
        lambda: logits @ logits,
        ShapeError,
        "matmul: a.shape[-1] is 5, expected b.shape[-2] (2). a is (2, 5), b is (2, 5). "
        "Did you mean a @ b.mT?",
    ),
    "matmul with the other operand transposed": (
        lambda: logits @ minidl.zeros(2, 4),
        ShapeError,
        "matmul: a.shape[-1] is 5, expected b.shape[-2] (2). a is (2, 5), b is (2, 4). "
        "Did you mean a.mT @ b?",
    ),
    "matmul of nothing that fits": (
        lambda: logits @ minidl.zeros(3, 4),
        ShapeError,
        "matmul: a.shape[-1] is 5, expected b.shape[-2] (3). a is (2, 5), b is (3, 4).",
    ),
    "matmul of numbers": (
        lambda: logits @ minidl.tensor(2.0),
        ShapeError,
        "matmul: an operand is zero-dimensional, expected at least one dimension. Use a * b.",
    ),
    "linear of an image": (
        lambda: F.linear(image, minidl.zeros(10, 216)),
        ShapeError,
        "linear: x.shape is (2, 3, 8, 9), expected (…, 216), since weight is (10, 216) = "
        "(out_features, in_features). Flatten images first with x.flatten(1).",
    ),
    "a dimension out of range": (
        lambda: logits.sum(2),
        ArgumentError,
        "sum: dim is 2, expected between -2 and 1 for a tensor with 2 dimensions.",
    ),
    "a dimension of a number": (
        lambda: minidl.tensor(1.0).sum(0),
        ArgumentError,
        "sum: dim is 0, expected none: the tensor has no dimensions.",
    ),
    "a dimension twice": (
        lambda: logits.mean((0, -2)),
        ArgumentError,
        "mean: dim is (0, -2), expected different dimensions.",
    ),
    "a dimension by name": (
        lambda: F.softmax(logits, "classes"),
        DTypeError,
        "softmax: dim is 'classes', expected an int.",
    ),
    "softmax without a dimension": (
        lambda: F.softmax(logits, None),
        DTypeError,
        "softmax: dim is None, expected an int.",
    ),
    "argmax over two dimensions": (
        lambda: logits.argmax((0, 1)),
        DTypeError,
        "argmax: dim is (0, 1), expected an int.",
    ),
    "the mean of integers": (
        lambda: labels.mean(),
        DTypeError,
        "mean: x.dtype is int64, expected float32 or float64. Convert it with x.float().",
    ),
    "the maximum of nothing": (
        lambda: minidl.zeros(0, 3).max(),
        ShapeError,
        "amax: x.shape is (0, 3), expected at least one element along the reduced dimensions.",
    ),
    "the variance of one number": (
        lambda: minidl.zeros(1).var(),
        ShapeError,
        "var: the number of elements is 1, expected more than the correction (1).",
    ),
    "concatenating nothing": (
        lambda: minidl.concatenate([]),
        ArgumentError,
        "concatenate: tensors is empty, expected at least one tensor.",
    ),
    "concatenating a tensor": (
        lambda: minidl.concatenate(logits),
        DTypeError,
        "concatenate: tensors is a Tensor, expected a list or tuple of tensors.",
    ),
    "concatenating other shapes": (
        lambda: minidl.concatenate([logits, minidl.zeros(2, 4)]),
        ShapeError,
        "concatenate: tensors[1].shape is (2, 4), expected (2, 5) but for dimension 0.",
    ),
    "stacking other shapes": (
        lambda: minidl.stack([logits, minidl.zeros(2, 4)]),
        ShapeError,
        "stack: tensors[1].shape is (2, 4), expected (2, 5).",
    ),
    "splitting into other sizes": (
        lambda: logits.split([2, 2], 1),
        ShapeError,
        "split: sizes is (2, 2), expected sizes that add up to x.shape[1] = 5.",
    ),
    "expanding what is not 1": (
        lambda: logits.expand(4, 5),
        ShapeError,
        "expand: the operands' shapes are (2, 5) and (4, 5), expected sizes that agree from the "
        "last axis backwards, or are 1. Use reshape or unsqueeze to line the axes up.",
    ),
    "an index out of range": (
        lambda: logits[2],
        OutOfRangeError,
        "x[...]: index 2 is out of bounds for axis 0 with size 2 (x has shape (2, 5)).",
    ),
    "minus of conditions": (
        lambda: (logits > 0) - (logits > 1),
        DTypeError,
        "sub: the operands' dtype is bool, expected numbers. "
        "Convert with .long(); to combine conditions use &, | and ~.",
    ),
    "a negative power of integers": (
        lambda: labels ** minidl.tensor([1, -2]),
        ArgumentError,
        "pow: exponent is -2, expected ≥ 0 for integers. Use a.float().",
    ),
    "a condition that is a number": (
        lambda: minidl.where(logits, 1.0, 0.0),
        DTypeError,
        "where: condition.dtype is float32, expected bool. "
        "Compare it with something, for example condition != 0.",
    ),
    "the exponential of integers": (
        lambda: labels.exp(),
        DTypeError,
        "exp: x.dtype is int64, expected float32 or float64. Convert it with x.float().",
    ),
    "an einsum of the wrong size": (
        lambda: minidl.einsum("ij,jk->ik", logits, logits),
        ShapeError,
        "einsum: the size of 'j' is 2, expected 5, as in an earlier operand, or 1.",
    ),
    "shuffling into groups that do not divide": (
        lambda: F.channel_shuffle(image, 2),
        ArgumentError,
        "channel_shuffle: groups is 2, expected a divisor of x.shape[1] (channels), which is 3. "
        "Use one of [1, 3].",
    ),
    # ---------------------------------------------------------------------- new tensors
    "ragged lists": (
        lambda: minidl.tensor([[1, 2], [3]]),
        ShapeError,
        "tensor: the nested lists have different lengths; a tensor is a full rectangle.",
    ),
    "text": (
        lambda: minidl.tensor("cat"),
        DTypeError,
        "tensor: data is a str, expected numbers, nested lists of them, or an array.",
    ),
    "a negative size": (
        lambda: minidl.zeros(2, -1),
        ShapeError,
        "zeros: shape is (2, -1), expected sizes of at least 0.",
    ),
    "a size beyond counting": (
        lambda: minidl.zeros(2**40, 2**40),
        ShapeError,
        "zeros: shape is (1099511627776, 1099511627776), expected fewer than 2**60 elements in "
        "at most 64 dimensions.",
    ),
    "an unknown dtype": (
        lambda: logits.to(complex),
        DTypeError,
        "astype: dtype is <class 'complex'>, expected one of float16, float32, float64, bool, "
        "uint8, int8, int16, int32, int64, uint32.",
    ),
    "an empty interval": (
        lambda: minidl.randint(3, 3, (2,)),
        ArgumentError,
        "randint: the interval is [3, 3), expected low < high within int64.",
    ),
    "a byte of 300": (
        lambda: minidl.full((2,), 300, dtype="uint8"),
        ArgumentError,
        "full: value is 300, expected a number that uint8 holds.",
    ),
    "adding 300 to bytes": (
        lambda: minidl.zeros(2, dtype="uint8") + 300,
        ArgumentError,
        "Add: Python integer 300 out of bounds for uint8.",
    ),
    "a seed beyond 32 bits": (
        lambda: minidl.manual_seed(2**32),
        ArgumentError,
        "manual_seed: seed is 4294967296, expected an int in [0, 2**32).",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_explained(mistake):
    assert_explained(*MISTAKES[mistake])


def test_the_exception_behind_a_mistake_is_left_out_of_the_traceback():
    with pytest.raises(ShapeError) as caught:
        minidl.zeros(3, 4) + minidl.zeros(3)
    assert caught.value.__suppress_context__
