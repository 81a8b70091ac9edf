"""MobileNet v1: our modules and timm's, whose stages are numbered from 0."""

_LAYERS = (1, 2, 2, 6, 2)
_BLOCKS = tuple((stage, block) for stage, n in enumerate(_LAYERS, start=1) for block in range(n))
_BLOCK = (
    ("depthwise.conv", "conv_dw"),
    ("depthwise.bn", "bn1"),
    ("pointwise.conv", "conv_pw"),
    ("pointwise.bn", "bn2"),
)

TIMM: tuple[tuple[str, str], ...] = (
    ("stem.conv", "conv_stem"),
    ("stem.bn", "bn1"),
    *(
        (f"stage{stage}.{block}.{ours}", f"blocks.{stage - 1}.{block}.{theirs}")
        for stage, block in _BLOCKS
        for ours, theirs in _BLOCK
    ),
    ("fc", "classifier"),
)
