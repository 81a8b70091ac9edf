"""compare_backends passes what agrees and names what doesn't."""

import numpy as np
import pytest

import minidl
from minidl import backends
from minidl import functional as F
from minidl.backends import registry
from minidl.backends.numpy import NumpyBackend
from minidl.testing import ComparisonError, compare_backends

rng = np.random.default_rng(0)


@pytest.fixture
def mine(monkeypatch):
    """Registers a NumPy backend with some kernels replaced as "mine"."""
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    monkeypatch.setattr(registry, "_instances", dict(registry._instances))

    def make(**kernels):
        members = {name: staticmethod(kernel) for name, kernel in kernels.items()}
        backends.register("mine", type("Mine", (NumpyBackend,), members))

    return make


def block(x, weight):
    return F.relu(F.conv2d(x, weight, padding=1)).mean((2, 3))


def inputs(dtype="float32", backend="numpy"):
    return [
        minidl.tensor(rng.standard_normal(shape), dtype=dtype, requires_grad=True, backend=backend)
        for shape in ((2, 3, 5, 4), (4, 3, 3, 3))
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_kernels_agree(mine, dtype):
    mine()
    compare_backends(block, inputs(dtype))


def test_another_order_of_summation_agrees(mine):
    def other_order(x, weight, *args, **options):
        return NumpyBackend.conv2d(x[:, ::-1].copy(), weight[:, ::-1].copy(), *args, **options)

    mine(conv2d=other_order)
    compare_backends(block, inputs())


def test_a_wrong_value_is_named_with_its_worst_element(mine):
    def one_off(x, *, out=None):
        y = NumpyBackend.relu(x, out=out)
        y[1, 2, 0, 0] += 20
        return y

    mine(relu=one_off)
    with pytest.raises(ComparisonError, match=r"output 0 differs in 1 of 8 .* at \[1, 2\]: .*mine"):
        compare_backends(block, inputs())


def test_a_wrong_gradient_alone_is_named_too(mine):
    def scaled(grad_output, x, **options):
        return NumpyBackend.conv2d_weight_grad(grad_output, x, **options) * 1.01

    mine(conv2d_weight_grad=scaled)
    with pytest.raises(ComparisonError, match=r"the gradient of weight \(input 1\) differs"):
        compare_backends(block, inputs())


def test_the_tolerance_follows_the_dtype(mine):
    def slightly_off(x, *, out=None):
        return NumpyBackend.relu(x, out=out) * x.dtype.type(1 + 1e-8)

    mine(relu=slightly_off)
    compare_backends(block, inputs("float32"))
    with pytest.raises(ComparisonError, match="output 0 differs"):
        compare_backends(block, inputs("float64"))


def test_a_nan_is_a_difference(mine):
    mine(relu=lambda x, *, out=None: np.full_like(x, np.nan))
    with pytest.raises(ComparisonError, match="differs in 8 of 8"):
        compare_backends(block, inputs())


def test_another_dtype_is_a_difference(mine):
    mine(softmax=lambda x, *, axis, out=None: NumpyBackend.softmax(x.astype("float64"), axis=axis))
    with pytest.raises(ComparisonError, match="dtype float64 on 'mine', float32 on 'numpy'"):
        compare_backends(lambda x: x.softmax(1), minidl.ones(2, 3))


def test_inputs_may_live_anywhere_and_stay_as_they_are(mine):
    mine()
    given = inputs(backend="mine")
    compare_backends(block, given)
    assert all(t.grad is None and t.backend.name == "mine" for t in given)


def test_several_outputs_constants_and_no_gradients():
    x = minidl.tensor([[1.0, 5.0], [7.0, 3.0]])
    compare_backends(lambda x, k: (x * k, x.argmax(1)), [x, 3.0], "numpy", "numpy")
