"""EfficientNet B0 to B7: our modules, and torchvision's and timm's, which are numbered.

One map serves all eight: it has the blocks of the deepest, b7, and names of blocks that a smaller
network doesn't have are not met there. The blocks of stage 1 don't expand.
"""

from minidl.interop.key_maps import stages
from minidl.interop.key_maps.mobilenet_v2 import TIMM_BLOCK, TIMM_STAGE1

_LAYERS = (4, 7, 7, 10, 10, 13, 4)  # of b7

_TORCHVISION_STAGE1 = (
    ("depthwise.conv", "block.0.0"),
    ("depthwise.bn", "block.0.1"),
    ("se", "block.1"),
    ("project.conv", "block.2.0"),
    ("project.bn", "block.2.1"),
)
_TORCHVISION_BLOCK = (
    ("expand.conv", "block.0.0"),
    ("expand.bn", "block.0.1"),
    ("depthwise.conv", "block.1.0"),
    ("depthwise.bn", "block.1.1"),
    ("se", "block.2"),
    ("project.conv", "block.3.0"),
    ("project.bn", "block.3.1"),
)

TORCHVISION: stages.Pairs = (
    ("stem.conv", "features.0.0"),
    ("stem.bn", "features.0.1"),
    *stages.blocks(
        _LAYERS,
        _TORCHVISION_STAGE1,
        _TORCHVISION_BLOCK,
        lambda stage, block, number: f"features.{stage}.{block}",
    ),
    ("head.conv", "features.8.0"),
    ("head.bn", "features.8.1"),
    ("fc", "classifier.1"),
)

_TIMM_SE = (("se.fc1", "se.conv_reduce"), ("se.fc2", "se.conv_expand"))

TIMM = stages.timm(_LAYERS, (*TIMM_STAGE1, *_TIMM_SE), (*TIMM_BLOCK, *_TIMM_SE))
"""MobileNet v2's blocks with squeeze and excitation."""
