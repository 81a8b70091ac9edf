"""Optimizers, schedules and clipping live beside PyTorch, in float64 with other numbers."""

import numpy as np
import optim_cases as cases
import pytest

import minidl
from minidl import optim

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")
pytestmark = pytest.mark.oracle

BUFFERS = ("momentum_buffer", "exp_avg", "exp_avg_sq", "square_avg", "grad_avg")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", cases.OPTIMIZERS)
def test_parameters_and_state_agree_with_pytorch_in_each_of_30_steps(name, seed):
    start, grads = cases.arrays(30, seed)
    ours = [minidl.tensor(a, requires_grad=True) for a in start]
    theirs = [torch.tensor(a, requires_grad=True) for a in start]
    mine, reference = cases.make(optim, name, ours), cases.make(torch.optim, name, theirs)
    for _ in zip(
        cases.run(mine, ours, grads, minidl.tensor),
        cases.run(reference, theirs, grads, torch.tensor),
        strict=True,
    ):
        for p, q in zip(ours, theirs, strict=True):
            close(p, q)
            state, expected = mine.state.get(p, {}), reference.state.get(q, {})
            kept = [k for k in BUFFERS if expected.get(k) is not None]
            assert {*kept} == {*state} - {"step"}
            for key in kept:
                close(state[key], expected[key])
            if "step" in expected:
                assert state["step"] == expected["step"].item()


def close(ours, theirs):
    np.testing.assert_allclose(
        ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-11, atol=1e-13
    )


@pytest.mark.parametrize("name", cases.SCHEDULES)
def test_rates_agree_with_pytorch(name):
    base_lrs = np.random.default_rng(0).uniform(0.01, 2.0, size=2)

    def rates(library, schedules, parameter):
        groups = [{"params": [parameter()], "lr": float(lr)} for lr in base_lrs]
        return cases.rates(cases.SCHEDULES[name](schedules, library.SGD(groups, lr=1.0)))

    ours = rates(optim, optim, lambda: minidl.zeros(1))
    theirs = rates(torch.optim, torch.optim.lr_scheduler, lambda: torch.zeros(1))
    np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-16)


def defaults(optimizer):
    return {key: value for key, value in optimizer.defaults.items() if key in ours_of(optimizer)}


def ours_of(optimizer):
    return getattr(optim, type(optimizer).__name__)([minidl.zeros(1)]).defaults


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_defaults_are_pytorchs(name):
    reference = getattr(torch.optim, name)([torch.zeros(1)])
    assert ours_of(reference) == defaults(reference)


@pytest.mark.parametrize("max_norm", [0.0, 0.1, 5.0, 100.0])
def test_clipping_the_norm_agrees_with_pytorch(max_norm):
    start, (grads, *_) = cases.arrays(1, 7)
    ours = [minidl.tensor(a, requires_grad=True) for a in start]
    theirs = [torch.tensor(a, requires_grad=True) for a in start]
    for p, q, grad in zip(ours, theirs, grads, strict=True):
        p.grad, q.grad = (None, None) if grad is None else (minidl.tensor(grad), torch.tensor(grad))
    norm = optim.clip_grad_norm_(ours, max_norm)
    close(norm, torch.nn.utils.clip_grad_norm_(theirs, max_norm))
    for p, q in zip(ours, theirs, strict=True):
        if p.grad is not None:
            close(p.grad, q.grad)
