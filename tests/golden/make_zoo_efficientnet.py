"""Write zoo_efficientnet.npz: logits of small EfficientNets, computed once by PyTorch.

Run with torchvision and timm installed: python tests/golden/make_zoo_efficientnet.py

The weights aren't stored: `models.zoo.random_state` draws the same ones again.
"""

import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from models.test_efficientnet_oracle import THIN_REFERENCE  # noqa: E402
from models.zoo import random_images  # noqa: E402
from models.zoo_oracle import published  # noqa: E402

LITE = ("efficientnet_lite0", "tf_efficientnet_lite0")


def main():
    golden = {"made_with": np.array(f"torch {torch.__version__}")}
    for each in (THIN_REFERENCE, *map(published, LITE)):
        _, network = each.pair("float64")
        with torch.no_grad():
            images = torch.tensor(random_images((2, *each.image))[0])
            golden[each.name] = network(images).numpy()
    np.savez_compressed(HERE / "zoo_efficientnet.npz", **golden)


if __name__ == "__main__":
    main()
