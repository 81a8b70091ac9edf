"""Initial values follow the stated distributions, by Kolmogorov and Smirnov's test.

The seed is fixed, so the outcome is; the tests of the test show that a neighbouring distribution,
such as that of another fan, is noticed.
"""

import inspect
import math

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.errors import ArgumentError
from minidl.nn import init

erf = np.vectorize(math.erf)


def uniform(bound):
    return lambda x: np.clip((x + bound) / (2 * bound), 0, 1)


def between(low, high):
    return lambda x: np.clip((x - low) / (high - low), 0, 1)


def normal(std, mean=0.0):
    return lambda x: 0.5 + 0.5 * erf((x - mean) / std / math.sqrt(2))


def truncated(std, mean, a, b):
    whole = normal(std, mean)
    return lambda x: np.clip((whole(x) - whole(a)) / (whole(b) - whole(a)), 0, 1)


def kolmogorov_smirnov(sample, distribution):
    """√n · the largest distance between the sample's and the given distribution function."""
    x = np.sort(np.asarray(sample, dtype=np.float64).ravel())
    n, cdf = len(x), distribution(x)
    above = np.arange(1, n + 1) / n - cdf
    below = cdf - np.arange(n) / n
    return math.sqrt(n) * max(above.max(), below.max())


CRITICAL = 1.95  # exceeded with probability 0.001

