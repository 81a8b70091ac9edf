"""Write torch_*.pth and torch_files.npz: what PyTorch saves in both formats, and what it is.

Run with PyTorch installed: python tests/golden/make_torch_files.py
"""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent


def state():
    """Tensors of all dtypes and kinds of views, by name."""
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(2, 3, 4, generator=generator)
    return OrderedDict(
        [
            ("weight", base),
            ("transposed", base.transpose(0, 2)),
            ("strided", base[:, ::2, 1:]),
            ("expanded", base[:, :1].expand(2, 5, 4)),
            ("empty", torch.zeros(0, 3)),
            ("scalar", torch.tensor(3.5)),
            ("double", base.double()),
            ("half", base.half()),
            ("bfloat16", base.bfloat16()),
            ("flags", torch.tensor([True, False])),
            *((f"int{bits}", torch.arange(-2, 3).to(getattr(torch, f"int{bits}")))
              for bits in (8, 16, 32, 64)),
            ("uint8", torch.arange(5, dtype=torch.uint8)),
        ]
    )  # fmt: skip


def main():
    tensors = state()
    checkpoint = {
        "epoch": 7,
        "state_dict": tensors,
        "parameter": torch.nn.Parameter(tensors["weight"]),
        "size": torch.Size([2, 3]),
        "plain": [1, 2.5, "text", None, (True, False)],
    }
    for name, zipped in (("zip", True), ("legacy", False)):
        path = HERE / f"torch_{name}.pth"
        torch.save(checkpoint, path, _use_new_zipfile_serialization=zipped)
    arrays = {
        key: (value.float() if value.dtype == torch.bfloat16 else value).numpy()
        for key, value in tensors.items()
    }
    made_with = np.array(f"torch {torch.__version__}")
    np.savez_compressed(HERE / "torch_files.npz", made_with=made_with, **arrays)


if __name__ == "__main__":
    main()
