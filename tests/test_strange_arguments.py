"""Arguments of every wrong kind, drawn at random: minidl refuses them, NumPy and Python never do.

A TypeError about the number of arguments is Python's own, and fine; MemoryError is honest.
"""

import inspect
import random
import warnings

import numpy as np
import pytest

import minidl
from minidl import functional as F
from minidl import nn
from minidl.errors import MinidlError

CREATORS = (
    *("tensor", "zeros", "ones", "full", "arange", "rand", "randn", "randint", "randperm"),
    *("from_numpy", "from_dlpack", "zeros_like", "ones_like", "grad", "backward", "manual_seed"),
)
LAYERS = (
    *("Conv2d", "ConvTranspose2d", "Linear", "BatchNorm2d", "Sequential", "MaxPool2d"),
    *("AvgPool2d", "AdaptiveAvgPool2d", "Dropout", "Softmax", "LocalResponseNorm"),
)
METHODS = (
    *("copy_", "fill_", "add_", "mul_", "to", "sum", "max", "var", "argmax", "any", "clip"),
    *("reshape", "permute", "expand", "split", "chunk", "flip", "squeeze", "unsqueeze"),
    *("__getitem__", "__setitem__", "new_zeros", "new_full", "new_tensor", "backward"),
    *("register_hook", "__add__", "__rsub__", "__pow__", "__matmul__", "__eq__", "__lt__"),
)
FLAGS = (
    *("keepdim", "training", "ceil_mode", "return_indices", "count_include_pad", "requires_grad"),
    *("bias", "affine", "track_running_stats", "inplace", "create_graph", "retain_graph"),
    *("backend",),
)
"""Anything may stand for true or false."""


def strange():
    """One of each kind."""
    return [
        *(None, 0, 1, 2, 3, -1, -5, 2**70, 1.5, float("nan"), 1j, True, "a", "mean", b"x"),
        *([], (), {}, [0, 1], (1, 2), (1, 2, 3, 4), (None, None), slice(None), ..., object()),
        *(np.float32(2), np.int64(1), np.array([1.0, 2.0], np.float32), np.array(["a"])),
        *(np.array([1j]), minidl.ones(2), minidl.ones(2, 3), minidl.ones(1, 2, 5, 4)),
        *(minidl.ones(2, 2, 3, 3), minidl.ones(4, 2), minidl.ones(2, 3, dtype="float64")),
        *(minidl.tensor([0, 1]), minidl.tensor([True, False]), minidl.tensor(1.0)),
        *(minidl.tensor(2), minidl.zeros(0, 3), minidl.ones(2, dtype="float16")),
        *(minidl.tensor([1, 0], dtype="uint8"), [minidl.ones(2), minidl.ones(2)]),
        minidl.ones(2, backend="meta"),
    ]


def good():
    """First arguments that get further in."""
    return [minidl.ones(1, 2, 5, 4), minidl.ones(2, 3), minidl.ones(2, 2, 3, 3)]


def targets():
    functions = {
        name: function
        for name, function in vars(F).items()
        if name in F.__all__ and inspect.isfunction(function)
    }
    functions |= {name: getattr(minidl, name) for name in CREATORS}
    functions |= {f"nn.{name}": getattr(nn, name) for name in LAYERS}
    functions |= {f"Tensor.{name}": getattr(minidl.Tensor, name) for name in METHODS}
    return functions


def drawn_arguments(rng, name, function):
    """A list of arguments as long as the function takes; flags stay what they are."""
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    required = sum(p.default is p.empty for p in positional)
    count = rng.randint(required, len(positional))
    arguments = [
        p.default if p.name in FLAGS and p.default is not p.empty else rng.choice(strange())
        for p in positional[:count]
    ]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        arguments += [rng.choice(strange()) for _ in range(rng.randint(1, 3))]
    if name.startswith("Tensor."):
        return [minidl.ones(2, 3), *arguments]
    if arguments and rng.random() < 0.7:
        arguments[0] = rng.choice(good())
    return arguments


@pytest.mark.parametrize("name", targets())
def test_strange_arguments_meet_an_error_of_ours(name):
    function = targets()[name]
    rng = random.Random(name)
    state = minidl.random.default_generator.get_state()
    accepted = refused = 0
    for _ in range(150):
        arguments = drawn_arguments(rng, name, function)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's, of the dtype "a"
                function(*arguments)
            accepted += 1
        except MinidlError:
            refused += 1
        except MemoryError:
            pass
        except Exception as error:
            raise AssertionError(f"{name}{tuple(arguments)!r} raised {error!r}") from error
    minidl.random.default_generator.set_state(state)
    assert accepted + refused > 0