# Layer, its fan_in, and fans that a mistake would give: fan_out, groups forgotten, axes exchanged.
LAYERS = {
    "Linear": (lambda: nn.Linear(50, 4000), 50, [4000]),
    "Conv2d": (lambda: nn.Conv2d(6, 4000, (3, 5)), 6 * 3 * 5, [6, 6 * 9, 4000 * 15]),
    "Conv2d with groups": (
        lambda: nn.Conv2d(12, 4000, (3, 2), groups=4),
        3 * 3 * 2,
        [12 * 3 * 2, 1000 * 6],
    ),
    "depthwise": (lambda: nn.Conv2d(4000, 4000, 3, groups=4000), 9, [4000 * 9]),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(500, 4000, 2), 4000 * 4, [500 * 4, 4000]),
    "ConvTranspose2d with groups": (
        lambda: nn.ConvTranspose2d(8, 4000, (3, 2), groups=4),
        1000 * 3 * 2,
        [4000 * 6, 8 * 6, 2 * 6],
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_weights_and_biases_are_uniform_within_one_over_the_root_of_fan_in(name):
    make, fan_in, wrong = LAYERS[name]
    layer, bound = make(), 1 / math.sqrt(fan_in)
    assert init.fan_in(layer.weight) == fan_in
    for parameter in (layer.weight, layer.bias):
        values = parameter.detach().numpy().ravel()[:20_000].astype(np.float64)
        assert 0.99 * bound < np.abs(values).max() <= np.float32(bound)
        assert kolmogorov_smirnov(values, uniform(bound)) < CRITICAL
        for fan in wrong:
            assert kolmogorov_smirnov(values, uniform(1 / math.sqrt(fan))) > 3 * CRITICAL


@pytest.mark.parametrize("make", [nn.BatchNorm1d, nn.BatchNorm2d])
def test_batch_norm_starts_as_the_identity(make):
    state = {name: t.tolist() for name, t in make(3).state_dict().items()}
    assert state == {
        "weight": [1.0, 1.0, 1.0],
        "bias": [0.0, 0.0, 0.0],
        "running_mean": [0.0, 0.0, 0.0],
        "running_var": [1.0, 1.0, 1.0],
        "num_batches_tracked": 0,
    }


SHAPE = (80, 20, 5, 6)  # fan_in 20 · 30, fan_out 80 · 30
IN, OUT = 20 * 30, 80 * 30
LEAKY = 1 + 0.5**2

# How it is called, the distribution, and what a mistake would give.
FUNCTIONS = {
    "uniform_": ({}, between(0, 1), uniform(1)),
    "uniform_ within bounds": ({"low": -1, "high": 3}, between(-1, 3), between(-1, 2.9)),
    "normal_": ({}, normal(1), normal(1.1)),
    "normal_ elsewhere": ({"mean": 3, "std": 2}, normal(2, 3), normal(2, 2.9)),
    "trunc_normal_": ({}, truncated(1, 0, -2, 2), normal(1)),
    "trunc_normal_ narrow": (
        {"mean": 1, "std": 0.5, "a": 0.9, "b": 3},
        truncated(0.5, 1, 0.9, 3),
        truncated(0.5, 1, -0.1, 2),
    ),
    "trunc_normal_ of small std": ({"std": 0.02}, normal(0.02), truncated(0.02, 0, -0.04, 0.04)),
    "xavier_uniform_": ({}, uniform(math.sqrt(6 / (IN + OUT))), uniform(math.sqrt(3 / IN))),
    "xavier_uniform_ with gain": (
        {"gain": 5 / 3},
        uniform(5 / 3 * math.sqrt(6 / (IN + OUT))),
        uniform(math.sqrt(6 / (IN + OUT))),
    ),
    "xavier_normal_": ({}, normal(math.sqrt(2 / (IN + OUT))), normal(math.sqrt(1 / OUT))),
    "kaiming_uniform_": ({}, uniform(math.sqrt(6 / IN)), uniform(math.sqrt(6 / OUT))),
    "kaiming_uniform_ leaky": (
        {"a": 0.5},
        uniform(math.sqrt(6 / LEAKY / IN)),
        uniform(math.sqrt(6 / IN)),
    ),
    "kaiming_uniform_ backward": (
        {"mode": "fan_out", "nonlinearity": "tanh"},
        uniform(5 / 3 * math.sqrt(3 / OUT)),
        uniform(5 / 3 * math.sqrt(3 / IN)),
    ),
    "kaiming_normal_": ({}, normal(math.sqrt(2 / IN)), normal(math.sqrt(1 / IN))),
    "kaiming_normal_ backward": (
        {"mode": "fan_out", "nonlinearity": "relu"},
        normal(math.sqrt(2 / OUT)),
        normal(math.sqrt(2 / IN)),
    ),
    "default_weight_": ({}, uniform(math.sqrt(1 / IN)), uniform(math.sqrt(1 / OUT))),
}


@pytest.mark.parametrize("case", FUNCTIONS)
def test_initialisation_follows_the_stated_distribution_and_not_its_neighbour(case):
    options, right, wrong = FUNCTIONS[case]
    function = getattr(init, case.split()[0])
    tensor = minidl.zeros(*SHAPE)
    assert function(tensor, **options) is tensor
    assert kolmogorov_smirnov(tensor.numpy(), right) < CRITICAL
    assert kolmogorov_smirnov(tensor.numpy(), wrong) > 2 * CRITICAL


def test_truncated_normals_stay_inside_also_as_a_single_number():
    x = init.trunc_normal_(minidl.zeros(50_000, dtype="float64"), std=3.0, a=-1.0, b=0.5).numpy()
    assert -1.0 <= x.min() < -0.999
    assert 0.499 < x.max() <= 0.5
    assert all(0 <= init.trunc_normal_(minidl.zeros(()), a=0.0).item() <= 2 for _ in range(20))


def test_constants():
    layer = nn.Linear(2, 2)
    init.constant_(layer.weight, 3.0)
    assert layer.weight.is_leaf
    assert layer.weight.requires_grad
    assert (layer.weight == 3).all()
    assert (init.ones_(layer.weight) == 1).all()
    assert (init.zeros_(layer.weight) == 0).all()


def test_the_seed_fixes_initial_values_and_layers_differ():
    minidl.manual_seed(7)
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    minidl.manual_seed(7)
    again = nn.Linear(3, 3)
    assert (first.weight == again.weight).all()
    assert not (first.weight == second.weight).any()


def test_without_data_nothing_is_drawn():
    before = minidl.random.default_generator.get_state()
    with minidl.use_backend("meta"):
        nn.Linear(10_000, 100_000)  # 4 GB
    assert minidl.random.default_generator.get_state() == before


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (
            lambda: init.kaiming_uniform_(minidl.zeros(3)),
            "fan_in: the tensor has shape (3,), expected a weight (out, in, …).",
        ),
        (
            lambda: init.xavier_normal_(minidl.zeros(3, 0)),
            "fan_in: the tensor has shape (3, 0), expected a weight (out, in, …).",
        ),
        (
            lambda: init.kaiming_normal_(minidl.zeros(3, 2), mode="out"),
            'kaiming_normal_: mode is \'out\', expected "fan_in" or "fan_out".',
        ),
        (
            lambda: init.kaiming_normal_(minidl.zeros(3, 2), nonlinearity="swish"),
            'calculate_gain: nonlinearity is \'swish\', expected one of "linear", "conv2d", '
            '"sigmoid", "tanh", "relu", "leaky_relu".',
        ),
        (
            lambda: init.trunc_normal_(minidl.zeros(3), std=0),
            "trunc_normal_: std is 0 and [a, b] is [-2.0, 2.0], expected std > 0 and a < b.",
        ),
        (
            lambda: init.trunc_normal_(minidl.zeros(3), mean=100),
            "trunc_normal_: [a, b] is [-2.0, 2.0], expected an interval that a normal of mean 100 "
            "and std 1.0 often falls into. a and b are values, not numbers of std.",
        ),
    ],
)
def test_mistakes(act, sentence):
    with pytest.raises(ArgumentError) as caught:
        act()
    assert str(caught.value) == sentence


