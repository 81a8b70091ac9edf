"""50 steps that PyTorch did once (tests/golden/make_optimizers.py)."""

from pathlib import Path

import numpy as np
import optim_cases as cases
import pytest
from optim_cases import KEPT, SEED, STEPS

import minidl
from minidl import optim

GOLDEN = np.load(Path(__file__).resolve().parents[1] / "golden" / "optimizers.npz")


@pytest.mark.parametrize("name", cases.OPTIMIZERS)
def test_float32_steps_are_pytorchs(name):
    start, grads = cases.arrays(STEPS, SEED)
    for i, array in enumerate(start):  # the gradients are drawn by the same generator
        np.testing.assert_array_equal(array, GOLDEN[f"start/{i}"])
    params = [minidl.tensor(a, dtype="float32", requires_grad=True) for a in start]
    optimizer = cases.make(optim, name, params)
    steps = cases.run(optimizer, params, grads, lambda g: minidl.tensor(g, dtype="float32"))
    for t, _ in enumerate(steps, start=1):
        if t in KEPT:
            for i, p in enumerate(params):
                assert p.dtype == np.float32
                expected = GOLDEN[f"{name}/{t}/{i}"]
                np.testing.assert_allclose(p.detach().numpy(), expected, rtol=1e-6, atol=1e-6)
    for state in optimizer.state.values():
        assert all(v.dtype == np.float32 for k, v in state.items() if k != "step")


@pytest.mark.parametrize("name", cases.SCHEDULES)
def test_rates_are_pytorchs(name):
    groups = [{"params": [minidl.zeros(1)], "lr": lr} for lr in cases.BASE_LRS]
    schedule = cases.SCHEDULES[name](optim, optim.SGD(groups, lr=1.0))
    # PyTorch multiplies the rate 50 times, which rounds 50 times.
    np.testing.assert_allclose(
        cases.rates(schedule, STEPS), GOLDEN[f"schedule/{name}"], rtol=1e-13, atol=1e-17
    )
