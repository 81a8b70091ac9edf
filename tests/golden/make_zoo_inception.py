"""Write zoo_inception.npz: logits of the Inception family, computed once by PyTorch.

Run with torchvision and timm installed: python tests/golden/make_zoo_inception.py

The weights aren't stored: `models.zoo.random_state` draws the same ones again.
"""

import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from models.test_inception import SMALL  # noqa: E402
from models.test_inception_oracle import PUBLISHED, REFERENCES  # noqa: E402
from models.zoo import random_images  # noqa: E402


def main():
    golden = {"made_with": np.array(f"torch {torch.__version__}")}
    references = (*REFERENCES.values(), *PUBLISHED.values())
    for name, (image, options) in SMALL.items():
        (reference,) = (r for r in references if (r.name, r.options) == (name, options))
        _, network = reference.pair("float64")
        with torch.no_grad():
            golden[name] = network(torch.tensor(random_images((2, *image))[0])).numpy()
    np.savez_compressed(HERE / "zoo_inception.npz", **golden)


if __name__ == "__main__":
    main()
