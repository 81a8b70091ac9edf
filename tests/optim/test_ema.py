"""The moving average of weights."""

import numpy as np
import pytest

import minidl
from minidl import nn, optim
from minidl.errors import ArgumentError, DTypeError, InPlaceError, ShapeError
from minidl.optim import ExponentialMovingAverage


def set_to(tensor, values):
    with minidl.no_grad():
        tensor.copy_(minidl.tensor(values, dtype=tensor.dtype))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-14)])
def test_twenty_updates_agree_with_the_loop(dtype, tolerance):
    rng = np.random.default_rng(8)
    values = rng.normal(size=(21, 2, 3))
    p = minidl.tensor(values[0], dtype=dtype, requires_grad=True)
    average = ExponentialMovingAverage([p], decay=0.8)
    expected = values[0].ravel().tolist()
    for row in values[1:]:
        set_to(p, row)
        average.update()
        for i, x in enumerate(row.ravel().tolist()):
            expected[i] = 0.8 * expected[i] + (1 - 0.8) * x
    (found,) = average.averages
    assert found.dtype == p.dtype
    np.testing.assert_allclose(found.numpy().ravel(), expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(p.detach().numpy(), values[20].astype(dtype))


def model():
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def test_buffers_are_copied_not_averaged():
    module = model()
    average = ExponentialMovingAverage(module, decay=0.9)
    module(minidl.rand(5, 3))
    assert average.buffers[0].tolist() != next(module.buffers()).tolist()
    average.update()
    for copy, buffer in zip(average.buffers, module.buffers(), strict=True):
        assert copy.tolist() == buffer.tolist()
        assert copy.dtype == buffer.dtype


def trained(decay=0.5):
    module = model()
    average = ExponentialMovingAverage(module, decay)
    optimizer = optim.SGD(module.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (module(minidl.rand(5, 3)) ** 3).sum().backward()
        optimizer.step()
        average.update()
    return module, average


def values(module):
    return [t.detach().tolist() for t in (*module.parameters(), *module.buffers())]


def test_applied_lends_the_averages_and_gives_the_weights_back():
    module, average = trained()
    own = values(module)
    averages = [t.tolist() for t in (*average.averages, *average.buffers)]
    assert own != averages
    with average.applied():
        assert values(module) == averages
    assert values(module) == own
    with pytest.raises(KeyError), average.applied():
        raise KeyError
    assert values(module) == own


def test_copy_to_writes_into_the_model_or_another():
    module, average = trained()
    other = model()
    own = values(module)
    average.copy_to(other)
    averages = [t.tolist() for t in (*average.averages, *average.buffers)]
    assert values(other) == averages
    assert values(module) == own
    average.copy_to()
    assert values(module) == averages
    set_to(other[0].bias, [8.0, 9.0])
    average.copy_to(list(other.parameters()))
    assert values(other) == averages


def test_weights_changed_by_copy_to_are_counted():
    p = minidl.ones(2, requires_grad=True)
    average = ExponentialMovingAverage([p], 0.5)
    y = (p * p).sum()
    average.copy_to()
    with pytest.raises(InPlaceError):
        y.backward()


def test_the_averages_follow_the_model_to_another_dtype():
    module, average = trained()
    before = average.averages[0].tolist()
    module.double()
    average.update()
    assert all(t.dtype == np.float64 for t in average.averages)
    expected = 0.5 * np.array(before) + 0.5 * module[0].weight.detach().numpy()
    np.testing.assert_allclose(average.averages[0].numpy(), expected, rtol=1e-14)


def test_a_resumed_average_has_the_same_bits():
    module, average = trained()
    state = average.state_dict()
    plain = {**state, "averages": [t.numpy().copy() for t in state["averages"]]}
    resumed = ExponentialMovingAverage(module, decay=0.1)
    resumed.load_state_dict(plain)
    for each in (average, resumed):
        each.update()
    assert resumed.decay == 0.5
    for a, b in zip(average.averages, resumed.averages, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    for a, b in zip(state["averages"], average.averages, strict=True):
        assert a.tolist() != b.tolist(), "the snapshot changed with the average"


def spoiled(**changes):
    _, average = trained()
    before = [t.tolist() for t in average.averages]
    try:
        average.load_state_dict({**average.state_dict(), "decay": 0.25, **changes})
    finally:
        assert [t.tolist() for t in average.averages] == before
        assert average.decay == 0.5


LOAD = "ExponentialMovingAverage.load_state_dict: "


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (
            lambda: ExponentialMovingAverage([minidl.zeros(1)], decay=1.0),
            ArgumentError,
            "ExponentialMovingAverage: decay is 1.0, expected at least 0 and below 1.",
        ),
        (
            lambda: ExponentialMovingAverage("weights", 0.5),
            DTypeError,
            "ExponentialMovingAverage: module_or_params is a str, expected a list of parameters. "
            "Give model.parameters().",
        ),
        (
            lambda: ExponentialMovingAverage([3], 0.5),
            DTypeError,
            "ExponentialMovingAverage: parameter 0 is a int, expected a Tensor.",
        ),
        (
            lambda: ExponentialMovingAverage([minidl.zeros(2)], 0.5).copy_to([minidl.zeros(3)]),
            ShapeError,
            "ExponentialMovingAverage.copy_to: the shape of parameters[0] is (3,), expected (2,).",
        ),
        (
            lambda: ExponentialMovingAverage([minidl.zeros(2)], 0.5).copy_to([]),
            ShapeError,
            "ExponentialMovingAverage.copy_to: the number of parameters is 0, expected 1.",
        ),
        (
            lambda: spoiled(buffers=[]),
            ArgumentError,
            LOAD + "len(buffers) is 0, expected 3, the buffers there are.",
        ),
        (
            lambda: spoiled(averages=[np.zeros(shape) for shape in [(2, 3), (2,), (3,), (2,)]]),
            ShapeError,
            LOAD + "averages[2].shape is (3,), expected (2,) like the model's.",
        ),
        (
            lambda: spoiled(shadow=[]),
            ArgumentError,
            LOAD + "the state_dict has unknown shadow, expected decay, averages, buffers. Was it "
            "saved by something else?",
        ),
    ],
)
def test_refusals(act, error, message):
    with pytest.raises(error) as caught:
        act()
    assert str(caught.value) == message


def test_an_average_says_what_it_averages():
    average = optim.ExponentialMovingAverage(nn.BatchNorm2d(2), decay=0.9)
    assert repr(average) == "ExponentialMovingAverage(decay=0.9, 2 parameters, 3 buffers)"
