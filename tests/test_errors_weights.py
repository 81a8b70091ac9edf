"""What students read when they load weights in a way that can't be meant: the whole sentence."""

import numpy as np
import pytest
from interop.published import arrays, check_equal, thin
from mistakes import assert_explained

import minidl
from minidl import models
from minidl.errors import ArgumentError, DataError, DTypeError
from minidl.models import load_weights
from minidl.naming import MissingNameError


@pytest.fixture
def model():
    return thin()


def with_first(model, value):
    """The model's state with something else at its first name."""
    return {**arrays(model), "conv1.weight": value}


MISTAKES = {
    # --------------------------------------------------------------------------------- arguments
    "the name for the model": (
        lambda model: load_weights("resnet18", "resnet18.pth"),
        DTypeError,
        "load_weights: model is 'resnet18', expected a Module. Make it first: "
        "models.create('resnet18').",
    ),
    "the maker for the model": (
        lambda model: load_weights(models.resnet18, "resnet18.pth"),
        DTypeError,
        "load_weights: model is a function, expected a Module. Call it: it makes the model.",
    ),
    "model and file exchanged": (
        lambda model: load_weights("resnet18.pth", model),
        DTypeError,
        "load_weights: model is 'resnet18.pth', expected a Module. The model comes first, then the "
        "file: load_weights(model, path).",
    ),
    "a file's bytes": (
        lambda model: load_weights(model, b"resnet18.pth"),
        DTypeError,
        "load_weights: the source is a bytes, expected a path or a dict of tensors by name.",
    ),
    "an address": (
        lambda model: load_weights(model, "https://example.org/resnet18.pth"),
        DataError,
        "https://example.org/resnet18.pth is an address, not a file. Download it first, and name "
        "the file.",
    ),
    "a word for strict": (
        lambda model: load_weights(model, arrays(model), strict="no"),
        DTypeError,
        "load_weights: strict is 'no', expected True or False.",
    ),
    # ------------------------------------------------------------------------------------ values
    "a number for a tensor": (
        lambda model: load_weights(model, with_first(model, 3)),
        DTypeError,
        "load_weights: 'conv1.weight' is a int, expected a tensor or an array.",
    ),
    "a list for a tensor": (
        lambda model: load_weights(model, {"conv1.weight": [[1.0, 2.0]]}),
        DataError,
        "load_weights: it holds no tensors by name, but 'conv1.weight'; nor has it any at "
        "'state_dict_ema', 'model_ema', 'ema_state_dict', 'ema', 'state_dict', "
        "'model_state_dict', 'model', 'net', 'network', 'module', 'weights', where checkpoints "
        "have them. 'conv1.weight' is a list: make tensors of lists, with minidl.tensor(values).",
    ),
    "whole numbers for weights": (
        lambda model: load_weights(model, with_first(model, np.ones((2, 3, 7, 7), np.int64))),
        DTypeError,
        "load_weights: 'conv1.weight' is of int64, expected floating-point numbers. If the weights "
        "are quantised, scale them back first.",
    ),
    "a tensor of whole numbers": (
        lambda model: load_weights(
            model, with_first(model, minidl.zeros(2, 3, 7, 7).astype("uint8"))
        ),
        DTypeError,
        "load_weights: 'conv1.weight' is of uint8, expected floating-point numbers. If the weights "
        "are quantised, scale them back first.",
    ),
    "a model without values": (
        lambda model: load_weights(thin().to("meta"), arrays(model)),
        ArgumentError,
        'load_weights: the model is on the backend "meta", which has shapes but no values: nothing '
        'would be loaded. Make the model on another backend, such as "numpy".',
    ),
    # ------------------------------------------------------------------------------ PyTorch's way
    "published names for load_state_dict": (
        lambda model: model.load_state_dict(models.export_weights(model, "pretrainedmodels")),
        ArgumentError,
        "load_state_dict: the state does not fit ResNet.\n  missing: fc.weight, fc.bias\n  "
        "unexpected: last_linear.weight, last_linear.bias\nNames under which weights were "
        "published elsewhere are read by minidl.models.load_weights(module, path).",
    ),
    "a model's load": (
        lambda model: model.load("resnet18.pth"),
        MissingNameError,
        "ResNet has no attribute 'load'. Use module.load_state_dict(minidl.load(path)), or for "
        "names published elsewhere minidl.models.load_weights(module, path).",
    ),
    "a device to load onto": (
        lambda model: minidl.load("resnet18.pth", map_location="cuda"),
        DTypeError,
        "load: map_location='cuda' is PyTorch's argument. Tensors are loaded onto the default "
        "backend, whatever they were saved on; .to(backend) moves them.",
    ),
    "pickles to be executed": (
        lambda model: minidl.load("resnet18.pth", weights_only=False),
        DTypeError,
        "load: weights_only=False is PyTorch's argument. minidl never executes what a file says: "
        "leave it out.",
    ),
    "an argument of load misspelt": (
        lambda model: minidl.load("resnet18.pth", paht=1),
        DTypeError,
        "load: there is no argument 'paht'. Did you mean path? There are: path.",
    ),
}


def test_pytorchs_arguments_of_load_that_change_nothing_may_stay(model, tmp_path):
    minidl.save(arrays(model), tmp_path / "weights.pth")
    for location in ("cpu", None):
        state = minidl.load(tmp_path / "weights.pth", map_location=location, weights_only=True)
        assert list(state) == list(model.state_dict())


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_explained_and_loads_nothing(model, mistake):
    act, error, sentence = MISTAKES[mistake]
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    assert_explained(lambda: act(model), error, sentence)
    check_equal(model, before)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("kind", [np.asarray, minidl.tensor])
def test_numbers_that_are_not_finite_are_loaded_with_a_warning(model, value, kind):
    state = arrays(model)
    state["bn1.bias"][1] = value
    with pytest.warns(UserWarning, match="finite") as warned:
        load_weights(model, {name: kind(each) for name, each in state.items()})
    assert [str(each.message) for each in warned] == [
        "load_weights: not all numbers are finite, in bn1.bias: nor will be what the model "
        "computes. Perhaps the training diverged."
    ]
    check_equal(model, state)
