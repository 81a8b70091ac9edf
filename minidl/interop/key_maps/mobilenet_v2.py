"""MobileNet v2: our modules, and torchvision's and timm's, which are numbered.

torchvision's blocks are counted through from the first stage to the last, behind the stem, which is
features.0; timm's are counted in their stage. The block of stage 1 doesn't expand.
"""

_LAYERS = (1, 2, 3, 4, 3, 3, 1)
_BLOCKS = tuple((stage, block) for stage, n in enumerate(_LAYERS, start=1) for block in range(n))

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

TORCHVISION: tuple[tuple[str, str], ...] = (
    ("stem.conv", "features.0.0"),
    ("stem.bn", "features.0.1"),
    *(
        (f"stage{stage}.{block}.{ours}", f"features.{number}.{theirs}")
        for number, (stage, block) in enumerate(_BLOCKS, start=1)
        for ours, theirs in (_TORCHVISION_STAGE1 if stage == 1 else _TORCHVISION_BLOCK)
    ),
    ("head.conv", "features.18.0"),
    ("head.bn", "features.18.1"),
    ("fc", "classifier.1"),
)

_TIMM_STAGE1 = (
    ("depthwise.conv", "conv_dw"),
    ("depthwise.bn", "bn1"),
    ("project.conv", "conv_pw"),
    ("project.bn", "bn2"),
)
_TIMM_BLOCK = (
    ("expand.conv", "conv_pw"),
    ("expand.bn", "bn1"),
    ("depthwise.conv", "conv_dw"),
    ("depthwise.bn", "bn2"),
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
