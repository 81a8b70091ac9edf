"""What layers add to the functions: running statistics, training and evaluation."""

import math
import re

import numpy as np
import pytest

import minidl
from minidl import functional as F
from minidl import nn
from minidl.errors import ArgumentError, DTypeError, ShapeError

# --------------------------------------------------------------------------------- BatchNorm


def statistics(x):
    """Mean and unbiased variance of every channel, by loops."""
    means, variances = [], []
    for c in range(x.shape[1]):
        values = [float(v) for v in np.moveaxis(x, 1, 0)[c].ravel()]
        mean = sum(values) / len(values)
        means.append(mean)
        variances.append(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return np.array(means), np.array(variances)


def batches(shape, count=4):
    rng = np.random.default_rng(5)
    return [rng.normal(k, k + 1, size=shape) for k in range(count)]


KINDS = {
    "2d": (nn.BatchNorm2d, (3, 2, 4, 5)),
    "1d": (nn.BatchNorm1d, (6, 2)),
    "1d, length": (nn.BatchNorm1d, (3, 2, 4)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("momentum", [0.1, 0.5, 1.0, 0.0, None])
def test_running_statistics_follow_the_formula(kind, momentum):
    make, shape = KINDS[kind]
    layer = make(2, momentum=momentum).double()
    mean, var = np.zeros(2), np.ones(2)
    for k, batch in enumerate(batches(shape), start=1):
        layer(minidl.tensor(batch))
        factor = 1 / k if momentum is None else momentum
        batch_mean, batch_var = statistics(batch)
        mean = (1 - factor) * mean + factor * batch_mean
        var = (1 - factor) * var + factor * batch_var
        np.testing.assert_allclose(layer.running_mean.numpy(), mean, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(layer.running_var.numpy(), var, rtol=1e-12)
        assert layer.num_batches_tracked.item() == k


@pytest.mark.parametrize("affine", [True, False])
def test_evaluation_uses_the_running_statistics_and_leaves_them_alone(affine):
    layer = nn.BatchNorm2d(2, affine=affine).double()
    x = batches((3, 2, 4, 5))[2]
    layer(minidl.tensor(x))
    before = {k: t.tolist() for k, t in layer.state_dict().items()}
    y = layer.eval()(minidl.tensor(x)).detach().numpy()
    mean, var = (t.numpy().reshape(1, 2, 1, 1) for t in (layer.running_mean, layer.running_var))
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(var + 1e-5), rtol=1e-12)
    assert {k: t.tolist() for k, t in layer.state_dict().items()} == before
    assert ("weight" in before) == affine


@pytest.mark.parametrize("training", [True, False])
def test_without_tracking_the_batch_decides_even_in_evaluation(training):
    layer = nn.BatchNorm2d(2, track_running_stats=False).double().train(training)
    assert list(layer.state_dict()) == ["weight", "bias"]
    y = layer(minidl.tensor(batches((3, 2, 4, 5))[1])).detach().numpy()
    np.testing.assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var((0, 2, 3)), 1, rtol=1e-4)


def test_a_refused_batch_does_not_count():
    layer = nn.BatchNorm2d(2)
    with pytest.raises(ShapeError, match="more than 1 value per channel"):
        layer(minidl.ones(1, 2, 1, 1))
    assert layer.num_batches_tracked.item() == 0
    assert layer.running_mean.tolist() == [0.0, 0.0]


def test_momentum_none_works_without_data():
    with minidl.use_backend("meta"):
        layer = nn.BatchNorm2d(3, momentum=None)
        assert layer(minidl.zeros(2, 3, 4, 4)).shape == (2, 3, 4, 4)


@pytest.mark.parametrize(
    ("make", "shape"),
    [(nn.BatchNorm1d, (2, 3, 4, 5)), (nn.BatchNorm2d, (2, 3)), (nn.BatchNorm2d, (2, 3, 4))],
)
def test_wrong_number_of_dimensions(make, shape):
    with pytest.raises(ShapeError, match=r"BatchNorm.*dimensions, \(N, C, …\)"):
        make(3)(minidl.zeros(*shape))


# -------------------------------------------------------------------- dropout and the others


def test_dropout_drops_in_training_only():
    layer = nn.Dropout(0.25)
    x = minidl.ones(20_000)
    y = layer(x).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 4 * math.sqrt(0.25 * 0.75 / 20_000)
    assert layer.eval()(x) is x


def test_drop_path_drops_whole_samples():
    y = nn.DropPath(0.5)(minidl.ones(64, 3, 2, 2)).numpy().reshape(64, -1)
    assert all(len(set(row)) == 1 for row in y)
    assert {float(row[0]) for row in y} == {0.0, 2.0}


def test_dropout_gradient_passes_where_the_value_did():
    x = minidl.ones(100, requires_grad=True)
    y = nn.Dropout(0.5)(x)
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()


PLAIN = {
    "Identity()": lambda: nn.Identity(),
    "Flatten(start_dim=1, end_dim=-1)": lambda: nn.Flatten(),
    "LeakyReLU(negative_slope=0.2)": lambda: nn.LeakyReLU(0.2),
    "Softmax(dim=1)": lambda: nn.Softmax(1),
    "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)": (
        lambda: nn.MaxPool2d(2)
    ),
    "AvgPool2d(kernel_size=3, stride=1, padding=1)": lambda: nn.AvgPool2d(3, 1, 1),
    "AdaptiveAvgPool2d(output_size=1)": lambda: nn.AdaptiveAvgPool2d(1),
    "Dropout(p=0.5)": lambda: nn.Dropout(),
    "ChannelShuffle(2)": lambda: nn.ChannelShuffle(2),
    "LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=1.0)": lambda: nn.LocalResponseNorm(5),
    "BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)": (
        lambda: nn.BatchNorm2d(4)
    ),
    "BatchNorm2d(4, eps=1e-05, momentum=None, affine=False, track_running_stats=False)": (
        lambda: nn.BatchNorm2d(4, momentum=None, affine=False, track_running_stats=False)
    ),
    "Conv2d(4, 6, kernel_size=(3, 2), stride=(1, 1), padding='same', groups=2)": (
        lambda: nn.Conv2d(4, 6, (3, 2), padding="same", groups=2)
    ),
    "ConvTranspose2d(4, 2, kernel_size=(3, 3), stride=(2, 2), output_padding=(1, 1), bias=False)": (
        lambda: nn.ConvTranspose2d(4, 2, 3, stride=2, output_padding=1, bias=False)
    ),
    "Unfold(kernel_size=3, dilation=1, padding=1, stride=2)": (
        lambda: nn.Unfold(3, padding=1, stride=2)
    ),
    "ZeroPad2d(padding=(1, 1, 1, 1))": lambda: nn.ZeroPad2d(1),
    "ConstantPad2d(padding=(1, 0, 2, -1), value=0.5)": (
        lambda: nn.ConstantPad2d((1, 0, 2, -1), 0.5)
    ),
    "Linear(in_features=4, out_features=2, bias=False)": lambda: nn.Linear(4, 2, bias=False),
}


@pytest.mark.parametrize("text", PLAIN)
def test_layers_say_what_they_are_and_run(text):
    layer = PLAIN[text]()
    assert repr(layer) == text
    x = minidl.rand(3, 4) if isinstance(layer, nn.Linear) else minidl.rand(2, 4, 6, 7)
    assert layer(x).shape[0] == x.shape[0]


@pytest.mark.parametrize(
    "make", [nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.SiLU, nn.Hardswish, nn.Hardsigmoid]
)
def test_inplace_is_accepted_and_overwrites_nothing(make):
    x = minidl.randn(50)
    before = x.clone()
    assert (make(inplace=True)(x) == make()(x)).all()
    assert (x == before).all()
    assert x.version == 0


def test_dropout_in_place_overwrites_nothing():
    x = minidl.ones(50)
    assert (nn.Dropout(0.5, inplace=True)(x) == 0).any()
    assert (x == 1).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_hardsigmoid_is_made_of_straight_lines(dtype):
    values = [-50.0, -3.0, -1.5, 0.0, 1.5, 3.0, 50.0]
    x = minidl.tensor(values, dtype=dtype, requires_grad=True)
    y = nn.Hardsigmoid()(x)
    y.sum().backward()
    np.testing.assert_allclose(y.detach().numpy(), [0, 0, 0.25, 0.5, 0.75, 1, 1])
    sixth = [0, 0, 1 / 6, 1 / 6, 1 / 6, 0, 0]
    np.testing.assert_allclose(x.grad.numpy(), sixth, rtol=1e-6)
    assert y.dtype == x.grad.dtype == np.dtype(dtype)


def test_borders_are_left_right_top_bottom():
    x = minidl.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    y = nn.ConstantPad2d((1, 0, 2, -1), 9.0)(x)
    assert y.tolist() == [[[[9.0, 9.0, 9.0], [9.0, 9.0, 9.0], [9.0, 1.0, 2.0]]]]
    assert nn.ZeroPad2d(1)(x).shape == (1, 1, 4, 4)
    assert nn.ZeroPad2d(1)(x).sum().item() == 10.0


def test_fold_adds_where_the_windows_of_unfold_overlap():
    x = minidl.ones(1, 2, 4, 5)
    window = {"kernel_size": (3, 2), "stride": (1, 2), "padding": (0, 1), "dilation": 1}
    columns = nn.Unfold(**window)(x)
    assert columns.shape == (1, 2 * 3 * 2, 2 * 3)
    counted = nn.Fold((4, 5), **window)(columns)
    loops = np.zeros((4, 5))
    for top in range(2):
        for left in (-1, 1, 3):
            for i in range(top, top + 3):
                for j in range(left, left + 2):
                    if 0 <= j < 5:
                        loops[i, j] += 1
    np.testing.assert_array_equal(counted.numpy(), np.broadcast_to(loops, (1, 2, 4, 5)))


def test_losses_as_layers_call_their_functions():
    logits, labels = minidl.randn(4, 3), minidl.tensor([0, 2, 1, 1])
    weight = minidl.tensor([1.0, 2.0, 0.5])
    log_probabilities = F.log_softmax(logits, 1)
    for given in ({}, {"weight": weight}, {"ignore_index": 1}, {"reduction": "sum"}):
        expected = F.cross_entropy(logits, labels, **given)
        assert (nn.CrossEntropyLoss(**given)(logits, labels) == expected).all()
        got = nn.NLLLoss(**given)(log_probabilities, labels)
        np.testing.assert_allclose(got.item(), expected.item(), rtol=1e-6)
    assert nn.MSELoss()(logits, logits + 2).item() == pytest.approx(4, rel=1e-6)


def test_pytorchs_arguments_that_mean_nothing_here_are_passed_over():
    layer = nn.Conv2d(1, 2, 3, padding_mode="zeros", device=None, dtype=None)
    assert layer(minidl.zeros(1, 1, 3, 3)).shape == (1, 2, 1, 1)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: nn.Linear(2, 2, device="cuda"),
            DTypeError,
            "Linear: device='cuda' is PyTorch's argument. In minidl a backend says where arrays",
        ),
        (
            lambda: nn.BatchNorm2d(2, dtype="float64"),
            DTypeError,
            "BatchNorm2d: dtype='float64' is PyTorch's argument. Layers are made in float32: "
            "convert with .double() or .to(dtype).",
        ),
        (
            lambda: nn.Conv2d(1, 2, 3, padding_mode="reflect"),
            DTypeError,
            "Conv2d: padding_mode='reflect' is PyTorch's argument. minidl pads with zeros only",
        ),
        (
            lambda: nn.ConvTranspose2d(1, 2, 3, strides=2),
            DTypeError,
            "ConvTranspose2d: there is no argument 'strides'. Did you mean stride?",
        ),
        (
            lambda: nn.Softmax(),
            DTypeError,
            "Softmax: dim is None, expected an int. Use dim=1 for logits (N, C).",
        ),
        (
            lambda: nn.Dropout(1.5),
            ArgumentError,
            "Dropout: p is 1.5, expected a probability from 0 to 1. p is the share that is dropped",
        ),
        (lambda: nn.DropPath(-0.1), ArgumentError, "DropPath: p is -0.1, expected a probability"),
        (lambda: nn.Dropout("0.5"), DTypeError, "Dropout: p is '0.5', expected a number"),
        (lambda: nn.ZeroPad2d((1, 2)), ArgumentError, "one width or (left, right, top, bottom)"),
        (
            lambda: nn.NLLLoss(minidl.zeros(1, 2), minidl.tensor([0])),
            DTypeError,
            "Make the loss first and then call it: NLLLoss()(outputs, target).",
        ),
        (
            lambda: nn.Conv2d(0, 1, 3),
            ArgumentError,
            "Conv2d: in_channels is 0, expected at least 1",
        ),
        (lambda: nn.Conv2d(4, 6, 3, groups=3), ArgumentError, "groups is 3, expected a divisor of"),
        (lambda: nn.Conv2d(4, 6, "3"), ArgumentError, "kernel_size is '3'"),
        (lambda: nn.Conv2d(4.0, 6, 3), DTypeError, "in_channels is 4.0, expected an int"),
        (lambda: nn.Linear(2, True), DTypeError, "out_features is True, expected an int"),
        (lambda: nn.Linear(-1, 2), ArgumentError, "in_features is -1"),
        (lambda: nn.BatchNorm2d(0), ArgumentError, "BatchNorm2d: num_features is 0"),
        (lambda: nn.Linear(4, 2)(minidl.ones(1, 3)), ShapeError, "x.shape is (1, 3)"),
    ],
)
def test_layer_errors(make, error, message):
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)


