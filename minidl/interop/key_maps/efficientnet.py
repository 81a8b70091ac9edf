"""EfficientNet B0 to B7: our modules, and torchvision's and timm's, which are numbered.

One map serves all eight: it has the blocks of the deepest, b7, and names of blocks that a smaller
network doesn't have are not met there. The blocks of stage 1 don't expand.
"""

_LAYERS = (4, 7, 7, 10, 10, 13, 4)  # of b7
_BLOCKS = tuple((stage, block) for stage, n in enumerate(_LAYERS, start=1) for block in range(n))

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

TORCHVISION: tuple[tuple[str, str], ...] = (
    ("stem.conv", "features.0.0"),
    ("stem.bn", "features.0.1"),
    *(
        (f"stage{stage}.{block}.{ours}", f"features.{stage}.{block}.{theirs}")
        for stage, block in _BLOCKS
        for ours, theirs in (_TORCHVISION_STAGE1 if stage == 1 else _TORCHVISION_BLOCK)
    ),
    ("head.conv", "features.8.0"),
    ("head.bn", "features.8.1"),
    ("fc", "classifier.1"),
)

_TIMM_STAGE1 = (
    ("depthwise.conv", "conv_dw"),
    ("depthwise.bn", "bn1"),
    ("se.fc1", "se.conv_reduce"),
    ("se.fc2", "se.conv_expand"),
    ("project.conv", "conv_pw"),
    ("project.bn", "bn2"),
)
_TIMM_BLOCK = (
    ("expand.conv", "conv_pw"),
    ("expand.bn", "bn1"),
    ("depthwise.conv", "conv_dw"),
    ("depthwise.bn", "bn2"),
    ("se.fc1", "se.conv_reduce"),
    ("se.fc2", "se.conv_expand"),
    ("project.conv", "conv_pwl"),
    ("project.bn", "bn3"),
)

TIMM: tuple[tuple[str, str], ...] = (
    ("stem.conv", "conv_stem"),
    ("stem.bn", "bn1"),
    *(
        (f"stage{stage}.{block}.{ours}", f"blocks.{stage - 1}.{block}.{theirs}")
        for stage, block in _BLOCKS
        for ours, theirs in (_TIMM_STAGE1 if stage == 1 else _TIMM_BLOCK)
    ),
    ("head.conv", "conv_head"),
    ("head.bn", "bn2"),
    ("fc", "classifier"),
)
