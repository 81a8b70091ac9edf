"""The one list of references: which network of torchvision or timm each of ours is held against.

`make test-zoo` compares all of them and writes docs/agreement.md; `make test-oracle` compares one
of each family. Networks that neither library has are named below, with the reason.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from torchvision_oracle import import_torchvision


@dataclass(frozen=True)
class Published:
    """A network's reference, and what is compared."""

    library: str
    name: str
    """A function of torchvision.models, or a name for timm.create_model."""
    image: tuple[int, int]
    """Height and width, so small that the last map has a few positions."""

    def make(self, **options: Any) -> Any:
        """The reference with random weights, made as its library makes it."""
        torchvision = import_torchvision()  # timm imports it, too
        if self.library == "timm":
            return importlib.import_module("timm").create_model(self.name, **options)
        if self.name in ("googlenet", "inception_v3"):  # else they warn that they'll do otherwise
            options = {"init_weights": True, **options}
        return getattr(torchvision.models, self.name)(**options)


PUBLISHED = {
    "alexnet": Published("torchvision", "alexnet", (75, 63)),
    "vgg11": Published("torchvision", "vgg11", (35, 64)),
    "vgg11_bn": Published("torchvision", "vgg11_bn", (35, 64)),
    "vgg13": Published("torchvision", "vgg13", (35, 64)),
    "vgg13_bn": Published("torchvision", "vgg13_bn", (35, 64)),
    "vgg16": Published("torchvision", "vgg16", (35, 64)),
    "vgg16_bn": Published("torchvision", "vgg16_bn", (35, 64)),
    "vgg19": Published("torchvision", "vgg19", (35, 64)),
    "vgg19_bn": Published("torchvision", "vgg19_bn", (35, 64)),
    "googlenet": Published("torchvision", "googlenet", (64, 51)),
    "inception_v3": Published(
        "torchvision", "inception_v3", (299, 299)
    ),  # its second head takes no smaller ones
    "inception_v4": Published("timm", "inception_v4", (107, 86)),
    "resnet18": Published("torchvision", "resnet18", (64, 47)),
    "resnet34": Published("torchvision", "resnet34", (64, 47)),
    "resnet50": Published("torchvision", "resnet50", (64, 47)),
    "resnet101": Published("torchvision", "resnet101", (64, 47)),
    "resnet152": Published("torchvision", "resnet152", (64, 47)),
    "resnext50_32x4d": Published("torchvision", "resnext50_32x4d", (64, 47)),
    "resnext101_32x8d": Published("torchvision", "resnext101_32x8d", (64, 47)),
    "preact_resnet18": Published("timm", "resnetv2_18", (64, 47)),
    "preact_resnet50": Published("timm", "resnetv2_50", (64, 47)),
    "preact_resnet101": Published("timm", "resnetv2_101", (64, 47)),
    "preact_resnet152": Published("timm", "resnetv2_152", (64, 47)),
    "seresnet18": Published("timm", "seresnet18", (64, 47)),
    "seresnet34": Published("timm", "seresnet34", (64, 47)),
    "seresnet50": Published("timm", "seresnet50", (64, 47)),
    "shufflenet_v2_x0_5": Published("torchvision", "shufflenet_v2_x0_5", (64, 47)),
    "shufflenet_v2_x1_0": Published("torchvision", "shufflenet_v2_x1_0", (64, 47)),
    "shufflenet_v2_x1_5": Published("torchvision", "shufflenet_v2_x1_5", (64, 47)),
    "shufflenet_v2_x2_0": Published("torchvision", "shufflenet_v2_x2_0", (64, 47)),
    "mobilenet_v1": Published("timm", "mobilenetv1_100", (64, 47)),
    "mobilenet_v2": Published("torchvision", "mobilenet_v2", (64, 47)),
    "densenet121": Published("torchvision", "densenet121", (64, 47)),
    "densenet161": Published("torchvision", "densenet161", (64, 47)),
    "densenet169": Published("torchvision", "densenet169", (64, 47)),
    "densenet201": Published("torchvision", "densenet201", (64, 47)),
    "efficientnet_b0": Published("torchvision", "efficientnet_b0", (32, 37)),
    "efficientnet_b1": Published("torchvision", "efficientnet_b1", (32, 37)),
    "efficientnet_b2": Published("torchvision", "efficientnet_b2", (32, 37)),
    "efficientnet_b3": Published("torchvision", "efficientnet_b3", (32, 37)),
    "efficientnet_b4": Published("torchvision", "efficientnet_b4", (32, 37)),
    "efficientnet_b5": Published("torchvision", "efficientnet_b5", (32, 37)),
    "efficientnet_b6": Published("torchvision", "efficientnet_b6", (32, 37)),
    "efficientnet_b7": Published("torchvision", "efficientnet_b7", (32, 37)),
    "efficientnet_lite0": Published("timm", "efficientnet_lite0", (32, 37)),
    "tf_efficientnet_lite0": Published("timm", "tf_efficientnet_lite0", (32, 37)),
}


NOT_PUBLISHED = {
    "alexnet_2012": "two groups and response norms; torchvision has the single stream of 2014",
    "alexnet_lecture": "the slides' own shapes",
    "vgg_lecture": "vgg11 for gray images and ten classes",
    "nin": "neither library has Network in Network",
    "lenet5": "neither library has LeNet",
    "lenet5_1998": "neither library has LeNet",
    "googlenet_2014": "the paper's, without batch norm; torchvision's has it",
    "inception_v2": "neither library has BN-Inception",
    "densenet_bc": "for 32×32 images; both libraries' DenseNets begin for large ones",
    **dict.fromkeys(
        [f"resnet{layers}" for layers in (20, 32, 44, 56, 110)],
        "for 32×32 images; neither library has the ResNets for CIFAR-10",
    ),
    **dict.fromkeys(
        [f"plain{layers}" for layers in (20, 32, 44, 56, 110)],
        "neither library has networks without shortcuts",
    ),
    **dict.fromkeys(
        [f"shufflenet_v1_g{groups}" for groups in (1, 2, 3, 4, 8)],
        "neither library has the first ShuffleNet",
    ),
}
"""Why there is nothing to compare with. For some, tests of their families write a reference."""

ONE_OF_EACH_FAMILY = (
    "googlenet",
    "inception_v4",
    "resnet18",
    "resnext50_32x4d",
    "preact_resnet18",
    "seresnet18",
    "shufflenet_v2_x0_5",
    "mobilenet_v1",
    "mobilenet_v2",
    "efficientnet_lite0",
)
"""Compared each time. In the other families' own tests a thin network stands in, as those of real
width are large, and Inception v3 without its second head, which needs large images.
"""
