"""Write optimizers.npz: 50 steps of every optimizer and schedule, done once by PyTorch.

Run with PyTorch installed: python tests/golden/make_optimizers.py
"""

import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import optim_cases as cases  # noqa: E402
from optim_cases import KEPT, SEED, STEPS  # noqa: E402


def main():
    golden = {"made_with": np.array(f"torch {torch.__version__}")}
    start, grads = cases.arrays(STEPS, SEED)
    for i, array in enumerate(start):
        golden[f"start/{i}"] = array
    for name in cases.OPTIMIZERS:
        params = [torch.tensor(a, dtype=torch.float32, requires_grad=True) for a in start]
        optimizer = cases.make(torch.optim, name, params)
        for t, _ in enumerate(cases.run(optimizer, params, grads, gradient), start=1):
            if t in KEPT:
                for i, p in enumerate(params):
                    golden[f"{name}/{t}/{i}"] = p.detach().numpy().copy()
    for name, make in cases.SCHEDULES.items():
        groups = [{"params": [torch.zeros(1)], "lr": lr} for lr in cases.BASE_LRS]
        optimizer = torch.optim.SGD(groups, lr=1.0)
        schedule = make(torch.optim.lr_scheduler, optimizer)
        golden[f"schedule/{name}"] = cases.rates(schedule, STEPS)
    np.savez_compressed(HERE / "optimizers.npz", **golden)


def gradient(array):
    return torch.tensor(array, dtype=torch.float32)


if __name__ == "__main__":
    main()
