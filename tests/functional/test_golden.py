"""Values and gradients that PyTorch computed once (tests/golden/make_operations.py)."""

from pathlib import Path

import numpy as np
import pytest
from op_catalogue import OPERATIONS

import minidl
from minidl import functional as F

SEED = 1000
GOLDEN = np.load(Path(__file__).resolve().parents[1] / "golden" / "operations.npz")


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_value_and_gradients_are_pytorchs(operation):
    stored = {
        key.split("/")[1]: GOLDEN[key] for key in GOLDEN if key.startswith(operation.name + "/")
    }
    arrays, arguments = operation.example(SEED)
    for position, array in enumerate(arrays):  # the arguments are drawn by the same generator
        np.testing.assert_array_equal(array, stored[f"x{position}"])
    inputs = [minidl.tensor(a, requires_grad=True) for a in arrays]
    y = operation.call(minidl, F, *inputs, **arguments)
    np.testing.assert_allclose(y.detach().numpy(), stored["y"], rtol=1e-11, atol=1e-12)
    grads = minidl.grad(y, inputs, minidl.tensor(stored["upstream"]))
    for position, gradient in enumerate(grads):
        expected = stored[f"grad{position}"]
        np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-10, atol=1e-11)
