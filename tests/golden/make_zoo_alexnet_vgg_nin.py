"""Write zoo_alexnet_vgg_nin.npz: logits of AlexNet, VGG and NiN, computed once by PyTorch.

Run with torchvision installed: python tests/golden/make_zoo_alexnet_vgg_nin.py

The weights aren't stored: `models.zoo.random_state` draws the same ones again. All have an eighth
of the channels and 24 numbers in each hidden dense layer.
"""

import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from models.test_alexnet_vgg_nin_oracle import thin_reference  # noqa: E402
from models.zoo import random_images  # noqa: E402

NAMES = ("alexnet", "alexnet_2012", "alexnet_lecture", "nin", "vgg11", "vgg11_bn", "vgg16")


def main():
    golden = {"made_with": np.array(f"torch {torch.__version__}")}
    for reference in map(thin_reference, NAMES):
        _, network = reference.pair("float64")
        with torch.no_grad():
            images = torch.tensor(random_images((2, *reference.image))[0])
            golden[reference.name] = network(images).numpy()
    np.savez_compressed(HERE / "zoo_alexnet_vgg_nin.npz", **golden)


if __name__ == "__main__":
    main()
