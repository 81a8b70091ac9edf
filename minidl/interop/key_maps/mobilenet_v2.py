"""MobileNet v2: our modules, and torchvision's and timm's, which are numbered.

torchvision's blocks are counted through from the first stage to the last, behind the stem, which is
features.0; timm's are counted in their stage. The block of stage 1 doesn't expand.
"""

from minidl.interop.key_maps import stages

_LAYERS = (1, 2, 3, 4, 3, 3, 1)

_TORCHVISION_STAGE1 = (
    ("depthwise.conv", "conv.0.0"),
    ("depthwise.bn", "conv.0.1"),
    ("project.conv", "conv.1"),
    ("project.bn", "conv.2"),
)
_TORCHVISION_BLOCK = (
    ("expand.conv", "conv.0.0"),
    ("expand.bn", "conv.0.1"),
    ("depthwise.conv", "conv.1.0"),
    ("depthwise.bn", "conv.1.1"),
    ("project.conv", "conv.2"),
    ("project.bn", "conv.3"),
)

TORCHVISION: stages.Pairs = (
    ("stem.conv", "features.0.0"),
    ("stem.bn", "features.0.1"),
    *stages.blocks(
        _LAYERS,
        _TORCHVISION_STAGE1,
        _TORCHVISION_BLOCK,
        lambda stage, block, number: f"features.{number + 1}",
    ),
    ("head.conv", "features.18.0"),
    ("head.bn", "features.18.1"),
    ("fc", "classifier.1"),
)

TIMM_STAGE1 = (
    ("depthwise.conv", "conv_dw"),
    ("depthwise.bn", "bn1"),
    ("project.conv", "conv_pw"),
    ("project.bn", "bn2"),
)
TIMM_BLOCK = (
    ("expand.conv", "conv_pw"),
    ("expand.bn", "bn1"),
    ("depthwise.conv", "conv_dw"),
    ("depthwise.bn", "bn2"),
    ("project.conv", "conv_pwl"),
    ("project.bn", "bn3"),
)

TIMM = stages.timm(_LAYERS, TIMM_STAGE1, TIMM_BLOCK)
