"""Receptive fields against what a gradient reaches in a network of positive weights."""

import numpy as np
import pytest

import minidl
from minidl import functional as F
from minidl import nn
from minidl.analysis import summary


class Parallel(nn.Module):
    """Branches side by side, added or joined."""

    def __init__(self, *branches, join=False):
        super().__init__()
        self.branches, self.join = nn.ModuleList(branches), join

    def forward(self, x):
        results = [branch(x) for branch in self.branches]
        if self.join:
            return minidl.concatenate(results, 1)
        total = results[0]
        for result in results[1:]:
            total = total + result
        return total


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def conv(kernel_size, **options):
    return nn.Conv2d(2, 2, kernel_size, **options)


def measured(model, size=(61, 67), period=2):
    """Height and width of the largest boxes that gradients of outputs in the middle reach.

    Behind a transposed convolution not all outputs are equal, but so many in a row are all kinds.
    """
    model = model.double().eval()
    with minidl.no_grad():
        for parameter in model.parameters():
            parameter.copy_(np.random.default_rng(0).uniform(0.5, 1.5, parameter.shape))
    reach = []
    for axis in (2, 3):
        lengths = [0]
        for i in range(period):
            x = minidl.ones(1, 2, *size, dtype="float64").requires_grad_()
            y = model(x)
            middle = y.shape[axis] // 2 + i - period // 2
            line = y[:, :, middle] if axis == 2 else y[:, :, :, middle]
            line.sum().backward()
            seen = np.abs(x.grad.numpy()).sum((0, 1, 5 - axis)).nonzero()[0]
            lengths.append(np.ptp(seen) + 1 if len(seen) else 0)
        reach.append(max(lengths))
    return tuple(reach)


