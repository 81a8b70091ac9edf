"""The tests can fail: every backward pass, broken in four ways, is noticed by the gradient checks.

A mutant is a Function whose backward returns its gradients scaled by 1.01, negated, zeroed, or
rolled by one element. It must fail `gradcheck` of an operation that runs it; a Function that runs
only in gradients of gradients must fail `gradgradcheck`.
"""

import functools
import itertools

import numpy as np
import pytest
from op_catalogue import BY_NAME, OPERATIONS

import minidl
from minidl import functional as F
from minidl.autograd import Function
from minidl.backends.numpy import NumpyBackend
from minidl.nn.hooks import Watch
from minidl.testing import GradcheckError, gradcheck, gradgradcheck

MUTATIONS = {
    "scaled": lambda array: array * 1.01,
    "negated": lambda array: -array,
    "zeroed": lambda array: array * 0,
    "rolled": lambda array: np.roll(array, 1),
}

ABSTRACT = {"Binary", "Reduction", "ComposedBackward", "GradientOf"}
"""Functions that are only there to be derived from."""

SAME_FUNCTION = {}
"""Mutants that are mathematically the same function, with the reason: none so far."""


def concrete(cls=Function):
    """All Functions of minidl that are made for use."""
    found = {}
    for sub in cls.__subclasses__():
        found |= concrete(sub)
        if sub.__module__.startswith("minidl.") and sub.__name__ not in ABSTRACT:
            found[sub.__name__] = sub
    return found


FUNCTIONS = dict(sorted(concrete().items()))


def third_order(function, inputs, **options):
    """gradgradcheck of the gradient: what runs only there, the aliases of gradient kernels."""

    def first(*t):
        return minidl.grad(function(*t).sum(), t, create_graph=True)

    gradgradcheck(first, inputs, **options)


def passes_through(function):
    """A check for what finite differences can't see, casts and moves: y = x, so grad = upstream."""

    def check(*_, **__):
        x = minidl.tensor([0.5, -1.25, 2.0], requires_grad=True)
        upstream = np.array([3.0, 0.5, -4.0], np.float32)
        y = function(x)
        y.backward(minidl.tensor(upstream).to(y.backend, y.dtype))
        if not np.array_equal(x.grad.numpy(), upstream):
            raise GradcheckError(f"{x.grad} is not {upstream}")

    return check


class Elsewhere(NumpyBackend):
    """A second backend, to move to."""

    name = "elsewhere"


cast = passes_through(lambda x: x.astype("float64"))
move = passes_through(lambda x: x.to(Elsewhere()))
watched = passes_through(lambda x: Watch.apply(x, look=lambda gradients: gradients)[0])
SMOOTH = BY_NAME["silu"]
CHECKS = [
    *itertools.product((gradcheck, gradgradcheck), OPERATIONS, range(2)),
    *((kind, SMOOTH, 0) for kind in (third_order, cast, move, watched)),
]


def check(kind, operation, seed):
    arrays, arguments = operation.example(seed)
    inputs = [minidl.tensor(a, requires_grad=True) for a in arrays]
    kind(lambda *t: operation.call(minidl, F, *t, **arguments), inputs, fast=True, seed=seed)


@functools.cache
def runs():
    """For every Function: the checks (kind, operation, seed) that run its backward."""
    seen = {}
    originals = {name: cls.backward for name, cls in FUNCTIONS.items()}

    def spy(name, original):
        def backward(self, *grads):
            seen.setdefault(name, {})[current] = True
            return original(self, *grads)

        return backward

    for name, cls in FUNCTIONS.items():
        cls.backward = spy(name, originals[name])
    try:
        for current in CHECKS:
            check(*current)
    finally:
        for name, cls in FUNCTIONS.items():
            cls.backward = originals[name]
    return {name: list(checks) for name, checks in seen.items()}


def mutated(original, mutate):
    def backward(self, *grads):
        results = original(self, *grads)
        several = isinstance(results, tuple)
        broken = tuple(
            None
            if g is None
            else minidl.Tensor._wrap(np.array(mutate(g.detach().numpy())), g.backend)
            for g in (results if several else (results,))
        )
        return broken if several else broken[0]

    return backward


def test_every_backward_pass_is_run_by_some_check():
    assert set(runs()) == set(FUNCTIONS)


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_mutant_is_caught(name, mutation, monkeypatch, record_property):
    record_property("mutant", (name, mutation))
    if mutation in SAME_FUNCTION.get(name, ()):
        return
    every = runs()[name]
    candidates = [r for r in every if r[0] is gradcheck] or every
    cls = FUNCTIONS[name]
    monkeypatch.setattr(cls, "backward", mutated(cls.backward, MUTATIONS[mutation]))
    for run in candidates[:6]:
        try:
            check(*run)
        except GradcheckError:
            return
    pytest.fail(f"{name}.backward, {mutation}: not noticed by {len(candidates[:6])} checks")
