"""Write zoo_residual.npz: logits of residual networks, computed once by PyTorch.

Run with torchvision and timm installed: python tests/golden/make_zoo_residual.py

The weights aren't stored: `models.zoo.random_state` draws the same ones again. Where the reference
lets itself be made thin, it has a quarter of the channels.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from models.zoo import random_images  # noqa: E402
from models.zoo_oracle import CLASSES, published  # noqa: E402
from torchvision_oracle import import_torchvision  # noqa: E402

torchvision_resnet = import_torchvision().models.resnet
import timm  # noqa: E402  (after torchvision, which it imports)


class Thin(torchvision_resnet.ResNet):
    """torchvision's ResNet with a quarter of its channels."""

    def __init__(self, block, layers, **options):
        super().__init__(block, layers, num_classes=CLASSES, **options)
        self.conv1 = torch.nn.Conv2d(3, 16, 7, 2, 3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(16)
        self.fc = torch.nn.Linear(128 * block.expansion, CLASSES)

    def _make_layer(self, block, planes, *arguments, **options):
        if planes == 64:  # the first stage follows the stem
            self.inplanes = 16
        return super()._make_layer(block, planes // 4, *arguments, **options)


def thin_resnet18():
    return Thin(torchvision_resnet.BasicBlock, [2, 2, 2, 2])


def thin_resnet50(**options):
    return Thin(torchvision_resnet.Bottleneck, [3, 4, 6, 3], **options)


def thin_resnext50():
    return thin_resnet50(groups=32, width_per_group=4)


def thin_resnetv2_50():
    channels = (64, 128, 256, 512)
    return timm.create_model("resnetv2_50", num_classes=CLASSES, stem_chs=16, channels=channels)


THIN = {
    "resnet18": thin_resnet18,
    "resnet50": thin_resnet50,
    "resnext50_32x4d": thin_resnext50,
    "preact_resnet50": thin_resnetv2_50,
}


def main():
    references = [
        replace(published(name), make=make, options={"width": 16}) for name, make in THIN.items()
    ]
    golden = {"made_with": np.array(f"torch {torch.__version__}")}
    images = torch.tensor(random_images((2, 3, 32, 32))[0])
    for each in (*references, published("seresnet18")):
        _, network = each.pair("float64")
        with torch.no_grad():
            golden[each.name] = network(images).numpy()
    np.savez_compressed(HERE / "zoo_residual.npz", **golden)


if __name__ == "__main__":
    main()