# ---------------------------------------------------------------------------------- PyTorch


@pytest.mark.oracle
@pytest.mark.parametrize("name", LAYERS)
def test_layers_start_as_pytorchs_do(name):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layer = LAYERS[name][0]()
    arguments = [layer.weight.shape, layer.bias.shape]
    cls = type(layer).__name__
    if cls == "Linear":
        theirs = torch.nn.Linear(layer.in_features, layer.out_features)
    else:
        theirs = getattr(torch.nn, cls)(
            layer.in_channels, layer.out_channels, layer.kernel_size, groups=layer.groups
        )
    assert [tuple(theirs.weight.shape), tuple(theirs.bias.shape)] == arguments
    fans = torch.nn.init._calculate_fan_in_and_fan_out(theirs.weight)
    assert (init.fan_in(layer.weight), init.fan_out(layer.weight)) == fans
    bound = 1 / math.sqrt(LAYERS[name][1])
    for parameter in (theirs.weight, theirs.bias):
        sample = parameter.detach().numpy().ravel()[:20_000]
        assert kolmogorov_smirnov(sample, uniform(bound)) < CRITICAL


@pytest.mark.oracle
@pytest.mark.parametrize("case", [case for case in FUNCTIONS if case != "default_weight_"])
def test_pytorchs_function_of_that_name_has_the_stated_distribution(case):
    torch = pytest.importorskip("torch")
    name = case.split()[0]
    torch.manual_seed(0)
    options = {{"low": "a", "high": "b"}.get(k, k): v for k, v in FUNCTIONS[case][0].items()}
    sample = getattr(torch.nn.init, name)(torch.zeros(SHAPE), **options).numpy()
    assert kolmogorov_smirnov(sample, FUNCTIONS[case][1]) < CRITICAL
    ours = inspect.signature(getattr(init, name)).parameters
    theirs = inspect.signature(getattr(torch.nn.init, name)).parameters
    assert [p.default for p in ours.values()] == [
        p.default for p in theirs.values() if p.name != "generator"
    ]


@pytest.mark.oracle
@pytest.mark.parametrize("nonlinearity", ["linear", "conv2d", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("slope", [None, 0, 0.3])
def test_gains_are_pytorchs(nonlinearity, slope):
    theirs = pytest.importorskip("torch").nn.init.calculate_gain
    for name in (nonlinearity, "leaky_relu"):
        assert init.calculate_gain(name, slope) == theirs(name, slope)