def test_numpys_integers_are_sizes():
    layer = nn.Conv2d(1, 2, np.int64(3), stride=np.int64(2), padding=(np.int32(1), 0))
    assert layer(minidl.zeros(1, 1, 8, 9)).shape == (1, 2, 4, 4)


@pytest.mark.oracle
def test_layers_are_written_as_pytorchs():
    torch = pytest.importorskip("torch")
    for make in (
        lambda nn: nn.Linear(784, 10),
        lambda nn: nn.Conv2d(1, 6, 5, padding=2),
        lambda nn: nn.Conv2d(4, 8, (3, 1), (2, 1), 1, 2, 2, False),
        lambda nn: nn.Conv2d(4, 4, 3, padding=(1, 0)),
        lambda nn: nn.ConvTranspose2d(4, 2, 3, 2, 1, 1, 2, True, 3),
        lambda nn: nn.BatchNorm1d(3, momentum=None),
        lambda nn: nn.BatchNorm2d(3, affine=False),
        lambda nn: nn.MaxPool2d((2, 3), ceil_mode=True),
        lambda nn: nn.AvgPool2d(3, 2, 1),
        lambda nn: nn.AdaptiveAvgPool2d((1, None)),
        lambda nn: nn.Flatten(),
        lambda nn: nn.Softmax(1),
        lambda nn: nn.LeakyReLU(),
        lambda nn: nn.Unfold(3),
        lambda nn: nn.ModuleList([nn.ReLU(), nn.Identity()]),
        lambda nn: nn.ModuleDict({"a": nn.ReLU(), "b": nn.Sigmoid()}),
    ):
        theirs = re.sub("bias=(True|False), track", "track", repr(make(torch.nn)))  # since 2.13
        assert repr(make(nn)) == theirs
