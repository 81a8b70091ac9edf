"""Weights within something larger: a network with more around it, a checkpoint of many parts."""

import numpy as np
import pytest
from interop.published import arrays, check_equal, thin

from minidl.errors import ArgumentError, DataError
from minidl.interop.states import find_state
from minidl.models import load_weights


@pytest.fixture(scope="module")
def state():
    return arrays(thin())


def averaged(state):
    """What torch.optim.swa_utils.AveragedModel's state_dict() is."""
    return {"n_averaged": np.array(3), **{f"module.{name}": each for name, each in state.items()}}


@pytest.mark.parametrize(
    "content_of",
    [
        averaged,
        lambda state: {"model": {"conv1.weight": np.ones(2)}, "model_ema": averaged(state)},
        lambda state: averaged({f"module.{name}": each for name, each in state.items()}),
    ],
)
def test_averages_of_swa_are_weights(state, content_of):
    model = thin()
    report = load_weights(model, content_of(state))
    assert report.is_complete
    assert report.prefix.startswith("module.")
    check_equal(model, state)


@pytest.mark.parametrize("prefix", ["backbone.", "model.", "student.model."])
def test_a_network_within_a_larger_one_is_loaded_without_strict(state, prefix):
    others = {"loss.weight": np.ones(5), "head.0.weight": np.ones((2, 16)), "scale": np.ones(1)}
    content = {**others, **{prefix + name: each for name, each in state.items()}}
    model = thin()
    with pytest.raises(ArgumentError, match=r"unexpected: loss.weight, head.0.weight, scale"):
        load_weights(model, content)
    report = load_weights(model, content, strict=False)
    assert (report.prefix, report.missing, report.unexpected) == (prefix, [], list(others))
    check_equal(model, state)


def test_of_two_networks_in_one_neither_is_chosen(state):
    content = {f"{part}.{name}": each for part in ("a", "b") for name, each in state.items()}
    with pytest.raises(ArgumentError, match="none of its 244 names belong to ResNet"):
        load_weights(thin(), content, strict=False)


# --------------------------------------------------------------------- parts of a checkpoint


@pytest.mark.parametrize(
    "fewer",
    [
        {"ema": {"decay": np.array(0.999), "steps": np.array(7)}},
        {"ema": {"module": {"decay": np.ones(1)}}},
        {"weights": {"of_classes": np.ones(10)}},
        {"model_ema": {"conv1.weight": np.ones(2), "fc.bias": np.ones(2)}, "best": np.array(0.9)},
    ],
)
def test_of_several_dicts_of_tensors_the_one_with_most_is_taken(state, fewer):
    assert find_state({**fewer, "model": state}) == (state, "model")


def test_averages_are_taken_though_they_lack_counters(state):
    averages = {key: each for key, each in state.items() if np.ndim(each) > 0}
    assert len(averages) < len(state)
    assert find_state({"model": state, "ema": averages}) == (averages, "ema")


def test_numbers_beside_weights_at_an_unknown_key_do_not_hide_them(state):
    with pytest.raises(DataError) as caught:
        find_state({"best_acc": np.array(0.9), "model_state": state})
    assert str(caught.value).endswith(
        "There are some at 'model_state': give load_weights that dict, "
        "minidl.load(path)['model_state']."
    )
    assert find_state({"scale": np.array(2.0)}) == ({"scale": 2.0}, "")


def test_a_dict_that_stands_in_many_places_is_looked_through_once():
    class Counting(dict):
        asked = 0

        def values(self):
            Counting.asked += 1
            return super().values()

    shared = Counting(epoch=3)
    for _ in range(4):
        shared = dict.fromkeys(("ema", "state_dict", "model", "net", "mine", "yours"), shared)
    with pytest.raises(DataError, match="no tensors by name"):
        find_state(shared)
    assert Counting.asked <= 4