NETS = {
    "one convolution": lambda: conv((5, 3), padding=(2, 1)),
    "stack": lambda: nn.Sequential(conv(3), conv(3), conv((1, 7))),
    "stride": lambda: nn.Sequential(conv(3, stride=2), conv(3, stride=(2, 1)), conv(3)),
    "dilation": lambda: nn.Sequential(conv(3, dilation=2), conv((3, 2), dilation=(4, 3))),
    "depthwise": lambda: nn.Sequential(conv(5, groups=2, stride=2), conv(3)),
    "average pooling": lambda: nn.Sequential(conv(3), nn.AvgPool2d(3, 2, 1), conv(3)),
    "pools and padding": lambda: nn.Sequential(
        conv(7, stride=2, padding=3), nn.AvgPool2d(2), conv(3, padding=1), nn.ReLU()
    ),
    "residual": lambda: Parallel(
        nn.Sequential(conv(3, padding=1), conv(3, padding=1)), Function(F.relu)
    ),
    "branches joined": lambda: Parallel(
        conv(1), conv(3, padding=1), conv(5, padding=2, stride=1), join=True
    ),
    "branches off centre": lambda: Parallel(
        Function(lambda x: F.pad(x, (3, 0, 0, 1))), Function(lambda x: F.pad(x, (0, 3, 1, 0)))
    ),
    "strided slice": lambda: nn.Sequential(Function(lambda x: x[:, :, 1::2, 3::3]), conv(3)),
    "upsampled, whole": lambda: nn.Sequential(
        conv(3, stride=2), nn.ConvTranspose2d(2, 2, 4, stride=2, padding=1)
    ),
    "channels last": lambda: nn.Sequential(
        conv(3),
        Function(lambda x: x.permute(0, 2, 3, 1)),
        nn.Linear(2, 2),
        Function(lambda x: x.permute(0, 3, 1, 2)),
        conv(3),
    ),
    "mean of channels": lambda: nn.Sequential(
        conv(3), Function(lambda x: x.mean(1, keepdim=True)), nn.Conv2d(1, 2, 3)
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_field_is_what_the_gradient_reaches(name):
    model = NETS[name]()
    row = summary(model, (2, 61, 67)).rows[0]
    assert not row.sees_all
    assert row.receptive_field == measured(model)


def transposed(kernel_size, **options):
    return nn.ConvTranspose2d(2, 2, kernel_size, **options)


def test_behind_a_transposed_convolution_the_windows_see_less_than_the_sum_of_all():
    model = nn.Sequential(
        transposed((3, 1), stride=(2, 1)), nn.AvgPool2d((2, 1)), nn.AvgPool2d((2, 1))
    )
    assert summary(model, (2, 61, 67)).rows[0].receptive_field == measured(model) == (3, 1)


def random_net(rng):
    """Convolutions, transposed ones and pools, of any stride and dilation, in which all taps count;
    and after how many outputs they repeat at the latest."""
    layers, period, scale = [], 1, 1.0
    for _ in range(rng.integers(2, 6)):
        k, stride, dilation = rng.integers(1, 5), rng.integers(1, 4), rng.integers(1, 3)
        kind = rng.choice(["conv", "pool", "transposed"])
        if kind == "transposed" and period * stride <= 12:
            layers.append(transposed(int(k), stride=int(stride), dilation=int(dilation)))
            period, scale = period * stride, scale * stride
        elif kind == "pool" and scale / stride > 0.1:
            layers.append(nn.AvgPool2d(int(k), int(stride)))
            scale /= stride
        elif scale / stride > 0.1:
            layers.append(conv(int(k), stride=int(stride), dilation=int(dilation)))
            scale /= stride
    return nn.Sequential(conv(1), *layers), int(period)


@pytest.mark.parametrize("seed", range(40))
def test_field_of_a_random_net_is_what_the_gradient_reaches(seed):
    model, period = random_net(np.random.default_rng(seed))
    row = summary(model, (2, 121, 120)).rows[0]
    assert row.receptive_field == measured(model, (121, 120), period)


def test_adaptive_pooling_and_what_follows_it_see_exactly_their_windows():
    model = nn.Sequential(nn.AdaptiveAvgPool2d((11, 7)), conv(2), nn.AvgPool2d(2))
    row = summary(model, (2, 30, 24)).rows[0]
    assert row.receptive_field == measured(model, (30, 24), 3)


def test_branches_that_run_through_the_image_at_different_speeds_are_not_guessed_at():
    slow = nn.Sequential(conv(1, stride=2), Function(lambda x: x[:, :, :4, :4]))
    fast = nn.Sequential(conv(1), Function(lambda x: x[:, :, :4, :4]))
    row = summary(Parallel(slow, fast), (2, 8, 8)).rows[0]
    assert (row.receptive_field, row.sees_all) == (None, False)


def test_an_image_read_backwards_moves_as_far():
    flipped = Function(lambda x: x[:, :, ::-1])
    row = summary(nn.Sequential(conv(3, stride=2), flipped, conv(3)), (2, 20, 20)).rows[0]
    assert (row.receptive_field, row.jump) == ((7, 7), (2.0, 2.0))


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(conv(3), nn.AdaptiveAvgPool2d(1), conv(1)),
        nn.Sequential(nn.Flatten(), nn.Linear(2 * 9 * 8, 3)),
        nn.Sequential(conv(3), Function(lambda x: x.mean((2, 3)))),
        Parallel(Function(F.relu), nn.Sequential(nn.AdaptiveAvgPool2d(1), conv(1))),
    ],
    ids=["global pool", "dense", "mean", "gate"],
)
def test_what_sees_everything_says_so(model):
    row = summary(model, (2, 9, 8)).rows[0]
    assert (row.sees_all, row.receptive_field) == (True, None)


def test_adaptive_pooling_has_windows_of_its_largest_size():
    model = nn.Sequential(conv(3), nn.AdaptiveAvgPool2d((5, 4)))
    row = summary(model, (2, 62, 35)).rows[-1]
    assert row.receptive_field == measured(model, (62, 35)) == (12 + 2, 9 + 2)
    assert row.jump == (12.0, 33 / 4)


def test_max_pool_field_is_its_window():
    row = summary(nn.Sequential(conv(3), nn.MaxPool2d(3, 2, dilation=2)), (2, 20, 21)).rows[-1]
    assert (row.receptive_field, row.jump) == ((7, 7), (2.0, 2.0))


def test_jump_is_the_product_of_the_strides():
    rows = summary(nn.Sequential(conv(3, stride=(2, 3)), nn.AvgPool2d(2)), (2, 40, 40)).rows
    assert [row.jump for row in rows[1:]] == [(2.0, 3.0), (4.0, 6.0)]


def test_flatten_keeps_the_field_and_an_unfold_is_not_guessed_at():
    rows = summary(nn.Sequential(conv(3), nn.Flatten()), (2, 9, 8)).rows
    assert rows[-1].receptive_field == (3, 3)
    unfolded = summary(Function(lambda x: F.unfold(x, 3)), (2, 9, 8)).rows[0]
    assert (unfolded.receptive_field, unfolded.sees_all) == (None, False)


def test_no_image_no_field():
    row = summary(nn.Linear(4, 3), (2, 4)).rows[0]
    assert (row.receptive_field, row.sees_all) == (None, False)
