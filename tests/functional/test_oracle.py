"""The same operations, live beside PyTorch: values, gradients, gradients of gradients."""

import numpy as np
import pytest
from op_catalogue import OPERATIONS

import minidl
from minidl import functional as F

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")
pytestmark = pytest.mark.oracle

SEEDS = range(100, 108)


def graph(library, functional, call, arrays, arguments, upstream=None):
    """Value, gradients for a random upstream, and gradients of a cubic sum of those."""
    if library is torch:
        inputs = [torch.tensor(a, requires_grad=True) for a in arrays]
        grad = torch.autograd.grad
    else:
        inputs = [minidl.tensor(a, requires_grad=True) for a in arrays]
        grad = minidl.grad
    y = call(library, functional, *inputs, **arguments)
    u = library.tensor(upstream(tuple(y.shape)))
    first = grad(y, inputs, u, create_graph=True)
    total = sum((g * g * g).sum() for g in first)
    second = [None] * len(inputs)
    if total.requires_grad:
        second = grad(total, inputs, allow_unused=True)
    zeros = [np.zeros(a.shape) for a in arrays]
    return [
        values(y),
        *(values(g) for g in first),
        *(z if s is None else values(s) for s, z in zip(second, zeros, strict=True)),
    ]


def values(tensor):
    if isinstance(tensor, torch.Tensor):
        return tensor.numpy(force=True)  # PyTorch's symbolic zeros need the force
    return tensor.detach().numpy()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_operation_agrees_with_pytorch(operation, seed):
    arrays, arguments = operation.example(seed)

    def upstream(shape):
        return np.array(np.random.default_rng(seed).normal(size=shape))

    ours = graph(minidl, F, operation.call, arrays, arguments, upstream)
    call = operation.torch_call or operation.call
    theirs = graph(torch, torch.nn.functional, call, arrays, arguments, upstream)
    for mine, reference in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, reference, rtol=1e-9, atol=1e-10)


def test_at_least_500_configurations_are_compared():
    assert len(OPERATIONS) * len(SEEDS) >= 500
