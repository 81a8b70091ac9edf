"""Write zoo_inception.npz: logits of the Inception family and its heads, computed once by PyTorch.

Run with torchvision and timm installed: python tests/golden/make_zoo_inception.py

The weights aren't stored: `models.zoo.random_state` draws the same ones again.
"""

import importlib
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from models.parts import prepared  # noqa: E402
from models.test_inception import SMALL  # noqa: E402
from models.test_inception_heads import HEADS  # noqa: E402
from models.test_inception_oracle import PUBLISHED, REFERENCES, paper_googlenet  # noqa: E402
from models.zoo import random_images  # noqa: E402
from models.zoo_oracle import CLASSES  # noqa: E402
from torchvision_oracle import import_torchvision  # noqa: E402


def head_of_torchvision(name, channels):
    import_torchvision()
    module = importlib.import_module(f"torchvision.models.{name.removesuffix('_v3')}")
    return module.InceptionAux(channels, CLASSES)


def heads():
    """(name, the reference of its head with our random weights, maps for it)."""
    for name, (make, maps) in HEADS.items():
        if name == "googlenet_2014":
            network = paper_googlenet(aux_logits=True).aux1
        else:
            network = head_of_torchvision(name, maps[0])
        values = prepared(make()).state_dict()
        network = network.double().eval()
        network.load_state_dict({key: torch.tensor(v.numpy()) for key, v in values.items()})
        yield name, network, random_images((2, *maps))[0]


def main():
    golden = {"made_with": np.array(f"torch {torch.__version__}")}
    references = (*REFERENCES.values(), *PUBLISHED.values())
    for name, (image, options) in SMALL.items():
        (reference,) = (r for r in references if (r.name, r.options) == (name, options))
        _, network = reference.pair("float64")
        with torch.no_grad():
            golden[name] = network(torch.tensor(random_images((2, *image))[0])).numpy()
    for name, head, maps in heads():
        with torch.no_grad():
            golden[f"{name} head"] = head(torch.tensor(maps)).numpy()
    np.savez_compressed(HERE / "zoo_inception.npz", **golden)


if __name__ == "__main__":
    main()
