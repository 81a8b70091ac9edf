"""Every differentiable operation: value, gradient, gradient of the gradient, dtype, memory."""

import numpy as np
import pytest
from op_catalogue import OPERATIONS

import minidl
from minidl import functional as F
from minidl.testing import gradcheck, gradgradcheck

every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
SEEDS = range(4)


def tensors(arrays, dtype="float64", requires_grad=True):
    return [minidl.tensor(a, dtype=dtype, requires_grad=requires_grad) for a in arrays]


def run(operation, inputs, arguments):
    return operation.call(minidl, F, *inputs, **arguments)


@every_operation
@pytest.mark.parametrize("seed", range(8))
def test_value_is_that_of_the_naive_loops(operation, seed):
    arrays, arguments = operation.example(seed)
    y = run(operation, tensors(arrays), arguments)
    expected = operation.truth(*arrays, **arguments)
    assert y.shape == expected.shape
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-11, atol=1e-12)


@every_operation
@pytest.mark.parametrize("seed", SEEDS)
def test_gradient_in_every_input_agrees_with_finite_differences(operation, seed):
    arrays, arguments = operation.example(seed)
    gradcheck(lambda *t: run(operation, t, arguments), tensors(arrays), seed=seed)


@every_operation
@pytest.mark.parametrize("seed", range(2))
def test_gradient_of_the_gradient_agrees_with_finite_differences(operation, seed):
    arrays, arguments = operation.example(seed)
    gradgradcheck(lambda *t: run(operation, t, arguments), tensors(arrays), fast=True, seed=seed)


@every_operation
def test_float32_stays_float32_and_is_close_to_float64(operation):
    arrays, arguments = operation.example(0)
    arguments = {
        name: value.astype(np.float32)
        if isinstance(value, np.ndarray) and value.dtype == np.float64
        else value
        for name, value in arguments.items()
    }
    inputs = tensors(arrays, "float32")
    y = run(operation, inputs, arguments)
    assert y.dtype == np.float32
    rounded = [a.astype(np.float32).astype(np.float64) for a in arrays]
    expected = operation.truth(*rounded, **arguments)
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=2e-5, atol=2e-5)
    upstream = np.array(np.random.default_rng(1).normal(size=y.shape))
    y.backward(minidl.tensor(upstream, dtype="float32"))
    doubled = tensors(rounded)
    exact = run(operation, doubled, widened(arguments))
    exact.backward(minidl.tensor(upstream.astype(np.float32).astype(np.float64)))
    for x, reference in zip(inputs, doubled, strict=True):
        assert x.grad.dtype == np.float32
        np.testing.assert_allclose(x.grad.numpy(), reference.grad.numpy(), rtol=2e-4, atol=2e-4)


def widened(arguments):
    return {
        name: value.astype(np.float64)
        if isinstance(value, np.ndarray) and value.dtype == np.float32
        else value
        for name, value in arguments.items()
    }


LAYOUTS = {
    "transposed": lambda a: np.array(a.T, order="C").T,
    "reversed": lambda a: np.flip(np.flip(a).copy()),
    "strided": lambda a: np.stack([a, a * 0 + np.nan], axis=-1)[..., 0],
    "read-only": lambda a: np.broadcast_to(a, a.shape),
}


@every_operation
@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_layout_changes_nothing_and_inputs_are_left_alone(operation, layout):
    arrays, arguments = operation.example(1)
    upstream = None
    results = []
    for arranged in (arrays, [LAYOUTS[layout](a) for a in arrays]):
        inputs = [minidl.from_numpy(a, requires_grad=True) for a in arranged]
        before = [a.copy() for a in arranged]
        y = run(operation, inputs, arguments)
        if upstream is None:
            upstream = np.array(np.random.default_rng(2).normal(size=y.shape))
        y.backward(minidl.from_numpy(np.asarray(LAYOUTS[layout](upstream))))
        for a, b in zip(arranged, before, strict=True):
            np.testing.assert_array_equal(a, b)
        results.append([y.detach().numpy(), *(x.grad.numpy() for x in inputs)])
    for plain, strange in zip(*results, strict=True):
        np.testing.assert_allclose(plain, strange, rtol=1e-12, atol=1e-12)


@every_operation
def test_meta_backend_gives_the_shape_and_dtype_that_numpy_gives(operation):
    arrays, arguments = operation.example(3)
    if "key" in arguments:  # a mask is refused: how many elements it picks depends on data
        arguments = {"key": ([0, 2, 2], slice(1, None))}
    y = run(operation, tensors(arrays), arguments)
    with minidl.use_backend("meta"):
        inputs = tensors(arrays)
        shapes = run(operation, inputs, arguments)
        shapes.backward(minidl.zeros(shapes.shape, dtype="float64"))
    assert (shapes.shape, shapes.dtype) == (y.shape, y.dtype)
    for x, a in zip(inputs, arrays, strict=True):
        assert (x.grad.shape, x.grad.dtype) == (a.shape, a.dtype)
