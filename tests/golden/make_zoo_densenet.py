"""Write zoo_densenet.npz: logits of a thin DenseNet, computed once by PyTorch.

Run with torchvision installed: python tests/golden/make_zoo_densenet.py

The weights aren't stored: `models.zoo.random_state` draws the same ones again.
"""

import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from models.test_densenet_oracle import THIN_REFERENCE  # noqa: E402
from models.zoo import random_images  # noqa: E402


def main():
    _, network = THIN_REFERENCE.pair("float64")
    with torch.no_grad():
        logits = network(torch.tensor(random_images((2, *THIN_REFERENCE.image))[0])).numpy()
    made_with = np.array(f"torch {torch.__version__}")
    np.savez_compressed(HERE / "zoo_densenet.npz", made_with=made_with, densenet121=logits)


if __name__ == "__main__":
    main()
