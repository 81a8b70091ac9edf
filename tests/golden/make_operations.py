"""Write operations.npz: values and gradients of every operation, computed once by PyTorch.

Run with PyTorch installed: python tests/golden/make_operations.py
"""

import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from op_catalogue import OPERATIONS  # noqa: E402

SEED = 1000


def main():
    golden = {"made_with": np.array(f"torch {torch.__version__}")}
    for operation in OPERATIONS:
        arrays, arguments = operation.example(SEED)
        inputs = [torch.tensor(a, requires_grad=True) for a in arrays]
        call = operation.torch_call or operation.call
        y = call(torch, torch.nn.functional, *inputs, **arguments)
        upstream = np.array(np.random.default_rng(SEED).normal(size=tuple(y.shape)))
        grads = torch.autograd.grad(y, inputs, torch.tensor(upstream))
        named = {"y": y.detach().numpy(), "upstream": upstream}
        for position, (array, gradient) in enumerate(zip(arrays, grads, strict=True)):
            named |= {f"x{position}": array, f"grad{position}": gradient.numpy()}
        golden |= {f"{operation.name}/{key}": value for key, value in named.items()}
    np.savez_compressed(HERE / "operations.npz", **golden)


if __name__ == "__main__":
    main()
