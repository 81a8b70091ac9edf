"""Write zoo_mobilenet_shufflenet.npz: logits of small networks, computed once by PyTorch.

Run with torchvision and timm installed: python tests/golden/make_zoo_mobilenet_shufflenet.py

The weights aren't stored: `models.zoo.random_state` draws the same ones again. The MobileNets have
a quarter of the channels; the ShuffleNets are small as they are. "mobilenet_v1 bright" is of images
so bright that values are cut off at 6.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from models import test_mobilenet_oracle, test_shufflenet_oracle  # noqa: E402
from models.test_mobilenet import BRIGHT  # noqa: E402
from models.zoo import random_images  # noqa: E402
from models.zoo_oracle import CLASSES, published  # noqa: E402
from torchvision_oracle import import_torchvision  # noqa: E402


def thin_mobilenet_v1():
    import_torchvision()  # timm imports it
    from timm.models.efficientnet import _gen_mobilenet_v1

    return _gen_mobilenet_v1("mobilenetv1_100", channel_multiplier=0.25, num_classes=CLASSES)


REFERENCES = (
    replace(test_mobilenet_oracle.reference("mobilenet_v1", 0.25), make=thin_mobilenet_v1),
    test_mobilenet_oracle.reference("mobilenet_v2", 0.25),
    test_shufflenet_oracle.reference(3),
    test_shufflenet_oracle.reference(8),
    published("shufflenet_v2_x0_5"),
)


def main():
    golden = {"made_with": np.array(f"torch {torch.__version__}")}
    images = torch.tensor(random_images((2, 3, 32, 32))[0])
    for reference in REFERENCES:
        _, network = reference.pair("float64")
        with torch.no_grad():
            golden[reference.name] = network(images).numpy()
            if reference.name.startswith("mobilenet"):
                golden[f"{reference.name} bright"] = network(BRIGHT * images).numpy()
    np.savez_compressed(HERE / "zoo_mobilenet_shufflenet.npz", **golden)


if __name__ == "__main__":
    main()
